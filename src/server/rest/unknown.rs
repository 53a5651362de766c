//! Paths and methods that do not exist.

use axum::extract::{OriginalUri, Request};
use axum::response::{Html, IntoResponse, Response};
use http::{Method, StatusCode, header};

use super::failure::Failure;
use crate::base::{Code, Error, text};
use crate::wire::rest::paths;

const PAGE: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>mesheryctl</title>
<h1>This is a mesheryctl server</h1>
<p>It has no web pages. Use it from a terminal: <code>mesheryctl system status</code>, <code>mesheryctl --help</code>.
<p>Its API is described at <a href=\"/api/openapi.json\">/api/openapi.json</a> (a token is wanted).
</html>
";

/// No such path: JSON, or a small page for a browser that is outside the API.
pub(super) async fn path(method: Method, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    let path = uri.path();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if method == Method::GET && !path.starts_with("/api") && accept.contains("text/html") {
        let status = if path == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND };
        return (status, Html(PAGE)).into_response();
    }
    let error = Error::new(Code::RouteNotFound, format!("there is no path {path}"));
    let known = super::routes().iter().flat_map(|route| route.paths).copied().collect::<Vec<_>>();
    let near = text::did_you_mean(path, known);
    Failure(near.into_iter().fold(error, Error::detail)).into_response()
}

/// The path exists, the method does not; axum adds the `Allow` header.
pub(super) async fn method(method: Method, OriginalUri(uri): OriginalUri) -> Failure {
    let path = uri.path();
    let error = Error::new(Code::MethodNotAllowed, format!("{path} does not answer to {method}"));
    Failure(error.remedy(format!("The API is described at {}.", paths::OPENAPI[0])))
}

//! Errors as replies: a true status and the JSON body of this program's other API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::base::{Code, Error, Kind};
use crate::wire::rest::ErrorBody;

/// What handlers return.
pub(super) type Reply<T> = Result<T, Failure>;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        if status.is_server_error() {
            tracing::warn!(code = self.0.code().name(), error = %self.0, "a request failed");
        }
        let report = self.0.report();
        let error = report.message.clone();
        let mut response = (status, Json(ErrorBody { report, error })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"provider\""));
        }
        response
    }
}

/// The status of an error.
pub(super) fn status(error: &Error) -> StatusCode {
    match error.code() {
        Code::AuthSession | Code::AuthRequired => return StatusCode::UNAUTHORIZED,
        Code::LoginFailed => return StatusCode::FORBIDDEN,
        Code::LoginThrottled => return StatusCode::TOO_MANY_REQUESTS,
        Code::MethodNotAllowed => return StatusCode::METHOD_NOT_ALLOWED,
        Code::BodyTooLarge => return StatusCode::PAYLOAD_TOO_LARGE,
        _ => {}
    }
    match error.kind() {
        Kind::Usage => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

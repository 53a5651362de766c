//! Errors as replies: a true status and a JSON body, whatever went wrong.

use std::panic::AssertUnwindSafe;

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header};

use crate::base::{Code, Error, Kind};
use crate::wire::rest::ErrorBody;

/// What handlers return.
pub type Reply<T> = Result<Json<T>, Failure>;

/// An error on its way out.
#[derive(Debug)]
pub struct Failure(pub Error);

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
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mesheryctl\""));
        }
        response
    }
}

/// The status of an error. 401 is for what lets into this server only, never for a cluster's credentials.
pub fn status(error: &Error) -> StatusCode {
    match error.code() {
        Code::AuthRequired | Code::AuthSession => return StatusCode::UNAUTHORIZED,
        Code::OriginRefused | Code::LoginFailed | Code::ClusterForbidden => return StatusCode::FORBIDDEN,
        Code::ServerDraining | Code::ProviderUnreachable => return StatusCode::SERVICE_UNAVAILABLE,
        Code::MethodNotAllowed => return StatusCode::METHOD_NOT_ALLOWED,
        Code::MediaType => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::BodyTooLarge | Code::SourceTooLarge => return StatusCode::PAYLOAD_TOO_LARGE,
        Code::AdapterCannot => return StatusCode::NOT_IMPLEMENTED,
        // What failed is the far side, not this server.
        Code::AdapterRefused if error.kind() == Kind::Failed => return StatusCode::BAD_GATEWAY,
        _ => {}
    }
    match error.kind() {
        Kind::Usage => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::Unreachable | Kind::Auth => StatusCode::BAD_GATEWAY,
        Kind::Failed | Kind::Partial | Kind::Breached | Kind::Internal | Kind::Interrupted | Kind::Terminated => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// A panic in a handler becomes an error of that one request.
pub(super) async fn contain(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Failure(Error::internal("the server failed while it answered this request")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_the_kind_and_only_our_own_token_gives_401() {
        let of = |code| status(&Error::new(code, "x")).as_u16();
        assert_eq!(of(Code::AuthRequired), 401);
        assert_eq!(of(Code::ClusterAuth), 502);
        assert_eq!(of(Code::OriginRefused), 403);
        assert_eq!(of(Code::PatternNotFound), 404);
        assert_eq!(of(Code::PatternGrammar), 422);
        assert_eq!(of(Code::RequestInvalid), 400);
        assert_eq!(of(Code::StoreFailed), 500);
        assert_eq!(of(Code::ServerDraining), 503);
        assert_eq!(of(Code::AuthSession), 401);
        assert_eq!(of(Code::ProviderUnreachable), 503, "nobody is logged out because a provider is down");
    }
}

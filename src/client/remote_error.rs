//! What a failed reply says, in every form servers of this API have spoken: our report, the JSON object of 2026,
//! plain text, HTML and redirects to a login page.

use http::response::Parts;
use http::{StatusCode, header};
use serde::Deserialize;

use crate::base::error::Report;
use crate::base::{Code, Error, Kind};

/// Text of a reply longer than this is cut: it is shown to a person.
const TEXT_LIMIT: usize = 2_000;

/// The JSON error object of the 2026 server.
#[derive(Deserialize)]
struct Upstream {
    error: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default, rename = "longDescription")]
    long_description: Vec<String>,
    #[serde(default, rename = "probableCause")]
    probable_cause: Vec<String>,
    #[serde(default, rename = "suggestedRemediation")]
    suggested_remediation: Vec<String>,
}

/// The error in a reply that is not a success, or is HTML.
pub fn read(server: &str, parts: &Parts, body: &[u8]) -> Error {
    if is_login(parts) {
        return Error::new(Code::AuthRequired, format!("{server} answered with a login page instead of data"))
            .because("the token is missing, wrong or expired");
    }
    if let Ok(report) = serde_json::from_slice::<Report>(body) {
        return Error::from(report);
    }
    let error = match serde_json::from_slice::<Upstream>(body) {
        Ok(upstream) => from_upstream(upstream, parts.status),
        Err(_) => from_text(server, parts.status, body),
    };
    error.kind_of(kind(parts.status))
}

fn is_login(parts: &Parts) -> bool {
    let html = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    parts.status.is_redirection()
        || (parts.status.is_success() && html.is_some_and(|kind| kind.trim_start().starts_with("text/html")))
}

fn from_upstream(upstream: Upstream, status: StatusCode) -> Error {
    let mut error = Error::new(code(status), upstream.error).details(upstream.long_description);
    if let Some(code) = upstream.code {
        error = error.detail(format!("code given by the server: {code}"));
    }
    if !upstream.probable_cause.is_empty() {
        error = error.because(upstream.probable_cause.join(" "));
    }
    if !upstream.suggested_remediation.is_empty() {
        error = error.remedy(upstream.suggested_remediation.join(" "));
    }
    error
}

fn from_text(server: &str, status: StatusCode, body: &[u8]) -> Error {
    let text: String = String::from_utf8_lossy(body).trim().chars().take(TEXT_LIMIT).collect();
    let error = Error::new(code(status), format!("{server} answered with {status}"));
    if text.is_empty() || text.starts_with('<') { error } else { error.because(text) }
}

fn code(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::AuthRequired,
        _ => Code::RemoteError,
    }
}

fn kind(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Auth,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Kind::Unreachable,
        _ => Kind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, kind: &str, body: &str) -> Error {
        let response = http::Response::builder().status(status).header("content-type", kind).body(()).unwrap();
        read("http://localhost:9081", &response.into_parts().0, body.as_bytes())
    }

    #[test]
    fn our_own_report_comes_back_whole() {
        let sent = Error::new(Code::PatternNotFound, "no pattern `x`").detail("did you mean y?");
        let body = serde_json::to_string(&sent.report()).unwrap();
        assert_eq!(reply(404, "application/json", &body).report(), sent.report());
    }

    #[test]
    fn the_form_of_2026_keeps_cause_and_remedy() {
        let error = reply(
            500,
            "application/json; charset=utf-8",
            r#"{"error":"cannot deploy","code":"meshery-server-1287","probableCause":["no cluster"],"suggestedRemediation":["add one"]}"#,
        );
        let report = error.report();
        assert_eq!((report.message.as_str(), report.probable_cause.as_deref()), ("cannot deploy", Some("no cluster")));
        assert_eq!(report.suggested_remediation.as_deref(), Some("add one"));
        assert!(report.details[0].contains("meshery-server-1287"), "{report:?}");
    }

    #[test]
    fn plain_text_is_quoted_and_the_status_decides_the_kind() {
        let error = reply(404, "text/plain", "record not found\n");
        assert_eq!((error.code(), error.kind()), (Code::RemoteError, Kind::NotFound));
        assert_eq!(error.report().probable_cause.as_deref(), Some("record not found"));
        assert_eq!(reply(401, "text/plain", "").code(), Code::AuthRequired);
    }

    #[test]
    fn login_pages_are_authentication_errors() {
        assert_eq!(reply(302, "text/html", "<a>Found</a>").code(), Code::AuthRequired);
        assert_eq!(reply(200, "text/html; charset=utf-8", "<html>").code(), Code::AuthRequired);
        assert_eq!(reply(502, "text/html", "<html>bad gateway").kind(), Kind::Unreachable);
    }
}

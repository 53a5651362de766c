//! The one request that is sent over and over, as it stands on the wire.

use std::fmt::Write;
use url::Url;

use crate::base::{Code, Error, Result};
use crate::model::performance::plan::{Plan, Reuse};

/// The URL that the program connects to: it is seen by everybody who lists processes, so it is nothing but the address.
pub(super) fn address(url: &Url) -> String {
    format!("{}://{}/", url.scheme(), authority(url))
}

/// Host and port as the `Host` field has them: the port where it is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The request.
///
/// # Errors
/// [`Code::GeneratorOption`] for a header field or a method that would end its line.
pub(super) fn bytes(plan: &Plan, url: &Url) -> Result<Vec<u8>> {
    let request = &plan.request;
    let mut fields: Vec<(&str, String)> =
        request.headers.iter().map(|header| (header.name.as_str(), header.value.clone())).collect();
    let has = |fields: &[(&str, String)], name: &str| fields.iter().any(|field| field.0.eq_ignore_ascii_case(name));
    if !has(&fields, "host") {
        fields.insert(0, ("Host", authority(url)));
    }
    if !request.cookies.is_empty() {
        let cookies: Vec<String> = request.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.push(("Cookie", cookies.join("; ")));
    }
    if let Some(kind) = request.content_type.as_ref().filter(|_| !request.body.is_empty()) {
        fields.push(("Content-Type", kind.clone()));
    }
    if !request.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&request.method.as_str()) {
        fields.push(("Content-Length", request.body.len().to_string()));
    }
    if plan.reuse == Reuse::PerRequest {
        fields.push(("Connection", "close".to_owned()));
    }
    if !url.username().is_empty() && !has(&fields, "authorization") {
        fields.push(("Authorization", basic(url)));
    }
    lines(plan, url, &fields)
}

fn lines(plan: &Plan, url: &Url, fields: &[(&str, String)]) -> Result<Vec<u8>> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut text = format!("{} {path} HTTP/1.1\r\n", plan.request.method);
    let ends = |value: &str| value.contains(['\r', '\n', '\0']);
    if ends(&plan.request.method) {
        return Err(Error::new(Code::GeneratorOption, "the method holds the end of a line"));
    }
    for (name, value) in fields {
        if ends(name) || ends(value) {
            return Err(Error::new(
                Code::GeneratorOption,
                format!("the header field `{}` holds the end of a line", name.escape_debug()),
            ));
        }
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    Ok([text.into_bytes(), plan.request.body.clone()].concat())
}

fn basic(url: &Url) -> String {
    use base64::Engine;
    let pair = format!("{}:{}", url.username(), url.password().unwrap_or_default());
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Header, Request};

    fn text(request: Request, url: &str) -> String {
        let plan = Plan { request, ..Plan::default() };
        String::from_utf8(bytes(&plan, &Url::parse(url).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn the_request_carries_all_that_the_plan_says() {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let request = Request {
            method: "POST".into(),
            headers: vec![header("X-A", "1"), header("X-A", "2")],
            cookies: [("c".to_owned(), "d".to_owned())].into(),
            body: b"hi".to_vec(),
            content_type: Some("text/plain".into()),
        };
        let expected = "POST /p?q=1 HTTP/1.1\r\nHost: h:81\r\nX-A: 1\r\nX-A: 2\r\nCookie: c=d\r\n\
                        Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(text(request, "http://h:81/p?q=1#f"), expected);
        assert_eq!(text(Request::default(), "http://h"), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    }

    #[test]
    fn the_address_tells_nothing_and_userinfo_becomes_a_field() {
        let url = Url::parse("https://user:pass@h/secret?token=1").unwrap();
        assert_eq!(address(&url), "https://h/");
        assert!(text(Request::default(), url.as_str()).contains("Authorization: Basic dXNlcjpwYXNz\r\n"));
    }

    #[test]
    fn a_field_that_would_end_its_line_is_refused() {
        let headers = vec![Header { name: "A".into(), value: "b\r\nC: d".into() }];
        let plan = Plan { request: Request { headers, ..Request::default() }, ..Plan::default() };
        assert!(bytes(&plan, &Url::parse("http://h/").unwrap()).is_err());
    }
}

//! One exchange: build the request, send it, read the reply or the error in it.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{Method, Request, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Body, Client, remote_error};
use crate::base::{Code, Error, Result, id};

/// Replies larger than this are refused: no reply of this API comes near it.
const REPLY_LIMIT: usize = 256 << 20;

impl Client {
    /// `GET path`, read as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = request(Method::GET, path, Bytes::new())?;
        self.json(request).await
    }

    /// A request with a JSON body, its reply read as JSON.
    pub(crate) async fn send_json<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::internal("a request cannot be written as JSON").because(error))?;
        let mut request = request(method, path, body.into())?;
        request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        self.json(request).await
    }

    /// A form with text fields (`multipart/form-data`, RFC 7578), its reply read as JSON.
    pub(crate) async fn send_form<T: DeserializeOwned>(&self, path: &str, fields: &[(&str, &str)]) -> Result<T> {
        let boundary = format!("mesheryctl-{}", id::short());
        let part = |(name, text): &(&str, &str)| {
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let body: String = fields.iter().map(part).chain([format!("--{boundary}--\r\n")]).collect();
        let kind = header::HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
            .map_err(|error| Error::internal("a form's boundary is not a header").because(error))?;
        let mut request = request(Method::POST, path, body.into())?;
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        self.json(request).await
    }

    /// A request without body, its reply read as JSON.
    pub(crate) async fn send_empty<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T> {
        self.json(request(method, path, Bytes::new())?).await
    }

    /// Opens a stream of server-sent events; `after` is the last event seen.
    pub(crate) async fn open_events(&self, path: &str, after: Option<i64>) -> Result<Body> {
        let mut request = request(Method::GET, path, Bytes::new())?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("text/event-stream"));
        if let Some(after) = after {
            headers.insert("last-event-id", header::HeaderValue::from(after));
        }
        let response = self.transport.send(request).await?;
        let response = self.checked(response).await?;
        Ok(response.into_body())
    }

    async fn json<T: DeserializeOwned>(&self, request: Request<Bytes>) -> Result<T> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let response = self.transport.send(request).await?;
        let response = self.checked(response).await?;
        let body = collect(response.into_body()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Error::new(Code::RemoteError, format!("the reply of {} to {what} is not what was expected", self.name()))
                .because(error)
                .remedy("Compare client and server with `mesheryctl version`.")
        })
    }

    async fn checked(&self, response: Response<Body>) -> Result<Response<Body>> {
        if response.status().is_success() && !is_html(&response) {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = collect(body).await.unwrap_or_default();
        let error = remote_error::read(self.name(), &parts, &body);
        let refused = matches!(error.code(), Code::AuthRequired | Code::AuthSession);
        Err(if refused { self.transport.refused(error) } else { error })
    }
}

fn is_html(response: &Response<Body>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("text/html"))
}

fn request(method: Method, path: &str, body: Bytes) -> Result<Request<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, "application/json")
        .body(body)
        .map_err(|error| Error::internal(format!("`{path}` is not a request path")).because(error))
}

/// The whole body, up to [`REPLY_LIMIT`].
pub(crate) async fn collect(mut body: Body) -> Result<Bytes> {
    let mut all = BytesMut::new();
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk?);
        if all.len() > REPLY_LIMIT {
            return Err(Error::new(Code::RemoteError, "the server's reply is larger than 256 MiB"));
        }
    }
    Ok(all.freeze())
}

/// A path with query parameters; values are percent-encoded.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(key, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// One path segment, percent-encoded: what a user gave never becomes more than one segment.
pub(crate) fn segment(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        use std::fmt::Write;
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_give_stays_in_its_segment_or_parameter() {
        assert_eq!(segment("a/../b c?d#e"), "a%2F..%2Fb%20c%3Fd%23e");
        assert_eq!(with_query("/p", &[("search", "a&b=c"), ("page", "0"), ("x", "")]), "/p?search=a%26b%3Dc&page=0");
        assert_eq!(with_query("/p", &[("x", "")]), "/p");
    }
}

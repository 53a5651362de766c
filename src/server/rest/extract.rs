//! What handlers read from a request; every refusal is one of our errors.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::BODY_LIMIT;
use super::failure::Failure;
use crate::base::error::Place;
use crate::base::{Code, Error, Result};

/// Query parameters in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// From the text behind the `?`.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first non-empty value under one of the names.
    pub fn get(&self, names: &[&str]) -> Option<&str> {
        let named = |pair: &&(String, String)| names.contains(&pair.0.as_str()) && !pair.1.is_empty();
        self.0.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// Every value under the name; each may hold several, separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        let parts = values.flat_map(|(_, value)| value.split(','));
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Every non-empty value under the name, as it is.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone()).collect()
    }

    /// The value as a number.
    pub fn number<T: std::str::FromStr>(&self, names: &[&str]) -> Result<Option<T>> {
        let Some(text) = self.get(names) else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            Error::new(Code::RequestInvalid, format!("query parameter `{}` is `{text}`, not a number", names[0]))
        })?;
        Ok(Some(number))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The `{id}` of a path as text.
#[derive(Debug, Clone)]
pub struct Id(pub String);

impl Id {
    /// The id as a UUID, where it is one.
    pub fn uuid(&self) -> Option<Uuid> {
        Uuid::parse_str(&self.0).ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(id) = path.map_err(|error| {
            Failure(Error::new(Code::RequestInvalid, "the id in the path cannot be read").because(error))
        })?;
        Ok(Self(id))
    }
}

/// A whole body, with what its sender calls it.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Media type in lower case without parameters; empty when the request does not say.
    pub media: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Raw {
    /// The body as text.
    pub fn text(&self) -> Result<String> {
        String::from_utf8(self.bytes.to_vec())
            .map_err(|error| Error::new(Code::RequestInvalid, "the body is not UTF-8").because(error.utf8_error()))
    }

    /// The body as JSON of a type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let bytes: &[u8] = if self.bytes.is_empty() { b"null" } else { &self.bytes };
        serde_json::from_slice(bytes).map_err(|error| malformed(&error))
    }

    /// Whether the sender calls it JSON.
    pub fn is_json(&self) -> bool {
        self.media == "application/json" || self.media.ends_with("+json")
    }
}

fn malformed(error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    let place = Place { file: "request body".to_owned(), line: Some(error.line()), column: Some(error.column()) };
    let what = if error.is_data() { "the JSON body does not have the expected shape" } else { "the body is not JSON" };
    Error::new(Code::RequestInvalid, what).at(place).because(reason)
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let media = media(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| Failure(unread(&rejection)))?;
        Ok(Self { media, bytes })
    }
}

fn media(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn unread(rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = BODY_LIMIT >> 20;
        return Error::new(Code::BodyTooLarge, format!("the request's body is larger than {limit} MiB"));
    }
    Error::new(Code::RequestInvalid, "the request's body broke off").because(rejection)
}

/// A JSON body; other media types are refused, a missing one is taken for JSON.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let raw = Raw::from_request(request, state).await?;
        if !raw.media.is_empty() && !raw.is_json() {
            return Err(Failure(refuse(&raw.media, "application/json")));
        }
        Ok(Self(raw.json()?))
    }
}

/// The error for a media type that a path does not read.
pub(super) fn refuse(media: &str, wanted: &str) -> Error {
    Error::new(Code::MediaType, format!("a body of type `{media}` cannot be read here"))
        .because(format!("this path reads {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_found_under_any_of_their_names() {
        let query = Query::parse("page=&pageSize=7&contexts=a,b&contexts=c%2Cd&x=%zz");
        assert_eq!(query.number::<u64>(&["page_size", "pageSize"]).unwrap(), Some(7));
        assert_eq!(query.number::<u64>(&["page"]).unwrap(), None);
        assert_eq!(query.list("contexts"), ["a", "b", "c", "d"]);
        let error = query.number::<u64>(&["x"]).unwrap_err();
        assert!(error.message().contains("`x` is `%zz`"), "{error}");
    }

    #[test]
    fn malformed_json_is_placed() {
        let raw = Raw { media: String::new(), bytes: Bytes::from_static(b"{\"a\": 1,\n  oops}") };
        let error = raw.json::<serde_json::Value>().unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((place.line, place.column), (Some(2), Some(3)));
        assert_eq!(error.code(), Code::RequestInvalid);
        let raw = Raw { media: String::new(), bytes: Bytes::new() };
        assert_eq!(raw.json::<u8>().unwrap_err().message(), "the JSON body does not have the expected shape");
    }
}

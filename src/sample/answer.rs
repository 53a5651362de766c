//! The shapes in which objects are answered: themselves, their metadata alone, or a table.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::kind::Kind;
use super::status::Failure;
use super::{convert, object, table};

/// What the `Accept` header asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// `Table`, `PartialObjectMetadata`, `APIGroupDiscoveryList` and the like; empty for plain objects.
    pub shape: String,
    /// Version of that shape.
    pub version: String,
    /// Whether plain JSON is acceptable.
    pub json: bool,
}

impl Form {
    /// Picks the first JSON form; protocol buffers are not spoken.
    pub fn parse(accept: &str) -> Form {
        for part in accept.split(',') {
            let mut words = part.split(';').map(str::trim);
            let media = words.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                continue;
            }
            let parameter = |name: &str| part.split(';').map(str::trim).find_map(|word| word.strip_prefix(name));
            if let Some(shape) = parameter("as=") {
                let version = parameter("v=").unwrap_or_default().to_owned();
                return Form { shape: shape.to_owned(), version, json: true };
            }
            return Form { json: true, ..Form::default() };
        }
        Form { json: accept.trim().is_empty(), ..Form::default() }
    }

    fn is(&self, shape: &str) -> bool {
        self.shape == shape
    }
}

/// An answer.
pub struct Reply {
    code: StatusCode,
    content_type: String,
    body: Vec<u8>,
    warnings: Vec<String>,
}

const JSON: &str = "application/json";

impl Reply {
    /// A JSON value.
    pub fn json(code: StatusCode, value: &Value) -> Reply {
        Reply { code, content_type: JSON.to_owned(), body: line(value), warnings: Vec::new() }
    }

    /// A JSON value of another content type.
    pub fn typed(content_type: &str, value: &Value) -> Reply {
        Reply { content_type: content_type.to_owned(), ..Reply::json(StatusCode::OK, value) }
    }

    /// Plain text.
    pub fn text(code: StatusCode, text: &str) -> Reply {
        let content_type = "text/plain; charset=utf-8".to_owned();
        Reply { code, content_type, body: text.as_bytes().to_vec(), warnings: Vec::new() }
    }

    /// A failed call.
    pub fn failure(failure: &Failure) -> Reply {
        let code = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply::json(code, &failure.to_value())
    }

    /// Warnings that kubectl prints.
    pub fn warn(mut self, warnings: Vec<String>) -> Reply {
        self.warnings = warnings;
        self
    }

    /// A stream of JSON lines.
    pub fn stream(form: &Form, body: Body) -> Response {
        let mut response = Response::new(body);
        let content_type = if form.is("Table") {
            HeaderValue::from_static("application/json;as=Table;g=meta.k8s.io;v=v1;stream=watch")
        } else {
            HeaderValue::from_static("application/json;stream=watch")
        };
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }

    /// As HTTP.
    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&self.content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        for warning in self.warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
                headers.append(header::WARNING, value);
            }
        }
        response
    }
}

/// One line of JSON.
pub fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// One object in the asked-for form.
pub fn one(kind: &Kind, value: &Value, form: &Form) -> Value {
    let mut value = value.clone();
    convert::from_stored(kind, &mut value);
    if form.is("Table") {
        let version = object::text(&value, &["metadata", "resourceVersion"]).to_owned();
        return table::of(kind, &[value], &json!({"resourceVersion": version}));
    }
    if form.is("PartialObjectMetadata") || form.is("PartialObjectMetadataList") {
        return partial(&value);
    }
    value
}

fn partial(value: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]})
}

/// A list of objects in the asked-for form.
pub fn many(kind: &Kind, values: &[Arc<Value>], metadata: &Value, form: &Form) -> Value {
    let shown = values.iter().map(|value| {
        let mut value = (**value).clone();
        convert::from_stored(kind, &mut value);
        value
    });
    if form.is("Table") {
        return table::of(kind, &shown.collect::<Vec<_>>(), metadata);
    }
    if form.is("PartialObjectMetadataList") || form.is("PartialObjectMetadata") {
        let items: Vec<Value> = shown.map(|value| partial(&value)).collect();
        return json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "items": items});
    }
    // Items of built-in lists say no kind of their own, as in the real server.
    let items: Vec<Value> = shown
        .map(|mut value| {
            if kind.custom.is_none() {
                let fields = object::ensure(&mut value);
                fields.shift_remove("kind");
                fields.shift_remove("apiVersion");
            }
            value
        })
        .collect();
    json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_picks_the_first_json_form() {
        let form = Form::parse("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        assert_eq!((form.shape.as_str(), form.version.as_str(), form.json), ("Table", "v1", true));
        let form = Form::parse("application/vnd.kubernetes.protobuf,application/json");
        assert_eq!((form.shape.as_str(), form.json), ("", true));
        assert!(!Form::parse("application/vnd.kubernetes.protobuf").json);
        assert!(Form::parse("").json);
    }
}

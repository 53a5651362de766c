//! Applying, deleting and looking at patterns: reads the request in every form, [`crate::server::deploy`] does it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::extract::{Body, Query, Raw, refuse};
use super::failure::{Failure, Reply};
use super::patterns::YAML;
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::server::{Caller, Sender, Shared, deploy};
use crate::wire::rest::{Accepted, DeployRequest, PatternStatus, StatusRequest, paths};

const QUERY: &[(&str, &str)] = &[("contexts", "Kubernetes contexts; repeatable, or separated by commas")];

pub(super) fn routes() -> Vec<Route> {
    let body = || Payload { media: &["application/json", "application/yaml"], ..Payload::json::<DeployRequest>() };
    let accepted = || Payload::json::<Accepted>();
    vec![
        Route::post::<Accepted, _, _>(paths::PATTERN_DEPLOY, "applyPattern", "Begins to apply a pattern", apply)
            .query(QUERY)
            .reads(body())
            .replies(StatusCode::ACCEPTED, accepted()),
        Route::delete::<Accepted, _, _>(
            paths::PATTERN_DEPLOY,
            "unapplyPattern",
            "Begins to delete what a pattern applied",
            delete,
        )
        .query(QUERY)
        .reads(body())
        .replies(StatusCode::ACCEPTED, accepted()),
        Route::post::<PatternStatus, _, _>(
            paths::PATTERN_STATUS,
            "getPatternStatus",
            "Live state of an applied pattern",
            status,
        )
        .body::<StatusRequest>(),
    ]
}

async fn apply(
    State(state): State<Shared>,
    caller: Caller,
    sender: Sender,
    query: Query,
    body: Raw,
) -> Result<Response, Failure> {
    let (request, status) = read(&query, &body)?;
    caller.may_name(request.kubeconfig.as_deref())?;
    let accepted = deploy::apply(&state, sender, request).await?;
    Ok((status, Json(accepted)).into_response())
}

async fn delete(
    State(state): State<Shared>,
    caller: Caller,
    sender: Sender,
    query: Query,
    body: Raw,
) -> Result<Response, Failure> {
    let (request, status) = read(&query, &body)?;
    caller.may_name(request.kubeconfig.as_deref())?;
    let accepted = deploy::delete(&state, sender, request).await?;
    Ok((status, Json(accepted)).into_response())
}

async fn status(
    State(state): State<Shared>,
    caller: Caller,
    Body(request): Body<StatusRequest>,
) -> Reply<PatternStatus> {
    caller.may_name(request.kubeconfig.as_deref())?;
    Ok(Json(deploy::status(&state, request).await?))
}

/// The request and the status of its reply: 200 for a pattern sent as it is, because the clients that do so take
/// nothing else for success; 202 otherwise.
fn read(query: &Query, body: &Raw) -> Result<(DeployRequest, StatusCode)> {
    let (mut request, status) = if is_request(body) {
        (body.json::<DeployRequest>()?, StatusCode::ACCEPTED)
    } else {
        let media = body.media.as_str();
        let form = media == "application/x-www-form-urlencoded";
        if !media.is_empty() && !body.is_json() && !YAML.contains(&media) && !form {
            return Err(refuse(media, "application/json and application/yaml"));
        }
        let request = DeployRequest { pattern_file: Some(body.text()?), ..DeployRequest::default() };
        (request, StatusCode::OK)
    };
    request.contexts.extend(query.list("contexts"));
    let empty = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    if empty(&request.pattern_file) && empty(&request.pattern_id) {
        return Err(Error::new(Code::RequestInvalid, "the request names no pattern")
            .remedy("Send `pattern_file` or `pattern_id`, or the pattern itself as YAML."));
    }
    Ok((request, status))
}

/// Whether a body is a request rather than a pattern in JSON or YAML.
fn is_request(body: &Raw) -> bool {
    const KEYS: &[&str] = &["pattern_file", "patternFile", "pattern_id", "patternId"];
    match serde_json::from_slice::<serde_json::Value>(&body.bytes) {
        Ok(serde_json::Value::Object(keys)) => KEYS.iter().any(|key| keys.contains_key(*key)) || keys.is_empty(),
        Ok(_) => body.is_json(),
        Err(_) => body.is_json() && !body.bytes.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn raw(media: &str, text: &'static str) -> Raw {
        Raw { media: media.into(), bytes: Bytes::from_static(text.as_bytes()) }
    }

    #[test]
    fn contexts_of_body_and_query_are_one_list() {
        let body = raw("application/json", r#"{"patternFile": "name: a", "contexts": ["one"]}"#);
        let (request, status) = read(&Query::parse("contexts=two,three"), &body).unwrap();
        assert_eq!((request.contexts.len(), status), (3, StatusCode::ACCEPTED));
    }

    #[test]
    fn a_pattern_sent_as_it_is_gets_the_status_its_clients_know() {
        for (media, text) in [("", "name: a"), ("text/yaml", "name: a"), ("application/json", r#"{"name": "a"}"#)] {
            let (request, status) = read(&Query::default(), &raw(media, text)).unwrap();
            assert_eq!((request.pattern_file.as_deref(), status), (Some(text), StatusCode::OK), "{media}");
        }
    }

    #[test]
    fn nothing_to_apply_and_foreign_types_are_refused() {
        let code = |media, text| read(&Query::default(), &raw(media, text)).unwrap_err().code();
        assert_eq!(code("", ""), Code::RequestInvalid);
        assert_eq!(code("application/json", "{}"), Code::RequestInvalid);
        assert_eq!(code("application/json", "{oops"), Code::RequestInvalid);
        assert_eq!(code("image/png", "name: a"), Code::MediaType);
    }
}

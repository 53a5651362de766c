//! Adapters: which there are, whether they answer, and operations of theirs.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::extract::{Query, Raw, refuse};
use super::failure::{Failure, Reply};
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::model::adapter::Adapter;
use crate::plane;
use crate::server::{Shared, adapters};
use crate::wire::rest::adapter::{
    AdapterAccepted, AdapterOperationRequest, AdapterReply, AvailableAdapter, ManageAdapterRequest,
};
use crate::wire::rest::paths;

const FORM: &str = "application/x-www-form-urlencoded";
const ADAPTER: (&str, &str) = ("adapter", "address of an adapter, `host:port`, or its name");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<AdapterReply, _, _>(
            paths::ADAPTERS,
            "listAdapters",
            "Adapters the plane knows, each with its state; with `adapter`, that one, asked now",
            list,
        )
        .query(&[ADAPTER]),
        Route::get::<Adapter, _, _>(paths::ADAPTER_PING, "pingAdapter", "Asks an adapter now", ping).query(&[ADAPTER]),
        Route::post::<Vec<Adapter>, _, _>(
            paths::ADAPTER_MANAGE,
            "addAdapter",
            "Adds an adapter, which must answer unless `force` is set; gives all",
            add,
        )
        .reads(either::<ManageAdapterRequest>()),
        Route::delete::<Vec<Adapter>, _, _>(
            paths::ADAPTER_MANAGE,
            "removeAdapter",
            "Removes an adapter; gives the others",
            remove,
        )
        .query(&[ADAPTER]),
        Route::post::<AdapterAccepted, _, _>(
            paths::ADAPTER_OPERATION,
            "runAdapterOperation",
            "Lets an adapter begin an operation; its outcome is told in the event log",
            operation,
        )
        .query(&[("contexts", "Kubernetes contexts; repeatable, or separated by commas")])
        .reads(either::<AdapterOperationRequest>())
        .replies(StatusCode::ACCEPTED, Payload::json::<AdapterAccepted>()),
        Route::get::<Vec<AvailableAdapter>, _, _>(
            paths::ADAPTERS_AVAILABLE,
            "listAvailableAdapters",
            "Adapters there are, known to the plane or not, with their usual ports",
            available,
        ),
    ]
}

fn either<T: schemars::JsonSchema>() -> Payload {
    Payload { media: &["application/json", FORM], ..Payload::json::<T>() }
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<AdapterReply> {
    Ok(Json(match query.get(&["adapter"]) {
        Some(name) => AdapterReply::One(Box::new(adapters::ping(&state, name).await?)),
        None => AdapterReply::All(adapters::list(&state).await?),
    }))
}

async fn ping(State(state): State<Shared>, query: Query) -> Reply<Adapter> {
    Ok(Json(adapters::ping(&state, wanted(&query)?).await?))
}

async fn add(State(state): State<Shared>, query: Query, body: Raw) -> Reply<Vec<Adapter>> {
    let request = read(&body, manage_form)?;
    let given = Some(request.location.as_str()).filter(|text| !text.trim().is_empty());
    let Some(location) = given.or_else(|| query.get(&["meshLocationURL", "adapter"])) else {
        return Err(Error::new(Code::RequestInvalid, "the request names no adapter (`meshLocationURL`)").into());
    };
    Ok(Json(adapters::add(&state, location, request.force).await?))
}

async fn remove(State(state): State<Shared>, query: Query) -> Reply<Vec<Adapter>> {
    Ok(Json(adapters::remove(&state, wanted(&query)?).await?))
}

/// 200 to a form, because the clients that send one take nothing else for success; 202 otherwise.
async fn operation(State(state): State<Shared>, query: Query, body: Raw) -> Result<Response, Failure> {
    let mut request = read(&body, operation_form)?;
    request.contexts.extend(query.list("contexts"));
    let accepted = adapters::apply(&state, request).await?;
    let status = if body.media == FORM { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(accepted)).into_response())
}

async fn available() -> Json<Vec<AvailableAdapter>> {
    let row = |adapter: &plane::adapter::Adapter| AvailableAdapter {
        name: adapter.name.to_owned(),
        adapter_location: adapter.port.to_string(),
        location_2026: adapter.port.to_string(),
    };
    Json(plane::adapter::ALL.iter().map(row).collect())
}

fn wanted(query: &Query) -> Result<&str> {
    query.get(&["adapter"]).ok_or_else(|| Error::new(Code::RequestInvalid, "query parameter `adapter` is missing"))
}

/// A body in either form; an empty one says nothing.
fn read<T: DeserializeOwned + Default>(body: &Raw, form: fn(&Query) -> T) -> Result<T> {
    match body.media.as_str() {
        _ if body.bytes.is_empty() => Ok(T::default()),
        FORM => Ok(form(&Query::parse(&body.text()?))),
        media if media.is_empty() || body.is_json() => body.json(),
        media => Err(refuse(media, "application/json and application/x-www-form-urlencoded")),
    }
}

fn manage_form(form: &Query) -> ManageAdapterRequest {
    ManageAdapterRequest {
        location: form.get(&["meshLocationURL", "adapter"]).unwrap_or_default().to_owned(),
        force: is_set(form, "force"),
    }
}

fn operation_form(form: &Query) -> AdapterOperationRequest {
    let text = |names: &[&str]| form.get(names).unwrap_or_default().to_owned();
    AdapterOperationRequest {
        adapter: text(&["adapter"]),
        operation: text(&["query", "operation"]),
        namespace: text(&["namespace"]),
        custom_body: text(&["customBody", "custom_body"]),
        delete: is_set(form, "deleteOp"),
        version: text(&["version"]),
        contexts: form.list("contexts"),
    }
}

/// Any value counts, as it ever did, but the words for no.
fn is_set(form: &Query, name: &str) -> bool {
    form.get(&[name]).is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "false" | "off" | "no" | "0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    #[test]
    fn the_form_of_2021_and_json_say_the_same() {
        let read = |media: &str, text: &'static str| {
            read(&Raw { media: media.into(), bytes: Bytes::from_static(text.as_bytes()) }, operation_form).unwrap()
        };
        let form = read(FORM, "adapter=meshery-istio%3A10000&query=istio&customBody=&namespace=shop&deleteOp=on");
        let json = read(
            "application/json",
            r#"{"adapter": "meshery-istio:10000", "operation": "istio", "namespace": "shop", "delete": true}"#,
        );
        assert_eq!(form, json);
        assert!(!read(FORM, "adapter=a&query=b&deleteOp=").delete);
        assert!(!read(FORM, "adapter=a&query=b&deleteOp=false").delete);
    }
}

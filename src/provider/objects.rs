//! What users keep: one set of handlers for every sort of object. Objects are stored as they are sent; only their id and
//! name are looked at.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Shared;
use super::failure::Reply;
use crate::base::{Code, Error, Result};
use crate::store::accounts::objects::{NewObject, Object, Shelf, Wanted};
use crate::store::order::Direction;
use crate::store::page::{DEFAULT_SIZE, Page};
use crate::store::patterns::OrderBy;
use crate::wire::provider::{Answer, FEATURES, Feature, METRICS, PREFERENCES, PROFILE_RESULTS};

/// Collection that holds the one object of preferences.
const SETTINGS: &str = "preferences";
/// Longest id of an object.
const LONGEST_ID: usize = 200;
/// Rows of a page at most.
const LARGEST_PAGE: u64 = 1_000;

/// The routes of every feature.
pub(super) fn routes() -> Router<Shared> {
    let mut router = Router::new();
    for feature in FEATURES {
        let list = get(move |state, headers, query| list(feature, state, headers, query))
            .post(move |state, headers, body| save(feature, None, (state, headers, body)));
        let one = get(move |state, headers, id| one(feature, state, headers, id))
            .delete(move |state, headers, id| delete(feature, state, headers, id));
        router = router.route(feature.endpoint, list).route(&format!("{}/{{id}}", feature.endpoint), one);
    }
    router
        .route(PROFILE_RESULTS, get(results).post(save_result))
        .route(PREFERENCES, get(preferences).put(set_preferences).post(set_preferences))
        .route(METRICS, put(set_metrics))
}

fn feature(name: &str) -> &'static Feature {
    FEATURES.iter().find(|feature| feature.name == name).unwrap_or(&FEATURES[0])
}

/// Whose objects of which feature a request means.
async fn shelf<'a>(state: &Shared, headers: &HeaderMap, collection: &'a str) -> Result<Shelf<'a>> {
    Ok(Shelf { user: state.sender(headers).await?.account.id, collection })
}

async fn list(
    feature: &'static Feature,
    Extract(state): Extract<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Reply<Json<Value>> {
    let shelf = shelf(&state, &headers, feature.plural).await?;
    page_of(&state, feature, shelf, (query.as_deref().unwrap_or_default(), None)).await
}

async fn results(
    Extract(state): Extract<Shared>,
    headers: HeaderMap,
    Path(profile): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply<Json<Value>> {
    let feature = feature("persist-results");
    let shelf = shelf(&state, &headers, feature.plural).await?;
    page_of(&state, feature, shelf, (query.as_deref().unwrap_or_default(), Some(&profile))).await
}

async fn page_of(
    state: &Shared,
    feature: &Feature,
    shelf: Shelf<'_>,
    (query, parent): (&str, Option<&str>),
) -> Reply<Json<Value>> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let value = |names: &[&str]| {
        let found = pairs.iter().find(|(key, value)| names.contains(&key.as_str()) && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let page = page(value(&["page"]), value(&["page_size", "pageSize", "pagesize"]))?;
    let default = (OrderBy::UpdatedAt, Direction::Descending);
    let order = value(&["order"]).and_then(OrderBy::parse).unwrap_or(default);
    let wanted = Wanted { page, search: value(&["search"]).unwrap_or_default(), order, parent };
    let (rows, total) = state.accounts.objects().list(shelf, wanted).await?;
    let rows: Vec<Value> = rows.into_iter().map(shown).collect();
    let size = if page.size == 0 { rows.len() as u64 } else { page.size };
    Ok(Json(json!({
        "page": page.number, "page_size": size, "pageSize": size, "total_count": total, "totalCount": total,
        feature.plural: rows,
    })))
}

fn page(number: Option<&str>, size: Option<&str>) -> Result<Page> {
    let read = |name: &str, text: &str| {
        text.parse::<u64>().map_err(|_| {
            Error::new(Code::RequestInvalid, format!("query parameter `{name}` is `{text}`, not a whole number"))
        })
    };
    let number = number.map_or(Ok(0), |text| read("page", text))?;
    Ok(match size {
        Some("all") => Page::ALL,
        Some(text) => match read("page_size", text)? {
            0 => Page::ALL,
            size => Page { number, size: size.min(LARGEST_PAGE) },
        },
        None => Page { number, size: DEFAULT_SIZE },
    })
}

async fn one(
    feature: &'static Feature,
    Extract(state): Extract<Shared>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Reply<Json<Value>> {
    let shelf = shelf(&state, &headers, feature.plural).await?;
    let found = state.accounts.objects().get(shelf, &id).await?;
    Ok(Json(found.map(shown).ok_or_else(|| missing(feature, &id))?))
}

async fn delete(
    feature: &'static Feature,
    Extract(state): Extract<Shared>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Reply<Json<Value>> {
    let shelf = shelf(&state, &headers, feature.plural).await?;
    if !state.accounts.objects().delete(shelf, &id).await? {
        return Err(missing(feature, &id).into());
    }
    Ok(Json(json!({"id": id})))
}

fn missing(feature: &Feature, id: &str) -> Error {
    let id: String = id.chars().take(LONGEST_ID).collect();
    Error::new(Code::ObjectNotFound, format!("there is no `{id}` among your {}", feature.plural))
}

type Sent = (Extract<Shared>, HeaderMap, Bytes);

async fn save(feature: &'static Feature, parent: Option<String>, sent: Sent) -> Reply<Response> {
    let (Extract(state), headers, body) = sent;
    let shelf = shelf(&state, &headers, feature.plural).await?;
    let mut object = unwrap(feature, object(&body)?);
    let id = identify(&mut object)?;
    let text =
        |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str()).unwrap_or_default().to_owned();
    let parent = parent.unwrap_or_else(|| text(&["performance_profile", "performanceProfile"]));
    let new = NewObject { id: id.clone(), name: text(&["name"]), parent, body: Value::Object(object) };
    state.accounts.objects().save(shelf, new).await?;
    let kept = state.accounts.objects().get(shelf, &id).await?;
    let kept = shown(kept.ok_or_else(|| missing(feature, &id))?);
    Ok(match feature.answer {
        Answer::List => Json(json!([kept])).into_response(),
        Answer::Object => Json(kept).into_response(),
        Answer::Id => (StatusCode::CREATED, Json(json!({"id": id}))).into_response(),
    })
}

async fn save_result(
    state: Extract<Shared>,
    headers: HeaderMap,
    Path(profile): Path<String>,
    body: Bytes,
) -> Reply<Response> {
    save(feature("persist-results"), Some(profile), (state, headers, body)).await
}

fn object(body: &[u8]) -> Result<Map<String, Value>> {
    let invalid = || Error::new(Code::RequestInvalid, "the body is not a JSON object");
    match serde_json::from_slice(body).map_err(|error| invalid().because(error))? {
        Value::Object(object) => Ok(object),
        _ => Err(invalid()),
    }
}

/// The object itself, where a plane wraps it (`{"pattern_data": {…}, "save": true}`).
fn unwrap(feature: &Feature, mut body: Map<String, Value>) -> Map<String, Value> {
    let wrapped = feature.envelopes.iter().find(|key| body.get(**key).is_some_and(Value::is_object));
    match wrapped.and_then(|key| body.remove(*key)) {
        Some(Value::Object(object)) => object,
        _ => body,
    }
}

/// The object's id: its own, under any of the names in use, else a new one that it gets.
fn identify(object: &mut Map<String, Value>) -> Result<String> {
    let own = ["id", "meshery_id", "mesheryId"].iter().find_map(|key| object.get(*key)?.as_str());
    let own = own.filter(|id| !id.is_empty() && *id != Uuid::nil().to_string());
    if own.is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(Error::new(Code::RequestInvalid, format!("the object's id is longer than {LONGEST_ID} bytes")));
    }
    let id = own.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    object.insert("id".to_owned(), Value::String(id.clone()));
    Ok(id)
}

/// The object with the times at which it was kept, where it has none of its own.
fn shown(object: Object) -> Value {
    let mut body = object.body;
    if let Value::Object(fields) = &mut body {
        fields.entry("created_at").or_insert_with(|| json!(object.created_at));
        fields.entry("updated_at").or_insert_with(|| json!(object.updated_at));
    }
    body
}

async fn preferences(Extract(state): Extract<Shared>, headers: HeaderMap) -> Reply<Json<Value>> {
    let shelf = shelf(&state, &headers, SETTINGS).await?;
    let found = state.accounts.objects().get(shelf, SETTINGS).await?;
    Ok(Json(found.map_or_else(|| json!({}), |object| object.body)))
}

async fn set_preferences(Extract(state): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Reply<Response> {
    let shelf = shelf(&state, &headers, SETTINGS).await?;
    let body = Value::Object(object(&body)?);
    let new = NewObject { id: SETTINGS.to_owned(), name: String::new(), parent: String::new(), body: body.clone() };
    state.accounts.objects().save(shelf, new).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Adds metrics to a result.
async fn set_metrics(Extract(state): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Reply<Json<Value>> {
    let feature = feature("persist-results");
    let shelf = shelf(&state, &headers, feature.plural).await?;
    let sent = object(&body)?;
    let id = ["result_id", "resultId", "meshery_id", "mesheryId", "id"].iter().find_map(|key| sent.get(*key)?.as_str());
    let id = id.ok_or_else(|| Error::new(Code::RequestInvalid, "the body names no result"))?.to_owned();
    let found = state.accounts.objects().get(shelf, &id).await?.ok_or_else(|| missing(feature, &id))?;
    let mut body = found.body;
    if let Value::Object(fields) = &mut body {
        let metrics = |key: &String| key.contains("metrics") || key.contains("Metrics") || key.contains("board");
        fields.extend(sent.into_iter().filter(|(key, _)| metrics(key)));
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, parent) = (text("name"), text("performance_profile"));
    state.accounts.objects().save(shelf, NewObject { id: id.clone(), name, parent, body }).await?;
    Ok(Json(json!({"id": id})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_objects_are_unwrapped_and_get_an_id() {
        let body = object(br#"{"pattern_data": {"name": "a", "id": ""}, "save": true}"#).unwrap();
        let mut inner = unwrap(feature("persist-meshery-patterns"), body);
        assert_eq!(inner["name"], "a");
        let id = identify(&mut inner).unwrap();
        assert_eq!(inner["id"], id);
        let mut own = object(br#"{"meshery_id": "77"}"#).unwrap();
        assert_eq!(identify(&mut own).unwrap(), "77");
        for wrong in ["", "[]", "{", "null"] {
            assert_eq!(object(wrong.as_bytes()).unwrap_err().code(), Code::RequestInvalid, "{wrong}");
        }
    }

    #[test]
    fn pages_are_bounded_and_read_in_every_spelling() {
        assert_eq!(page(None, None).unwrap(), Page { number: 0, size: 10 });
        assert_eq!(page(Some("2"), Some("5000")).unwrap(), Page { number: 2, size: LARGEST_PAGE });
        assert_eq!(page(Some("2"), Some("all")).unwrap(), Page::ALL);
        assert!(page(Some("-1"), None).is_err());
    }
}

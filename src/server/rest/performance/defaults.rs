//! What clients of earlier eras ask beside measurements: defaults of their form, names of meshes, stored test files.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::extract::{Query, Raw};
use super::super::failure::{Failure, Reply};
use super::super::page::{self, PAGE, PAGE_SIZE};
use super::super::route::{Payload, Route};
use crate::base::{Code, Error, Result, id, yaml};
use crate::model::preference::{LoadTestPrefs, Preferences};
use crate::server::providers::sync;
use crate::server::{Sender, Shared};
use crate::wire::mesh;
use crate::wire::rest::paths;
use crate::wire::rest::performance::MeshTypes;

/// Stored test files at most: they are kept whole, and read with the preferences.
const MOST_TESTS: usize = 1_000;

pub(super) fn routes() -> Vec<Route> {
    let form = Payload { media: &["application/x-www-form-urlencoded"], ..Payload::json::<LoadTestPrefs>() };
    let file = Payload::text(&["application/json", "application/yaml"]);
    vec![
        Route::get::<LoadTestPrefs, _, _>(
            paths::PERF_DEFAULTS,
            "getLoadTestDefaults",
            "What clients offer for a new measurement",
            get,
        ),
        Route::post::<LoadTestPrefs, _, _>(paths::PERF_DEFAULTS, "setLoadTestDefaults", "Changes that", set)
            .reads(form),
        Route::get::<MeshTypes, _, _>(
            paths::MESH_TYPES,
            "listMeshTypes",
            "Names of meshes in the Service Mesh Performance specification",
            meshes,
        ),
        Route::get::<Value, _, _>(paths::PERF_TESTS, "listTestFiles", "Stored test files, or the one of an id", tests)
            .query(&[
                PAGE,
                PAGE_SIZE,
                ("uuid", "id of the one that is wanted"),
                ("search", "part of the name, in any case"),
            ]),
        Route::post::<String, _, _>(paths::PERF_TESTS, "saveTestFile", "Stores a test file; its id", save_test)
            .reads(file)
            .replies(StatusCode::OK, Payload::text(&["text/plain"])),
        Route::delete::<Value, _, _>(paths::PERF_TESTS, "deleteTestFile", "Deletes a stored test file", delete_test)
            .query(&[("uuid", "id of the test")]),
    ]
}

async fn get(State(state): State<Shared>) -> Reply<LoadTestPrefs> {
    Ok(Json(state.store.preferences().get().await?.load_test_prefs))
}

async fn set(State(state): State<Shared>, sender: Sender, query: Query, body: Raw) -> Reply<LoadTestPrefs> {
    let _changing = state.preferences.lock().await;
    let current = state.store.preferences().get().await?;
    let sent = if body.is_json() {
        body.json::<Map<String, Value>>()?
    } else {
        let form = Query::parse(&body.text()?);
        let named = |key: &str| form.get(&[key]).or(query.get(&[key])).map(str::to_owned);
        ["c", "qps", "t", "gen"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), number_or_text(named(key)?))))
            .collect()
    };
    let load_test_prefs = changed(&current.load_test_prefs, sent)?;
    let preferences = Preferences { load_test_prefs: load_test_prefs.clone(), ..current };
    sync::save_preferences(&state, &sender, &preferences).await?;
    Ok(Json(load_test_prefs))
}

fn number_or_text(text: String) -> Value {
    text.parse::<u64>().map_or(Value::String(text), Value::from)
}

fn changed(current: &LoadTestPrefs, sent: Map<String, Value>) -> Result<LoadTestPrefs> {
    let mut merged = json!(current);
    if let Value::Object(merged) = &mut merged {
        merged.extend(sent);
    }
    serde_json::from_value(merged)
        .map_err(|problem| Error::new(Code::RequestInvalid, "a default has a value of the wrong type").because(problem))
}

async fn meshes() -> Json<MeshTypes> {
    Json(MeshTypes { mesh_types: mesh::names() })
}

async fn tests(State(state): State<Shared>, query: Query) -> Reply<Value> {
    let mut all = state.store.preferences().get().await?.perf_tests;
    if let Some(id) = query.get(&["uuid"]) {
        let at = position(&all, id)?;
        return Ok(Json(all.swap_remove(at)));
    }
    let page = page::asked(&query)?;
    let part = query.get(&["search"]).unwrap_or_default().to_lowercase();
    all.retain(|test| name(test).to_lowercase().contains(&part));
    let size = usize::try_from(page.limit().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let shown: Vec<&Value> = all.iter().skip(skip).take(size).collect();
    let mut reply = json!(page::info(page, shown.len(), all.len() as u64));
    reply["test_configs"] = json!(shown);
    Ok(Json(reply))
}

/// The name of a stored test file, which is bare or stands under `test`.
fn name(test: &Value) -> &str {
    test["name"].as_str().or(test["test"]["name"].as_str()).unwrap_or_default()
}

/// Answers with the bare id, as its clients expect it.
async fn save_test(State(state): State<Shared>, sender: Sender, body: Raw) -> Result<String, Failure> {
    let text = body.text()?;
    crate::perf::smp::read(&text, "request body")?;
    let mut test: Value = yaml::read(&text).map_err(|fault| fault.into_error(Code::RequestInvalid, "request body"))?;
    let known = test["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let id = known.unwrap_or_else(|| id::new().to_string());
    test["id"] = json!(id);
    let _changing = state.preferences.lock().await;
    let mut preferences = state.store.preferences().get().await?;
    preferences.perf_tests.retain(|known| known["id"] != test["id"]);
    if preferences.perf_tests.len() >= MOST_TESTS {
        return Err(Error::new(Code::RequestInvalid, format!("there are {MOST_TESTS} stored test files already"))
            .remedy("Delete one that is not needed any more.")
            .into());
    }
    preferences.perf_tests.push(test);
    sync::save_preferences(&state, &sender, &preferences).await?;
    Ok(id)
}

async fn delete_test(State(state): State<Shared>, sender: Sender, query: Query) -> Reply<Value> {
    let id = query.get(&["uuid", "id"]).unwrap_or_default();
    let _changing = state.preferences.lock().await;
    let mut preferences = state.store.preferences().get().await?;
    let gone = preferences.perf_tests.remove(position(&preferences.perf_tests, id)?);
    sync::save_preferences(&state, &sender, &preferences).await?;
    Ok(Json(gone))
}

fn position(tests: &[Value], id: &str) -> Result<usize> {
    let missing = || {
        Error::new(Code::PerfProfileNotFound, format!("there is no stored test file `{id}`"))
            .remedy("List them with GET /api/user/prefs/perf.")
    };
    tests.iter().position(|test| test["id"] == id).ok_or_else(missing)
}

#[cfg(test)]
mod tests_of_defaults {
    use super::*;

    #[test]
    fn only_given_defaults_change() {
        let sent = |value: Value| match value {
            Value::Object(keys) => keys,
            _ => Map::new(),
        };
        let current = LoadTestPrefs { c: 4, ..LoadTestPrefs::default() };
        let merged = changed(&current, sent(json!({"qps": 20, "unknown": 1}))).unwrap();
        assert_eq!((merged.c, merged.qps), (4, 20));
        assert_eq!(changed(&current, sent(json!({"c": "many"}))).unwrap_err().code(), Code::RequestInvalid);
    }
}

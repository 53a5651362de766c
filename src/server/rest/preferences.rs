//! Preferences: read, and changed key by key. The users of a plane share them, because they say what the plane does when
//! a request names no context; each change goes to the provider of the user who made it as well.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::extract::{Raw, refuse};
use super::failure::Reply;
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::model::preference::Preferences;
use crate::server::providers::sync;
use crate::server::{Sender, Shared};
use crate::wire::rest::paths;

pub(super) fn routes() -> Vec<Route> {
    let form =
        Payload { media: &["application/json", "application/x-www-form-urlencoded"], ..Payload::json::<Preferences>() };
    vec![
        Route::get::<Preferences, _, _>(paths::PREFERENCES, "getPreferences", "Preferences of the user", get),
        Route::post::<Preferences, _, _>(
            paths::PREFERENCES,
            "setPreferences",
            "Changes preferences; keys that are not given stay",
            set,
        )
        .reads(form),
    ]
}

async fn get(State(state): State<Shared>) -> Reply<Preferences> {
    Ok(Json(state.store.preferences().get().await?))
}

async fn set(State(state): State<Shared>, sender: Sender, body: Raw) -> Reply<Preferences> {
    let changes = match body.media.as_str() {
        "application/x-www-form-urlencoded" => form(&body)?,
        media if media.is_empty() || body.is_json() => body.json()?,
        media => return Err(refuse(media, "application/json").into()),
    };
    let _changing = state.preferences.lock().await;
    let changed = merge(&state.store.preferences().get().await?, changes)?;
    sync::save_preferences(&state, &sender, &changed).await?;
    Ok(Json(changed))
}

/// The form of 2021: booleans as text.
fn form(body: &Raw) -> Result<Map<String, Value>> {
    let mut changes = Map::new();
    for (key, value) in url::form_urlencoded::parse(&body.bytes) {
        let flag = value.parse::<bool>().map_err(|_| {
            Error::new(Code::RequestInvalid, format!("form field `{key}` is `{value}`, not `true` or `false`"))
        })?;
        changes.insert(key.into_owned(), Value::Bool(flag));
    }
    Ok(changes)
}

fn merge(current: &Preferences, changes: Map<String, Value>) -> Result<Preferences> {
    let mut merged = serde_json::to_value(current)
        .map_err(|error| Error::internal("preferences cannot be written as JSON").because(error))?;
    if let Value::Object(merged) = &mut merged {
        for (key, value) in changes {
            // Keys this server does not know (Grafana, load tests) are theirs who sent them and are not kept.
            if merged.contains_key(&key) {
                merged.insert(key, value);
            }
        }
    }
    serde_json::from_value(merged)
        .map_err(|error| Error::new(Code::RequestInvalid, "a preference has a value of the wrong type").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_given_keys_change_and_wrong_types_are_refused() {
        let current = Preferences { selected_contexts: vec!["kind".into()], ..Preferences::default() };
        let Value::Object(changes) = json!({"anonymousUsageStats": true, "grafana": {"grafanaURL": "x"}}) else {
            unreachable!()
        };
        let merged = merge(&current, changes).unwrap();
        assert!(merged.anonymous_usage_stats);
        assert_eq!(merged.selected_contexts, ["kind"]);
        let Value::Object(wrong) = json!({"selectedContexts": "kind"}) else { unreachable!() };
        assert_eq!(merge(&current, wrong).unwrap_err().code(), Code::RequestInvalid);
    }
}

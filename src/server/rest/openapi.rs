//! The OpenAPI document, made from the route table and the types.

use axum::Json;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::route::{Payload, Route};
use crate::wire::rest::{ErrorBody, paths};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get::<Value, _, _>(paths::OPENAPI, "getOpenApi", "This document", get)]
}

async fn get() -> Json<Value> {
    Json(document())
}

/// The whole document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .for_serialize();
    let mut generator = settings.into_generator();
    let error = generator.subschema_for::<ErrorBody>();
    let mut all: Map<String, Value> = Map::new();
    for route in super::routes() {
        for (index, path) in route.paths.iter().enumerate() {
            let operation = operation(&route, index, &mut generator);
            let item = all.entry((*path).to_owned()).or_insert_with(|| json!({}));
            item[route.method.as_str().to_lowercase()] = operation;
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mesheryctl",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Service mesh management plane. Further spellings of a path are marked as deprecated; they answer alike.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": crate::model::context::DEFAULT_ENDPOINT }],
        "security": [{ "bearer": [] }, { "cookie": [] }],
        "paths": all,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {
                "Error": {
                    "description": "The request failed; the status fits the kind of failure",
                    "content": { "application/json": { "schema": error } },
                },
            },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "token" },
            },
        },
    })
}

fn operation(route: &Route, spelling: usize, generator: &mut SchemaGenerator) -> Value {
    let id = if spelling == 0 { route.id.to_owned() } else { format!("{}_{spelling}", route.id) };
    let (status, reply) = &route.reply;
    let mut operation = json!({ "operationId": id, "summary": route.summary });
    if spelling > 0 {
        operation["deprecated"] = json!(true);
    }
    let parameters = parameters(route, spelling);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = &route.request {
        operation["requestBody"] = json!({ "content": content(body, generator) });
    }
    operation["responses"] = json!({
        status.as_str(): { "description": route.summary, "content": content(reply, generator) },
        "default": { "$ref": "#/components/responses/Error" },
    });
    if route.open {
        operation["security"] = json!([]);
    }
    operation
}

fn parameters(route: &Route, spelling: usize) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let mut parameters = Vec::new();
    if route.paths[spelling].contains("{id}") {
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": text }));
    }
    for (name, meaning) in route.query {
        parameters.push(json!({ "name": name, "in": "query", "description": meaning, "schema": text }));
    }
    parameters
}

fn content(payload: &Payload, generator: &mut SchemaGenerator) -> Value {
    let schema = match payload.schema {
        Some(schema) => schema(generator).to_value(),
        None => json!({ "type": "string" }),
    };
    let mut content = Map::new();
    for media in payload.media {
        // A schema describes JSON; what comes as YAML is the pattern itself.
        let schema = if media.contains("yaml") { json!({ "type": "string" }) } else { schema.clone() };
        content.insert((*media).to_owned(), json!({ "schema": schema }));
    }
    Value::Object(content)
}

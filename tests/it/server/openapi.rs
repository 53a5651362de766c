//! The OpenAPI document: committed as it is made, and true.

use std::collections::HashSet;
use std::path::Path;

use mesheryctl::base::env;
use mesheryctl::server::rest::openapi;
use serde_json::Value;

use super::plane::Plane;

/// `MESHERY_WRITE_DOCS=1 cargo test --test it openapi` writes the file anew.
#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let made = format!("{:#}\n", openapi::document());
    if env::is_set("MESHERY_WRITE_DOCS") {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "docs/openapi.json is not up to date: MESHERY_WRITE_DOCS=1 cargo test --test it openapi"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
    let document = openapi::document();
    let mut names = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} stands twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
            assert_eq!(operation["responses"]["default"]["$ref"], "#/components/responses/Error");
        }
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(keys) => {
            found.extend(keys.get("$ref").and_then(Value::as_str).map(str::to_owned));
            keys.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn replies_are_as_the_document_says() {
    let plane = Plane::start().await;
    let document = plane.get("/api/openapi.json").await;
    let body = serde_json::json!({"pattern_data": {"pattern_file": "name: shop\nservices: {}\n"}, "save": true});
    plane.post("/api/pattern", &body).await;
    for path in [
        "/api/system/version",
        "/api/providers",
        "/api/token",
        "/api/user",
        "/api/user/prefs",
        "/api/system/sync",
        "/api/system/kubernetes/contexts",
        "/api/system/adapters",
        "/api/system/availableAdapters",
        "/api/pattern",
        "/api/pattern/applied",
        "/api/operations",
        "/api/system/events",
        "/api/system/database",
        "/healthz/ready",
    ] {
        let operation = &document["paths"][path]["get"];
        let mut schema = operation["responses"]["200"]["content"]["application/json"]["schema"].clone();
        schema["components"] = document["components"].clone();
        let reply = plane.get(path).await;
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&reply).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new(), "{path}: {reply}");
    }
}

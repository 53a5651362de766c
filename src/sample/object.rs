//! Small readers and writers of object JSON.

use serde_json::{Map, Value, json};

/// Text at a path of keys, empty when absent.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// The value at a path of keys, null when absent.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(object, |value, key| &value[key])
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`.
pub fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// Whether deletion has begun.
pub fn is_terminating(object: &Value) -> bool {
    !text(object, &["metadata", "deletionTimestamp"]).is_empty()
}

/// The list at a path, empty when absent.
pub fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path).as_array().map_or(&[], Vec::as_slice)
}

/// `metadata`, made when absent.
pub fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    child(object, "metadata")
}

/// The object under `key`, made when absent or of another type.
pub fn child<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let entry = ensure(object).entry(key.to_owned()).or_insert_with(|| json!({}));
    ensure(entry)
}

/// The value as an object; anything else is replaced by an empty one.
#[expect(clippy::expect_used, reason = "the value was made an object in the line before")]
pub fn ensure(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("the value is an object")
}

/// Sets or removes one key of `metadata`.
pub fn set_meta(object: &mut Value, key: &str, value: Option<Value>) {
    let metadata = metadata(object);
    match value {
        Some(value) => {
            metadata.insert(key.to_owned(), value);
        }
        None => {
            metadata.shift_remove(key);
        }
    }
}

/// Puts `apiVersion` and `kind` first, then `metadata`, as the server prints them.
pub fn stamp(object: &mut Value, api_version: &str, kind: &str) {
    let fields = std::mem::take(ensure(object));
    let mut ordered = Map::new();
    ordered.insert("kind".to_owned(), json!(kind));
    ordered.insert("apiVersion".to_owned(), json!(api_version));
    for (key, value) in fields {
        if key != "kind" && key != "apiVersion" {
            ordered.insert(key, value);
        }
    }
    *object = Value::Object(ordered);
}

/// Whether two objects differ in nothing but `managedFields` times and the resourceVersion.
pub fn same(left: &Value, right: &Value) -> bool {
    let strip = |object: &Value| {
        let mut object = object.clone();
        let metadata = metadata(&mut object);
        metadata.shift_remove("resourceVersion");
        for entry in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            ensure(entry).shift_remove("time");
        }
        object
    };
    strip(left) == strip(right)
}

/// The moment as the API writes it: seconds, UTC.
pub fn now() -> String {
    let second = crate::base::clock::now().as_second();
    crate::base::clock::Timestamp::from_second(second).map(|moment| moment.to_string()).unwrap_or_default()
}

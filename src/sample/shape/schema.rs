//! The schema of a custom resource: its shape, pruning, defaults and checks.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value};

use super::{Field, ListKind, Ref, Scalar, Shape, Struct};
use crate::sample::builtin::OBJECT_META;
use crate::sample::status::Cause;

/// What a CRD says about one of its versions.
#[derive(Debug)]
pub struct CustomVersion {
    /// `openAPIV3Schema`.
    pub schema: Value,
    /// `additionalPrinterColumns`.
    pub columns: Vec<Value>,
}

fn flag(schema: &Value, name: &str) -> bool {
    schema[name] == Value::Bool(true)
}

fn keeps_unknown(schema: &Value) -> bool {
    flag(schema, "x-kubernetes-preserve-unknown-fields") || flag(schema, "additionalProperties")
}

/// The shape of whole objects of this schema.
pub fn root_shape(schema: &Value) -> Shape {
    let mut root = match shape(schema) {
        Shape::Struct(fields) => fields,
        _ => Struct { open: true, ..Struct::default() },
    };
    embed(&mut root);
    Shape::Struct(root)
}

fn embed(fields: &mut Struct) {
    let field = |shape: Ref| Field { shape, required: false, merge: None, default: None };
    for name in ["apiVersion", "kind"] {
        fields.fields.insert(name.to_owned(), field(Shape::Scalar(Scalar::String).into()));
    }
    fields.fields.insert("metadata".to_owned(), field(Ref::Named(OBJECT_META)));
}

fn shape(schema: &Value) -> Shape {
    if flag(schema, "x-kubernetes-int-or-string") {
        return Shape::Scalar(Scalar::IntOrString);
    }
    match schema["type"].as_str() {
        Some("object") => object_shape(schema),
        Some("array") => Shape::List { item: shape(&schema["items"]).into(), kind: list_kind(schema) },
        Some("string") => Shape::Scalar(Scalar::String),
        Some("integer") => Shape::Scalar(Scalar::Int64),
        Some("number") => Shape::Scalar(Scalar::Number),
        Some("boolean") => Shape::Scalar(Scalar::Bool),
        _ => Shape::Untyped { atomic: false },
    }
}

fn object_shape(schema: &Value) -> Shape {
    let atomic = schema["x-kubernetes-map-type"] == "atomic";
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        return Shape::Map { value: shape(values).into(), atomic };
    }
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields: BTreeMap<String, Field> = properties(schema)
        .map(|(name, inner)| {
            let field = Field {
                shape: shape(inner).into(),
                required: required.contains(name.as_str()),
                merge: None,
                default: inner.get("default").cloned(),
            };
            (name.clone(), field)
        })
        .collect();
    let mut object = Struct { name: "", fields, open: keeps_unknown(schema), atomic };
    if flag(schema, "x-kubernetes-embedded-resource") {
        embed(&mut object);
    }
    Shape::Struct(object)
}

fn list_kind(schema: &Value) -> ListKind {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => ListKind::Set,
        Some("map") => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
            ListKind::Map(keys.filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => ListKind::Atomic,
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Drops fields that the schema does not know and gives their paths; the top level's own fields always stay.
pub fn prune(schema: &Value, value: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    prune_at(schema, value, "", true, &mut dropped);
    dropped
}

fn prune_at(schema: &Value, value: &mut Value, path: &str, resource: bool, dropped: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                prune_at(&schema["items"], item, &format!("{path}[{place}]"), false, dropped);
            }
        }
        Value::Object(fields) => prune_object(schema, fields, path, resource, dropped),
        _ => {}
    }
}

fn prune_object(
    schema: &Value,
    fields: &mut Map<String, Value>,
    path: &str,
    resource: bool,
    dropped: &mut Vec<String>,
) {
    let resource = resource || flag(schema, "x-kubernetes-embedded-resource");
    let known = &schema["properties"];
    let values = schema.get("additionalProperties").filter(|values| values.is_object());
    let own = |key: &str| resource && matches!(key, "apiVersion" | "kind" | "metadata");
    fields.retain(|key, inner| {
        if inner.is_null() && known.get(key).or(values).is_some_and(|schema| !flag(schema, "nullable")) {
            return false;
        }
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match known.get(key).or(values) {
            _ if own(key) => true,
            Some(schema) => {
                prune_at(schema, inner, &below, false, dropped);
                true
            }
            None if keeps_unknown(schema) => true,
            None => {
                dropped.push(below);
                false
            }
        }
    });
}

/// Fills absent fields with the schema's defaults.
pub fn default(schema: &Value, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| default(&schema["items"], item)),
        Value::Object(fields) => {
            for (name, inner) in properties(schema) {
                let null = fields.get(name).is_some_and(Value::is_null) && !flag(inner, "nullable");
                if let Some(value) = inner.get("default").filter(|_| null || !fields.contains_key(name)) {
                    fields.insert(name.clone(), value.clone());
                }
            }
            let values = schema.get("additionalProperties").filter(|values| values.is_object());
            for (name, inner) in fields.iter_mut() {
                if let Some(schema) = schema["properties"].get(name).or(values) {
                    default(schema, inner);
                }
            }
        }
        _ => {}
    }
}

/// Every fault of an object against its schema.
pub fn check(schema: &Value, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check_at(schema, value, "", &mut causes);
    causes.sort_by(|left, right| left.field.cmp(&right.field));
    // Rules in CEL are not evaluated here; the real server passes over them as well once something else is wrong.
    if !causes.is_empty() && schema.to_string().contains("\"x-kubernetes-validations\"") {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors \
            to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::Null, why));
    }
    causes
}

fn check_at(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() && flag(schema, "nullable") {
        return;
    }
    if let Some(cause) = type_fault(schema, value, path) {
        return causes.push(cause);
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        causes.push(Cause::not_supported(path, value, &allowed));
    }
    match value {
        Value::Object(fields) => check_object(schema, fields, path, causes),
        Value::Array(items) => check_list(schema, items, path, causes),
        Value::String(text) => check_text(schema, text, path, causes),
        Value::Number(number) => check_number(schema, number.as_f64().unwrap_or_default(), value, path, causes),
        _ => {}
    }
    check_junctors(schema, value, path, causes);
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_fault(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    if flag(schema, "x-kubernetes-int-or-string") {
        let fits = value.is_i64() || value.is_u64() || value.is_string();
        return (!fits).then(|| wrong_type(path, value, "integer,string"));
    }
    let wanted = schema["type"].as_str()?;
    let fits = match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => true,
    };
    (!fits).then(|| wrong_type(path, value, wanted))
}

fn wrong_type(path: &str, value: &Value, wanted: &str) -> Cause {
    let probe = Cause::wrong_type(path, value, "");
    let given = probe.message.trim_start_matches("Invalid value: ").trim_end_matches(": ").to_owned();
    Cause::wrong_type(path, value, &format!("{path} in body must be of type {wanted}: {given}"))
}

fn body(path: &str, value: &Value, rule: &str) -> Cause {
    Cause::invalid(path, value, &format!("{path} in body {rule}"))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn check_object(schema: &Value, fields: &Map<String, Value>, path: &str, causes: &mut Vec<Cause>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            causes.push(Cause::required(join(path, name), ""));
        }
    }
    let values = schema.get("additionalProperties").filter(|values| values.is_object());
    for (name, inner) in fields {
        if let Some(schema) = schema["properties"].get(name).or(values) {
            check_at(schema, inner, &join(path, name), causes);
        }
    }
    let count = Value::from(fields.len());
    if let Some(least) = schema["minProperties"].as_u64().filter(|least| (fields.len() as u64) < *least) {
        causes.push(body(path, &count, &format!("should have at least {least} properties")));
    }
    if let Some(most) = schema["maxProperties"].as_u64().filter(|most| fields.len() as u64 > *most) {
        causes.push(too_many(path, fields.len(), most));
    }
}

fn too_many(path: &str, count: usize, most: u64) -> Cause {
    Cause {
        reason: "FieldValueTooMany",
        field: path.to_owned(),
        message: format!("Too many: {count}: must have at most {most} items"),
    }
}

fn check_list(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let mut seen: Vec<Vec<&Value>> = Vec::new();
    let kind = list_kind(schema);
    for (place, item) in items.iter().enumerate() {
        let below = format!("{path}[{place}]");
        check_at(&schema["items"], item, &below, causes);
        let identity: Vec<&Value> = match &kind {
            ListKind::Atomic => continue,
            ListKind::Set => vec![item],
            ListKind::Map(keys) => keys.iter().map(|key| &item[key]).collect(),
        };
        if seen.contains(&identity) {
            let shown = match &kind {
                ListKind::Map(keys) => keys.iter().map(|key| (key.clone(), item[key].clone())).collect(),
                _ => item.clone(),
            };
            causes.push(Cause::duplicate(below, &shown));
        }
        seen.push(identity);
    }
    let count = Value::from(items.len());
    if let Some(least) = schema["minItems"].as_u64().filter(|least| (items.len() as u64) < *least) {
        causes.push(body(path, &count, &format!("should have at least {least} items")));
    }
    if let Some(most) = schema["maxItems"].as_u64().filter(|most| items.len() as u64 > *most) {
        causes.push(too_many(path, items.len(), most));
    }
}

fn check_text(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let value = Value::from(text);
    let length = text.chars().count() as u64;
    if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        causes.push(body(path, &value, &format!("should be at least {least} chars long")));
    }
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        let message = format!("Too long: may not be more than {most} bytes");
        causes.push(Cause { reason: "FieldValueTooLong", field: path.to_owned(), message });
    }
    if schema["format"] == "date-time" && text.parse::<crate::base::clock::Timestamp>().is_err() {
        causes.push(body(path, &value, &format!("must be of type date-time: {value}")));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
    {
        causes.push(body(path, &value, &format!("should match '{pattern}'")));
    }
}

fn check_number(schema: &Value, number: f64, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let bound = |name: &str| schema[name].as_f64();
    if let Some(least) = bound("minimum") {
        if flag(schema, "exclusiveMinimum") && number <= least {
            causes.push(body(path, value, &format!("should be greater than {least}")));
        } else if number < least {
            causes.push(body(path, value, &format!("should be greater than or equal to {least}")));
        }
    }
    if let Some(most) = bound("maximum") {
        if flag(schema, "exclusiveMaximum") && number >= most {
            causes.push(body(path, value, &format!("should be less than {most}")));
        } else if number > most {
            causes.push(body(path, value, &format!("should be less than or equal to {most}")));
        }
    }
    if let Some(step) = bound("multipleOf").filter(|step| *step != 0.0 && (number / step).fract() != 0.0) {
        causes.push(body(path, value, &format!("should be a multiple of {step}")));
    }
}

fn check_junctors(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let fits = |schema: &Value| check_below(schema, value, path).is_empty();
    if let Some(several) = schema["allOf"].as_array()
        && !several.iter().all(fits)
    {
        causes.push(junctor_fault(path, value, "must validate all the schemas (allOf)"));
    }
    if let Some(several) = schema["anyOf"].as_array()
        && !several.iter().any(fits)
    {
        causes.push(junctor_fault(path, value, "must validate at least one schema (anyOf)"));
    }
    if let Some(several) = schema["oneOf"].as_array() {
        match several.iter().filter(|schema| fits(schema)).count() {
            1 => {}
            0 => {
                let why = "must validate one and only one schema (oneOf). Found none valid";
                causes.push(junctor_fault(path, value, why));
                let nearest = several.iter().map(|schema| check_below(schema, value, path)).min_by_key(Vec::len);
                causes.extend(nearest.unwrap_or_default());
            }
            count => {
                let why = format!("must validate one and only one schema (oneOf). Found {count} valid alternatives");
                causes.push(junctor_fault(path, value, &why));
            }
        }
    }
    if schema["not"].is_object() && fits(&schema["not"]) {
        causes.push(junctor_fault(path, value, "must not validate the schema (not)"));
    }
}

fn check_below(schema: &Value, value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    check_at(schema, value, path, &mut causes);
    causes
}

fn junctor_fault(path: &str, value: &Value, why: &str) -> Cause {
    let shown = match value {
        Value::Object(_) | Value::Array(_) => Value::from(""),
        scalar => scalar.clone(),
    };
    Cause::invalid("<nil>", &shown, &format!("\"{path}\" {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1},
            "mode": {"type": "string", "enum": ["on", "off"], "default": "on"},
            "host": {"type": "string", "pattern": "^[a-z]+$"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "port": {"x-kubernetes-int-or-string": true},
            "rules": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "to": {"type": "string"}}}}
        }}}})
    }

    #[test]
    fn unknown_fields_are_pruned_and_defaults_filled() {
        let mut value = json!({"metadata": {"name": "x"}, "extra": 1,
            "spec": {"size": 1, "typo": 2, "free": {"any": 3}, "rules": [{"name": "a", "no": 1}]}});
        assert_eq!(prune(&schema(), &mut value), ["extra", "spec.typo", "spec.rules[0].no"]);
        default(&schema(), &mut value);
        assert_eq!(
            value,
            json!({"metadata": {"name": "x"}, "spec": {"size": 1, "free": {"any": 3}, "rules": [{"name": "a"}], "mode": "on"}})
        );
    }

    #[test]
    fn faults_are_worded_as_the_server_does() {
        let value = json!({"spec": {"mode": "x", "host": "A1", "port": 1.5, "rules": [{"name": "a"}, {"name": "a"}]}});
        let text: Vec<String> =
            check(&schema(), &value).iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        assert_eq!(
            text,
            [
                "spec.host: Invalid value: \"A1\": spec.host in body should match '^[a-z]+$'",
                "spec.mode: Unsupported value: \"x\": supported values: \"on\", \"off\"",
                "spec.port: Invalid value: \"number\": spec.port in body must be of type integer,string: \"number\"",
                "spec.rules[1]: Duplicate value: {\"name\":\"a\"}",
                "spec.size: Required value",
            ]
        );
    }
}

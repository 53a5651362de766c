//! Checks one value against an OpenAPI schema, as far as Kubernetes itself enforces it.

use serde_json::{Map, Value};

use crate::base::text;
use crate::pattern::locate::Step;

/// Something in an object that its kind does not allow.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    /// Where in the object.
    pub(super) path: Vec<Step>,
    /// What is wrong.
    pub(super) problem: Problem,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Problem {
    /// The kind has no field of that name; fields of similar names.
    Unknown(Option<String>),
    /// A field that must be there is not.
    Missing(String),
    /// Another sort of value is wanted.
    Type(&'static str),
    /// Only these values are allowed.
    Choice(Vec<String>),
}

/// Depth beyond which a value is taken as it is; recursive schemas end at the value, this guards the stack.
const DEPTH: usize = 128;

/// Every fault of `value`, whose schema refers to `components`; fields named in `optional` are not missed.
pub(super) fn check(components: &Value, schema: &Value, value: &Value, optional: &[&str]) -> Vec<Fault> {
    let mut checker = Checker { components, optional, path: Vec::new(), faults: Vec::new() };
    checker.value(schema, value);
    checker.faults
}

struct Checker<'a> {
    components: &'a Value,
    optional: &'a [&'a str],
    path: Vec<Step>,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, problem: Problem) {
        self.faults.push(Fault { path: self.path.clone(), problem });
    }

    /// The schema behind references, and behind the `allOf` that carries a reference's description.
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..16 {
            if let Some(target) = schema["$ref"].as_str() {
                schema = &self.components[target.rsplit('/').next().unwrap_or(target)];
            } else if schema.get("type").is_none()
                && let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice)
            {
                schema = only;
            } else {
                break;
            }
        }
        schema
    }

    /// Null is an absent field to the API server.
    fn value(&mut self, schema: &'a Value, value: &Value) {
        if value.is_null() || self.path.len() > DEPTH {
            return;
        }
        let schema = self.resolve(schema);
        if flag(schema, "x-kubernetes-int-or-string") || schema["format"] == "int-or-string" {
            if !value.is_number() && !value.is_string() {
                self.fault(Problem::Type("a number or text"));
            }
            return;
        }
        match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(fields)) => self.fields(schema, fields),
            (Some("object"), _) => self.fault(Problem::Type("a mapping")),
            (Some("array"), Value::Array(items)) => self.items(schema, items),
            (Some("array"), _) => self.fault(Problem::Type("a list")),
            (Some("string"), Value::String(text)) => self.choice(schema, text),
            (Some("string"), _) => self.fault(Problem::Type("text")),
            (Some("boolean"), _) if !value.is_boolean() => self.fault(Problem::Type("true or false")),
            (Some("integer"), _) if !is_whole(value) => self.fault(Problem::Type("a whole number")),
            (Some("number"), _) if !value.is_number() => self.fault(Problem::Type("a number")),
            _ => {}
        }
    }

    fn items(&mut self, schema: &'a Value, items: &[Value]) {
        let Some(item) = schema.get("items") else { return };
        for (index, value) in items.iter().enumerate() {
            self.path.push(index.into());
            self.value(item, value);
            self.path.pop();
        }
    }

    fn fields(&mut self, schema: &'a Value, fields: &Map<String, Value>) {
        let declared = schema["properties"].as_object();
        let others = schema.get("additionalProperties").filter(|others| **others != Value::Bool(false));
        let open = declared.is_none_or(Map::is_empty) || flag(schema, "x-kubernetes-preserve-unknown-fields");
        let embedded = |key: &str| {
            flag(schema, "x-kubernetes-embedded-resource") && ["apiVersion", "kind", "metadata"].contains(&key)
        };
        for (key, value) in fields {
            self.path.push(key.as_str().into());
            match (declared.and_then(|declared| declared.get(key)), others) {
                (Some(inner), _) | (None, Some(inner)) => self.value(inner, value),
                (None, None) if open || embedded(key) || value.is_null() => {}
                (None, None) => {
                    let names = declared.into_iter().flatten().map(|(name, _)| name.as_str());
                    self.fault(Problem::Unknown(text::did_you_mean(key, names)));
                }
            }
            self.path.pop();
        }
        self.required(schema, fields);
    }

    fn required(&mut self, schema: &'a Value, fields: &Map<String, Value>) {
        let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in names {
            let absent = fields.get(name).is_none_or(Value::is_null) && !self.optional.contains(&name);
            if absent && schema["properties"][name].get("default").is_none() {
                self.fault(Problem::Missing(name.to_owned()));
            }
        }
    }

    /// Empty text stands for the default in Kubernetes' own kinds.
    fn choice(&mut self, schema: &Value, text: &str) {
        let Some(allowed) = schema["enum"].as_array() else { return };
        if !text.is_empty() && !allowed.iter().any(|value| value == text) {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.fault(Problem::Choice(allowed.iter().map(plain).collect()));
        }
    }
}

fn flag(schema: &Value, name: &str) -> bool {
    schema[name] == Value::Bool(true)
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(schema: &Value, value: &Value) -> Vec<String> {
        let components = json!({"Leaf": {"type": "object", "properties": {"size": {"type": "integer"}}}});
        check(&components, schema, value, &[])
            .into_iter()
            .map(|fault| format!("{:?} {:?}", fault.path, fault.problem))
            .collect()
    }

    #[test]
    fn what_a_schema_leaves_open_is_never_a_fault() {
        let schema = json!({"type": "object", "properties": {
            "port": {"x-kubernetes-int-or-string": true}, "weight": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
            "cpu": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": {"type": "string"}}},
            "plain": {"type": "object"}, "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "leaf": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Leaf"}]},
            "exclusive": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            "whole": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
            "given": {"type": "string", "default": "x"}, "nothing": {"type": "string", "nullable": true}
        }, "required": ["given"]});
        let value = json!({"port": "http", "weight": 3, "cpu": "100m", "free": {"any": [1]}, "plain": {"x": 1}, "map": {"k": "v"},
            "leaf": {"size": 1.0}, "exclusive": {"a": "x"}, "whole": {"kind": "X", "metadata": {}, "spec": {"y": 1}}, "nothing": null});
        assert_eq!(faults(&schema, &value), Vec::<String>::new());
    }

    #[test]
    fn typos_wrong_types_and_missing_fields_are_faults() {
        let schema = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
            "leaf": {"$ref": "#/components/schemas/Leaf"}, "mode": {"type": "string", "enum": ["STRICT", "DISABLE"]}}});
        let value = json!({"nam": "x", "leaf": {"size": "two"}, "mode": "STRIKT"});
        assert_eq!(
            faults(&schema, &value),
            [
                r#"[Key("nam")] Unknown(Some("did you mean name?"))"#,
                r#"[Key("leaf"), Key("size")] Type("a whole number")"#,
                r#"[Key("mode")] Choice(["STRICT", "DISABLE"])"#,
                r#"[] Missing("name")"#,
            ]
        );
    }
}

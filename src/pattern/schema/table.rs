//! Kubernetes' own kinds and their fields as data, and as the OpenAPI components that objects are checked by.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// One kind a line; the first lines say how to read it.
pub static KINDS: &str = include_str!("kinds.txt");
/// The types of all kinds; the first lines say how to read it.
pub static TYPES: &str = include_str!("types.txt");

/// Required fields for which the API server takes the zero value of the type, in Kubernetes' own kinds.
pub(super) const ZERO_WILL_DO: &[&str] = &["drivers", "eventTime", "limits", "lun", "metadata", "revision"];

/// The type of one of Kubernetes' own kinds; `group` is empty for core.
pub(super) fn type_of(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    static KNOWN: OnceLock<HashMap<[&'static str; 3], &'static str>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let rows = KINDS.lines().filter(|line| !line.starts_with('#'));
        rows.filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [group, version, kind, _, _, _, _, shape, ..] = words.as_slice() else { return None };
            Some(([if *group == "-" { "" } else { *group }, *version, *kind], *shape))
        })
        .collect()
    });
    known.get(&[group, version, kind]).copied()
}

/// Every type as an OpenAPI schema, by name.
pub(super) fn components() -> &'static Value {
    static PARSED: OnceLock<Value> = OnceLock::new();
    PARSED.get_or_init(parse)
}

fn parse() -> Value {
    let mut all = Map::new();
    let mut current: Option<(&str, Map<String, Value>, Vec<&str>)> = None;
    let mut finish = |done: Option<(&str, Map<String, Value>, Vec<&str>)>| {
        if let Some((name, properties, required)) = done {
            let schema = if properties.is_empty() {
                json!({"type": "object"})
            } else {
                json!({"type": "object", "properties": properties, "required": required})
            };
            all.insert(name.to_owned(), schema);
        }
    };
    for line in TYPES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let Some(field) = line.strip_prefix(' ') else {
            finish(current.replace((line.split(' ').next().unwrap_or(line), Map::new(), Vec::new())));
            continue;
        };
        let mut words = field.split(' ');
        if let (Some(name), Some(shape), Some((_, properties, required))) = (words.next(), words.next(), &mut current) {
            let plain = name.trim_end_matches('!');
            if plain != name && shape != "bool" && !ZERO_WILL_DO.contains(&plain) {
                required.push(plain);
            }
            properties.insert(plain.to_owned(), schema(shape));
        }
    }
    finish(current);
    Value::Object(all)
}

/// `[T]`, `{T}`, a single value, or the name of a type.
fn schema(shape: &str) -> Value {
    if let Some((item, _)) = shape.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
        return json!({"type": "array", "items": schema(item)});
    }
    if let Some((value, _)) = shape.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')) {
        return json!({"type": "object", "additionalProperties": schema(value)});
    }
    match shape {
        "string" | "bytes" | "time" => json!({"type": "string"}),
        "int32" | "int64" => json!({"type": "integer"}),
        "number" => json!({"type": "number"}),
        "bool" => json!({"type": "boolean"}),
        "int-or-string" | "quantity" => json!({"x-kubernetes-int-or-string": true}),
        "any" | "any-atomic" => json!({}),
        name => json!({"$ref": format!("#/components/schemas/{}", name.trim_end_matches(":atomic"))}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_type_and_every_reference_a_target() {
        let all = components().as_object().unwrap();
        for line in KINDS.lines().filter(|line| !line.starts_with('#')) {
            assert!(all.contains_key(line.split(' ').nth(7).unwrap()), "{line}");
        }
        let text = components().to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name = text[at + 21..].split('"').next().unwrap();
            assert!(all.contains_key(name), "{name}");
        }
        assert_eq!(type_of("apps", "v1", "Deployment"), Some("apps.v1.Deployment"));
        assert_eq!(type_of("", "v1", "Service"), Some("core.v1.Service"));
    }
}

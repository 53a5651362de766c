//! A pattern as the text of its file.

use serde_json::{Map, Value, json};

use crate::base::error::Result;
use crate::base::yaml;
use crate::model::pattern::{Pattern, Service};

/// Writes a pattern; reading the text again gives the same pattern.
pub fn text(pattern: &Pattern) -> Result<String> {
    let mut top = Map::new();
    top.insert("name".to_owned(), json!(pattern.name));
    for (key, value) in [("patternID", &pattern.pattern_id), ("version", &pattern.version)] {
        if let Some(value) = value {
            top.insert(key.to_owned(), json!(value));
        }
    }
    if !pattern.vars.is_empty() {
        top.insert("vars".to_owned(), Value::Object(pattern.vars.clone()));
    }
    for (key, map) in [("labels", &pattern.labels), ("annotations", &pattern.annotations)] {
        if !map.is_empty() {
            top.insert(key.to_owned(), json!(map));
        }
    }
    top.extend(pattern.unknown.clone());
    let services = pattern.services.iter().map(|service| (service.key.clone(), self::service(service))).collect();
    top.insert("services".to_owned(), Value::Object(services));
    yaml::write_kubernetes(&Value::Object(top))
}

fn service(service: &Service) -> Value {
    let mut map = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value);
        }
    };
    let some = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    add("type", (!service.kind.is_empty()).then(|| json!(service.kind)));
    add("apiVersion", some(&service.api_version));
    add("model", some(&service.model));
    add("version", some(&service.version));
    add("name", some(&service.name));
    add("namespace", some(&service.namespace));
    add("labels", (!service.labels.is_empty()).then(|| json!(service.labels)));
    add("annotations", (!service.annotations.is_empty()).then(|| json!(service.annotations)));
    add("isAnnotation", service.is_annotation.then(|| json!(true)));
    add("dependsOn", (!service.depends_on.is_empty()).then(|| json!(service.depends_on)));
    add("settings", (!service.settings.is_empty()).then(|| Value::Object(service.settings.clone())));
    add("traits", (!service.traits.is_empty()).then(|| Value::Object(service.traits.clone())));
    map.extend(service.unknown.clone());
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    #[test]
    fn a_written_pattern_reads_as_it_was() {
        let text = "name: p\nversion: '1.10'\npatternID: SMP-1\nvars: {a: [1, 'on']}\nlabels: {team: shop}\nextra: {x: y}\nservices:\n  web:\n    type: Deployment\n    apiVersion: apps/v1\n    namespace: a\n    labels: {tier: '1'}\n    dependsOn: [db]\n    settings: {spec: {text: \"a\\n b\\n\"}}\n    traits: {meshmap: {}}\n    id2: 3\n  db: {type: Service, model: kubernetes}\n  note: {isAnnotation: true}\n";
        let pattern = parse("p.yaml", text).unwrap().pattern;
        let written = self::text(&pattern).unwrap();
        assert_eq!(parse("p.yaml", &written).unwrap().pattern, pattern, "{written}");
    }
}

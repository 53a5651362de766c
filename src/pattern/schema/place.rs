//! Where in the pattern file a field of an object was written.

use serde_json::Value;

use crate::model::pattern::Service;
use crate::pattern::locate::Step;

/// The path in the pattern of the field at `path` of the service's object: as deep as the service has it.
///
/// Settings are the body, or its `spec`; metadata stands beside settings, in them, or in their `metadata`.
pub(super) fn of(service: &Service, path: &[Step]) -> Vec<Step> {
    let settings = Value::Object(service.settings.clone());
    let in_settings = |rest: &[Step]| {
        let mut steps = vec![Step::from("settings")];
        steps.extend(existing(&settings, rest));
        steps
    };
    let mut candidates = vec![in_settings(path)];
    match path {
        [Step::Key(first), rest @ ..] if first == "spec" => candidates.push(in_settings(rest)),
        [Step::Key(first), rest @ ..] if first == "metadata" => {
            candidates.push(in_settings(rest));
            candidates.extend(beside(service, rest));
        }
        _ => {}
    }
    let longest = candidates.into_iter().reduce(|best, one| if one.len() > best.len() { one } else { best });
    let mut steps = vec![Step::from("services"), service.key.as_str().into()];
    steps.extend(longest.unwrap_or_default());
    steps
}

/// Metadata written beside settings.
fn beside(service: &Service, path: &[Step]) -> Option<Vec<Step>> {
    let [Step::Key(field), rest @ ..] = path else { return None };
    let written = match (field.as_str(), rest.first()) {
        ("labels", Some(Step::Key(key))) => service.labels.contains_key(key),
        ("annotations", Some(Step::Key(key))) => service.annotations.contains_key(key),
        ("name", None) => service.name.is_some(),
        ("namespace", None) => service.namespace.is_some(),
        _ => false,
    };
    // One step more than the same path inside settings would have, so that it wins.
    written.then(|| path.to_vec())
}

/// The beginning of `path` that the value has, with keys as they are written: `role Ref` for `roleRef`.
fn existing(value: &Value, path: &[Step]) -> Vec<Step> {
    let mut here = value;
    let mut steps = Vec::with_capacity(path.len());
    for step in path {
        let found = match (step, here) {
            (Step::Key(key), Value::Object(fields)) => fields
                .get_key_value(key)
                .or_else(|| fields.iter().find(|(written, _)| written.replace(' ', "") == *key))
                .map(|(written, value)| (Step::from(written.as_str()), value)),
            (Step::Index(index), Value::Array(items)) => items.get(*index).map(|value| (step.clone(), value)),
            _ => None,
        };
        let Some((step, value)) = found else { break };
        steps.push(step);
        here = value;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn place(settings: &str, path: &[Step]) -> String {
        let text = format!("name: p\nservices:\n  web:\n    type: X\n    labels: {{a: b}}\n    settings:\n{settings}");
        let document = parse("p.yaml", &text).unwrap();
        document.source.place(&of(&document.pattern.services[0], path)).to_string()
    }

    #[test]
    fn fields_are_found_where_settings_are_the_spec_and_where_they_are_the_body() {
        let path = ["spec".into(), "ports".into(), 1.into(), "prt".into()];
        assert_eq!(place("      ports:\n      - port: 1\n      - prt: 2\n", &path), "p.yaml:9:9");
        assert_eq!(place("      spec:\n        ports:\n        - port: 1\n        - prt: 2\n", &path), "p.yaml:10:11");
    }

    #[test]
    fn what_is_not_written_has_the_place_of_its_parent() {
        assert_eq!(place("      replicas: 1\n", &["spec".into(), "selector".into()]), "p.yaml:6:5");
        assert_eq!(place("      replicas: 1\n", &["metadata".into(), "labels".into(), "a".into()]), "p.yaml:5:14");
        assert_eq!(place("      role Ref: {kind: 1}\n", &["roleRef".into(), "kind".into()]), "p.yaml:7:18");
    }
}

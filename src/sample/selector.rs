//! Label and field selectors.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::object;
use super::status::{Answer, Failure};

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// A parsed `labelSelector`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<Condition>);

impl Labels {
    /// Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub fn parse(text: &str) -> Answer<Labels> {
        let conditions = split(text).into_iter().filter(|part| !part.is_empty()).map(condition);
        Ok(Labels(conditions.collect::<Answer<_>>()?))
    }

    /// The selector of a `LabelSelector` object; an absent one matches nothing.
    pub fn of_object(selector: &Value) -> Option<Labels> {
        let mut conditions = Vec::new();
        for (key, value) in selector.as_object()?.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            conditions.push(Condition::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()]));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            let values =
                object::list(expression, &["values"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            conditions.push(match expression["operator"].as_str() {
                Some("NotIn") => Condition::NotIn(key, values),
                Some("Exists") => Condition::Exists(key),
                Some("DoesNotExist") => Condition::Missing(key),
                _ => Condition::In(key, values),
            });
        }
        Some(Labels(conditions))
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Value) -> bool {
        let empty = Map::new();
        let labels = labels.as_object().unwrap_or(&empty);
        let value = |key: &String| labels.get(key).and_then(Value::as_str);
        self.0.iter().all(|condition| match condition {
            Condition::In(key, values) => value(key).is_some_and(|value| values.iter().any(|one| one == value)),
            Condition::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|one| one != value)),
            Condition::Exists(key) => value(key).is_some(),
            Condition::Missing(key) => value(key).is_none(),
        })
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn condition(part: &str) -> Answer<Condition> {
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Condition::Missing(label_key(key.trim())?));
    }
    if let Some((head, rest)) = part.split_once('(') {
        let values = rest.trim_end().strip_suffix(')').ok_or_else(|| unparsable("found '', expected: ',' or ')'"))?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match head.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => Ok(Condition::In(label_key(key.trim())?, values)),
            Some((key, "notin")) => Ok(Condition::NotIn(label_key(key.trim())?, values)),
            _ => Err(unparsable(&format!("found '(', expected: '=', '!=', '==', 'in', notin' in {part}"))),
        };
    }
    let (key, operator, value) = if let Some((key, value)) = part.split_once("!=") {
        (key, "!=", value)
    } else if let Some((key, value)) = part.split_once("==") {
        (key, "=", value)
    } else if let Some((key, value)) = part.split_once('=') {
        (key, "=", value)
    } else {
        return Ok(Condition::Exists(label_key(part)?));
    };
    let value = value.trim().to_owned();
    if value.contains(['=', '!']) {
        return Err(unparsable("found '=', expected: ',' or 'end of string'"));
    }
    let key = label_key(key.trim())?;
    Ok(if operator == "!=" { Condition::NotIn(key, vec![value]) } else { Condition::In(key, vec![value]) })
}

fn label_key(key: &str) -> Answer<String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(fits) {
        return Err(unparsable(&format!(
            "unable to parse requirement: <nil>: Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )));
    }
    Ok(key.to_owned())
}

fn unparsable(text: &str) -> Failure {
    Failure::bad_request(text)
}

/// A parsed `fieldSelector`: path, whether it must be equal, value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, bool, String)>);

fn unknown_field(kind: &Kind, knows_others: bool, path: &str) -> Failure {
    Failure::bad_request(if kind.plural == "jobs" {
        format!("field label \"{path}\" not supported for Job")
    } else if knows_others || kind.custom.is_some() {
        format!("field label not supported: {path}")
    } else {
        format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    })
}

/// Field selectors that kinds know besides name and namespace.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
        ],
    ),
    (
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("namespaces", &["status.phase"]),
    ("secrets", &["type"]),
    ("nodes", &["spec.unschedulable"]),
    ("services", &["spec.clusterIP", "spec.type"]),
    ("jobs", &["status.successful"]),
    ("replicasets", &["status.replicas"]),
    ("replicationcontrollers", &["status.replicas"]),
];

impl Fields {
    /// Parses `metadata.name=a,metadata.namespace!=b` for a kind.
    pub fn parse(text: &str, kind: &Kind) -> Answer<Fields> {
        let mut conditions = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (path, equal, value) = if let Some((path, value)) = part.split_once("!=") {
                (path, false, value)
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (path, true, value)
            } else {
                return Err(Failure::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")));
            };
            let known = KNOWN.iter().find(|(plural, _)| kind.custom.is_none() && *plural == kind.plural);
            let named = known.is_some_and(|(_, paths)| paths.contains(&path));
            if !named && path != "metadata.name" && path != "metadata.namespace" {
                return Err(unknown_field(kind, known.is_some(), path));
            }
            conditions.push((path.to_owned(), equal, value.to_owned()));
        }
        Ok(Fields(conditions))
    }

    /// Whether the object is selected.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(path, equal, wanted)| {
            let path: Vec<&str> = path.split('.').collect();
            let value = match object::at(object, &path) {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (value == *wanted) == *equal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn label_selectors_select() {
        let labels = json!({"app": "web", "tier": "front"});
        let matches = |text: &str| Labels::parse(text).unwrap().matches(&labels);
        for yes in
            ["", "app=web", "app==web,tier!=back", "app in (web,db)", "tier notin (back)", "app", "!gone", "gone!=x"]
        {
            assert!(matches(yes), "{yes}");
        }
        for no in ["app=db", "app!=web", "app notin (web, db)", "!app", "gone", "app=web,tier=back"] {
            assert!(!matches(no), "{no}");
        }
        assert_eq!(Labels::parse("a=b=c").unwrap_err().code, 400);
    }

    #[test]
    fn field_selectors_know_their_kinds() {
        let kind = |plural: &str| crate::sample::builtin::kinds().iter().find(|kind| kind.plural == plural).unwrap();
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        assert!(Fields::parse("metadata.name=a,status.phase!=Failed", kind("pods")).unwrap().matches(&pod));
        assert!(!Fields::parse("status.phase=Failed", kind("pods")).unwrap().matches(&pod));
        assert_eq!(Fields::parse("spec.x=x", kind("pods")).unwrap_err().message, "field label not supported: spec.x");
    }
}

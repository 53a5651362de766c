//! Paths into objects: the steps of `managedFields`, how lists tell their items apart, and how people read a path.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Fields by which the items of a list are told apart where no manager's record says so.
const USUAL_KEYS: &[&str] = &["name", "key", "containerPort", "port", "type"];

/// The keys of the lists of an object, as its managers recorded them.
pub(super) struct Lists(BTreeMap<String, Vec<String>>);

impl Lists {
    pub(super) fn of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut lists = BTreeMap::new();
        for object in objects {
            for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
                collect(&entry["fieldsV1"], &mut Vec::new(), &mut lists);
            }
        }
        Self(lists)
    }

    /// The keys of the list at a path; `None` for a list that is a plain sequence.
    pub(super) fn keys(&self, steps: &[String], live: &[Value], desired: &[Value]) -> Option<Vec<String>> {
        let usual = || USUAL_KEYS.iter().map(|key| vec![(*key).to_owned()]);
        let recorded = self.0.get(&general(steps)).cloned();
        recorded.into_iter().chain(usual()).find(|keys| tells_apart(live, keys) && tells_apart(desired, keys))
    }
}

/// A path without the identities in it: lists below different items of one list have the same keys.
fn general(steps: &[String]) -> String {
    steps.iter().map(|step| if step.starts_with("f:") { step.as_str() } else { "[]" }).collect::<Vec<_>>().join("/")
}

fn collect(node: &Value, path: &mut Vec<String>, lists: &mut BTreeMap<String, Vec<String>>) {
    for (step, below) in node.as_object().into_iter().flatten().filter(|(step, _)| *step != ".") {
        if let Some(keys) = identity(step) {
            lists.entry(general(path)).or_insert_with(|| keys.keys().cloned().collect());
        }
        path.push(step.clone());
        collect(below, path, lists);
        path.pop();
    }
}

fn identity(step: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(step.strip_prefix("k:")?).ok()
}

/// Whether every item has all the keys and no two have the same.
fn tells_apart(items: &[Value], keys: &[String]) -> bool {
    let complete = items.iter().all(|item| keys.iter().all(|key| item.get(key).is_some_and(|value| !value.is_null())));
    let mut steps: Vec<String> = items.iter().map(|item| item_step(item, keys)).collect();
    steps.sort();
    complete && steps.windows(2).all(|pair| pair[0] != pair[1])
}

/// The step to an item: `k:{"name":"web"}`.
pub(super) fn item_step(item: &Value, keys: &[String]) -> String {
    let mut keys: Vec<&String> = keys.iter().collect();
    keys.sort();
    let identity: Map<String, Value> =
        keys.into_iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect();
    format!("k:{}", Value::Object(identity))
}

/// Whether an item as the pattern writes it is the one of a step; keys it leaves out are defaults.
pub(super) fn is_step_of(item: &Value, step: &str) -> bool {
    let Some(keys) = identity(step) else { return false };
    let given = |key: &str| item.get(key).filter(|value| !value.is_null());
    keys.keys().any(|key| given(key).is_some())
        && keys.iter().all(|(key, value)| given(key).is_none_or(|own| own == value))
}

/// A path as people read it.
pub(super) fn readable(steps: &[String]) -> String {
    steps.iter().fold(String::new(), |text, step| match step.split_once(':') {
        Some(("f", name)) if name.contains(['.', '/', '[', ' ']) => format!("{text}[{name}]"),
        Some(("f", name)) if text.is_empty() => name.to_owned(),
        Some(("f", name)) => format!("{text}.{name}"),
        _ => format!("{text}[{}]", shown(step)),
    })
}

/// The identity of a list item as people read it: `name=web`.
pub(super) fn shown(step: &str) -> String {
    let Some(keys) = identity(step) else { return step.split_once(':').map_or(step, |(_, rest)| rest).to_owned() };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    keys.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn steps(path: &[&str]) -> Vec<String> {
        path.iter().map(|step| (*step).to_owned()).collect()
    }

    #[test]
    fn paths_read_as_people_write_them() {
        let path = steps(&["f:spec", "f:ports", "k:{\"port\":80,\"protocol\":\"TCP\"}", "f:a.b/c", "i:2", "f:x"]);
        assert_eq!(readable(&path), "spec.ports[port=80,protocol=TCP][a.b/c][2].x");
    }

    #[test]
    fn recorded_keys_win_over_usual_ones() {
        let object = json!({"metadata": {"managedFields": [{"fieldsV1": {"f:spec": {"f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}}]}});
        let lists = Lists::of([&object]);
        let ports =
            [json!({"port": 80, "protocol": "TCP", "name": "a"}), json!({"port": 80, "protocol": "UDP", "name": "b"})];
        let at = |path: &[&str], items: &[Value]| lists.keys(&steps(path), items, items);
        assert_eq!(at(&["f:spec", "f:ports"], &ports).unwrap(), ["port", "protocol"]);
        assert_eq!(at(&["f:spec", "f:other"], &ports).unwrap(), ["name"]);
        assert_eq!(at(&["f:spec", "f:args"], &[json!("x")]), None);
    }

    #[test]
    fn an_item_without_a_defaulted_key_is_still_found() {
        assert!(is_step_of(&json!({"port": 80}), "k:{\"port\":80,\"protocol\":\"TCP\"}"));
        assert!(!is_step_of(&json!({"port": 81}), "k:{\"port\":80,\"protocol\":\"TCP\"}"));
    }
}

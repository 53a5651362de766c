//! Sets of field paths and their `FieldsV1` form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::sample::shape::{Form, Shape, form};

/// One step of a path in its `FieldsV1` spelling: `f:spec`, `k:{"name":"web"}`, `v:"x"`.
pub type Step = String;

/// A set of paths, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    here: BTreeSet<Step>,
    below: BTreeMap<Step, Set>,
}

impl Set {
    /// Whether no path is in it.
    pub fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.values().all(Set::is_empty)
    }

    /// Adds a path; the empty one is ignored.
    pub fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => {
                self.here.insert(last.clone());
            }
            [first, rest @ ..] => self.below.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether the path of this single step is in it.
    pub fn has(&self, step: &str) -> bool {
        self.here.contains(step)
    }

    /// The paths that begin with this step, without it.
    pub fn under(&self, step: &str) -> Option<&Set> {
        self.below.get(step).filter(|set| !set.is_empty())
    }

    /// Paths of either.
    pub fn union(&self, other: &Set) -> Set {
        let mut all = self.clone();
        all.here.extend(other.here.iter().cloned());
        for (step, set) in &other.below {
            let merged = all.below.get(step).map_or_else(|| set.clone(), |mine| mine.union(set));
            all.below.insert(step.clone(), merged);
        }
        all
    }

    /// Paths of both.
    pub fn intersection(&self, other: &Set) -> Set {
        let here = self.here.intersection(&other.here).cloned().collect();
        let below = self.below.iter().filter_map(|(step, set)| {
            let both = set.intersection(other.below.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Set { here, below: below.collect() }
    }

    /// Paths of this one that the other does not hold.
    pub fn difference(&self, other: &Set) -> Set {
        let here = self.here.difference(&other.here).cloned().collect();
        let below = self.below.iter().filter_map(|(step, set)| {
            let left = other.below.get(step).map_or_else(|| set.clone(), |theirs| set.difference(theirs));
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Set { here, below: below.collect() }
    }

    /// Without these paths and everything below them.
    pub fn without(mut self, paths: &[&[&str]]) -> Set {
        for path in paths {
            self.remove_tree(path);
        }
        self
    }

    fn remove_tree(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => {
                self.here.remove(*last);
                self.below.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(set) = self.below.get_mut(*first) {
                    set.remove_tree(rest);
                    if set.is_empty() {
                        self.below.remove(*first);
                    }
                }
            }
        }
    }

    /// Only what is at or below this first step.
    pub fn only(mut self, step: &str) -> Set {
        self.here.retain(|one| one == step);
        self.below.retain(|one, _| one == step);
        self
    }

    /// With every declared field that has something below it counted in as well.
    pub fn with_named(&self, shape: &Shape) -> Set {
        let mut all = Set { here: self.here.clone(), below: BTreeMap::new() };
        for (step, set) in &self.below {
            let child = match (step.strip_prefix("f:"), shape) {
                (Some(name), _) => {
                    if shape.declares(name) {
                        all.here.insert(step.clone());
                    }
                    shape.child_or_any(name)
                }
                (None, Shape::List { item, .. }) => item.get(),
                (None, other) => other,
            };
            all.below.insert(step.clone(), set.with_named(child));
        }
        all
    }

    /// The paths as conflict messages show them: `.spec.containers[name="web"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        let steps: BTreeSet<&Step> = self.here.iter().chain(self.below.keys()).collect();
        for step in steps {
            let path = format!("{prefix}{}", shown(step));
            if self.here.contains(step) {
                paths.push(path.clone());
            }
            if let Some(set) = self.below.get(step) {
                set.collect(&path, paths);
            }
        }
    }

    /// The `fieldsV1` object.
    pub fn to_value(&self) -> Value {
        let steps: BTreeSet<&Step> = self.here.iter().chain(self.below.keys()).collect();
        let mut object = Map::new();
        for step in steps {
            let mut inner = Map::new();
            if let Some(set) = self.below.get(step).filter(|set| !set.is_empty()) {
                if self.here.contains(step) {
                    inner.insert(".".to_owned(), Value::Object(Map::new()));
                }
                if let Value::Object(children) = set.to_value() {
                    inner.extend(children);
                }
            }
            object.insert(step.clone(), Value::Object(inner));
        }
        Value::Object(object)
    }

    /// Reads a `fieldsV1` object; what is not one is the empty set.
    pub fn from_value(value: &Value) -> Set {
        let mut set = Set::default();
        for (step, inner) in value.as_object().into_iter().flatten().filter(|(step, _)| *step != ".") {
            let children = inner.as_object().is_some_and(|inner| inner.keys().any(|key| key != "."));
            if !children || inner.get(".").is_some() {
                set.here.insert(step.clone());
            }
            if children {
                set.below.insert(step.clone(), Set::from_value(inner));
            }
        }
        set
    }

    /// Every field that `value` sets.
    pub fn of(shape: &Shape, value: &Value) -> Set {
        let mut set = Set::default();
        set.add(shape, value, &mut Vec::new());
        set
    }

    fn add(&mut self, shape: &Shape, value: &Value, path: &mut Vec<Step>) {
        match form(shape, value) {
            Form::Leaf => self.insert(path),
            Form::Keyed { item, keys } => {
                for one in value.as_array().into_iter().flatten() {
                    if let Ok(step) = item_step(item, keys, one) {
                        path.push(step);
                        self.add(item, one, path);
                        self.insert(path);
                        path.pop();
                    }
                }
            }
            Form::Object(shape) => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    path.push(format!("f:{key}"));
                    self.add(shape.child_or_any(key), inner, path);
                    let empty = inner.as_object().is_some_and(Map::is_empty);
                    if empty || !shape.declares(key) {
                        self.insert(path);
                    }
                    path.pop();
                }
            }
        }
    }
}

/// The step that tells a list item apart; the text of the failure is the server's.
pub fn item_step(item: &Shape, keys: &[String], value: &Value) -> Result<Step, String> {
    if keys.is_empty() {
        return match value {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
            scalar => Ok(format!("v:{scalar}")),
        };
    }
    let Value::Object(fields) = value else {
        let what = if value.is_null() { "a null element" } else { "non-map elements" };
        return Err(format!("associative list with keys may not have {what}"));
    };
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort();
    let mut identity = Map::new();
    for key in sorted {
        let default = item.field(key).and_then(|field| field.default.as_ref());
        if let Some(value) = fields.get(key).or(default) {
            identity.insert(key.clone(), value.clone());
        }
    }
    if identity.is_empty() {
        let names = keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(" ");
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{names}] \
             (and doesn't have default values for any key fields)"
        ));
    }
    Ok(format!("k:{}", Value::Object(identity)))
}

/// A step as messages show it.
pub fn shown(step: &str) -> String {
    if let Some(name) = step.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(value) = step.strip_prefix("v:") {
        return format!("[={value}]");
    }
    let keys = step.strip_prefix("k:").and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
    let pairs: Vec<String> = keys.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    format!("[{}]", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;
    use serde_json::json;

    fn deployment() -> &'static Shape {
        &builtin::types()["apps.v1.Deployment"]
    }

    #[test]
    fn fields_of_a_deployment_are_told_apart_by_list_keys() {
        let value = json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {
            "containers": [{"name": "web", "image": "i", "ports": [{"containerPort": 80}], "args": ["x"]}]}}},
            "metadata": {"labels": {"a": "b"}, "finalizers": ["x/y"], "annotations": {}}});
        let set = Set::of(deployment(), &value);
        assert_eq!(
            set.to_value(),
            json!({
                "f:metadata": {"f:annotations": {}, "f:finalizers": {"v:\"x/y\"": {}}, "f:labels": {"f:a": {}}},
                "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:spec": {"f:containers": {
                    "k:{\"name\":\"web\"}": {".": {}, "f:args": {}, "f:image": {}, "f:name": {}, "f:ports": {
                        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}
            })
        );
        assert_eq!(Set::from_value(&set.to_value()), set);
    }

    #[test]
    fn paths_read_as_in_conflict_messages() {
        let value = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "i"}]}}}});
        assert_eq!(
            Set::of(deployment(), &value).paths(),
            [
                ".spec.template.spec.containers[name=\"web\"]",
                ".spec.template.spec.containers[name=\"web\"].image",
                ".spec.template.spec.containers[name=\"web\"].name",
            ]
        );
    }

    #[test]
    fn differences_and_intersections_go_path_by_path() {
        let left = Set::from_value(&json!({"f:a": {".": {}, "f:b": {}, "f:c": {}}}));
        let right = Set::from_value(&json!({"f:a": {"f:b": {}}}));
        assert_eq!(left.difference(&right).to_value(), json!({"f:a": {".": {}, "f:c": {}}}));
        assert_eq!(left.intersection(&right).to_value(), json!({"f:a": {"f:b": {}}}));
        assert_eq!(left.union(&right), left);
        assert!(right.difference(&left).is_empty());
    }
}

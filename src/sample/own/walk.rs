//! Walks two objects of one type side by side: merge, compare, remove, and check of an applied object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fields::{Set, Step, item_step, shown};
use crate::sample::shape::{Form, ListKind, Scalar, Shape, form};

/// What changed from one object to another.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    /// Paths only in the new object.
    pub added: Set,
    /// Paths whose value differs.
    pub modified: Set,
    /// Paths only in the old object.
    pub removed: Set,
}

/// Compares two objects.
pub fn compare(shape: &Shape, old: &Value, new: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.visit(shape, Some(old), Some(new), &mut Vec::new());
    comparison
}

fn empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

/// The side that decides the form: a null or absent value takes the form of the other.
fn decider<'a>(old: Option<&'a Value>, new: Option<&'a Value>) -> &'a Value {
    [new, old].into_iter().flatten().find(|value| !value.is_null()).unwrap_or(&Value::Null)
}

impl Comparison {
    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>, path: &[Step]) {
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            (Some(old), Some(new)) if old != new => self.modified.insert(path),
            _ => {}
        }
    }

    fn visit(&mut self, shape: &Shape, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<Step>) {
        let form = form(shape, decider(old, new));
        if matches!(form, Form::Leaf) || (empty(old) && empty(new)) {
            return self.leaf(old, new, path);
        }
        match form {
            Form::Object(shape) => self.visit_object(shape, old, new, path),
            Form::Keyed { item, keys } => self.visit_list((item, keys), old, new, path),
            Form::Leaf => {}
        }
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            _ => {}
        }
    }

    fn visit_object(&mut self, shape: &Shape, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<Step>) {
        let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
        let keys: BTreeSet<&String> =
            old.into_iter().flatten().chain(new.into_iter().flatten()).map(|(k, _)| k).collect();
        for key in keys {
            path.push(format!("f:{key}"));
            let pick = |side: Option<&'_ Map<String, Value>>| side.and_then(|fields| fields.get(key)).cloned();
            let (old, new) = (pick(old), pick(new));
            self.visit(shape.child_or_any(key), old.as_ref(), new.as_ref(), path);
            path.pop();
        }
    }

    fn visit_list(
        &mut self,
        (item, keys): (&Shape, &[String]),
        old: Option<&Value>,
        new: Option<&Value>,
        path: &mut Vec<Step>,
    ) {
        let (old, new) = (index(item, keys, old), index(item, keys, new));
        let steps: BTreeSet<&Step> = old.keys().chain(new.keys()).collect();
        for step in steps {
            path.push(step.clone());
            match (old.get(step).map(Vec::as_slice), new.get(step).map(Vec::as_slice)) {
                (Some([_, _, ..]), Some([_, _, ..])) if old[step] != new[step] => self.modified.insert(path),
                (Some([_, _, ..]), Some([_, _, ..])) => {}
                (Some([_, _, ..]), _) => self.removed.insert(path),
                (_, Some([_, _, ..])) => self.added.insert(path),
                (old, new) => {
                    let one = |side: Option<&[&Value]>| side.and_then(|items| items.first().copied()).cloned();
                    let (old, new) = (one(old), one(new));
                    self.visit(item, old.as_ref(), new.as_ref(), path);
                }
            }
            path.pop();
        }
    }
}

/// List items by identity; several under one identity are duplicates.
fn index<'a>(item: &Shape, keys: &[String], list: Option<&'a Value>) -> BTreeMap<Step, Vec<&'a Value>> {
    let mut indexed: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
    for value in list.and_then(Value::as_array).into_iter().flatten() {
        if let Ok(step) = item_step(item, keys, value) {
            indexed.entry(step).or_default().push(value);
        }
    }
    indexed
}

/// The live object with the applied configuration laid over it.
pub fn merge(shape: &Shape, live: &Value, config: &Value) -> Value {
    merged(shape, Some(live), Some(config)).unwrap_or_else(|| Value::Object(Map::new()))
}

fn merged(shape: &Shape, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let form = form(shape, decider(live, config));
    if matches!(form, Form::Leaf) || (empty(live) && empty(config)) {
        return config.or(live).cloned();
    }
    match form {
        Form::Object(shape) => merge_objects(shape, live, config),
        Form::Keyed { item, keys } => merge_lists(item, keys, live, config),
        Form::Leaf => None,
    }
}

fn merge_objects(shape: &Shape, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let (live, config) = (live.and_then(Value::as_object), config.and_then(Value::as_object));
    let mut out = Map::new();
    for (key, value) in live.into_iter().flatten() {
        let other = config.and_then(|fields| fields.get(key));
        out.extend(merged(shape.child_or_any(key), Some(value), other).map(|value| (key.clone(), value)));
    }
    for (key, value) in config.into_iter().flatten() {
        if live.is_none_or(|fields| !fields.contains_key(key)) {
            out.extend(merged(shape.child_or_any(key), None, Some(value)).map(|value| (key.clone(), value)));
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn steps(item: &Shape, keys: &[String], list: Option<&Value>) -> Vec<(Step, Value)> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|value| Some((item_step(item, keys, value).ok()?, value.clone()))).collect()
}

/// Live items keep their place, new ones come in where the configuration has them, and the shared ones
/// take the configuration's order.
fn merge_lists(item: &Shape, keys: &[String], live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let (left, right) = (steps(item, keys, live), steps(item, keys, config));
    let in_left = |step: &Step| left.iter().find(|(one, _)| one == step).map(|(_, value)| value);
    let in_right = |step: &Step| right.iter().any(|(one, _)| one == step);
    let mut shared = right.iter().map(|(step, _)| step).filter(|step| in_left(step).is_some());
    let mut next = shared.next();
    let (mut out, mut done) = (Vec::new(), BTreeSet::new());
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((step, value)), Some((other, theirs))) = (left.get(l), right.get(r)) {
            if step == other {
                out.extend(merged(item, Some(value), Some(theirs)));
                done.insert(step);
                (l, r, next) = (l + 1, r + 1, shared.next());
                continue;
            }
            if in_right(step) && next.is_some_and(|next| next != step) {
                l += 1;
                continue;
            }
        }
        if let Some((step, value)) = left.get(l) {
            if !in_right(step) {
                out.extend(merged(item, Some(value), None));
                l += 1;
                continue;
            }
            if done.contains(step) {
                l += 1;
            }
        }
        if let Some((step, value)) = right.get(r) {
            done.insert(step);
            out.extend(merged(item, in_left(step), Some(value)));
            r += 1;
            if next == Some(step) {
                next = shared.next();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}

/// The object without the fields of `set`; containers that become empty go as well.
pub fn remove(shape: &Shape, value: &Value, set: &Set) -> Value {
    removed(shape, value, set).unwrap_or(Value::Null)
}

fn removed(shape: &Shape, value: &Value, set: &Set) -> Option<Value> {
    match form(shape, value) {
        Form::Leaf => match (shape, value) {
            // An atomic map or list of which a part is to go, goes wholly.
            (Shape::Scalar(_), _) => Some(value.clone()),
            (_, Value::Object(_) | Value::Array(_)) => None,
            _ => Some(value.clone()),
        },
        Form::Keyed { item, keys } => {
            let mut out = Vec::new();
            for one in value.as_array().into_iter().flatten() {
                let step = item_step(item, keys, one).unwrap_or_default();
                if set.has(&step) {
                    continue;
                }
                match set.under(&step) {
                    Some(below) => out.extend(removed(item, one, below)),
                    None => out.push(one.clone()),
                }
            }
            (!out.is_empty()).then_some(Value::Array(out))
        }
        Form::Object(shape) => {
            let mut out = Map::new();
            for (key, inner) in value.as_object().into_iter().flatten() {
                let step = format!("f:{key}");
                if set.has(&step) {
                    continue;
                }
                let kept = match set.under(&step) {
                    Some(below) => removed(shape.child_or_any(key), inner, below),
                    None => Some(inner.clone()),
                };
                out.extend(kept.map(|kept| (key.clone(), kept)));
            }
            (!out.is_empty()).then_some(Value::Object(out))
        }
    }
}

/// Every fault of an applied object against its type, in the server's words.
pub fn check(shape: &Shape, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check_at(shape, value, "", &mut faults);
    faults
}

fn check_at(shape: &Shape, value: &Value, path: &str, faults: &mut Vec<String>) {
    let mut fault = |text: String| faults.push(if path.is_empty() { text } else { format!("{path}: {text}") });
    match (shape, value) {
        (_, Value::Null) | (Shape::Untyped { .. }, _) => {}
        (Shape::Scalar(scalar), _) => {
            if let Some(text) = scalar_fault(*scalar, value) {
                fault(text);
            }
        }
        (Shape::List { item, kind }, Value::Array(items)) => check_list((item.get(), kind), items, path, faults),
        (Shape::List { .. }, other) => fault(format!("expected list, got {}", go(other))),
        (Shape::Map { .. } | Shape::Struct(_), Value::Object(fields)) => {
            for (key, inner) in fields {
                let below = format!("{path}.{key}");
                match shape.child(key) {
                    Some(child) => check_at(child, inner, &below, faults),
                    None => faults.push(format!("{below}: field not declared in schema")),
                }
            }
        }
        (Shape::Map { .. } | Shape::Struct(_), other) => fault(format!("expected map, got {}", go(other))),
    }
}

fn check_list((item, kind): (&Shape, &ListKind), items: &[Value], path: &str, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (place, value) in items.iter().enumerate() {
        let keys: &[String] = match kind {
            ListKind::Atomic => {
                check_at(item, value, &format!("{path}[{place}]"), faults);
                continue;
            }
            ListKind::Set => &[],
            ListKind::Map(keys) => keys,
        };
        match item_step(item, keys, value) {
            Err(text) => return faults.push(format!("{path}: element {place}: {text}")),
            Ok(step) => {
                let below = format!("{path}{}", shown(&step));
                if !seen.insert(step.clone()) {
                    faults.push(format!("{path}: duplicate entries for key {}", shown(&step)));
                }
                check_at(item, value, &below, faults);
            }
        }
    }
}

fn scalar_fault(scalar: Scalar, value: &Value) -> Option<String> {
    let nested = value.is_object() || value.is_array();
    match scalar {
        Scalar::String | Scalar::Bytes if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_literal(value)))
        }
        Scalar::Int32 | Scalar::Int64 | Scalar::Number if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", go_type(value)))
        }
        Scalar::Bool if !value.is_boolean() => Some(format!("expected boolean, got &{{{}}}", go(value))),
        Scalar::IntOrString | Scalar::Quantity | Scalar::Time if nested => {
            Some(format!("expected any scalar, got &{{{}}}", go(value)))
        }
        _ => None,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Number(_) | Value::Null => "int64",
    }
}

/// A value as Go's `%#v` prints it.
fn go_literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let pairs: Vec<String> =
                fields.iter().map(|(key, value)| format!("\"{key}\":{}", go_literal(value))).collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// A value as Go's `%v` prints it.
fn go(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{}", go(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;
    use serde_json::json;

    fn pod() -> &'static Shape {
        &builtin::types()["core.v1.Pod"]
    }

    #[test]
    fn a_merge_keeps_what_others_put_in_and_the_order_of_both() {
        let live = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "nodeName": "n"}});
        let config = json!({"spec": {"containers": [{"name": "c"}, {"name": "a", "image": "2"}]}});
        assert_eq!(
            merge(pod(), &live, &config),
            json!({"spec": {"containers": [{"name": "c"}, {"name": "a", "image": "2"}, {"name": "b"}], "nodeName": "n"}})
        );
    }

    #[test]
    fn atomic_lists_are_replaced_and_sets_are_joined() {
        let live = json!({"metadata": {"finalizers": ["a"]}, "spec": {"tolerations": [{"key": "x"}]}});
        let config = json!({"metadata": {"finalizers": ["b"]}, "spec": {"tolerations": [{"key": "y"}]}});
        assert_eq!(
            merge(pod(), &live, &config),
            json!({"metadata": {"finalizers": ["a", "b"]}, "spec": {"tolerations": [{"key": "y"}]}})
        );
    }

    #[test]
    fn a_comparison_names_paths() {
        let old = json!({"spec": {"containers": [{"name": "a", "image": "1"}], "nodeName": "n"}});
        let new = json!({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b"}]}});
        let comparison = compare(pod(), &old, &new);
        assert_eq!(comparison.modified.paths(), [".spec.containers[name=\"a\"].image"]);
        assert_eq!(comparison.added.paths(), [".spec.containers[name=\"b\"]", ".spec.containers[name=\"b\"].name"]);
        assert_eq!(comparison.removed.paths(), [".spec.nodeName"]);
    }

    #[test]
    fn an_applied_object_is_checked_against_its_type() {
        let value = json!({"spec": {"containers": [{"name": "a"}, {"name": "a"}], "replicas": 1, "nodeName": 5}});
        let faults = check(pod(), &value);
        assert_eq!(
            faults,
            [
                ".spec.containers: duplicate entries for key [name=\"a\"]",
                ".spec.replicas: field not declared in schema",
                ".spec.nodeName: expected string, got &value.valueUnstructured{Value:5}",
            ]
        );
    }
}

//! Merge patches, JSON patches, and strategic merge patches.

use serde_json::{Map, Value};

use super::shape::Shape;
use super::status::{Answer, Failure};

/// RFC 7386.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    let fields = super::object::ensure(target);
    for (key, change) in changes {
        if change.is_null() {
            fields.shift_remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The server's answer to a JSON patch that cannot be applied.
fn rejected() -> Failure {
    Failure::new(422, "Invalid", "the server rejected our request due to an error in our request")
        .with_details(Value::Object(Map::new()))
}

/// RFC 6902.
pub fn json(target: &mut Value, patch: &Value) -> Answer<()> {
    let Value::Array(steps) = patch else {
        return Err(Failure::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ));
    };
    steps.iter().try_for_each(|step| json_step(target, step))
}

fn json_step(target: &mut Value, step: &Value) -> Answer<()> {
    let path = step["path"].as_str().ok_or_else(rejected)?;
    let from = || step["from"].as_str().ok_or_else(rejected);
    let value = || step.get("value").cloned().ok_or_else(rejected);
    match step["op"].as_str().unwrap_or_default() {
        "add" => add(target, path, value()?),
        "remove" => take(target, path).map(|_| ()),
        "replace" => {
            let slot = target.pointer_mut(path).ok_or_else(rejected)?;
            *slot = value()?;
            Ok(())
        }
        "test" => match target.pointer(path) {
            Some(found) if *found == value()? => Ok(()),
            _ => Err(rejected()),
        },
        "copy" => {
            let copied = target.pointer(from()?).cloned().ok_or_else(rejected)?;
            add(target, path, copied)
        }
        "move" => {
            let moved = take(target, from()?)?;
            add(target, path, moved)
        }
        _ => Err(rejected()),
    }
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Answer<()> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, last) = split(path).ok_or_else(rejected)?;
    match target.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.insert(last, value);
            Ok(())
        }
        Some(Value::Array(items)) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let place: usize = last.parse().map_err(|_| rejected())?;
            if place > items.len() {
                return Err(rejected());
            }
            items.insert(place, value);
            Ok(())
        }
        _ => Err(rejected()),
    }
}

fn take(target: &mut Value, path: &str) -> Answer<Value> {
    let (parent, last) = split(path).ok_or_else(rejected)?;
    match target.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.shift_remove(&last).ok_or_else(rejected),
        Some(Value::Array(items)) => {
            let place: usize = last.parse().map_err(|_| rejected())?;
            if place < items.len() { Ok(items.remove(place)) } else { Err(rejected()) }
        }
        _ => Err(rejected()),
    }
}

const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Kubernetes' strategic merge patch: lists are merged by the keys that their types declare.
pub fn strategic(shape: &Shape, target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if changes.get("$patch").and_then(Value::as_str) == Some("replace") {
        let mut replacement = changes.clone();
        replacement.shift_remove("$patch");
        *target = Value::Object(replacement);
        return;
    }
    let fields = super::object::ensure(target);
    if let Some(Value::Array(kept)) = changes.get("$retainKeys") {
        fields.retain(|key, _| kept.iter().any(|one| one == key.as_str()));
    }
    for (key, change) in changes {
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (fields.get_mut(list), change) {
                items.retain(|item| !gone.contains(item));
            }
        } else if key.starts_with('$') {
            // Orders are laid on at the end, the rest was read above.
        } else if change.is_null() {
            fields.shift_remove(key);
        } else {
            strategic_field(shape, key, fields, change);
        }
    }
    for (key, order) in changes {
        if let (Some(list), Value::Array(order)) = (key.strip_prefix(SET_ORDER), order) {
            let merge = shape.field(list).and_then(|field| field.merge.as_deref()).unwrap_or_default();
            if let Some(Value::Array(items)) = fields.get_mut(list) {
                reorder(items, order, merge);
            }
        }
    }
}

fn strategic_field(shape: &Shape, key: &str, fields: &mut Map<String, Value>, change: &Value) {
    let inner = shape.child_or_any(key);
    let merge = shape.field(key).and_then(|field| field.merge.as_deref());
    match (change, merge, inner) {
        (Value::Array(changes), Some(merge), Shape::List { item, .. }) => {
            let slot = fields.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Value::Array(items) = slot {
                strategic_list(item.get(), merge, items, changes);
            }
        }
        (Value::Object(_), ..) => strategic(inner, fields.entry(key.to_owned()).or_insert(Value::Null), change),
        _ => {
            fields.insert(key.to_owned(), change.clone());
        }
    }
}

fn strategic_list(item: &Shape, key: &str, items: &mut Vec<Value>, changes: &[Value]) {
    if changes.iter().any(|change| change["$patch"] == "replace") {
        *items = changes.iter().filter(|change| change["$patch"] != "replace").cloned().collect();
        return;
    }
    for change in changes {
        if key.is_empty() {
            if !items.contains(change) {
                items.push(change.clone());
            }
            continue;
        }
        let found = items.iter().position(|one| one[key] == change[key]);
        match (change["$patch"] == "delete", found) {
            (true, Some(_)) => items.retain(|one| one[key] != change[key]),
            (true, None) => {}
            (false, Some(place)) => strategic(item, &mut items[place], change),
            (false, None) => {
                let mut fresh = Value::Object(Map::new());
                strategic(item, &mut fresh, change);
                items.push(fresh);
            }
        }
    }
}

/// Items in the wished order; others keep their place behind the one they stood after.
fn reorder(items: &mut [Value], order: &[Value], key: &str) {
    let identity = |value: &Value| if key.is_empty() { value.clone() } else { value[key].clone() };
    let wished: Vec<Value> = order.iter().map(identity).collect();
    let mut rank = 0;
    let mut ranked: Vec<(usize, usize, Value)> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if let Some(wish) = wished.iter().position(|one| *one == identity(item)) {
            rank = wish + 1;
        }
        ranked.push((rank, place, item.clone()));
    }
    ranked.sort_by_key(|(rank, place, _)| (*rank, *place));
    for (slot, (_, _, item)) in items.iter_mut().zip(ranked) {
        *slot = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;
    use serde_json::json;

    #[test]
    fn merge_patches_remove_with_null() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "l": [1]});
        merge(&mut value, &json!({"a": {"b": null, "d": 3}, "l": [2]}));
        assert_eq!(value, json!({"a": {"c": 2, "d": 3}, "l": [2]}));
    }

    #[test]
    fn json_patches_follow_their_operations() {
        let mut value = json!({"a": [1, 2], "b": {"x/y": 1}});
        let steps = json!([{"op": "test", "path": "/a/0", "value": 1}, {"op": "add", "path": "/a/-", "value": 3},
            {"op": "remove", "path": "/b/x~1y"}, {"op": "copy", "from": "/a/2", "path": "/c"},
            {"op": "move", "from": "/a/0", "path": "/b/z"}, {"op": "replace", "path": "/c", "value": 9}]);
        super::json(&mut value, &steps).unwrap();
        assert_eq!(value, json!({"a": [2, 3], "b": {"z": 1}, "c": 9}));
        assert_eq!(super::json(&mut value, &json!([{"op": "remove", "path": "/no"}])).unwrap_err().code, 422);
        assert_eq!(super::json(&mut value, &json!({})).unwrap_err().code, 400);
    }

    #[test]
    fn strategic_patches_merge_lists_by_key() {
        let shape = &builtin::types()["core.v1.PodSpec"];
        let mut value = json!({"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}],
            "volumes": [{"name": "v", "emptyDir": {}}]});
        let patch = json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
            "containers": [{"name": "a", "image": "2", "args": ["y"]}, {"name": "b", "$patch": "delete"}, {"name": "c"}],
            "volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}, "emptyDir": null}]});
        strategic(shape, &mut value, &patch);
        assert_eq!(
            value,
            json!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "args": ["y"]}],
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}]})
        );
    }
}

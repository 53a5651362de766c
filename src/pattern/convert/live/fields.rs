//! The field sets of `managedFields`: which part of an object somebody owns.

use serde_json::{Map, Value};

/// A set of fields as `fieldsV1` writes it. `Null` is nothing, an empty mapping a whole value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owned(Value);

impl Owned {
    /// Nothing.
    pub(super) const NOTHING: Owned = Owned(Value::Null);

    /// All of several sets.
    pub(super) fn union<'a>(sets: impl IntoIterator<Item = &'a Value>) -> Self {
        sets.into_iter().fold(Self::NOTHING, |all, set| all.join(Owned(set.clone())))
    }

    /// This set and another.
    pub(super) fn join(self, other: Self) -> Self {
        Self(join(self.0, other.0))
    }

    /// The part of `value` that is in the set.
    pub(super) fn of(&self, value: &Value) -> Value {
        project(value, &self.0)
    }

    /// The set below the field `key`.
    pub(super) fn field(&self, key: &str) -> Self {
        Self(self.0.get(format!("f:{key}")).cloned().unwrap_or_default())
    }

    /// The set below an item of a list.
    pub(super) fn item(&self, index: usize, item: &Value) -> Self {
        Self(entry(&self.0, index, item).cloned().unwrap_or_default())
    }

    /// Whether the value itself is in the set.
    pub(super) fn is_owned(&self) -> bool {
        !self.0.is_null()
    }

    /// Whether the value is in the set with everything in it.
    pub(super) fn is_whole(&self) -> bool {
        self.0.as_object().is_some_and(Map::is_empty)
    }
}

fn join(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Null, set) | (set, Value::Null) => set,
        // A whole value holds every part of it.
        (Value::Object(one), Value::Object(other)) if one.is_empty() || other.is_empty() => {
            Value::Object(if one.is_empty() { one } else { other })
        }
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, value) in other {
                let known = one.remove(&key).unwrap_or_default();
                one.insert(key, join(known, value));
            }
            Value::Object(one)
        }
        (one, _) => one,
    }
}

fn project(value: &Value, set: &Value) -> Value {
    let Some(fields) = set.as_object() else { return Value::Null };
    if fields.is_empty() {
        return value.clone();
    }
    match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                if let Some(inner) = fields.get(&format!("f:{key}")) {
                    out.insert(key.clone(), project(value, inner));
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            let kept = items.iter().enumerate().filter_map(|(index, item)| {
                let inner = entry(set, index, item)?;
                let only_itself = inner.as_object().is_some_and(|fields| fields.keys().all(|key| key == "."));
                Some(if only_itself {
                    keys_of(set, item).unwrap_or_else(|| item.clone())
                } else {
                    project(item, inner)
                })
            });
            Value::Array(kept.collect())
        }
        scalar => scalar.clone(),
    }
}

/// The set of an item: by its keys, its value, or its place.
fn entry<'s>(set: &'s Value, index: usize, item: &Value) -> Option<&'s Value> {
    set.as_object()?.iter().find_map(|(name, inner)| {
        let (sort, rest) = name.split_once(':')?;
        let fits = match sort {
            "k" => serde_json::from_str::<Map<String, Value>>(rest)
                .is_ok_and(|keys| keys.iter().all(|(key, value)| has(item, key, value))),
            "v" => serde_json::from_str::<Value>(rest).is_ok_and(|value| value == *item),
            "i" => rest.parse() == Ok(index),
            _ => false,
        };
        fits.then_some(inner)
    })
}

/// Whether an item has the value of a key. Ports are known by a protocol that goes without saying.
fn has(item: &Value, key: &str, value: &Value) -> bool {
    item.get(key).map_or_else(|| key == "protocol" && value == "TCP", |found| found == value)
}

/// The keys by which the set knows an item, as a value.
fn keys_of(set: &Value, item: &Value) -> Option<Value> {
    set.as_object()?.keys().find_map(|name| {
        let keys: Map<String, Value> = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
        keys.iter().all(|(key, value)| has(item, key, value)).then_some(Value::Object(keys))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_chosen_by_key_value_and_place() {
        let value = json!({"a": {"b": 1, "c": 2}, "list": [{"name": "x", "v": 1}, {"name": "y", "v": 2}], "set": ["p", "q"], "whole": {"k": [1]}});
        let one = json!({"f:a": {"f:b": {}}, "f:list": {"k:{\"name\":\"y\"}": {".": {}, "f:v": {}}}, "f:set": {"v:\"q\"": {}}});
        let other = json!({"f:whole": {}, "f:a": {".": {}}});
        assert_eq!(
            Owned::union([&one, &other]).of(&value),
            json!({"a": {"b": 1}, "list": [{"v": 2}], "set": ["q"], "whole": {"k": [1]}})
        );
        assert_eq!(Owned::NOTHING.of(&value), Value::Null);
    }
}

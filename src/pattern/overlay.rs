//! Overlays: one pattern over another, by the rules of JSON merge patch with one addition for lists.
//!
//! Mappings merge key by key, and `null` takes a key away. Two lists whose items are all mappings with a `name` of their own
//! (containers, named ports) merge item by item. Everything else is replaced.

use std::collections::HashSet;

use serde_json::Value;

use crate::pattern::tree::{Kind, Mark, Node};

/// Merges `over` into `base`. Gives the marks of nulls that took nothing away.
pub fn merge(base: &mut Node, over: Node) -> Vec<Mark> {
    let mut idle = Vec::new();
    merge_into(base, over, &mut idle);
    idle
}

fn merge_into(base: &mut Node, over: Node, idle: &mut Vec<Mark>) {
    let mark = over.mark;
    match (&mut base.value, over.value) {
        (Kind::Map(entries), Kind::Map(changes)) => {
            for (key, change) in changes {
                if change.is_null() {
                    if entries.shift_remove(&key).is_none() {
                        idle.push(change.mark);
                    }
                } else if let Some(entry) = entries.get_mut(&key) {
                    merge_into(entry, change, idle);
                } else {
                    entries.insert(key, without_nulls(change));
                }
            }
        }
        (Kind::List(items), Kind::List(changes)) if are_named(items) && are_named(&changes) => {
            for change in changes {
                let name = name_of(&change).map(str::to_owned);
                match items.iter_mut().find(|item| name_of(item) == name.as_deref()) {
                    Some(item) => merge_into(item, change, idle),
                    None => items.push(without_nulls(change)),
                }
            }
        }
        (_, value) => *base = without_nulls(Node { mark, value }),
    }
}

/// Whether a list can be merged item by item: every item has a name, and no two the same.
fn are_named(items: &[Node]) -> bool {
    let mut seen = HashSet::new();
    !items.is_empty() && items.iter().all(|item| name_of(item).is_some_and(|name| seen.insert(name)))
}

fn name_of(item: &Node) -> Option<&str> {
    item.get("name")?.text()
}

/// In a part that is new, `null` leaves its key out.
fn without_nulls(mut node: Node) -> Node {
    if let Kind::Map(map) = &mut node.value {
        map.retain(|_, entry| !matches!(entry.value, Kind::Scalar(Value::Null)));
        for entry in map.values_mut() {
            *entry = without_nulls(std::mem::take(entry));
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::tree::Sources;
    use serde_json::json;

    fn merged(base: &str, over: &str) -> (Value, usize) {
        let mut sources = Sources::default();
        let mut node = Node::read(&mut sources, "a", base).unwrap().unwrap();
        let idle = merge(&mut node, Node::read(&mut sources, "b", over).unwrap().unwrap());
        (node.to_value(), idle.len())
    }

    #[test]
    fn mappings_merge_null_deletes_and_plain_lists_are_replaced() {
        let (value, idle) =
            merged("a: 1\nb: {c: 2, d: 3}\nl: [1, 2]\n", "b: {c: null, e: {f: null, g: 1}}\nl: [3]\nx: null\n");
        assert_eq!(value, json!({"a": 1, "b": {"d": 3, "e": {"g": 1}}, "l": [3]}));
        assert_eq!(idle, 1, "x was not there");
    }

    #[test]
    fn lists_of_named_mappings_merge_by_name() {
        let (value, _) = merged(
            "c: [{name: web, image: a, env: [{name: A, value: 1}]}, {name: log, image: b}]\n",
            "c: [{name: log, image: z}, {name: web, env: [{name: B, value: 2}]}, {name: new}]\n",
        );
        assert_eq!(
            value,
            json!({"c": [
                {"name": "web", "image": "a", "env": [{"name": "A", "value": 1}, {"name": "B", "value": 2}]},
                {"name": "log", "image": "z"},
                {"name": "new"},
            ]})
        );
        let (value, _) = merged("c: [{name: a}, {name: a}]\n", "c: [{name: b}]\n");
        assert_eq!(value, json!({"c": [{"name": "b"}]}), "names that are not unique do not merge");
    }

    #[test]
    fn values_keep_the_place_they_came_from() {
        let mut sources = Sources::default();
        let mut node = Node::read(&mut sources, "base", "a: {b: 1, c: 2}\n").unwrap().unwrap();
        let over = Node::read(&mut sources, "prod", "\na:\n  c: 3\n").unwrap().unwrap();
        merge(&mut node, over);
        let place = |key: &str| sources.place(node.get("a").unwrap().get(key).unwrap().mark).to_string();
        assert_eq!((place("b"), place("c")), ("base:1:5".to_owned(), "prod:3:3".to_owned()));
    }
}

//! Drops what the API server or an earlier apply wrote into an object, and counts it.

use serde_json::{Map, Value};

use crate::base::text;
use crate::pattern::object::{ANNOTATION_PATTERN, ANNOTATION_SERVICE, LABEL_SERVICE, SERVER_METADATA};

/// kubectl's copy of the file that was applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How many objects lost what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Objects whose `status` was dropped.
    pub status: usize,
    /// Objects whose server-written metadata was dropped.
    pub metadata: usize,
    /// Objects whose copy of an earlier apply was dropped.
    pub last_applied: usize,
    /// Objects whose marks of an earlier pattern were dropped.
    pub marks: usize,
}

impl Dropped {
    /// What to tell the user, nothing when nothing was dropped.
    pub fn notes(&self) -> Vec<String> {
        [
            (self.status, "`status`"),
            (self.metadata, "metadata that the API server writes (uid, resourceVersion and the like)"),
            (self.last_applied, "kubectl's last-applied-configuration"),
            (self.marks, "the marks of the pattern it was applied by"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("left out of {}: {what}", text::count(count, "object")))
        .collect()
    }
}

/// Drops it from one object.
pub fn clean(body: &mut Map<String, Value>, dropped: &mut Dropped) {
    dropped.status += usize::from(body.remove("status").is_some_and(|status| !is_nothing(&status)));
    let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let mut written = false;
    for key in SERVER_METADATA {
        written |= metadata.remove(*key).is_some_and(|value| !value.is_null());
    }
    dropped.metadata += usize::from(written);
    dropped.last_applied += usize::from(remove_inner(metadata, "annotations", &[LAST_APPLIED]));
    let marked = remove_inner(metadata, "annotations", &[ANNOTATION_PATTERN, ANNOTATION_SERVICE]);
    let labelled = remove_inner(metadata, "labels", &[LABEL_SERVICE]);
    dropped.marks += usize::from(marked || labelled);
    for key in ["labels", "annotations"] {
        if metadata.get(key).is_some_and(is_nothing) {
            metadata.remove(key);
        }
    }
}

fn remove_inner(metadata: &mut Map<String, Value>, field: &str, keys: &[&str]) -> bool {
    let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) else { return false };
    let mut removed = false;
    for key in keys {
        removed |= map.remove(*key).is_some();
    }
    removed
}

/// Whether a value says nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_wrote_is_dropped_and_counted() {
        let mut dropped = Dropped::default();
        let Value::Object(mut body) = json!({
            "kind": "X", "status": {"a": 1}, "spec": {"status": 1, "uid": 2},
            "metadata": {"name": "a", "uid": "u", "managedFields": [], "creationTimestamp": null, "finalizers": ["f"],
                "labels": {LABEL_SERVICE: "x"}, "annotations": {LAST_APPLIED: "{}", "keep": "1", ANNOTATION_PATTERN: "p"}}
        }) else {
            panic!()
        };
        clean(&mut body, &mut dropped);
        assert_eq!(
            Value::Object(body),
            json!({"kind": "X", "spec": {"status": 1, "uid": 2}, "metadata": {"name": "a", "finalizers": ["f"], "annotations": {"keep": "1"}}})
        );
        assert_eq!(dropped, Dropped { status: 1, metadata: 1, last_applied: 1, marks: 1 });
        assert_eq!(dropped.notes()[0], "left out of 1 object: `status`");
        let Value::Object(mut body) = json!({"status": {"loadBalancer": {}}, "metadata": {"creationTimestamp": null}})
        else {
            panic!()
        };
        let mut nothing = Dropped::default();
        clean(&mut body, &mut nothing);
        assert_eq!(nothing, Dropped::default(), "what says nothing is not worth a word");
    }
}

//! Who wrote a value, by the live object's `managedFields`.

use serde_json::Value;

/// The records of all managers of an object.
pub(super) struct Owners<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    manager: &'a str,
    time: Option<&'a str>,
    fields: &'a Value,
    own: bool,
}

/// Who owns one field.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Owner {
    /// Whether the pattern's own applies do.
    pub(super) own: bool,
    /// The other manager that wrote last, and when.
    pub(super) other: Option<(String, Option<String>)>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(object: &'a Value, manager: &str) -> Self {
        let all = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let entries = all.iter().map(|entry| Entry {
            manager: entry["manager"].as_str().unwrap_or("unknown"),
            time: entry["time"].as_str(),
            fields: &entry["fieldsV1"],
            own: entry["manager"] == manager && entry["operation"] == "Apply",
        });
        Self { entries: entries.collect() }
    }

    /// The owners of a path. One that owns a part of the value counts when nobody owns the whole.
    pub(super) fn of_path(&self, steps: &[String]) -> Owner {
        let mut owner = Owner::default();
        for entry in self.entries.iter().filter(|entry| owns(entry.fields, steps)) {
            if entry.own {
                owner.own = true;
            } else if owner.other.as_ref().is_none_or(|(_, time)| time.as_deref() < entry.time) {
                owner.other = Some((entry.manager.to_owned(), entry.time.map(str::to_owned)));
            }
        }
        owner
    }
}

/// Whether a tree of fields has the path, or a leaf above it that is owned as a whole.
fn owns(tree: &Value, steps: &[String]) -> bool {
    let Some(fields) = tree.as_object() else { return false };
    match steps.split_first() {
        None => true,
        Some(_) if fields.is_empty() => true,
        Some((step, rest)) => fields.get(step).is_some_and(|below| owns(below, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn owner(path: &[&str]) -> Owner {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "meshery", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}, "f:whole": {}}}},
            {"manager": "old", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:b": {}}}},
            {"manager": "new", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:b": {}}}},
            {"manager": "none", "operation": "Apply", "fieldsV1": {"f:spec": {"f:b": {}}}}
        ]}});
        Owners::of(&object, "meshery").of_path(&path.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_writer_is_named() {
        assert_eq!(owner(&["f:spec", "f:b"]).other.unwrap().0, "new");
        assert!(owner(&["f:spec", "f:a"]).own);
        assert_eq!(owner(&["f:spec", "f:c"]), Owner::default());
    }

    #[test]
    fn who_owns_a_whole_owns_its_parts() {
        assert!(owner(&["f:spec", "f:whole", "f:part"]).own);
    }
}

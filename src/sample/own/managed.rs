//! `metadata.managedFields`: reading, writing, and the rules by which a write changes it.

use serde_json::{Map, Value, json};

use super::fields::Set;
use super::walk::{self, compare};
use crate::sample::kind::Kind;
use crate::sample::shape::Shape;
use crate::sample::status::{Answer, Failure};

/// Fields that nobody owns.
const UNOWNED: &[&[&str]] = &[
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:selfLink"],
    &["f:metadata", "f:uid"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:managedFields"],
    &["f:metadata", "f:resourceVersion"],
    &["f:metadata", "f:deletionTimestamp"],
    &["f:metadata", "f:deletionGracePeriodSeconds"],
];

/// Structs that an empty object of a built-in kind already has, so that nobody is recorded as having added them.
const ALWAYS_THERE: &[&str] =
    &["f:metadata", "f:spec", "f:status", "f:template", "f:strategy", "f:updateStrategy", "f:jobTemplate", "f:names"];

/// One manager's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    manager: String,
    apply: bool,
    api_version: String,
    subresource: String,
    time: String,
    set: Set,
}

/// Who writes, and through what.
#[derive(Debug, Clone)]
pub struct Writer<'a> {
    /// Field manager.
    pub manager: &'a str,
    /// Subresource, empty for the object itself.
    pub subresource: &'a str,
    /// The moment of the write, as the API writes it.
    pub now: &'a str,
}

impl Entry {
    fn is(&self, other: &Entry) -> bool {
        self.manager == other.manager
            && self.apply == other.apply
            && self.subresource == other.subresource
            && (self.apply || self.api_version == other.api_version)
    }

    fn to_value(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("manager".to_owned(), json!(self.manager));
        entry.insert("operation".to_owned(), json!(if self.apply { "Apply" } else { "Update" }));
        entry.insert("apiVersion".to_owned(), json!(self.api_version));
        if !self.time.is_empty() {
            entry.insert("time".to_owned(), json!(self.time));
        }
        entry.insert("fieldsType".to_owned(), json!("FieldsV1"));
        entry.insert("fieldsV1".to_owned(), self.set.to_value());
        if !self.subresource.is_empty() {
            entry.insert("subresource".to_owned(), json!(self.subresource));
        }
        Value::Object(entry)
    }

    fn from_value(value: &Value) -> Option<Entry> {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        (!text("operation").is_empty()).then(|| Entry {
            manager: text("manager"),
            apply: value["operation"] == "Apply",
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            set: Set::from_value(&value["fieldsV1"]),
        })
    }

    /// The manager as conflict messages show it.
    fn shown(&self) -> String {
        let mut text = format!("\"{}\"", self.manager);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource \"{}\"", self.subresource);
        }
        if self.apply { text } else { format!("{text} using {}", self.api_version) }
    }
}

fn read(object: &Value) -> Option<Vec<Entry>> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    Some(entries.iter().filter_map(Entry::from_value).collect())
}

fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.set.is_empty());
    entries.sort_by(|a, b| {
        (!a.apply, &a.time, &a.manager, &a.subresource).cmp(&(!b.apply, &b.time, &b.manager, &b.subresource))
    });
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    metadata.shift_remove("managedFields");
    if !entries.is_empty() {
        metadata.insert("managedFields".to_owned(), entries.iter().map(Entry::to_value).collect());
    }
}

/// The object as the merge rules see it: without `managedFields`.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    object
}

/// What this kind of write may own: status belongs to the status subresource where there is one.
fn ownable(set: Set, kind: &Kind, subresource: &str) -> Set {
    let set = set.without(UNOWNED);
    match subresource {
        "status" => set.only("f:status"),
        _ if kind.has_status() => set.without(&[&["f:status"]]),
        _ => set,
    }
}

/// Records a write that is not an apply: `new` gets the managers of the write.
pub fn record_update(kind: &Kind, live: Option<&Value>, new: &mut Value, writer: &Writer<'_>) {
    let shape = kind.shape.get();
    let empty = json!({});
    let old = live.map_or_else(|| empty.clone(), bare);
    let kept = read(new).filter(|entries| !entries.is_empty()).or_else(|| read(live?)).unwrap_or_default();
    let mut comparison = compare(shape, &old, &bare(new));
    for set in [&mut comparison.added, &mut comparison.modified, &mut comparison.removed] {
        *set = ownable(std::mem::take(set), kind, writer.subresource);
    }
    drop_always_there(&mut comparison.added, kind.custom.is_none());
    let changed = comparison.modified.union(&comparison.added);
    let mut entries = take_over(kept, &changed, &comparison.removed, None);
    if !changed.is_empty() {
        let mine = Entry {
            manager: writer.manager.to_owned(),
            apply: false,
            api_version: kind.api_version(),
            subresource: writer.subresource.to_owned(),
            time: writer.now.to_owned(),
            set: changed,
        };
        match entries.iter_mut().find(|entry| entry.is(&mine)) {
            Some(entry) => *entry = Entry { set: entry.set.union(&mine.set), ..mine },
            None => entries.push(mine),
        }
    }
    write(new, entries);
}

/// Takes the structs that an empty object has out of what was added; of custom resources that is `metadata` alone.
fn drop_always_there(added: &mut Set, built_in: bool) {
    fn strip(value: &mut Value, names: &[&str]) {
        let Some(fields) = value.as_object_mut() else { return };
        fields.retain(|step, inner| {
            let known = names.contains(&step.as_str());
            if known && let Some(below) = inner.as_object_mut() {
                below.shift_remove(".");
            }
            strip(inner, names);
            !known || inner.as_object().is_some_and(|below| !below.is_empty())
        });
    }
    let mut value = added.to_value();
    if built_in {
        strip(&mut value, ALWAYS_THERE);
    } else if let Some(metadata) = value.get_mut("f:metadata") {
        strip(metadata, &[]);
        if let Some(below) = metadata.as_object_mut() {
            below.shift_remove(".");
        }
        if metadata.as_object().is_some_and(Map::is_empty) {
            value.as_object_mut().map(|fields| fields.shift_remove("f:metadata"));
        }
    }
    *added = Set::from_value(&value);
}

/// What the others keep when `changed` was taken from them and `removed` is gone.
fn take_over(entries: Vec<Entry>, changed: &Set, removed: &Set, mine: Option<&Entry>) -> Vec<Entry> {
    let keep = |entry: Entry| {
        if mine.is_some_and(|mine| entry.is(mine)) {
            return entry;
        }
        let set = entry.set.difference(changed).difference(removed);
        Entry { set, ..entry }
    };
    entries.into_iter().map(keep).filter(|entry| !entry.set.is_empty()).collect()
}

/// Applies `config` to `live`: the new object with its managers.
pub fn apply(kind: &Kind, live: &Value, config: &Value, writer: &Writer<'_>, force: bool) -> Answer<Value> {
    let shape = kind.shape.get();
    fit(kind, shape, config)?;
    let mine = Entry {
        manager: writer.manager.to_owned(),
        apply: true,
        api_version: kind.api_version(),
        subresource: writer.subresource.to_owned(),
        time: writer.now.to_owned(),
        set: ownable(Set::of(shape, config), kind, writer.subresource),
    };
    let old = bare(live);
    let entries = read(live).unwrap_or_default();
    let last = entries.iter().find(|entry| entry.is(&mine)).cloned();
    let others: Vec<Entry> = entries.into_iter().filter(|entry| !entry.is(&mine)).collect();

    let merged = walk::merge(shape, &old, config);
    let owned = others.iter().fold(mine.set.clone(), |all, entry| all.union(&entry.set));
    let mut new = prune(shape, merged, last.as_ref().map(|entry| &entry.set), &owned);

    let mut comparison = compare(shape, &old, &new);
    for set in [&mut comparison.added, &mut comparison.modified, &mut comparison.removed] {
        *set = ownable(std::mem::take(set), kind, writer.subresource);
    }
    let changed = comparison.modified.union(&comparison.added);
    if !force {
        refuse_conflicts(&others, &changed)?;
    }
    let mut all = take_over(others, &changed, &comparison.removed, Some(&mine));
    // An apply that changes no value leaves the time of its manager as it was, which for a new one is none.
    let time = if new == old { last.map(|last| last.time).unwrap_or_default() } else { mine.time.clone() };
    all.push(Entry { time, ..mine });
    write(&mut new, all);
    Ok(new)
}

fn fit(kind: &Kind, shape: &Shape, config: &Value) -> Answer<()> {
    let faults = walk::check(shape, config);
    if faults.is_empty() {
        return Ok(());
    }
    let text = match faults.as_slice() {
        [one] => one.clone(),
        many => format!("errors:\n{}", many.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")),
    };
    let (namespace, name) = (config["metadata"]["namespace"].as_str(), config["metadata"]["name"].as_str());
    let object = format!("{}/{}; {}", namespace.unwrap_or_default(), name.unwrap_or_default(), kind.gvk_text());
    Err(Failure::unfit(format!("failed to create typed patch object ({object}): {text}")))
}

fn refuse_conflicts(others: &[Entry], changed: &Set) -> Answer<()> {
    let mut conflicts: Vec<(String, String)> = Vec::new();
    let mut sorted: Vec<&Entry> = others.iter().collect();
    sorted.sort_by_key(|entry| (entry.manager.clone(), entry.apply));
    for entry in sorted {
        let shared = entry.set.intersection(changed);
        conflicts.extend(shared.paths().into_iter().map(|path| (entry.shown(), path)));
    }
    if conflicts.is_empty() { Ok(()) } else { Err(Failure::apply_conflict(&conflicts)) }
}

/// Removes what this manager applied the last time, does not apply now, and nobody else owns.
fn prune(shape: &Shape, merged: Value, last: Option<&Set>, owned: &Set) -> Value {
    let Some(last) = last.filter(|last| !last.is_empty()).map(|last| last.with_named(shape)) else { return merged };
    let pruned = walk::remove(shape, &merged, &last);
    let all = Set::of(shape, &merged).with_named(shape);
    let kept = Set::of(shape, &pruned).with_named(shape).union(&owned.with_named(shape));
    let pruned = walk::remove(shape, &merged, &all.difference(&kept));
    let kept = Set::of(shape, &pruned).with_named(shape);
    walk::remove(shape, &merged, &all.difference(&kept).intersection(&last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;

    fn kind(plural: &str) -> &'static Kind {
        builtin::kinds().iter().find(|kind| kind.plural == plural).unwrap()
    }

    fn writer(manager: &str) -> Writer<'_> {
        Writer { manager, subresource: "", now: "2026-01-01T00:00:00Z" }
    }

    fn deployment(replicas: Option<i64>, image: &str) -> Value {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}});
        if let Some(replicas) = replicas {
            value["spec"]["replicas"] = json!(replicas);
        }
        value
    }

    #[test]
    fn a_conflict_names_the_owner_and_force_takes_over() {
        let kind = kind("deployments");
        let first = apply(kind, &json!({}), &deployment(Some(1), "a"), &writer("one"), false).unwrap();
        let refused = apply(kind, &first, &deployment(Some(2), "a"), &writer("two"), false).unwrap_err();
        assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");
        assert_eq!(refused.details.unwrap()["causes"][0]["reason"], "FieldManagerConflict");
        let forced = apply(kind, &first, &deployment(Some(2), "a"), &writer("two"), true).unwrap();
        assert_eq!(forced["spec"]["replicas"], 2);
        let owners: Vec<&Value> = forced["metadata"]["managedFields"].as_array().unwrap().iter().collect();
        assert_eq!(owners[0]["fieldsV1"]["f:spec"].get("f:replicas"), None);
        assert_eq!(owners[1]["fieldsV1"]["f:spec"]["f:replicas"], json!({}));
    }

    #[test]
    fn a_dropped_field_goes_unless_another_owns_it() {
        let kind = kind("deployments");
        let first = apply(kind, &json!({}), &deployment(Some(1), "a"), &writer("one"), false).unwrap();
        let dropped = apply(kind, &first, &deployment(None, "a"), &writer("one"), false).unwrap();
        assert_eq!(dropped["spec"].get("replicas"), None);
        let shared = apply(kind, &first, &deployment(Some(1), "a"), &writer("two"), false).unwrap();
        let kept = apply(kind, &shared, &deployment(None, "a"), &writer("one"), false).unwrap();
        assert_eq!(kept["spec"]["replicas"], 1);
    }

    #[test]
    fn applying_the_same_again_changes_nothing_at_all() {
        let kind = kind("deployments");
        let first = apply(kind, &json!({}), &deployment(Some(1), "a"), &writer("one"), false).unwrap();
        let later = Writer { now: "2027-01-01T00:00:00Z", ..writer("one") };
        assert_eq!(apply(kind, &first, &deployment(Some(1), "a"), &later, false).unwrap(), first);
    }

    #[test]
    fn an_update_takes_the_fields_it_changes() {
        let kind = kind("deployments");
        let first = apply(kind, &json!({}), &deployment(Some(1), "a"), &writer("one"), false).unwrap();
        let mut second = first.clone();
        second["spec"]["replicas"] = json!(5);
        record_update(kind, Some(&first), &mut second, &writer("kubectl"));
        let entries = second["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries[1]["manager"], "kubectl");
        assert_eq!(entries[1]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
        assert_eq!(entries[0]["fieldsV1"]["f:spec"].get("f:replicas"), None);
    }
}

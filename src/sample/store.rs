//! The state of the practice cluster: objects, their versions, and the latest events.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::kind::Kind;
use super::{builtin, object};

/// How many events are kept for watches that come back.
const HISTORY: usize = 4096;

/// Group and plural under which objects are kept.
pub type Storage = (String, String);

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// One change.
#[derive(Debug, Clone)]
pub struct Event {
    /// The resourceVersion it made.
    pub version: u64,
    /// What happened.
    pub what: What,
    /// Where the object is kept.
    pub storage: Storage,
    /// The object afterwards; for a deletion, its last state.
    pub object: Arc<Value>,
    /// The object before.
    pub before: Option<Arc<Value>>,
}

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Group and plural.
    pub storage: Storage,
    /// Namespace, empty for cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// The place of an object of a kind.
    pub fn new(kind: &Kind, namespace: &str, name: &str) -> Key {
        Key { storage: kind.storage.clone(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The place of an object of a built-in kind.
    pub fn of(group: &str, plural: &str, namespace: &str, name: &str) -> Key {
        Key { storage: (group.to_owned(), plural.to_owned()), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

type Shelf = BTreeMap<(String, String), Arc<Value>>;

/// Everything the cluster knows.
#[derive(Debug, Default)]
pub struct State {
    version: u64,
    shelves: HashMap<Storage, Shelf>,
    history: VecDeque<Event>,
    forgotten: u64,
    custom: Vec<Arc<Kind>>,
    touched: Vec<Key>,
    allocated: u32,
}

impl State {
    /// The newest resourceVersion.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The kind at that group, version and plural.
    pub fn kind(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        self.kinds().find(|kind| kind.plural == plural && kind.version == version && kind.group == group).cloned()
    }

    /// Any version of the kind kept at that place.
    pub fn kind_of(&self, storage: &Storage) -> Option<Arc<Kind>> {
        self.kinds().find(|kind| kind.storage == *storage).cloned()
    }

    /// The kind of that name.
    pub fn kind_named(&self, api_version: &str, name: &str) -> Option<Arc<Kind>> {
        self.kinds().find(|kind| kind.kind == name && kind.api_version() == api_version).cloned()
    }

    /// Every kind: built-in ones, then those of established CRDs.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<Kind>> {
        builtin::kinds().iter().chain(&self.custom)
    }

    /// Replaces the kinds that the CRDs define.
    pub fn set_custom(&mut self, kinds: Vec<Arc<Kind>>) {
        self.custom = kinds;
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.shelves.get(&key.storage)?.get(&(key.namespace.clone(), key.name.clone()))
    }

    /// Objects of a kind in a namespace, or in all when it is empty, in order of namespace and name.
    pub fn list<'a>(&'a self, storage: &Storage, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Value>> {
        let objects = self.shelves.get(storage).into_iter().flatten();
        objects.filter(move |((place, _), _)| namespace.is_empty() || place == namespace).map(|(_, object)| object)
    }

    /// Places of all objects in a namespace, or of one kind everywhere.
    pub fn keys(&self, wanted: impl Fn(&Key) -> bool) -> Vec<Key> {
        let all = self.shelves.iter().flat_map(|(storage, shelf)| {
            shelf.keys().map(|(namespace, name)| Key {
                storage: storage.clone(),
                namespace: namespace.clone(),
                name: name.clone(),
            })
        });
        let mut keys: Vec<Key> = all.filter(wanted).collect();
        keys.sort();
        keys
    }

    /// Every object with its place.
    pub fn all(&self) -> impl Iterator<Item = (Key, &Arc<Value>)> {
        self.shelves.iter().flat_map(|(storage, shelf)| {
            shelf.iter().map(|((namespace, name), object)| {
                (Key { storage: storage.clone(), namespace: namespace.clone(), name: name.clone() }, object)
            })
        })
    }

    /// Stores an object under the next resourceVersion.
    pub fn put(&mut self, key: &Key, mut value: Value) -> Arc<Value> {
        self.version += 1;
        object::set_meta(&mut value, "resourceVersion", Some(json!(self.version.to_string())));
        let value = Arc::new(value);
        let objects = self.shelves.entry(key.storage.clone()).or_default();
        let before = objects.insert((key.namespace.clone(), key.name.clone()), Arc::clone(&value));
        let what = if before.is_some() { What::Modified } else { What::Added };
        self.record(key, what, Arc::clone(&value), before);
        value
    }

    /// Takes an object away for good; gives its last state.
    pub fn take(&mut self, key: &Key) -> Option<Arc<Value>> {
        let objects = self.shelves.get_mut(&key.storage)?;
        let before = objects.remove(&(key.namespace.clone(), key.name.clone()))?;
        self.version += 1;
        let mut last = (*before).clone();
        object::set_meta(&mut last, "resourceVersion", Some(json!(self.version.to_string())));
        let last = Arc::new(last);
        self.record(key, What::Deleted, Arc::clone(&last), Some(before));
        Some(last)
    }

    fn record(&mut self, key: &Key, what: What, object: Arc<Value>, before: Option<Arc<Value>>) {
        let event = Event { version: self.version, what, storage: key.storage.clone(), object, before };
        self.history.push_back(event);
        if self.history.len() > HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
        self.touch(key.clone());
    }

    /// Asks for the object's own life to be looked at.
    pub fn touch(&mut self, key: Key) {
        if !self.touched.contains(&key) {
            self.touched.push(key);
        }
    }

    /// The objects whose life is to be looked at.
    pub fn take_touched(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.touched)
    }

    /// The events of a kind after a resourceVersion; `None` when some of them are forgotten.
    pub fn since(&self, version: u64, storage: &Storage) -> Option<Vec<Event>> {
        if version < self.forgotten {
            return None;
        }
        let start = self.history.partition_point(|event| event.version <= version);
        Some(self.history.range(start..).filter(|event| event.storage == *storage).cloned().collect())
    }

    /// A number that was not given before, for cluster addresses and node ports.
    pub fn allocate(&mut self) -> u32 {
        self.allocated += 1;
        self.allocated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_bounded_and_says_when_it_forgot() {
        let mut state = State::default();
        let key = Key::of("", "configmaps", "a", "b");
        for round in 0..HISTORY + 10 {
            state.put(&key, json!({"metadata": {}, "data": {"n": round.to_string()}}));
        }
        assert_eq!(state.since(state.version() - 2, &key.storage).unwrap().len(), 2);
        assert!(state.since(1, &key.storage).is_none());
        assert_eq!(state.since(10, &key.storage).unwrap().len(), HISTORY);
    }
}

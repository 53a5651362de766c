//! What happens in a cluster by itself, a moment later: namespaces end, definitions are established, workloads
//! become ready, owners take their own with them.
//!
//! Everything here looks at the present state and brings it one step nearer to where it should be, so that doing it
//! again changes nothing.

mod pods;
mod workload;

use std::time::Duration;

use serde_json::{Value, json};

pub use pods::NODE;

use super::crd;
use super::object::{self, at, list, text};
use super::store::{Key, State};
use super::write::{self, Deletion};

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Until a definition is established, and until a deleted one is gone.
    pub definitions: Duration,
    /// Until a deleted namespace is empty and gone.
    pub namespaces: Duration,
    /// Each step of a workload on its way to being ready.
    pub workloads: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let step = Duration::from_millis(20);
        Self { definitions: step, namespaces: step, workloads: step }
    }
}

impl Pace {
    /// How long after a change of this object its life is looked at.
    pub(super) fn of(self, key: &Key) -> Duration {
        match (key.storage.0.as_str(), key.storage.1.as_str()) {
            crd::DEFINITIONS => self.definitions,
            ("", "namespaces") => self.namespaces,
            _ => self.workloads,
        }
    }
}

/// Brings one object a step on. A place without an object means that one was deleted there.
pub(super) fn step(state: &mut State, key: &Key) {
    let Some(value) = state.get(key).cloned() else {
        return gone(state, key);
    };
    if object::is_terminating(&value) {
        return terminate(state, key, &value);
    }
    match (key.storage.0.as_str(), key.storage.1.as_str()) {
        crd::DEFINITIONS => establish(state, key, &value),
        ("", "namespaces") => furnish(state, key),
        ("", "services") => balance(state, key, &value),
        ("", "persistentvolumeclaims") => bind(state, key, &value),
        ("", "pods") => pods::step(state, key, &value),
        ("apps" | "batch", _) => workload::step(state, key, &value),
        _ => {}
    }
    if !list(&value, &["metadata", "ownerReferences"]).is_empty() {
        touch_owner(state, key, &value);
        collect_orphan(state, key, &value);
    }
}

/// The owner's numbers depend on this object's.
fn touch_owner(state: &mut State, key: &Key, value: &Value) {
    let owners = list(value, &["metadata", "ownerReferences"]);
    for owner in owners.iter().filter(|owner| owner["controller"] == true) {
        let (version, kind) = (text(owner, &["apiVersion"]), text(owner, &["kind"]));
        if let Some(kind) = state.kind_named(version, kind) {
            state.touch(Key::new(&kind, &key.namespace, text(owner, &["name"])));
        }
    }
}

fn gone(state: &mut State, key: &Key) {
    if (key.storage.0.as_str(), key.storage.1.as_str()) == crd::DEFINITIONS {
        crd::refresh(state);
    }
    let owned: Vec<Key> = state
        .all()
        .filter(|(_, value)| !list(value, &["metadata", "ownerReferences"]).is_empty())
        .map(|(key, _)| key)
        .collect();
    for key in owned {
        if let Some(value) = state.get(&key).cloned() {
            collect_orphan(state, &key, &value);
        }
    }
    // Whoever made the object may have to make it again, and whoever waited for its end may go on.
    let waiting: Vec<Key> =
        state.all().filter(|(_, value)| object::is_terminating(value)).map(|(key, _)| key).collect();
    let makers = state.keys(|one| one.namespace == key.namespace && matches!(one.storage.0.as_str(), "apps" | "batch"));
    for key in waiting.into_iter().chain(makers) {
        state.touch(key);
    }
}

/// Deletes an object none of whose owners is there any more.
fn collect_orphan(state: &mut State, key: &Key, value: &Value) {
    let owners = list(value, &["metadata", "ownerReferences"]);
    if owners.iter().any(|owner| is_there(state, key, owner)) {
        return;
    }
    drop_object(state, key, "Background");
}

/// Whether the owner that a reference names is there, in the object's namespace or in none, with that very uid.
fn is_there(state: &State, key: &Key, owner: &Value) -> bool {
    let (version, kind) = (text(owner, &["apiVersion"]), text(owner, &["kind"]));
    let Some(kind) = state.kind_named(version, kind) else { return false };
    let namespace = if kind.namespaced { key.namespace.as_str() } else { "" };
    let found = state.get(&Key::new(&kind, namespace, text(owner, &["name"])));
    found.is_some_and(|found| object::uid(found) == text(owner, &["uid"]))
}

fn drop_object(state: &mut State, key: &Key, propagation: &str) {
    let Some(kind) = state.kind_of(&key.storage) else {
        state.take(key);
        return;
    };
    let wish = Deletion { propagation: propagation.to_owned(), ..Deletion::default() };
    if let Err(failure) = write::delete(state, &kind, key, &wish) {
        tracing::debug!(object = %key.name, message = %failure.message, "a controller's delete was refused");
    }
}

fn has_finalizer(value: &Value, name: &str) -> bool {
    list(value, &["metadata", "finalizers"]).iter().any(|one| one == name)
}

fn terminate(state: &mut State, key: &Key, value: &Value) {
    if (key.storage.0.as_str(), key.storage.1.as_str()) == ("", "namespaces") {
        return empty_namespace(state, key);
    }
    let uid = object::uid(value);
    let owned = |state: &State| -> Vec<Key> {
        let owned =
            |one: &Value| list(one, &["metadata", "ownerReferences"]).iter().any(|owner| text(owner, &["uid"]) == uid);
        state.all().filter(|(_, one)| owned(one)).map(|(key, _)| key).collect()
    };
    if has_finalizer(value, "orphan") {
        for key in owned(state) {
            write::adjust(state, &key, "", |one| disown(one, uid));
        }
        return finish(state, key, "orphan");
    }
    if has_finalizer(value, "foregroundDeletion") {
        let dependents = owned(state);
        for key in &dependents {
            drop_object(state, key, "Foreground");
        }
        if owned(state).is_empty() {
            return finish(state, key, "foregroundDeletion");
        }
    }
    if has_finalizer(value, crd::CLEANUP) {
        for key in crd::objects(state, value) {
            drop_object(state, &key, "Background");
        }
        if crd::objects(state, value).is_empty() {
            finish(state, key, crd::CLEANUP);
        }
    }
}

fn disown(value: &mut Value, uid: &str) {
    let mut owners = list(value, &["metadata", "ownerReferences"]).to_vec();
    owners.retain(|owner| text(owner, &["uid"]) != uid);
    let owners = (!owners.is_empty()).then_some(Value::Array(owners));
    object::set_meta(value, "ownerReferences", owners);
}

fn finish(state: &mut State, key: &Key, finalizer: &str) {
    write::adjust(state, key, "", |value| {
        let mut finalizers = list(value, &["metadata", "finalizers"]).to_vec();
        finalizers.retain(|one| one != finalizer);
        let finalizers = (!finalizers.is_empty()).then_some(Value::Array(finalizers));
        object::set_meta(value, "finalizers", finalizers);
    });
}

fn empty_namespace(state: &mut State, key: &Key) {
    let name = key.name.clone();
    for key in state.keys(|one| one.namespace == name) {
        drop_object(state, &key, "Background");
    }
    let left = state.keys(|one| one.namespace == name);
    if left.is_empty() {
        write::adjust(state, key, "finalize", |value| {
            object::child(value, "spec").insert("finalizers".to_owned(), json!([]));
        });
        return;
    }
    let text = format!("Some content in the namespace has finalizers remaining: {} objects", left.len());
    let conditions = json!([{"type": "NamespaceFinalizersRemaining", "status": "True", "reason": "SomeFinalizersRemain",
        "message": text}]);
    write::adjust(state, key, "status", |value| {
        object::child(value, "status").insert("conditions".to_owned(), conditions);
    });
}

fn establish(state: &mut State, key: &Key, value: &Value) {
    if !crd::has_condition(value, "NamesAccepted") {
        write::adjust(state, key, "status", |value| crd::accept(value, false));
    } else if !crd::has_condition(value, "Established") {
        write::adjust(state, key, "status", |value| crd::accept(value, true));
    }
    crd::refresh(state);
}

/// Every namespace has its default service account and the cluster's certificate authorities.
fn furnish(state: &mut State, key: &Key) {
    let account = json!({"metadata": {"name": "default", "namespace": key.name}});
    if state.get(&Key::of("", "serviceaccounts", &key.name, "default")).is_none() {
        write::provide(state, "v1", "ServiceAccount", &key.name, account);
    }
    let authorities = json!({"metadata": {"name": "kube-root-ca.crt", "namespace": key.name}, "data": {"ca.crt": ""}});
    if state.get(&Key::of("", "configmaps", &key.name, "kube-root-ca.crt")).is_none() {
        write::provide(state, "v1", "ConfigMap", &key.name, authorities);
    }
}

fn balance(state: &mut State, key: &Key, value: &Value) {
    let wanted = text(value, &["spec", "type"]) == "LoadBalancer" && !never_ready(value);
    if wanted && at(value, &["status", "loadBalancer", "ingress"]).is_null() {
        let number = state.allocate() % 250 + 1;
        let ingress = json!([{"ip": format!("192.0.2.{number}"), "ipMode": "VIP"}]);
        write::adjust(state, key, "status", |value| {
            object::child(value, "status").insert("loadBalancer".to_owned(), json!({"ingress": ingress}));
        });
    }
}

fn bind(state: &mut State, key: &Key, value: &Value) {
    if never_ready(value) || text(value, &["status", "phase"]) == "Bound" {
        return;
    }
    let (modes, capacity) = (value["spec"]["accessModes"].clone(), value["spec"]["resources"]["requests"].clone());
    write::adjust(state, key, "status", |value| {
        let status = object::child(value, "status");
        status.insert("phase".to_owned(), json!("Bound"));
        status.insert("accessModes".to_owned(), modes);
        status.insert("capacity".to_owned(), capacity);
    });
}

/// The annotation that keeps a workload from ever being ready.
pub const NEVER_READY: &str = "practice.meshery.io/never-ready";

/// Whether the object carries the annotation that keeps it unready.
fn never_ready(value: &Value) -> bool {
    at(value, &["metadata", "annotations", NEVER_READY]) == "true"
}

//! Create, update and delete, as every writer does them: clients, and the cluster's own controllers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kind::Kind;
use super::object::{self, at, set_meta, text};
use super::own::managed::{self, Writer};
use super::status::{Answer, Failure};
use super::store::{Key, State};
use super::{allocate, decode, defaults, validate};
use crate::base::id;

/// How a write is done.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// Field manager.
    pub manager: String,
    /// Subresource written through, empty for the object itself.
    pub subresource: String,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
    /// Whether the managers are already worked out, as after an apply.
    pub applied: bool,
}

impl How {
    /// A write of one of the cluster's own controllers.
    pub fn controller(subresource: &str) -> How {
        How { manager: "kube-controller-manager".to_owned(), subresource: subresource.to_owned(), ..How::default() }
    }
}

/// What a delete call asks for.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    /// `Background`, `Foreground`, `Orphan`, or empty.
    pub propagation: String,
    /// Required uid.
    pub uid: Option<String>,
    /// Required resourceVersion.
    pub version: Option<String>,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
}

/// How a deletion ended.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<Value>),
    /// The object goes when its finalizers are done.
    Pending(Arc<Value>),
}

/// Built-in kinds whose `metadata.generation` counts changes of the spec.
const COUNTED: &[&str] = &[
    "cronjobs",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "flowschemas",
    "ingressclasses",
    "ingresses",
    "jobs",
    "mutatingadmissionpolicies",
    "mutatingwebhookconfigurations",
    "networkpolicies",
    "poddisruptionbudgets",
    "pods",
    "priorityclasses",
    "prioritylevelconfigurations",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
    "validatingadmissionpolicies",
    "validatingwebhookconfigurations",
];

fn counts(kind: &Kind) -> bool {
    kind.custom.is_some() || COUNTED.contains(&kind.plural.as_str())
}

/// Creates an object in a namespace (empty for cluster scope).
pub fn create(state: &mut State, kind: &Kind, namespace: &str, mut value: Value, how: &How) -> Answer<Arc<Value>> {
    if !text(&value, &["metadata", "resourceVersion"]).is_empty() {
        return Err(Failure::unfit("resourceVersion should not be set on objects to be created"));
    }
    place(kind, namespace, &mut value)?;
    generate_name(&mut value);
    let name = object::name(&value).to_owned();
    admit_namespace(state, kind, namespace, &name)?;
    let now = object::now();
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
        set_meta(&mut value, key, None);
    }
    set_meta(&mut value, "uid", Some(json!(id::new().to_string())));
    if counts(kind) {
        set_meta(&mut value, "generation", Some(json!(1)));
    }
    set_meta(&mut value, "creationTimestamp", Some(json!(now)));
    if kind.has_status() {
        object::ensure(&mut value).shift_remove("status");
    }
    defaults::fill(kind, &mut value);
    if !how.applied {
        set_meta(&mut value, "managedFields", None);
        let writer = Writer { manager: &how.manager, subresource: "", now: &now };
        managed::record_update(kind, None, &mut value, &writer);
    }
    allocate::complete(state, kind, &mut value, how.dry_run);
    validate::create(kind, &value)?;
    let key = Key::new(kind, namespace, &name);
    if state.get(&key).is_some() {
        return Err(Failure::exists(&kind.group, &kind.plural, &name));
    }
    order_metadata(&mut value);
    Ok(if how.dry_run { Arc::new(value) } else { state.put(&key, value) })
}

/// Puts the object into the request's namespace; another one in the object is refused.
pub fn place(kind: &Kind, namespace: &str, value: &mut Value) -> Answer<()> {
    let given = object::namespace(value).to_owned();
    if !kind.namespaced {
        set_meta(value, "namespace", None);
    } else if given.is_empty() {
        set_meta(value, "namespace", Some(json!(namespace)));
    } else if given != namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

fn generate_name(value: &mut Value) {
    let prefix = text(value, &["metadata", "generateName"]);
    if object::name(value).is_empty() && !prefix.is_empty() {
        let name = format!("{prefix}{}", suffix());
        set_meta(value, "name", Some(json!(name)));
    }
}

/// Five letters and digits, as generated names end.
pub fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let short = id::short();
    let numbers = short
        .as_bytes()
        .chunks(2)
        .take(5)
        .map(|pair| pair.iter().fold(0usize, |sum, byte| sum * 31 + usize::from(*byte)));
    numbers.map(|number| char::from(LETTERS[number % LETTERS.len()])).collect()
}

fn admit_namespace(state: &State, kind: &Kind, namespace: &str, name: &str) -> Answer<()> {
    if !kind.namespaced {
        return Ok(());
    }
    let Some(found) = state.get(&Key::of("", "namespaces", "", namespace)) else {
        return Err(Failure::not_found("", "namespaces", namespace));
    };
    if !object::is_terminating(found) {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut failure = Failure::forbidden(&kind.group, &kind.plural, name, &why);
    if let Some(details) = failure.details.as_deref_mut().and_then(Value::as_object_mut) {
        let cause = json!({"reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"});
        details.insert("causes".to_owned(), json!([cause]));
    }
    Err(failure)
}

/// Metadata in the order in which the server prints it.
fn order_metadata(value: &mut Value) {
    const ORDER: &[&str] = &[
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ];
    let metadata = object::metadata(value);
    let mut old = std::mem::take(metadata);
    for key in ORDER {
        metadata.extend(old.shift_remove(*key).map(|value| ((*key).to_owned(), value)));
    }
    metadata.extend(old);
}

/// Replaces an object by a new state; unchanged content writes nothing.
pub fn update(state: &mut State, kind: &Kind, key: &Key, mut new: Value, how: &How) -> Answer<Arc<Value>> {
    let Some(old) = state.get(key).cloned() else {
        return Err(Failure::not_found(&kind.group, &kind.plural, &key.name));
    };
    check_identity(kind, &old, &new)?;
    let whole = how.subresource.is_empty() || how.subresource == "finalize";
    carry_over(kind, &old, &mut new, how);
    if whole {
        defaults::fill(kind, &mut new);
        allocate::carry(state, kind, &old, &mut new, how.dry_run);
    }
    validate::update(kind, &old, &new, whole)?;
    if !how.applied {
        let now = object::now();
        let writer = Writer { manager: &how.manager, subresource: &how.subresource, now: &now };
        managed::record_update(kind, Some(&old), &mut new, &writer);
    }
    if object::same(&old, &new) {
        return Ok(old);
    }
    if counts(kind) && whole && content(kind, &old) != content(kind, &new) {
        let generation = at(&old, &["metadata", "generation"]).as_i64().unwrap_or(1);
        set_meta(&mut new, "generation", Some(json!(generation + 1)));
    }
    order_metadata(&mut new);
    if how.dry_run {
        return Ok(Arc::new(new));
    }
    if object::is_terminating(&new) && finished(&new) {
        state.put(key, new);
        return Ok(state.take(key).unwrap_or(old));
    }
    Ok(state.put(key, new))
}

fn finished(value: &Value) -> bool {
    object::list(value, &["metadata", "finalizers"]).is_empty()
        && object::list(value, &["spec", "finalizers"]).iter().all(|one| one != "kubernetes")
}

/// What the generation counts: everything but metadata and status.
fn content(kind: &Kind, value: &Value) -> Value {
    let mut value = value.clone();
    let fields = object::ensure(&mut value);
    for key in ["metadata", "apiVersion", "kind"] {
        fields.shift_remove(key);
    }
    if kind.has_status() {
        fields.shift_remove("status");
    }
    value
}

fn check_identity(kind: &Kind, old: &Value, new: &Value) -> Answer<()> {
    let name = object::name(old);
    let given = text(new, &["metadata", "uid"]);
    if !given.is_empty() && given != object::uid(old) {
        let why =
            format!("Precondition failed: UID in precondition: {given}, UID in object meta: {}", object::uid(old));
        return Err(Failure::conflict(&kind.group, &kind.plural, name, &why));
    }
    let version = text(new, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != text(old, &["metadata", "resourceVersion"]) {
        return Err(Failure::stale(&kind.group, &kind.plural, name));
    }
    Ok(())
}

/// What a write cannot change is taken from the old object.
fn carry_over(kind: &Kind, old: &Value, new: &mut Value, how: &How) {
    if how.subresource == "status" {
        let (status, managed) = (new["status"].clone(), at(new, &["metadata", "managedFields"]).clone());
        *new = old.clone();
        match status {
            Value::Null => object::ensure(new).shift_remove("status"),
            status => object::ensure(new).insert("status".to_owned(), status),
        };
        if how.applied {
            set_meta(new, "managedFields", Some(managed).filter(|managed| !managed.is_null()));
        }
    } else if kind.has_status() {
        match &old["status"] {
            Value::Null => object::ensure(new).shift_remove("status"),
            status => object::ensure(new).insert("status".to_owned(), status.clone()),
        };
    }
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        set_meta(new, key, old["metadata"].get(key).cloned());
    }
}

const PROTECTED: &[&str] = &["default", "kube-system", "kube-public"];

/// Deletes an object, or begins to.
pub fn delete(state: &mut State, kind: &Kind, key: &Key, wish: &Deletion) -> Answer<Deleted> {
    let Some(old) = state.get(key).cloned() else {
        return Err(Failure::not_found(&kind.group, &kind.plural, &key.name));
    };
    preconditions(kind, &old, wish)?;
    if kind.is("", "namespaces") && PROTECTED.contains(&key.name.as_str()) {
        return Err(Failure::forbidden("", "namespaces", &key.name, "this namespace may not be deleted"));
    }
    if wish.dry_run {
        return Ok(Deleted::Gone(old));
    }
    if object::is_terminating(&old) {
        return Ok(Deleted::Pending(old));
    }
    let mut new = (*old).clone();
    let wanted = match (wish.propagation.as_str(), kind.group.as_str(), kind.plural.as_str()) {
        ("Foreground", ..) => Some("foregroundDeletion"),
        ("Orphan", ..) | ("", "batch", "jobs") | ("", "", "replicationcontrollers") => Some("orphan"),
        _ => None,
    };
    if let Some(wanted) = wanted {
        add_finalizer(&mut new, wanted);
    }
    let special = kind.is("", "namespaces") || kind.is("apiextensions.k8s.io", "customresourcedefinitions");
    if special && !kind.is("", "namespaces") {
        add_finalizer(&mut new, "customresourcecleanup.apiextensions.k8s.io");
    }
    if kind.is("", "namespaces") {
        object::child(&mut new, "status").insert("phase".to_owned(), json!("Terminating"));
    } else if finished(&new) {
        return Ok(Deleted::Gone(state.take(key).unwrap_or(old)));
    }
    set_meta(&mut new, "deletionTimestamp", Some(json!(object::now())));
    if !special {
        set_meta(&mut new, "deletionGracePeriodSeconds", Some(json!(0)));
    }
    if counts(kind) && !special {
        let generation = at(&old, &["metadata", "generation"]).as_i64().unwrap_or(1);
        set_meta(&mut new, "generation", Some(json!(generation + 1)));
    }
    order_metadata(&mut new);
    Ok(Deleted::Pending(state.put(key, new)))
}

fn add_finalizer(value: &mut Value, name: &str) {
    let mut finalizers = object::list(value, &["metadata", "finalizers"]).to_vec();
    if !finalizers.iter().any(|one| one == name) {
        finalizers.push(json!(name));
    }
    set_meta(value, "finalizers", Some(Value::Array(finalizers)));
}

fn preconditions(kind: &Kind, old: &Value, wish: &Deletion) -> Answer<()> {
    let name = object::name(old);
    // The real server names the kind, not the resource, in these two messages.
    let refuse = |why: String| Err(Failure::conflict(&kind.group, &kind.kind, name, &why));
    if let Some(wanted) = wish.uid.as_deref().filter(|wanted| *wanted != object::uid(old)) {
        return refuse(format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The object might have \
             been deleted and then recreated",
            object::uid(old)
        ));
    }
    let version = text(old, &["metadata", "resourceVersion"]);
    if let Some(wanted) = wish.version.as_deref().filter(|wanted| *wanted != version) {
        return refuse(format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        ));
    }
    Ok(())
}

/// Reads, changes and writes an object as a controller does; a vanished object is left alone.
pub fn adjust(state: &mut State, key: &Key, subresource: &str, change: impl FnOnce(&mut Value)) {
    let Some((kind, old)) = state.kind_of(&key.storage).zip(state.get(key).cloned()) else { return };
    let mut new = (*old).clone();
    change(&mut new);
    if let Err(failure) = update(state, &kind, key, new, &How::controller(subresource)) {
        tracing::debug!(object = %key.name, message = %failure.message, "a controller's write was refused");
    }
}

/// Creates an object as a controller does; one that is there already is left alone.
pub fn provide(
    state: &mut State,
    api_version: &str,
    kind: &str,
    namespace: &str,
    mut value: Value,
) -> Option<Arc<Value>> {
    let kind = state.kind_named(api_version, kind)?;
    object::stamp(&mut value, api_version, &kind.kind);
    let normal = decode::normalise(&kind, &mut value);
    match normal.and_then(|_| create(state, &kind, namespace, value, &How::controller(""))) {
        Ok(created) => Some(created),
        Err(failure) => {
            tracing::debug!(message = %failure.message, "a controller's write was refused");
            None
        }
    }
}

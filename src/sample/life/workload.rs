//! Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs: they make pods and count them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::pods::is_ready;
use super::{NEVER_READY, drop_object, never_ready};
use crate::sample::object::{self, at, list, text};
use crate::sample::store::{Key, State};
use crate::sample::write;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Brings a workload a step on.
pub fn step(state: &mut State, key: &Key, value: &Value) {
    match key.storage.1.as_str() {
        "deployments" => deployment(state, key, value),
        "replicasets" => replica_set(state, key, value),
        "statefulsets" => stateful_set(state, key, value),
        "daemonsets" => daemon_set(state, key, value),
        "jobs" => job(state, key, value),
        _ => {}
    }
}

fn owner(value: &Value) -> Value {
    json!([{"apiVersion": value["apiVersion"], "kind": value["kind"], "name": object::name(value),
        "uid": object::uid(value), "controller": true, "blockOwnerDeletion": true}])
}

fn owned(state: &State, storage: (&str, &str), namespace: &str, uid: &str) -> Vec<(Key, Arc<Value>)> {
    let of_owner = |value: &Value| {
        list(value, &["metadata", "ownerReferences"])
            .iter()
            .any(|owner| owner["controller"] == true && text(owner, &["uid"]) == uid)
    };
    let place = (storage.0.to_owned(), storage.1.to_owned());
    state
        .list(&place, namespace)
        .filter(|value| of_owner(value))
        .map(|value| (Key::of(storage.0, storage.1, namespace, object::name(value)), Arc::clone(value)))
        .collect()
}

/// A short stable name of a pod template.
fn hash(template: &Value) -> String {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    let id = crate::base::id::stable("pod-template", &template.to_string());
    id.simple().to_string()[..9].to_owned()
}

fn count(value: &Value, path: &[&str]) -> i64 {
    at(value, path).as_i64().unwrap_or_default()
}

fn condition(value: &Value, kind: &str, met: bool, reason: &str, message: &str) -> Value {
    let status = if met { "True" } else { "False" };
    let old = list(value, &["status", "conditions"]).iter().find(|one| one["type"] == kind);
    let now = json!(object::now());
    let since = old.filter(|one| one["status"] == status).map_or(&now, |one| &one["lastTransitionTime"]);
    let updated = old.filter(|one| one["reason"] == reason).map_or(&now, |one| &one["lastUpdateTime"]);
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since,
        "lastUpdateTime": updated})
}

fn set_status(state: &mut State, key: &Key, entries: Vec<(&str, Value)>) {
    write::adjust(state, key, "status", |value| {
        let generation = at(value, &["metadata", "generation"]).clone();
        let status = object::child(value, "status");
        status.insert("observedGeneration".to_owned(), generation);
        for (key, value) in entries {
            if value.is_null() || value == 0 {
                status.shift_remove(key);
            } else {
                status.insert(key.to_owned(), value);
            }
        }
    });
}

fn deployment(state: &mut State, key: &Key, value: &Value) {
    let hash = hash(&value["spec"]["template"]);
    let name = format!("{}-{hash}", key.name);
    let sets = owned(state, ("apps", "replicasets"), &key.namespace, object::uid(value));
    let wanted = count(value, &["spec", "replicas"]);
    let current = sets.iter().find(|(set, _)| set.name == name).cloned();
    let revision = sets.len() + usize::from(current.is_none());
    match &current {
        None => make_set(state, key, value, (&name, &hash), revision),
        Some((set, body)) if never_ready(body) != never_ready(value) => mark(state, set, never_ready(value)),
        Some((set, body)) if count(body, &["spec", "replicas"]) != wanted => {
            write::adjust(state, set, "", |set| {
                object::child(set, "spec").insert("replicas".to_owned(), json!(wanted));
            });
        }
        Some(_) => {}
    }
    for (set, body) in sets.iter().filter(|(set, _)| set.name != name) {
        if count(body, &["spec", "replicas"]) != 0 {
            write::adjust(state, set, "", |set| {
                object::child(set, "spec").insert("replicas".to_owned(), json!(0));
            });
        }
    }
    let ready = current.as_ref().map_or(0, |(_, set)| count(set, &["status", "readyReplicas"]));
    let made = current.as_ref().map_or(0, |(_, set)| count(set, &["status", "replicas"]));
    let old: i64 =
        sets.iter().filter(|(set, _)| set.name != name).map(|(_, set)| count(set, &["status", "replicas"])).sum();
    deployment_status(state, key, value, (&name, wanted, made, ready, old));
    if at(value, &["metadata", "annotations", REVISION]).is_null() {
        write::adjust(state, key, "", |value| annotate(value, REVISION, "1"));
    }
}

fn annotate(value: &mut Value, key: &str, text: &str) {
    let annotations = object::metadata(value).entry("annotations").or_insert_with(|| json!({}));
    object::ensure(annotations).insert(key.to_owned(), json!(text));
}

fn deployment_status(
    state: &mut State,
    key: &Key,
    value: &Value,
    (set, wanted, made, ready, old): (&str, i64, i64, i64, i64),
) {
    let available = if ready >= wanted {
        condition(value, "Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        let message = "Deployment does not have minimum availability.";
        condition(value, "Available", false, "MinimumReplicasUnavailable", message)
    };
    let progressing = if ready >= wanted && old == 0 {
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        condition(value, "Progressing", true, "NewReplicaSetAvailable", &message)
    } else {
        let message = format!("ReplicaSet \"{set}\" is progressing.");
        condition(value, "Progressing", true, "ReplicaSetUpdated", &message)
    };
    let entries = vec![
        ("replicas", json!(made + old)),
        ("updatedReplicas", json!(made)),
        ("readyReplicas", json!(ready)),
        ("availableReplicas", json!(ready)),
        ("unavailableReplicas", json!((wanted - ready).max(0))),
        ("conditions", json!([available, progressing])),
    ];
    set_status(state, key, entries);
}

fn make_set(state: &mut State, key: &Key, value: &Value, (name, hash): (&str, &str), revision: usize) {
    let mut template = value["spec"]["template"].clone();
    let labels = object::ensure(object::child(&mut template, "metadata").entry("labels").or_insert_with(|| json!({})));
    labels.insert(HASH.to_owned(), json!(hash));
    let labels = labels.clone();
    let mut selector = value["spec"]["selector"].clone();
    object::child(&mut selector, "matchLabels").insert(HASH.to_owned(), json!(hash));
    let mut annotations = json!({REVISION: revision.to_string()});
    if never_ready(value) {
        object::ensure(&mut annotations).insert(NEVER_READY.to_owned(), json!("true"));
    }
    let set = json!({
        "metadata": {"name": name, "namespace": key.namespace, "labels": labels, "ownerReferences": owner(value),
            "annotations": annotations},
        "spec": {"replicas": value["spec"]["replicas"], "selector": selector, "template": template}
    });
    write::provide(state, "apps/v1", "ReplicaSet", &key.namespace, set);
    write::adjust(state, key, "", |value| annotate(value, REVISION, &revision.to_string()));
}

/// Passes on whether what the object makes may become ready.
fn mark(state: &mut State, key: &Key, never: bool) {
    write::adjust(state, key, "", |value| annotate(value, NEVER_READY, if never { "true" } else { "false" }));
}

/// Makes missing pods and removes surplus ones; gives how many there are and how many are ready.
fn keep_pods(
    state: &mut State,
    key: &Key,
    value: &Value,
    wanted: i64,
    names: impl Fn(i64) -> Option<String>,
) -> (i64, i64) {
    let pods = owned(state, ("", "pods"), &key.namespace, object::uid(value));
    let living: Vec<&(Key, Arc<Value>)> = pods.iter().filter(|(_, pod)| !object::is_terminating(pod)).collect();
    for number in i64::try_from(living.len()).unwrap_or_default()..wanted {
        make_pod(state, key, value, names(number));
    }
    for (pod, _) in living.iter().skip(usize::try_from(wanted).unwrap_or_default()) {
        drop_object(state, pod, "Background");
    }
    for (pod, body) in &living {
        if never_ready(body) != never_ready(value) {
            mark(state, pod, never_ready(value));
        }
    }
    let ready =
        living.iter().take(usize::try_from(wanted).unwrap_or_default()).filter(|(_, pod)| is_ready(pod)).count();
    (wanted, i64::try_from(ready).unwrap_or_default())
}

fn make_pod(state: &mut State, key: &Key, value: &Value, name: Option<String>) {
    let template = &value["spec"]["template"];
    let mut metadata = template["metadata"].as_object().cloned().unwrap_or_else(Map::new);
    let (field, text) = name.map_or_else(|| ("generateName", format!("{}-", key.name)), |name| ("name", name));
    metadata.insert(field.to_owned(), json!(text));
    metadata.insert("namespace".to_owned(), json!(key.namespace));
    metadata.insert("ownerReferences".to_owned(), owner(value));
    let mut pod = json!({"metadata": metadata, "spec": template["spec"]});
    if never_ready(value) {
        annotate(&mut pod, NEVER_READY, "true");
    }
    write::provide(state, "v1", "Pod", &key.namespace, pod);
}

fn replica_set(state: &mut State, key: &Key, value: &Value) {
    let wanted = count(value, &["spec", "replicas"]);
    let (made, ready) = keep_pods(state, key, value, wanted, |_| None);
    let entries = vec![
        ("fullyLabeledReplicas", json!(made)),
        ("readyReplicas", json!(ready)),
        ("availableReplicas", json!(ready)),
    ];
    write::adjust(state, key, "status", |value| {
        object::child(value, "status").insert("replicas".to_owned(), json!(made));
    });
    set_status(state, key, entries);
}

fn stateful_set(state: &mut State, key: &Key, value: &Value) {
    let wanted = count(value, &["spec", "replicas"]);
    let (made, ready) = keep_pods(state, key, value, wanted, |number| Some(format!("{}-{number}", key.name)));
    let revision = format!("{}-{}", key.name, hash(&value["spec"]["template"]));
    write::adjust(state, key, "status", |value| {
        let status = object::child(value, "status");
        status.insert("replicas".to_owned(), json!(made));
        status.insert("availableReplicas".to_owned(), json!(ready));
        status.insert("collisionCount".to_owned(), json!(0));
    });
    let entries = vec![
        ("readyReplicas", json!(ready)),
        ("currentReplicas", json!(made)),
        ("updatedReplicas", json!(made)),
        ("currentRevision", json!(revision)),
        ("updateRevision", json!(revision)),
    ];
    set_status(state, key, entries);
}

fn daemon_set(state: &mut State, key: &Key, value: &Value) {
    let (made, ready) = keep_pods(state, key, value, 1, |_| None);
    write::adjust(state, key, "status", |value| {
        let status = object::child(value, "status");
        for name in ["currentNumberScheduled", "desiredNumberScheduled"] {
            status.insert(name.to_owned(), json!(made));
        }
        status.insert("numberMisscheduled".to_owned(), json!(0));
        status.insert("numberReady".to_owned(), json!(ready));
    });
    let entries = vec![
        ("numberAvailable", json!(ready)),
        ("numberUnavailable", json!(made - ready)),
        ("updatedNumberScheduled", json!(made)),
    ];
    set_status(state, key, entries);
}

fn job(state: &mut State, key: &Key, value: &Value) {
    if at(value, &["spec", "suspend"]) == true || crate::sample::crd::has_condition(value, "Complete") {
        return;
    }
    let wanted = count(value, &["spec", "completions"]).max(1);
    let pods = owned(state, ("", "pods"), &key.namespace, object::uid(value));
    for _ in i64::try_from(pods.len()).unwrap_or_default()..wanted {
        make_pod(state, key, value, None);
    }
    let done = pods.iter().filter(|(_, pod)| text(pod, &["status", "phase"]) == "Succeeded").count();
    let done = i64::try_from(done).unwrap_or_default();
    let now = object::now();
    write::adjust(state, key, "status", |value| {
        let start = value["status"].get("startTime").cloned().unwrap_or_else(|| json!(now));
        let mut status = json!({"startTime": start, "terminating": 0, "uncountedTerminatedPods": {}, "ready": 0});
        let fields = object::ensure(&mut status);
        if done < wanted {
            fields.insert("active".to_owned(), json!(wanted - done));
        }
        if done > 0 {
            fields.insert("succeeded".to_owned(), json!(done));
        }
        if done >= wanted {
            fields.insert("completionTime".to_owned(), json!(now));
            let message = "Reached expected number of succeeded pods";
            let one = |kind: &str| {
                json!({"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now,
                    "reason": "CompletionsReached", "message": message})
            };
            fields.insert("conditions".to_owned(), json!([one("SuccessCriteriaMet"), one("Complete")]));
        }
        object::ensure(value).insert("status".to_owned(), status);
    });
}

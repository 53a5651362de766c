//! Pods: they run as soon as they are there, and those of Jobs end well.

use serde_json::{Value, json};

use super::never_ready;
use crate::sample::object::{self, list, text};
use crate::sample::store::{Key, State};
use crate::sample::write;

/// Name of the practice cluster's only node.
pub const NODE: &str = "practice";

/// Whether a pod counts as ready.
pub fn is_ready(pod: &Value) -> bool {
    list(pod, &["status", "conditions"]).iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Whether the pod belongs to a Job.
fn ends(pod: &Value) -> bool {
    matches!(text(pod, &["spec", "restartPolicy"]), "Never" | "OnFailure")
        && list(pod, &["metadata", "ownerReferences"]).iter().any(|owner| owner["kind"] == "Job")
}

/// Schedules a pod, then runs it, then ends it if it is of a Job.
pub fn step(state: &mut State, key: &Key, pod: &Value) {
    if text(pod, &["spec", "nodeName"]).is_empty() {
        let number = state.allocate();
        let address = format!("10.244.{}.{}", number / 250 % 256, number % 250 + 2);
        write::adjust(state, key, "", |pod| {
            object::child(pod, "spec").insert("nodeName".to_owned(), json!(NODE));
        });
        write::adjust(state, key, "status", |pod| waiting(pod, &address));
    } else if never_ready(pod) {
    } else if text(pod, &["status", "phase"]) == "Pending" {
        write::adjust(state, key, "status", running);
    } else if text(pod, &["status", "phase"]) == "Running" && ends(pod) {
        write::adjust(state, key, "status", succeeded);
    }
}

fn conditions(ready: bool, reason: &str) -> Value {
    let now = object::now();
    let condition = |kind: &str, met: bool| {
        let mut one = json!({"type": kind, "status": if met { "True" } else { "False" }, "lastProbeTime": null,
            "lastTransitionTime": now});
        if !met {
            object::ensure(&mut one).insert("reason".to_owned(), json!(reason));
        }
        one
    };
    json!([
        condition("PodReadyToStartContainers", true),
        condition("Initialized", true),
        condition("Ready", ready),
        condition("ContainersReady", ready),
        condition("PodScheduled", true),
    ])
}

fn containers(pod: &Value, ready: bool, state: &Value) -> Value {
    let statuses = list(pod, &["spec", "containers"]).iter().map(|container| {
        json!({"name": container["name"], "image": container["image"], "imageID": "", "ready": ready,
            "started": ready, "restartCount": 0, "lastState": {}, "state": state})
    });
    statuses.collect()
}

fn waiting(pod: &mut Value, address: &str) {
    let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
    let statuses = containers(pod, false, &waiting);
    let status = object::child(pod, "status");
    for (key, value) in [
        ("phase", json!("Pending")),
        ("hostIP", json!("192.0.2.254")),
        ("podIP", json!(address)),
        ("podIPs", json!([{"ip": address}])),
        ("startTime", json!(object::now())),
        ("conditions", conditions(false, "ContainersNotReady")),
        ("containerStatuses", statuses),
    ] {
        status.insert(key.to_owned(), value);
    }
}

fn running(pod: &mut Value) {
    let statuses = containers(pod, true, &json!({"running": {"startedAt": object::now()}}));
    let status = object::child(pod, "status");
    status.insert("phase".to_owned(), json!("Running"));
    status.insert("conditions".to_owned(), conditions(true, ""));
    status.insert("containerStatuses".to_owned(), statuses);
}

fn succeeded(pod: &mut Value) {
    let now = object::now();
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}});
    let statuses = containers(pod, false, &ended);
    let status = object::child(pod, "status");
    status.insert("phase".to_owned(), json!("Succeeded"));
    status.insert("conditions".to_owned(), conditions(false, "PodCompleted"));
    status.insert("containerStatuses".to_owned(), statuses);
}

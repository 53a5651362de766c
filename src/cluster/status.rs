//! Health of an object by the rules of kstatus: its generation, the fields of well-known kinds, then its conditions.

use serde_json::Value;

use crate::model::pattern::Health;

/// Health and the sentence that explains it; `None` stands for an object that is not there.
pub fn health(object: Option<&Value>) -> (Health, String) {
    let Some(object) = object else { return (Health::Missing, "not in the cluster".to_owned()) };
    if object["metadata"]["deletionTimestamp"].is_string() {
        return (Health::Terminating, "being deleted".to_owned());
    }
    if let (Some(generation), Some(observed)) =
        (object["metadata"]["generation"].as_i64(), object["status"]["observedGeneration"].as_i64())
        && observed < generation
    {
        return (Health::InProgress, format!("generation {generation} is not observed yet"));
    }
    by_kind(object).unwrap_or_else(|| by_conditions(object))
}

fn by_kind(object: &Value) -> Option<(Health, String)> {
    match object["kind"].as_str()? {
        "Deployment" => Some(deployment(object)),
        "StatefulSet" => Some(replicas(object, "readyReplicas", "updatedReplicas")),
        "ReplicaSet" | "ReplicationController" => Some(replicas(object, "readyReplicas", "replicas")),
        "DaemonSet" => Some(daemon_set(object)),
        "Pod" => Some(pod(object)),
        "Job" => Some(job(object)),
        "PersistentVolumeClaim" => Some(phase(object, "Bound")),
        "Namespace" => Some(phase(object, "Active")),
        "CustomResourceDefinition" => Some(definition(object)),
        "Service" => Some(service(object)),
        _ => None,
    }
}

fn ready(text: impl Into<String>) -> (Health, String) {
    (Health::Ready, text.into())
}

fn waiting(text: impl Into<String>) -> (Health, String) {
    (Health::InProgress, text.into())
}

fn number(object: &Value, part: &str, field: &str) -> i64 {
    object[part][field].as_i64().unwrap_or(0)
}

fn condition<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == name)
}

fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn deployment(object: &Value) -> (Health, String) {
    if let Some(stuck) =
        condition(object, "Progressing").filter(|condition| condition["reason"] == "ProgressDeadlineExceeded")
    {
        return (Health::Failed, stuck["message"].as_str().unwrap_or("the progress deadline is exceeded").to_owned());
    }
    if object["status"]["observedGeneration"].is_null() {
        return waiting("not observed yet");
    }
    let wanted = wanted(object);
    let (updated, total, available) = (
        number(object, "status", "updatedReplicas"),
        number(object, "status", "replicas"),
        number(object, "status", "availableReplicas"),
    );
    if updated < wanted {
        waiting(format!("{updated} of {wanted} replicas updated"))
    } else if total > updated {
        waiting(format!("{} old replicas still run", total - updated))
    } else if available < wanted {
        waiting(format!("{available} of {wanted} replicas available"))
    } else {
        ready(format!("{available} of {wanted} replicas available"))
    }
}

fn replicas(object: &Value, ready_field: &str, updated_field: &str) -> (Health, String) {
    let wanted = wanted(object);
    let (count, updated) = (number(object, "status", ready_field), number(object, "status", updated_field));
    let text = format!("{count} of {wanted} replicas ready");
    if count < wanted || updated < wanted { waiting(text) } else { ready(text) }
}

fn daemon_set(object: &Value) -> (Health, String) {
    if object["status"]["desiredNumberScheduled"].is_null() {
        return waiting("not observed yet");
    }
    let wanted = number(object, "status", "desiredNumberScheduled");
    let (updated, available) =
        (number(object, "status", "updatedNumberScheduled"), number(object, "status", "numberAvailable"));
    let text = format!("{available} of {wanted} pods available");
    if updated < wanted || available < wanted { waiting(text) } else { ready(text) }
}

fn pod(object: &Value) -> (Health, String) {
    let phase = object["status"]["phase"].as_str().unwrap_or("Pending");
    match phase {
        "Succeeded" => ready("Succeeded"),
        "Failed" => (Health::Failed, object["status"]["message"].as_str().unwrap_or("Failed").to_owned()),
        _ if condition(object, "Ready").is_some_and(|condition| condition["status"] == "True") => ready("Ready"),
        _ => waiting(crash(object).unwrap_or_else(|| phase.to_owned())),
    }
}

/// Why a container waits, such as `web: CrashLoopBackOff`.
fn crash(object: &Value) -> Option<String> {
    object["status"]["containerStatuses"].as_array()?.iter().find_map(|container| {
        let reason = container["state"]["waiting"]["reason"].as_str()?;
        Some(format!("{}: {reason}", container["name"].as_str().unwrap_or_default()))
    })
}

fn job(object: &Value) -> (Health, String) {
    let is = |name: &str| condition(object, name).filter(|condition| condition["status"] == "True");
    if let Some(failed) = is("Failed") {
        return (Health::Failed, failed["message"].as_str().unwrap_or("Failed").to_owned());
    }
    if is("Complete").is_some() {
        ready("Complete")
    } else {
        waiting(format!("{} active", number(object, "status", "active")))
    }
}

fn phase(object: &Value, good: &str) -> (Health, String) {
    match object["status"]["phase"].as_str() {
        Some(phase) if phase == good => ready(phase),
        Some("Lost") => (Health::Failed, "Lost".to_owned()),
        Some(phase) => waiting(phase),
        None => waiting("no phase yet"),
    }
}

fn definition(object: &Value) -> (Health, String) {
    match condition(object, "Established") {
        Some(condition) if condition["status"] == "True" => ready("Established"),
        _ => waiting("not established"),
    }
}

fn service(object: &Value) -> (Health, String) {
    let balancer = object["spec"]["type"] == "LoadBalancer";
    let address = object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|list| !list.is_empty());
    if balancer && !address { waiting("no load balancer address yet") } else { ready("in place") }
}

/// Kinds without rules of their own: `Stalled` fails, `Reconciling` and a false `Ready` wait, silence is readiness.
fn by_conditions(object: &Value) -> (Health, String) {
    let with = |name: &str, status: &str| condition(object, name).filter(|condition| condition["status"] == status);
    let say = |condition: &Value, name: &str| {
        let text = condition["message"].as_str().filter(|text| !text.is_empty()).or(condition["reason"].as_str());
        text.unwrap_or(name).to_owned()
    };
    if let Some(stalled) = with("Stalled", "True") {
        return (Health::Failed, say(stalled, "Stalled"));
    }
    if let Some(reconciling) = with("Reconciling", "True") {
        return waiting(say(reconciling, "Reconciling"));
    }
    match condition(object, "Ready") {
        Some(condition) if condition["status"] == "True" => ready("Ready"),
        Some(condition) => waiting(say(condition, "not ready")),
        None => ready("in place"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(object: &Value) -> (&'static str, String) {
        let (health, message) = health(Some(object));
        (health.word(), message)
    }

    #[test]
    fn a_deployment_is_ready_only_at_its_current_generation() {
        let mut object = json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1}});
        assert_eq!(of(&object).0, "in-progress");
        object["status"] =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(of(&object), ("in-progress", "1 old replicas still run".to_owned()));
        object["status"] =
            json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(of(&object), ("ready", "2 of 2 replicas available".to_owned()));
        object["status"]["conditions"] =
            json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "late"}]);
        assert_eq!(of(&object), ("failed", "late".to_owned()));
    }

    #[test]
    fn other_kinds_tell_by_their_own_fields_or_conditions() {
        assert_eq!(health(None).0, Health::Missing);
        for (object, expected) in [
            (json!({"kind": "ConfigMap"}), "ready"),
            (json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "x"}}), "terminating"),
            (json!({"kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}), "in-progress"),
            (json!({"kind": "Service", "spec": {"type": "LoadBalancer"}}), "in-progress"),
            (json!({"kind": "Job", "status": {"conditions": [{"type": "Failed", "status": "True"}]}}), "failed"),
            (
                json!({"kind": "Pod", "status": {"phase": "Running", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}),
                "in-progress",
            ),
            (
                json!({"kind": "Thing", "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Waiting"}]}}),
                "in-progress",
            ),
            (json!({"kind": "Thing", "status": {"conditions": [{"type": "Stalled", "status": "True"}]}}), "failed"),
        ] {
            assert_eq!(of(&object).0, expected, "{object}");
        }
    }
}

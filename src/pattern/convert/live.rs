//! What users own in a running namespace: which objects are theirs, and which of an object's fields.
//!
//! The API server records who set which field. Fields that controllers set are dropped, and so are values that the
//! server filled in by itself, unless somebody applied them by name (server-side apply records exactly what was said;
//! the other ways of writing record the defaults too). What is left can be applied to the same cluster again without
//! changing anything.

mod defaults;
mod fields;

use serde_json::{Map, Value};

use crate::pattern::object::SERVER_METADATA;
use fields::Owned;

/// Managers that are part of a cluster and not of its users.
const CONTROLLERS: &[&str] = &[
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-apiserver",
    "cloud-controller-manager",
    "cluster-autoscaler",
    "vpa-recommender",
    "vpa-updater",
    "pilot-discovery",
    "k3s",
    "rke2",
];

/// Kinds that a cluster makes for itself, whoever owns what they stand for.
const MADE_BY_CLUSTERS: &[(&str, &str)] = &[
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
    ("apps", "ControllerRevision"),
    ("metrics.k8s.io", "PodMetrics"),
];

/// Namespaces that every cluster has.
const NAMESPACES: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];

/// Whether objects of a kind are ever a user's.
pub fn is_users_kind(group: &str, kind: &str) -> bool {
    !MADE_BY_CLUSTERS.contains(&(group, kind))
}

/// Why an object is not a user's; `None` when it is.
pub fn objection(object: &Value, with_secrets: bool) -> Option<&'static str> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let kind = object["kind"].as_str().unwrap_or_default();
    if !is_users_kind(group, kind) {
        return Some("made by the cluster");
    }
    if metadata["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty()) {
        return Some("made by a controller");
    }
    if !metadata["deletionTimestamp"].is_null() {
        return Some("being deleted");
    }
    match (group, kind, name) {
        ("", "ConfigMap", "kube-root-ca.crt" | "istio-ca-root-cert" | "istio-ca-crl")
        | ("", "ServiceAccount", "default") => Some("made by the cluster"),
        ("", "Namespace", name) if NAMESPACES.contains(&name) => Some("made by the cluster"),
        ("", "Service", "kubernetes") if metadata["namespace"] == "default" => Some("made by the cluster"),
        ("", "Secret", _) => secret(object, with_secrets),
        _ => None,
    }
}

fn secret(secret: &Value, wanted: bool) -> Option<&'static str> {
    match secret["type"].as_str() {
        Some("kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token") => Some("made by the cluster"),
        Some("helm.sh/release.v1") => Some("a record of helm"),
        _ if !wanted => Some("a Secret; --include-secrets takes them"),
        _ => None,
    }
}

/// The part of an object that its users said.
pub fn users_part(object: &Value) -> Map<String, Value> {
    let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let by_users: Vec<&Value> = entries.iter().filter(|entry| is_users(entry)).collect();
    let of = |operation: &str| {
        let entries = by_users.iter().filter(|entry| entry["operation"] == operation);
        Owned::union(entries.map(|entry| &entry["fieldsV1"]))
    };
    let (applied, updated) = (of("Apply"), of("Update"));
    let mut kept = if by_users.is_empty() { object.clone() } else { applied.clone().join(updated).of(object) };
    if let Value::Object(kept) = &mut kept {
        kept.insert("kind".to_owned(), object["kind"].clone());
    }
    defaults::strip(&mut kept, &applied);
    let mut body = Map::new();
    for key in ["apiVersion", "kind"] {
        body.insert(key.to_owned(), object[key].clone());
    }
    let mut metadata = Map::new();
    for key in ["name", "namespace"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(Value::Object(kept)) = kept.get("metadata") {
        let said =
            |(key, _): &(&String, &Value)| !SERVER_METADATA.contains(&key.as_str()) && !metadata.contains_key(*key);
        let rest: Vec<(String, Value)> =
            kept.iter().filter(said).map(|(key, value)| (key.clone(), value.clone())).collect();
        metadata.extend(rest);
    }
    body.insert("metadata".to_owned(), Value::Object(metadata));
    if let Value::Object(kept) = kept {
        body.extend(
            kept.into_iter().filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status")),
        );
    }
    body
}

fn is_users(entry: &Value) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    let subresource = entry["subresource"].as_str().unwrap_or_default();
    subresource.is_empty() && !CONTROLLERS.contains(&manager) && entry["fieldsV1"].is_object()
}

/// The key of the service that a pattern of ours applied an object for.
pub fn service_key(object: &Value) -> Option<(String, String)> {
    let annotations = &object["metadata"]["annotations"];
    let text = |key: &str| annotations[key].as_str().map(str::to_owned);
    Some((text(crate::pattern::object::ANNOTATION_PATTERN)?, text(crate::pattern::object::ANNOTATION_SERVICE)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(managed: &Value) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "a", "uid": "u", "generation": 3, "labels": {"app": "web", "other": "x"},
                "annotations": {"deployment.kubernetes.io/revision": "1"}, "managedFields": managed},
            "spec": {"replicas": 3, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "template": {"metadata": {"labels": {"app": "web"}, "creationTimestamp": null}, "spec": {
                    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "securityContext": {},
                    "terminationGracePeriodSeconds": 30,
                    "containers": [{"name": "web", "image": "nginx", "imagePullPolicy": "Always", "resources": {},
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}]}}},
            "status": {"replicas": 3}
        })
    }

    #[test]
    fn what_was_applied_is_kept_exactly() {
        let managed = json!([
            {"manager": "meshery", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {
                "f:selector": {}, "f:template": {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:restartPolicy": {}, "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}}
        ]);
        assert_eq!(
            Value::Object(users_part(&deployment(&managed))),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a", "labels": {"app": "web"}},
                "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
                    "spec": {"restartPolicy": "Always", "containers": [{"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}]}}}})
        );
    }

    #[test]
    fn defaults_that_other_ways_of_writing_record_are_dropped() {
        for managed in [
            Value::Null,
            json!([{"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:other": {}}}, "f:spec": {}}}]),
        ] {
            assert_eq!(
                Value::Object(users_part(&deployment(&managed))),
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a", "labels": {"app": "web", "other": "x"}},
                    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
                        "spec": {"containers": [{"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}]}}}})
            );
        }
    }

    #[test]
    fn objects_of_the_cluster_are_nobodys() {
        let says = |object: Value| objection(&object, false);
        assert_eq!(says(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})), None);
        for object in [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "ownerReferences": [{}]}}),
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),
        ] {
            assert!(says(object.clone()).is_some(), "{object}");
        }
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "a"}});
        assert_eq!(objection(&secret, true), None);
        let release =
            json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"name": "a"}});
        assert!(objection(&release, true).is_some());
    }
}

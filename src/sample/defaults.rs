//! Values that the API server fills in for absent fields of built-in kinds.

use serde_json::{Map, Value, json};

use super::builtin;
use super::kind::Kind;
use super::object::text;
use super::shape::{Shape, Struct};

/// Fills an object's absent fields.
pub fn fill(kind: &Kind, object: &mut Value) {
    if kind.custom.is_none() {
        walk(kind.shape.get(), object);
        if kind.is("", "pods") {
            pod(object);
        }
    }
}

fn walk(shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Struct(declared), Value::Object(fields)) => {
            for (field, default) in builtin::defaults(declared.name) {
                absent(fields, field, || default.clone());
            }
            special(declared, fields);
            for (key, inner) in fields.iter_mut() {
                walk(shape.child_or_any(key), inner);
            }
        }
        (Shape::List { item, .. }, Value::Array(items)) => items.iter_mut().for_each(|one| walk(item.get(), one)),
        (Shape::Map { value: inner, .. }, Value::Object(fields)) => {
            fields.iter_mut().for_each(|(_, one)| walk(inner.get(), one));
        }
        _ => {}
    }
}

fn absent(fields: &mut Map<String, Value>, key: &str, value: impl FnOnce() -> Value) {
    if fields.get(key).is_none_or(Value::is_null) {
        fields.insert(key.to_owned(), value());
    }
}

fn is(fields: &Map<String, Value>, key: &str, value: &str) -> bool {
    fields.get(key).and_then(Value::as_str) == Some(value)
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Defaults that depend on other fields.
fn special(declared: &Struct, fields: &mut Map<String, Value>) {
    match declared.name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => {
            let image = fields.get("image").and_then(Value::as_str).unwrap_or_default().to_owned();
            absent(fields, "imagePullPolicy", || json!(pull_policy(&image)));
        }
        "core.v1.PodSpec" => pod_spec(fields),
        "core.v1.Volume" if fields.len() == 1 => {
            fields.insert("emptyDir".to_owned(), json!({}));
        }
        "core.v1.ResourceRequirements" | "core.v1.VolumeResourceRequirements" => requests(fields),
        "apps.v1.DeploymentStrategy" | "apps.v1.DaemonSetUpdateStrategy" | "apps.v1.StatefulSetUpdateStrategy"
            if is(fields, "type", "RollingUpdate") =>
        {
            absent(fields, "rollingUpdate", || json!({}));
        }
        "core.v1.ServicePort" => {
            if let Some(port) = fields.get("port").cloned() {
                absent(fields, "targetPort", || port);
            }
        }
        "core.v1.ServiceSpec" => service_spec(fields),
        "batch.v1.Job" => job(fields),
        "networking.v1.NetworkPolicySpec" => {
            let egress = fields.contains_key("egress");
            absent(fields, "policyTypes", || if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
        }
        "rbac.v1.RoleRef" => absent(fields, "apiGroup", || json!(RBAC)),
        "rbac.v1.Subject" if !is(fields, "kind", "ServiceAccount") => absent(fields, "apiGroup", || json!(RBAC)),
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => absent(fields, "metrics", || {
            json!([{"type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}])
        }),
        "apiextensions.v1.CustomResourceDefinitionSpec" => crd_spec(fields),
        _ => {}
    }
}

fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    let tag = name.split_once(':').map_or("latest", |(_, tag)| tag);
    if tag == "latest" && !name.contains('@') { "Always" } else { "IfNotPresent" }
}

fn pod_spec(fields: &mut Map<String, Value>) {
    let account = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| fields.get(*key)).cloned();
    if let Some(account) = account {
        absent(fields, "serviceAccountName", || account.clone());
        absent(fields, "serviceAccount", || account);
    }
}

/// A limit without a request is the request.
fn requests(fields: &mut Map<String, Value>) {
    let Some(Value::Object(limits)) = fields.get("limits").cloned() else { return };
    absent(fields, "requests", || json!({}));
    if let Some(Value::Object(requests)) = fields.get_mut("requests") {
        for (key, limit) in limits {
            absent(requests, &key, || limit);
        }
    }
}

fn service_spec(fields: &mut Map<String, Value>) {
    if is(fields, "type", "ExternalName") {
        fields.shift_remove("internalTrafficPolicy");
        return;
    }
    let balancer = is(fields, "type", "LoadBalancer");
    if balancer {
        absent(fields, "allocateLoadBalancerNodePorts", || json!(true));
    }
    if balancer || is(fields, "type", "NodePort") {
        absent(fields, "externalTrafficPolicy", || json!("Cluster"));
    }
    if is(fields, "sessionAffinity", "ClientIP") {
        absent(fields, "sessionAffinityConfig", || json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
}

fn job(fields: &mut Map<String, Value>) {
    if let Some(Value::Object(spec)) = fields.get_mut("spec")
        && !spec.contains_key("parallelism")
    {
        absent(spec, "completions", || json!(1));
    }
}

fn crd_spec(fields: &mut Map<String, Value>) {
    absent(fields, "conversion", || json!({"strategy": "None"}));
    if let Some(names) = fields.get_mut("names") {
        let kind = text(names, &["kind"]).to_owned();
        if let (Value::Object(names), false) = (names, kind.is_empty()) {
            absent(names, "singular", || json!(kind.to_lowercase()));
            absent(names, "listKind", || json!(format!("{kind}List")));
        }
    }
}

/// What the service account plug-in and the pod's own defaults add to a pod, but not to a template.
fn pod(object: &mut Value) {
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        absent(spec, "enableServiceLinks", || json!(true));
        absent(spec, "serviceAccountName", || json!("default"));
        absent(spec, "serviceAccount", || json!("default"));
        absent(spec, "preemptionPolicy", || json!("PreemptLowerPriority"));
        absent(spec, "priority", || json!(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(plural: &str, mut value: Value) -> Value {
        let kind = builtin::kinds().iter().find(|kind| kind.plural == plural).unwrap();
        fill(kind, &mut value);
        value
    }

    #[test]
    fn a_deployment_gets_what_kubectl_shows() {
        let value = filled(
            "deployments",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "a/b:1", "ports": [{"containerPort": 80}]}]}}}}),
        );
        let spec = &value["spec"];
        assert_eq!(spec["replicas"], 1);
        assert_eq!(
            spec["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
        );
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
        assert_eq!(container["ports"][0]["protocol"], "TCP");
        assert_eq!(spec["template"]["spec"]["restartPolicy"], "Always");
    }

    #[test]
    fn pull_policy_follows_the_tag() {
        assert_eq!(pull_policy("nginx"), "Always");
        assert_eq!(pull_policy("host:5000/nginx"), "Always");
        assert_eq!(pull_policy("nginx:latest"), "Always");
        assert_eq!(pull_policy("nginx:1"), "IfNotPresent");
        assert_eq!(pull_policy("nginx@sha256:00"), "IfNotPresent");
    }

    #[test]
    fn a_job_runs_once_unless_it_says_how_wide() {
        assert_eq!(filled("jobs", json!({"spec": {}}))["spec"]["completions"], 1);
        assert_eq!(filled("jobs", json!({"spec": {"parallelism": 3}}))["spec"].get("completions"), None);
    }
}

//! Pods and what makes pods.

use serde_json::{Value, json};

use super::names::{label_fault, label_map};
use super::network::{port_number, protocol};
use crate::sample::object::{at, list, text};
use crate::sample::selector::Labels;
use crate::sample::status::Cause;

/// A Deployment, StatefulSet, DaemonSet or ReplicaSet.
pub fn set(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    count(&spec["replicas"], "spec.replicas", causes);
    let selector = &spec["selector"];
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if selector.as_object().is_some_and(serde_json::Map::is_empty) {
        let why = "empty selector is invalid for deployment";
        causes.push(Cause::invalid("spec.selector", selector, why));
    }
    let labels = at(spec, &["template", "metadata", "labels"]);
    if !Labels::of_object(selector).is_some_and(|selector| selector.matches(labels)) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    label_map(labels, "spec.template.labels", causes);
    pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
    let policy = text(spec, &["template", "spec", "restartPolicy"]);
    if !matches!(policy, "" | "Always") {
        let allowed = ["Always".to_owned()];
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", &json!(policy), &allowed));
    }
}

fn count(number: &Value, field: &str, causes: &mut Vec<Cause>) {
    if number.as_i64().is_some_and(|number| number < 0) {
        causes.push(Cause::invalid(field, number, "must be greater than or equal to 0"));
    }
}

/// The spec of a pod or of a template.
pub fn pod_spec(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    let volumes: Vec<&str> = list(spec, &["volumes"]).iter().map(|volume| text(volume, &["name"])).collect();
    for (place, name) in volumes.iter().enumerate() {
        let field = format!("{field}.volumes[{place}].name");
        if volumes[..place].contains(name) {
            causes.push(Cause::duplicate(field, &json!(name)));
        } else {
            label(name, field, causes);
        }
    }
    let containers = list(spec, &["containers"]);
    if containers.is_empty() {
        causes.push(Cause::required(format!("{field}.containers"), ""));
    }
    let mut seen = Vec::new();
    for (list_name, items) in [("containers", containers), ("initContainers", list(spec, &["initContainers"]))] {
        for (place, one) in items.iter().enumerate() {
            let field = format!("{field}.{list_name}[{place}]");
            let name = text(one, &["name"]);
            if !name.is_empty() && seen.contains(&name) {
                causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
            } else {
                label(name, format!("{field}.name"), causes);
            }
            seen.push(name);
            container(one, &field, &volumes, causes);
        }
    }
}

fn label(name: &str, field: String, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required(field, ""));
    } else if let Some(why) = label_fault(name) {
        causes.push(Cause::invalid(field, &json!(name), why));
    }
}

fn container(value: &Value, field: &str, volumes: &[&str], causes: &mut Vec<Cause>) {
    if text(value, &["image"]).is_empty() {
        causes.push(Cause::required(format!("{field}.image"), ""));
    }
    for (place, port) in list(value, &["ports"]).iter().enumerate() {
        let field = format!("{field}.ports[{place}]");
        if port["containerPort"].is_null() {
            causes.push(Cause::required(format!("{field}.containerPort"), ""));
        } else {
            port_number(&port["containerPort"], &format!("{field}.containerPort"), causes);
        }
        protocol(port, &field, causes);
    }
    for (place, variable) in list(value, &["env"]).iter().enumerate() {
        if text(variable, &["name"]).is_empty() {
            causes.push(Cause::required(format!("{field}.env[{place}].name"), ""));
        }
    }
    for (place, mount) in list(value, &["volumeMounts"]).iter().enumerate() {
        let field = format!("{field}.volumeMounts[{place}]");
        let name = text(mount, &["name"]);
        if name.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        } else if !volumes.contains(&name) {
            let message = format!("Not found: \"{name}\"");
            causes.push(Cause { reason: "FieldValueNotFound", field: format!("{field}.name"), message });
        }
        if text(mount, &["mountPath"]).is_empty() {
            causes.push(Cause::required(format!("{field}.mountPath"), ""));
        }
    }
}

/// The spec of a Job.
pub fn job(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    for name in ["parallelism", "completions", "backoffLimit"] {
        count(&spec[name], &format!("{field}.{name}"), causes);
    }
    let template = format!("{field}.template.spec");
    pod_spec(&spec["template"]["spec"], &template, causes);
    let field = format!("{template}.restartPolicy");
    match text(spec, &["template", "spec", "restartPolicy"]) {
        "OnFailure" | "Never" => {}
        "" | "Always" => causes.push(Cause::required(field, "valid values: \"OnFailure\", \"Never\"")),
        other => {
            let allowed = ["Never", "OnFailure"].map(str::to_owned);
            causes.push(Cause::not_supported(field, &json!(other), &allowed));
        }
    }
}

/// A CronJob.
pub fn cron_job(value: &Value, causes: &mut Vec<Cause>) {
    if text(value, &["spec", "schedule"]).is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    }
    job(&value["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec", causes);
}

/// A HorizontalPodAutoscaler.
pub fn autoscaler(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let (least, most) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].as_i64().unwrap_or_default());
    if most < 1 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if most < least {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &json!(most), why));
    }
    for name in ["kind", "name"] {
        if text(spec, &["scaleTargetRef", name]).is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{name}"), ""));
        }
    }
    if text(spec, &["scaleTargetRef", "apiVersion"]).is_empty() {
        let why = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &json!(""), why));
    }
}

const STATEFUL: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
    'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/// Most of a StatefulSet's spec stays as it was.
pub fn stateful_set_update(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    const FREE: &[&str] = &[
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let rest = |value: &Value| {
        let mut spec = value["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|key, _| !FREE.contains(&key.as_str()));
        }
        spec
    };
    if rest(old) != rest(new) {
        causes.push(Cause::forbidden("spec", STATEFUL));
    }
}

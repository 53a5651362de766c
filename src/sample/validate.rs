//! The checks that refuse an object with 422, in the words of the real server.

mod names;
mod network;
mod workload;

use serde_json::{Value, json};

use super::kind::Kind;
use super::object::{self, at, text};
use super::shape::schema;
use super::status::{Answer, Cause, Failure};

/// Checks a new object.
pub fn create(kind: &Kind, value: &Value) -> Answer<()> {
    refuse(kind, value, &create_faults(kind, value))
}

fn create_faults(kind: &Kind, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    names::object(kind, value, &mut causes);
    content(kind, value, &mut causes);
    causes
}

/// Checks an object that replaces another; `whole` is false for a write of the status alone.
pub fn update(kind: &Kind, old: &Value, new: &Value, whole: bool) -> Answer<()> {
    let mut causes = Vec::new();
    if whole {
        names::labels(new, &mut causes);
        content(kind, new, &mut causes);
        immutable(kind, old, new, &mut causes);
    } else if let Some(custom) = &kind.custom {
        causes.extend(schema::check(&custom.schema, new));
    }
    refuse(kind, new, &causes)
}

fn refuse(kind: &Kind, value: &Value, causes: &[Cause]) -> Answer<()> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(&kind.group, &kind.kind, object::name(value), causes))
}

/// What depends on the kind.
fn content(kind: &Kind, value: &Value, causes: &mut Vec<Cause>) {
    if let Some(custom) = &kind.custom {
        causes.extend(schema::check(&custom.schema, value));
        return;
    }
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "configmaps") => {
            config_keys(value, "data", causes);
            config_keys(value, "binaryData", causes);
        }
        ("", "secrets") => config_keys(value, "data", causes),
        ("", "services") => network::service(value, causes),
        ("networking.k8s.io", "ingresses") => network::ingress(value, causes),
        ("", "pods") => workload::pod_spec(&value["spec"], "spec", causes),
        ("", "persistentvolumeclaims") => claim(value, causes),
        ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets") => workload::set(value, causes),
        ("batch", "jobs") => workload::job(&value["spec"], "spec", causes),
        ("batch", "cronjobs") => workload::cron_job(value, causes),
        ("autoscaling", _) => workload::autoscaler(value, causes),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(kind, value, causes),
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(value, causes),
        _ => {}
    }
}

const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
    (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

fn config_keys(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    for key in value[field].as_object().into_iter().flatten().map(|(key, _)| key) {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        if key.is_empty() || !key.chars().all(fits) {
            causes.push(Cause::invalid(format!("{field}[{key}]"), &json!(key), CONFIG_KEY));
        }
    }
}

fn claim(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    if object::list(spec, &["accessModes"]).is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if at(spec, &["resources", "requests", "storage"]).is_null() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
}

fn binding(kind: &Kind, value: &Value, causes: &mut Vec<Cause>) {
    let reference = &value["roleRef"];
    let allowed: &[String] = &if kind.namespaced {
        vec!["Role".to_owned(), "ClusterRole".to_owned()]
    } else {
        vec!["ClusterRole".to_owned()]
    };
    let given = text(reference, &["kind"]);
    if !allowed.iter().any(|one| one == given) {
        causes.push(Cause::not_supported("roleRef.kind", &json!(given), allowed));
    }
    if text(reference, &["name"]).is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    }
    for (place, subject) in object::list(value, &["subjects"]).iter().enumerate() {
        let field = format!("subjects[{place}]");
        if text(subject, &["name"]).is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        }
        match text(subject, &["kind"]) {
            "ServiceAccount" if text(subject, &["namespace"]).is_empty() => {
                causes.push(Cause::required(format!("{field}.namespace"), ""));
            }
            "ServiceAccount" | "User" | "Group" => {}
            other => {
                let allowed = ["ServiceAccount", "User", "Group"].map(str::to_owned);
                causes.push(Cause::not_supported(format!("{field}.kind"), &json!(other), &allowed));
            }
        }
    }
}

fn definition(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let (group, plural) = (text(spec, &["group"]), text(spec, &["names", "plural"]));
    let wanted = format!("{plural}.{group}");
    if object::name(value) != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &json!(object::name(value)), why));
    }
    for (field, given) in
        [("spec.group", group), ("spec.names.plural", plural), ("spec.names.kind", text(spec, &["names", "kind"]))]
    {
        if given.is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    let scope = text(spec, &["scope"]);
    if scope.is_empty() {
        causes.push(Cause::required("spec.scope", ""));
    } else if scope != "Namespaced" && scope != "Cluster" {
        let allowed = ["Cluster".to_owned(), "Namespaced".to_owned()];
        causes.push(Cause::not_supported("spec.scope", &json!(scope), &allowed));
    }
    let versions = object::list(spec, &["versions"]);
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    for (place, version) in versions.iter().enumerate() {
        if at(version, &["schema", "openAPIV3Schema"]).is_null() {
            let field = format!("spec.versions[{place}].schema.openAPIV3Schema");
            causes.push(Cause::required(field, ""));
        }
    }
}

const IMMUTABLE: &str = "field is immutable";

/// Fields that may not change.
fn immutable(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let mut fixed = |path: &[&str], why: &str| {
        let (before, after) = (at(old, path), at(new, path));
        if before != after {
            causes.push(Cause::invalid(path.join("."), after, why));
        }
    };
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("apps", "deployments" | "daemonsets" | "replicasets") => fixed(&["spec", "selector"], IMMUTABLE),
        ("apps", "statefulsets") => workload::stateful_set_update(old, new, causes),
        ("batch", "jobs") => {
            fixed(&["spec", "selector"], IMMUTABLE);
            fixed(&["spec", "template"], IMMUTABLE);
            fixed(&["spec", "completionMode"], IMMUTABLE);
        }
        ("", "services") => network::service_update(old, new, causes),
        ("", "configmaps" | "secrets") => immutable_data(old, new, causes),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => role_reference(old, new, causes),
        ("storage.k8s.io", "storageclasses") => {
            fixed(&["provisioner"], "updates to provisioner are forbidden.");
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            fixed(&["spec", "scope"], IMMUTABLE);
            fixed(&["spec", "group"], IMMUTABLE);
            fixed(&["spec", "names", "plural"], IMMUTABLE);
        }
        _ => {}
    }
    if kind.is("", "secrets") && old["type"] != new["type"] {
        causes.push(Cause::invalid("type", &new["type"], IMMUTABLE));
    }
}

fn immutable_data(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if old["immutable"] != true {
        return;
    }
    for field in ["immutable", "data", "binaryData"] {
        if old[field] != new[field] {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}

fn role_reference(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let after = &new["roleRef"];
    if old["roleRef"] != *after {
        let shown = json!({"APIGroup": after["apiGroup"], "Kind": after["kind"], "Name": after["name"]});
        causes.push(Cause::invalid("roleRef", &shown, "cannot change roleRef"));
    }
}

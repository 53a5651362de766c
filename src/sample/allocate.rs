//! What the server itself adds to new objects: addresses, ports, generated selectors, first states.

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::object::{self, text};
use super::store::State;

/// Adds what only the server knows to a new object.
pub fn complete(state: &mut State, kind: &Kind, value: &mut Value, dry_run: bool) {
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "services") => service(state, value, dry_run),
        ("", "namespaces") => namespace(value),
        ("", "pods") => first_status(value, &json!({"phase": "Pending", "qosClass": "BestEffort"})),
        ("", "persistentvolumeclaims" | "persistentvolumes") => first_status(value, &json!({"phase": "Pending"})),
        ("networking.k8s.io", "ingresses") => first_status(value, &json!({"loadBalancer": {}})),
        ("batch", "jobs") => job(value),
        ("apps", "deployments" | "replicasets") => first_status(value, &json!({})),
        ("apps", "statefulsets") => first_status(value, &json!({"replicas": 0, "availableReplicas": 0})),
        ("apps", "daemonsets") => first_status(
            value,
            &json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}),
        ),
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            let versions = object::list(value, &["spec", "versions"]);
            let stored: Vec<Value> =
                versions.iter().filter(|one| one["storage"] == true).map(|one| one["name"].clone()).collect();
            let names = json!({"plural": "", "kind": ""});
            first_status(value, &json!({"conditions": null, "acceptedNames": names, "storedVersions": stored}));
        }
        _ => {}
    }
}

fn first_status(value: &mut Value, status: &Value) {
    object::ensure(value).insert("status".to_owned(), status.clone());
}

fn namespace(value: &mut Value) {
    let name = object::name(value).to_owned();
    let spec = object::child(value, "spec");
    spec.insert("finalizers".to_owned(), json!(["kubernetes"]));
    first_status(value, &json!({"phase": "Active"}));
    label(value, "kubernetes.io/metadata.name", &name);
}

fn label(value: &mut Value, key: &str, text: &str) {
    let labels = object::metadata(value).entry("labels").or_insert_with(|| json!({}));
    object::ensure(labels).insert(key.to_owned(), json!(text));
}

/// A number that is the caller's to keep, or a stand-in on a dry run.
fn number(state: &mut State, dry_run: bool) -> u32 {
    if dry_run { 65_000 } else { state.allocate() }
}

fn service(state: &mut State, value: &mut Value, dry_run: bool) {
    let kind = text(value, &["spec", "type"]).to_owned();
    first_status(value, &json!({"loadBalancer": {}}));
    if kind == "ExternalName" {
        return;
    }
    let spec = object::child(value, "spec");
    address(state, spec, dry_run);
    if kind != "ClusterIP" {
        node_ports(state, spec, dry_run);
    }
}

fn address(state: &mut State, spec: &mut Map<String, Value>, dry_run: bool) {
    let given = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = if given.is_empty() {
        let number = number(state, dry_run) + 9;
        format!("10.96.{}.{}", number / 254 % 256, number % 254 + 1)
    } else {
        given
    };
    spec.insert("clusterIP".to_owned(), json!(address));
    spec.entry("clusterIPs").or_insert_with(|| json!([address]));
    spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    spec.entry("ipFamilyPolicy").or_insert_with(|| json!("SingleStack"));
}

fn node_ports(state: &mut State, spec: &mut Map<String, Value>, dry_run: bool) {
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let port = object::ensure(port);
        if port.get("nodePort").and_then(Value::as_i64).unwrap_or_default() == 0 {
            port.insert("nodePort".to_owned(), json!(30_000 + number(state, dry_run) % 2_768));
        }
    }
}

fn job(value: &mut Value) {
    first_status(value, &json!({}));
    if object::at(value, &["spec", "manualSelector"]) == true {
        return;
    }
    let (name, uid) = (object::name(value).to_owned(), object::uid(value).to_owned());
    let mut labels = Map::new();
    for (key, text) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels.insert(key.to_owned(), json!(text));
    }
    let spec = object::child(value, "spec");
    spec.insert("selector".to_owned(), json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    let template = object::ensure(spec.entry("template").or_insert_with(|| json!({})));
    let metadata = object::ensure(template.entry("metadata").or_insert_with(|| json!({})));
    object::ensure(metadata.entry("labels").or_insert_with(|| json!({}))).extend(labels.clone());
    if object::at(value, &["metadata", "labels"]).is_null() {
        object::metadata(value).insert("labels".to_owned(), Value::Object(labels));
    }
}

/// Keeps what the server added before when a new state leaves it out.
pub fn carry(state: &mut State, kind: &Kind, old: &Value, new: &mut Value, dry_run: bool) {
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "services") => carry_service(state, old, new, dry_run),
        ("", "namespaces") => {
            label(new, "kubernetes.io/metadata.name", object::name(old));
            if let Some(finalizers) = old["spec"].get("finalizers").filter(|_| new["spec"].get("finalizers").is_none())
            {
                object::child(new, "spec").insert("finalizers".to_owned(), finalizers.clone());
            }
        }
        ("batch", "jobs") => {
            let labels = object::at(old, &["spec", "template", "metadata", "labels"]).clone();
            let spec = object::child(new, "spec");
            spec.entry("selector").or_insert_with(|| old["spec"]["selector"].clone());
            let template = object::ensure(spec.entry("template").or_insert_with(|| json!({})));
            let metadata = object::ensure(template.entry("metadata").or_insert_with(|| json!({})));
            let given = object::ensure(metadata.entry("labels").or_insert_with(|| json!({})));
            for (key, value) in labels.as_object().into_iter().flatten() {
                given.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        _ => {}
    }
}

fn carry_service(state: &mut State, old: &Value, new: &mut Value, dry_run: bool) {
    let kind = text(new, &["spec", "type"]).to_owned();
    if kind == "ExternalName" {
        return;
    }
    let spec = object::child(new, "spec");
    for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(value) = old["spec"].get(key).filter(|_| !spec.contains_key(key)) {
            spec.insert(key.to_owned(), value.clone());
        }
    }
    address(state, spec, dry_run);
    if kind == "ClusterIP" {
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            object::ensure(port).shift_remove("nodePort");
        }
        return;
    }
    let before = object::list(old, &["spec", "ports"]);
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let same = before.iter().find(|one| one["port"] == port["port"] && one["protocol"] == port["protocol"]);
        if let Some(number) = same.and_then(|one| one.get("nodePort")).filter(|_| port["nodePort"].is_null()) {
            object::ensure(port).insert("nodePort".to_owned(), number.clone());
        }
    }
    node_ports(state, spec, dry_run);
}

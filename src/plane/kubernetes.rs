//! The plane of a context as Kubernetes objects, in the order in which they are applied.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`options`] | what a user can choose: namespace, storage, the way in, what the plane may do |
//! | [`grants`] | what the plane may do, with a reason for each rule |
//! | [`marks`] | labels by which objects are known as a plane's |
//! | [`access`] | what a user must be permitted to bring the objects up |
//! | [`crds`] | the kinds MeshSync and Broker |
//! | [`chart`] | the same objects as a Helm chart |
//!
//! One namespace holds one plane. Cluster-scoped objects carry the namespace in their names, so that planes of several
//! namespaces never share one; only the kinds MeshSync and Broker belong to all of them.

pub mod access;
pub mod chart;
pub mod crds;
pub mod grants;
pub mod marks;
mod network;
pub mod options;
mod roles;
mod storage;
mod workload;

pub use options::{Expose, Load, Options, Pull, Storage, Wishes};

use serde_json::{Value, json};

use super::spec::{SERVER, Spec};
use marks::Marks;

/// Namespace of a plane that says nothing else: the one that every era used.
pub const NAMESPACE: &str = "meshery";
/// Name of the Secret that holds the token.
pub const TOKEN: &str = "meshery-token";
/// File name of the token inside the Secret and the server's home.
pub const TOKEN_FILE: &str = "auth.json";
/// Name of the claim that holds the server's data.
pub const CLAIM: &str = "meshery-data";
/// Oldest Kubernetes that is supported: major and minor version.
pub const OLDEST: (u32, u32) = (1, 26);

/// Every object of the plane, the namespace first; each can be applied when those before it are there.
pub fn objects(spec: &Spec, options: &Options) -> Vec<Value> {
    let marks = Marks { spec, options };
    let mut objects = vec![namespace(&marks)];
    objects.extend(crds::objects());
    objects.extend(roles::objects(&marks));
    objects.extend(options.token.as_deref().map(|token| secret(&marks, token)));
    objects.extend(storage::objects(&marks));
    objects.extend(spec.parts.iter().map(|part| network::service(&marks, part)));
    objects.extend(spec.parts.iter().map(|part| workload::deployment(&marks, part)));
    objects.extend(network::ingress(&marks));
    objects
}

/// Pods may not be more than the baseline of Pod Security permits; the plane's own keep the restricted level.
fn namespace(marks: &Marks<'_>) -> Value {
    let mut metadata = marks.cluster_wide(&marks.options.namespace, "namespace");
    metadata["labels"]["pod-security.kubernetes.io/enforce"] = json!("baseline");
    metadata["labels"]["pod-security.kubernetes.io/warn"] = json!("restricted");
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

fn secret(marks: &Marks<'_>, token: &str) -> Value {
    let encoded = encode(token.as_bytes());
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": marks.named(TOKEN, "token"),
        "type": "Opaque", "data": {TOKEN_FILE: encoded}
    })
}

/// Base64 as Secrets want it.
pub fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Plural of a kind that the plane is made of, and whether its objects live in a namespace.
pub fn resource(kind: &str) -> Option<(&'static str, bool)> {
    const ROWS: &[(&str, &str, bool)] = &[
        ("Namespace", "namespaces", false),
        ("CustomResourceDefinition", "customresourcedefinitions", false),
        ("ServiceAccount", "serviceaccounts", true),
        ("ClusterRole", "clusterroles", false),
        ("ClusterRoleBinding", "clusterrolebindings", false),
        ("Role", "roles", true),
        ("RoleBinding", "rolebindings", true),
        ("ConfigMap", "configmaps", true),
        ("Secret", "secrets", true),
        ("PersistentVolume", "persistentvolumes", false),
        ("PersistentVolumeClaim", "persistentvolumeclaims", true),
        ("Service", "services", true),
        ("Deployment", "deployments", true),
        ("Ingress", "ingresses", true),
        ("Pod", "pods", true),
        ("Node", "nodes", false),
        ("StorageClass", "storageclasses", false),
        ("MeshSync", "meshsyncs", true),
        ("Broker", "brokers", true),
    ];
    ROWS.iter().find(|row| row.0 == kind).map(|row| (row.1, row.2))
}

/// Name of a cluster-scoped object of the plane in a namespace.
fn cluster_name(namespace: &str) -> String {
    if namespace == NAMESPACE { SERVER.to_owned() } else { format!("{SERVER}-{namespace}") }
}

/// The objects with the values of Secrets taken out.
pub fn redacted(mut objects: Vec<Value>) -> Vec<Value> {
    for object in objects.iter_mut().filter(|object| object["kind"] == "Secret") {
        if let Some(data) = object["data"].as_object_mut() {
            data.values_mut().for_each(|value| *value = json!("<redacted>"));
        }
    }
    objects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::{Context, Platform};

    pub(super) fn context(components: &[&str]) -> Context {
        Context {
            name: "team".into(),
            endpoint: "http://localhost:9081".into(),
            token: String::new(),
            platform: Platform::Kubernetes,
            components: components.iter().map(|name| (*name).to_owned()).collect(),
            channel: "stable".into(),
            version: "latest".into(),
            provider: String::new(),
        }
    }

    pub(super) fn made(components: &[&str], wishes: &Wishes) -> Vec<Value> {
        let spec = Spec::new(&context(components), "img:1", wishes.broker.as_deref()).unwrap();
        let options = Options { token: Some("{}".into()), ..Options::of(wishes) };
        objects(&spec, &options)
    }

    pub(super) fn find<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
        let found = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    #[test]
    fn every_object_is_marked_and_of_a_known_kind() {
        let wishes = Wishes { broker: Some("nats:2".into()), ..Wishes::default() };
        let objects = made(&["meshery-istio"], &wishes);
        assert_eq!(objects[0]["kind"], "Namespace");
        for object in &objects {
            let kind = object["kind"].as_str().unwrap();
            let (_, namespaced) = resource(kind).unwrap_or_else(|| panic!("{kind}"));
            let labels = &object["metadata"]["labels"];
            assert_eq!(labels["app.kubernetes.io/managed-by"], "mesheryctl", "{object}");
            assert_eq!(labels["app.kubernetes.io/part-of"], "meshery", "{object}");
            assert_eq!(object["metadata"]["namespace"] == "meshery", namespaced, "{object}");
        }
        for (kind, name) in [
            ("Deployment", "meshery"),
            ("Deployment", "meshery-istio"),
            ("Deployment", "broker"),
            ("Service", "meshery"),
            ("Service", "meshery-istio"),
            ("Service", "broker"),
            ("Secret", "meshery-token"),
            ("PersistentVolumeClaim", "meshery-data"),
            ("ServiceAccount", "meshery"),
        ] {
            find(&objects, kind, name);
        }
    }

    #[test]
    fn planes_of_two_namespaces_share_no_object() {
        let other = Wishes { namespace: Some("team-b".into()), ..Wishes::default() };
        let name = |object: &Value| {
            format!("{} {} {}", object["kind"], object["metadata"]["namespace"], object["metadata"]["name"])
        };
        let first: Vec<String> = made(&[], &Wishes::default()).iter().map(name).collect();
        for object in made(&[], &other).iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
            assert!(!first.contains(&name(object)), "{object}");
        }
    }

    #[test]
    fn a_redacted_secret_keeps_its_keys_only() {
        let objects = redacted(made(&[], &Wishes::default()));
        assert_eq!(find(&objects, "Secret", "meshery-token")["data"], json!({"auth.json": "<redacted>"}));
    }
}

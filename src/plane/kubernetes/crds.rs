//! The kinds MeshSync and Broker, in the group of today and in the one of 2021, so that objects of every era apply.
//!
//! All planes of a cluster share them. The operator that acts on them is deployed apart.

use serde_json::{Value, json};

use super::marks::Marks;

/// Group of today.
pub const GROUP: &str = "meshery.io";
/// Group of 2021.
pub const OLD_GROUP: &str = "meshery.layer5.io";

/// Names of the definitions.
pub fn names() -> Vec<String> {
    objects().iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

/// The definitions.
pub(super) fn objects() -> Vec<Value> {
    vec![
        definition(GROUP, &Kind::BROKER, &["v1alpha1", "v1alpha2"]),
        definition(GROUP, &Kind::MESH_SYNC, &["v1alpha1", "v1alpha2"]),
        definition(OLD_GROUP, &Kind::BROKER, &["v1alpha1"]),
        definition(OLD_GROUP, &Kind::MESH_SYNC, &["v1alpha1"]),
    ]
}

struct Kind {
    name: &'static str,
    singular: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    schema: fn() -> (Value, Value),
    columns: &'static [(&'static str, &'static str, &'static str)],
}

impl Kind {
    const BROKER: Kind = Kind {
        name: "Broker",
        singular: "broker",
        plural: "brokers",
        short: &["br"],
        schema: broker,
        columns: &[
            ("Size", "integer", ".spec.size"),
            ("External", "string", ".status.endpoint.external"),
            ("Internal", "string", ".status.endpoint.internal"),
            ("Age", "date", ".metadata.creationTimestamp"),
        ],
    };
    const MESH_SYNC: Kind = Kind {
        name: "MeshSync",
        singular: "meshsync",
        plural: "meshsyncs",
        short: &[],
        schema: mesh_sync,
        columns: &[
            ("Size", "integer", ".spec.size"),
            ("Publishing-To", "string", ".status.publishing-to"),
            ("Age", "date", ".metadata.creationTimestamp"),
        ],
    };
}

/// The last version is the stored one; the versions have the same fields, so that nothing needs converting.
fn definition(group: &str, kind: &Kind, versions: &[&str]) -> Value {
    let mut names = json!({
        "kind": kind.name, "listKind": format!("{}List", kind.name), "plural": kind.plural, "singular": kind.singular
    });
    // Two groups with the same short name would stand in each other's way.
    if group == GROUP {
        names["categories"] = json!(["meshery"]);
        if !kind.short.is_empty() {
            names["shortNames"] = json!(kind.short);
        }
    }
    let last = versions.len() - 1;
    let versions: Vec<Value> =
        versions.iter().enumerate().map(|(index, name)| version(name, index == last, kind)).collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": Marks::shared(&format!("{}.{group}", kind.plural), "operator"),
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    })
}

fn version(name: &str, storage: bool, kind: &Kind) -> Value {
    let (spec, status) = (kind.schema)();
    let columns: Vec<Value> =
        kind.columns.iter().map(|(name, kind, path)| json!({"name": name, "type": kind, "jsonPath": path})).collect();
    json!({
        "name": name, "served": true, "storage": storage,
        "schema": {"openAPIV3Schema": {
            "type": "object",
            "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                "spec": spec, "status": status
            }
        }},
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns
    })
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn object(description: &str, properties: &Value) -> Value {
    json!({"type": "object", "description": description, "properties": properties})
}

fn size(description: &str) -> Value {
    json!({"type": "integer", "format": "int32", "minimum": 0, "maximum": 10, "default": 1, "description": description})
}

fn broker() -> (Value, Value) {
    let service = object(
        "The service through which clients reach it.",
        &json!({
            "type": {
                "type": "string", "enum": ["ClusterIP", "NodePort", "LoadBalancer"], "default": "ClusterIP",
                "description": "Type of the service."
            },
            "annotations": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Further annotations of the service."
            },
            "loadBalancerClass": text("Class of the load balancer; with type LoadBalancer only."),
            "loadBalancerSourceRanges": {
                "type": "array", "items": {"type": "string"},
                "description": "Networks that may use the load balancer; with type LoadBalancer only."
            },
            "externalEndpointOverride": text("HOST:PORT that is told instead of the one found.")
        }),
    );
    let spec = object(
        "What is wanted.",
        &json!({
            "size": size("Number of NATS servers."),
            "version": text("Tag of the NATS image; the operator's own without one."),
            "service": service
        }),
    );
    let endpoint = object(
        "Where it is reached, as HOST:PORT.",
        &json!({"internal": text("Inside the cluster."), "external": text("From outside.")}),
    );
    (spec, object("What is.", &json!({"endpoint": endpoint, "conditions": conditions()})))
}

fn mesh_sync() -> (Value, Value) {
    let native = object(
        "A Broker object.",
        &json!({"name": text("Its name."), "namespace": text("Its namespace; this one's without it.")}),
    );
    let custom = object("A broker that others run.", &json!({"url": text("Its address.")}));
    let spec = object(
        "What is wanted.",
        &json!({
            "size": size("Number of agents."),
            "version": text("Tag of the agent's image; the operator's own without one."),
            "broker": object("Where events go.", &json!({"native": native, "custom": custom})),
            "watch-list": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "description": "A ConfigMap whose data holds either `whitelist` or `blacklist`."
            }
        }),
    );
    let status = json!({"publishing-to": text("Address of the broker."), "conditions": conditions()});
    (spec, object("What is.", &status))
}

fn conditions() -> Value {
    let fields = json!({
        "type": {"type": "string"}, "status": {"type": "string"},
        "observedGeneration": {"type": "integer", "format": "int64"},
        "lastProbeTime": {"type": "string", "format": "date-time"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
        "reason": {"type": "string"}, "message": {"type": "string"}
    });
    json!({
        "type": "array", "description": "The object's conditions.",
        "items": {"type": "object", "required": ["type", "status"], "properties": fields}
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{find, made};
    use super::super::{Wishes, resource};

    #[test]
    fn every_group_is_served_in_its_versions_with_one_that_is_stored() {
        let objects = made(&[], &Wishes::default());
        for (name, versions) in [
            ("brokers.meshery.io", 2),
            ("meshsyncs.meshery.io", 2),
            ("brokers.meshery.layer5.io", 1),
            ("meshsyncs.meshery.layer5.io", 1),
        ] {
            let definition = find(&objects, "CustomResourceDefinition", name);
            let served = definition["spec"]["versions"].as_array().unwrap();
            assert_eq!(served.len(), versions, "{name}");
            assert_eq!(served.iter().filter(|version| version["storage"] == true).count(), 1, "{name}");
            let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
            assert_eq!(definition["spec"]["names"]["plural"], resource(kind).unwrap().0);
        }
    }
}

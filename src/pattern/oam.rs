//! Stage OAM: the component and application configuration in the shape Meshery's adapters take.
//!
//! It is OAM-shaped, not OAM: `spec.type` and `spec.settings`, and capitalised keys in the configuration's `spec`.

use serde_json::{Value, json};

use crate::base::id;
use crate::model::pattern::{Pattern, Service};
use crate::pattern::object::LABEL_SERVICE;

const API_VERSION: &str = "core.oam.dev/v1alpha2";

/// The component of one service.
pub fn component(pattern: &Pattern, service: &Service) -> Value {
    let mut labels = json!(service.labels);
    labels[LABEL_SERVICE] = json!(id::stable(&pattern.name, &service.key).to_string());
    json!({
        "apiVersion": API_VERSION,
        "kind": "Component",
        "metadata": {
            "name": service.object_name(),
            "namespace": service.namespace.clone().unwrap_or_default(),
            "labels": labels,
            "annotations": service.annotations,
        },
        "spec": {"type": service.kind, "version": service.version, "settings": service.settings},
    })
}

/// The application configuration: one entry for each service that has traits.
pub fn configuration(pattern: &Pattern) -> Value {
    let components: Vec<Value> = pattern
        .services
        .iter()
        .filter(|service| !service.traits.is_empty())
        .map(|service| {
            let traits: Vec<Value> = service
                .traits
                .iter()
                .map(|(name, value)| json!({"Name": name, "Properties": if value.is_object() { value.clone() } else { json!({}) }}))
                .collect();
            json!({"ComponentName": service.object_name(), "Traits": traits, "Scopes": []})
        })
        .collect();
    json!({
        "apiVersion": API_VERSION,
        "kind": "ApplicationConfiguration",
        "metadata": {"name": pattern.name},
        "spec": {"Components": components},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    #[test]
    fn the_shape_is_what_adapters_take() {
        let document = parse("p.yaml", "name: p\nservices:\n  istio: {type: IstioMesh, namespace: a, settings: {version: 1.8.2}, traits: {mTLS: {policy: mutual}, x: 1}}\n  b: {type: X}\n").unwrap();
        let pattern = &document.pattern;
        let component = component(pattern, &pattern.services[0]);
        assert_eq!(component["spec"]["type"], "IstioMesh");
        assert_eq!(component["metadata"]["labels"][LABEL_SERVICE], id::stable("p", "istio").to_string());
        let configuration = configuration(pattern);
        let components = configuration["spec"]["Components"].as_array().unwrap();
        assert_eq!(components.len(), 1);
        assert_eq!(components[0]["Traits"][0], json!({"Name": "mTLS", "Properties": {"policy": "mutual"}}));
        assert_eq!(components[0]["Traits"][1]["Properties"], json!({}));
    }
}

//! An object as a service of a pattern, checked: what will be applied is what was read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Found, told};
use crate::base::error::{Code, Error, Result};
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::model::pattern::Service;
use crate::pattern::object::{self, ANNOTATION_PATTERN, ANNOTATION_SERVICE, LABEL_SERVICE, Target};

/// The service called `key` that stands for an object.
///
/// # Errors
/// [`Code::ImportObject`] when no service can stand for it.
pub fn of(found: &Found, key: &str, warnings: &mut Vec<String>) -> Result<Service> {
    let (service, body) = plain(found, key, warnings);
    let wanted = essential(Value::Object(body));
    for service in [service.clone(), whole(service, found)] {
        if stands_for(&service, found).is_some_and(|built| built == wanted) {
            return Ok(literal(service));
        }
    }
    Err(Error::new(Code::ImportObject, format!("{} cannot be kept as it is", told(&found.identity())))
        .at(found.place.clone())
        .because("its metadata has a shape that Kubernetes does not have")
        .remedy("Check `labels` and `annotations`: both are mappings of strings."))
}

/// The readable form: metadata beside `settings`, the rest of the body in it. Gives the body too, its labels and
/// annotations made the strings that the API server wants.
fn plain(found: &Found, key: &str, warnings: &mut Vec<String>) -> (Service, Map<String, Value>) {
    let identity = found.identity();
    let mut body = found.body.clone();
    let mut rest = body.clone();
    let mut service = Service { key: key.to_owned(), kind: identity.kind.clone(), ..Service::default() };
    service.api_version = rest.remove("apiVersion").and_then(|value| value.as_str().map(str::to_owned));
    rest.remove("kind");
    service.name = (identity.name != key).then(|| identity.name.clone());
    service.namespace = (!identity.namespace.is_empty()).then(|| identity.namespace.clone());
    if let Some(Value::Object(mut metadata)) = rest.remove("metadata") {
        metadata.remove("name");
        metadata.remove("namespace");
        for (field, target) in [("labels", &mut service.labels), ("annotations", &mut service.annotations)] {
            let Some(Value::Object(values)) = metadata.get(field) else { continue };
            for (name, value) in values.clone() {
                let text = scalar(&value);
                if let (Some(text), false) = (&text, value.is_string()) {
                    warnings
                        .push(format!("{}: {field}.{name}: {value} is taken as the string \"{text}\"", found.place));
                    body["metadata"][field][&name] = json!(text);
                }
                target.extend(text.map(|text| (name, text)));
            }
            metadata.remove(field);
        }
        if !metadata.is_empty() {
            service.settings.insert("metadata".to_owned(), Value::Object(metadata));
        }
    }
    service.settings.extend(rest);
    if service.settings.get("metadata").is_some_and(|metadata| metadata.get("ownerReferences").is_some()) {
        warnings.push(format!(
            "{}: {} has ownerReferences, which hold in the cluster they come from only",
            found.place,
            told(&identity)
        ));
    }
    (service, body)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The form for bodies that would be read in another way: `settings` with `apiVersion` and `kind` is the whole object.
fn whole(service: Service, found: &Found) -> Service {
    let mut settings = Map::new();
    for key in ["apiVersion", "kind"] {
        settings.insert(key.to_owned(), found.body.get(key).cloned().unwrap_or_default());
    }
    settings.extend(service.settings);
    Service { settings, ..service }
}

/// What the service is applied as, without the marks of the pattern.
fn stands_for(service: &Service, found: &Found) -> Option<Value> {
    let identity = found.identity();
    let api_version = service.api_version.as_deref().unwrap_or_default();
    let kind = KindInfo {
        gvk: GroupVersionKind::parse(api_version, &identity.kind),
        plural: String::new(),
        namespaced: !identity.namespace.is_empty(),
        preferred: true,
    };
    let none = BTreeMap::new();
    let target = Target { pattern: "", namespace: "", labels: &none, annotations: &none };
    object::build(service, &kind, target).ok().map(|built| essential(without_marks(built.body)))
}

/// An object without the label and annotations of the pattern that applies it.
pub fn without_marks(mut body: Value) -> Value {
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for (field, keys) in
            [("labels", &[LABEL_SERVICE] as &[&str]), ("annotations", &[ANNOTATION_PATTERN, ANNOTATION_SERVICE])]
        {
            let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) else { continue };
            map.retain(|key, _| !keys.contains(&key.as_str()));
            if map.is_empty() {
                metadata.remove(field);
            }
        }
    }
    body
}

/// An object without empty labels, annotations and namespace, which say nothing.
fn essential(mut body: Value) -> Value {
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["labels", "annotations"] {
            if metadata.get(key).is_some_and(|value| value.is_null() || value.as_object().is_some_and(Map::is_empty)) {
                metadata.remove(key);
            }
        }
        if metadata.get("namespace").is_some_and(|value| value.is_null() || value == "") {
            metadata.remove("namespace");
        }
    }
    body
}

/// The service with its texts written so that the pattern takes none for a reference.
fn literal(service: Service) -> Service {
    let strings =
        |map: BTreeMap<String, String>| map.into_iter().map(|(key, value)| (escaped(&key), escaped(&value))).collect();
    Service {
        labels: strings(service.labels),
        annotations: strings(service.annotations),
        settings: service.settings.into_iter().map(|(key, value)| (escaped(&key), literal_value(value))).collect(),
        ..service
    }
}

fn literal_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(escaped(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(literal_value).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (escaped(&key), literal_value(value))).collect())
        }
        other => other,
    }
}

/// `$$(#ref` is the text `$(#ref`.
fn escaped(text: &str) -> String {
    text.replace("$(#ref", "$$(#ref")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;

    fn service(body: Value) -> Service {
        let Value::Object(body) = body else { panic!() };
        let found = Found::new(body, Place { file: "m".into(), line: None, column: None });
        of(&found, "key", &mut Vec::new()).unwrap()
    }

    #[test]
    fn defect_18_bodies_of_every_group_are_kept_whole() {
        let rbac = service(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "key"}, "rules": [{"verbs": ["get"]}]}),
        );
        assert_eq!(Value::Object(rbac.settings), json!({"rules": [{"verbs": ["get"]}]}));
        let hook = service(
            json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "a"}, "webhooks": []}),
        );
        assert_eq!((hook.name.as_deref(), Value::Object(hook.settings)), (Some("a"), json!({"webhooks": []})));
        let strange = service(
            json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a"}, "name": "n", "data": {"role Ref": 1}}),
        );
        assert_eq!(strange.settings["kind"], "Thing", "a body without spec of an unknown kind is written whole");
        let spec = service(
            json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a", "finalizers": ["f"]}, "spec": {}, "extra": {"labels": 1}}),
        );
        assert_eq!(
            Value::Object(spec.settings),
            json!({"metadata": {"finalizers": ["f"]}, "spec": {}, "extra": {"labels": 1}})
        );
    }

    #[test]
    fn text_that_the_grammar_would_read_is_escaped() {
        let map = service(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "key"}, "data": {"k": "$(#ref.vars.x) $$(#ref.y) $(A)"}}),
        );
        assert_eq!(map.settings["data"]["k"], "$$(#ref.vars.x) $$$(#ref.y) $(A)");
    }
}

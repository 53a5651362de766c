//! Stage objects: a service and its kind become the Kubernetes object that is sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::base::id;
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::pattern::Service;
use crate::pattern::builtin;

/// Label on every object: the stable id of its service.
pub const LABEL_SERVICE: &str = "resource.pattern.meshery.io/id";
/// Annotation on every object: the pattern that applied it.
pub const ANNOTATION_PATTERN: &str = "pattern.meshery.io/name";
/// Annotation on every object: the service it came from.
pub const ANNOTATION_SERVICE: &str = "pattern.meshery.io/service";

/// Annotation that spares an object when it leaves its pattern: `true`.
pub const ANNOTATION_KEEP: &str = "pattern.meshery.io/keep";

/// Metadata that only the API server writes.
pub const SERVER_METADATA: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Fields that belong into `metadata`, wherever the file of 2021 put them.
const METADATA_FIELDS: &[&str] = &["name", "namespace", "labels", "annotations"];

/// What the object is built for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Pattern name, for the label and annotations.
    pub pattern: &'a str,
    /// Namespace for services that name none.
    pub namespace: &'a str,
    /// Labels of every object.
    pub labels: &'a BTreeMap<String, String>,
    /// Annotations of every object.
    pub annotations: &'a BTreeMap<String, String>,
}

/// The object of a service.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its name.
    pub object: ObjectRef,
    /// Its body, as sent.
    pub body: Value,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// Builds the object of `service`, which is of `kind`.
///
/// # Errors
/// [`Code::PatternGrammar`] when metadata inside `settings` has the wrong shape or contradicts the service.
pub fn build(service: &Service, kind: &KindInfo, target: Target<'_>) -> Result<Built> {
    let mut warnings = Vec::new();
    let whole = is_whole(&service.settings, kind);
    let mut settings = if whole { service.settings.clone() } else { plain_keys(&service.settings) };
    for key in ["apiVersion", "kind"] {
        settings.remove(key);
    }
    if settings.remove("status").is_some() {
        warnings.push(format!("service `{}`: `status` is the cluster's to write and is left out", service.key));
    }
    // Kinds without `spec` are their settings; for all others a `spec` shows that the body was written out.
    let is_body = whole || builtin::has_no_spec(&kind.gvk) || settings.contains_key("spec");
    let mut metadata = take_mapping(service, &mut settings, "metadata")?;
    if !whole {
        lift_metadata(service, &mut settings, &mut metadata, &mut warnings)?;
    }
    let mut body = Map::new();
    body.insert("apiVersion".to_owned(), json!(kind.gvk.api_version()));
    body.insert("kind".to_owned(), json!(kind.gvk.kind));
    let object = name_object(service, kind, &metadata, target);
    body.insert("metadata".to_owned(), Value::Object(complete_metadata(service, &object, metadata, target)?));
    if is_body {
        body.extend(settings);
    } else if !settings.is_empty() {
        body.insert("spec".to_owned(), Value::Object(settings));
    }
    Ok(Built { object, body: Value::Object(body), warnings })
}

/// Whether settings are an object written out with all its fields: those that say `apiVersion` and `kind` of it are.
fn is_whole(settings: &Map<String, Value>, kind: &KindInfo) -> bool {
    let says = |key: &str, value: &str| settings.get(key).and_then(Value::as_str) == Some(value);
    says("kind", &kind.gvk.kind) && says("apiVersion", &kind.gvk.api_version())
}

fn name_object(service: &Service, kind: &KindInfo, metadata: &Map<String, Value>, target: Target<'_>) -> ObjectRef {
    let inner = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = service.name.clone().or_else(|| inner("name")).unwrap_or_else(|| service.key.clone());
    let namespace =
        || service.namespace.clone().or_else(|| inner("namespace")).unwrap_or_else(|| target.namespace.to_owned());
    ObjectRef {
        api_version: kind.gvk.api_version(),
        kind: kind.gvk.kind.clone(),
        namespace: kind.namespaced.then(namespace),
        name,
    }
}

fn complete_metadata(
    service: &Service,
    object: &ObjectRef,
    mut metadata: Map<String, Value>,
    target: Target<'_>,
) -> Result<Map<String, Value>> {
    metadata.remove("namespace");
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(object.name));
    if let Some(namespace) = &object.namespace {
        out.insert("namespace".to_owned(), json!(namespace));
    }
    let common = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<Map<_, _>>();
    let mut labels = common(target.labels);
    labels.extend(take_mapping(service, &mut metadata, "labels")?);
    labels.extend(service.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
    labels.insert(LABEL_SERVICE.to_owned(), json!(id::stable(target.pattern, &service.key).to_string()));
    let mut annotations = common(target.annotations);
    annotations.extend(take_mapping(service, &mut metadata, "annotations")?);
    annotations.extend(service.annotations.iter().map(|(key, value)| (key.clone(), json!(value))));
    annotations.insert(ANNOTATION_PATTERN.to_owned(), json!(target.pattern));
    annotations.insert(ANNOTATION_SERVICE.to_owned(), json!(service.key));
    out.insert("labels".to_owned(), Value::Object(labels));
    out.insert("annotations".to_owned(), Value::Object(annotations));
    for key in ["name", "managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
        metadata.remove(key);
    }
    out.extend(metadata);
    Ok(out)
}

/// Moves `name`, `namespace`, `labels` and `annotations` from the top of `settings`, or of its `spec`, into the metadata.
fn lift_metadata(
    service: &Service,
    settings: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    for field in METADATA_FIELDS {
        let fits = match settings.get(*field) {
            Some(Value::String(_)) => matches!(*field, "name" | "namespace"),
            Some(Value::Object(_)) => matches!(*field, "labels" | "annotations"),
            _ => false,
        };
        if !fits {
            continue;
        }
        let Some(value) = settings.remove(*field) else { continue };
        warnings.push(format!(
            "service `{}`: `{field}` inside settings is taken as the object's metadata; write it beside settings",
            service.key
        ));
        match value {
            Value::Object(entries) => {
                let mut merged = take_mapping(service, metadata, field)?;
                merged.extend(entries);
                metadata.insert((*field).to_owned(), Value::Object(merged));
            }
            other => {
                metadata.entry((*field).to_owned()).or_insert(other);
            }
        }
    }
    Ok(())
}

fn take_mapping(service: &Service, map: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(value)) => Ok(value),
        Some(other) => Err(Error::new(
            Code::PatternGrammar,
            format!("service `{}`: `{key}` inside settings must be a mapping, found {other}", service.key),
        )),
    }
}

/// Undoes the readable keys of old catalogue files: `role Ref` is `roleRef`.
fn plain_keys(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (plain_key(key), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(plain_keys(map)),
        Value::Array(items) => Value::Array(items.iter().map(plain_value).collect()),
        other => other.clone(),
    }
}

fn plain_key(key: &str) -> String {
    let mut words = key.split(' ');
    let first_is_lower =
        words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && is_word(word));
    let readable = first_is_lower
        && key.contains(' ')
        && words.all(|word| word.starts_with(|c: char| c.is_ascii_uppercase()) && is_word(word));
    if readable { key.replace(' ', "") } else { key.to_owned() }
}

fn is_word(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kubernetes::GroupVersionKind;
    use crate::pattern::parse::parse;

    fn built(api_version: &str, kind: &str, namespaced: bool, service: &str) -> Built {
        let document = parse("p.yaml", &format!("name: p\nservices:\n  web: {service}\n")).unwrap();
        let info = KindInfo {
            gvk: GroupVersionKind::parse(api_version, kind),
            plural: String::new(),
            namespaced,
            preferred: true,
        };
        let none = BTreeMap::new();
        let target = Target { pattern: "p", namespace: "default", labels: &none, annotations: &none };
        build(&document.pattern.services[0], &info, target).unwrap()
    }

    #[test]
    fn settings_without_top_level_fields_become_the_spec() {
        let built = built(
            "networking.istio.io/v1",
            "VirtualService",
            true,
            "{type: X, namespace: a, settings: {hosts: [web]}}",
        );
        assert_eq!(built.body["spec"], json!({"hosts": ["web"]}));
        assert_eq!(built.object.to_string(), "VirtualService a/web");
    }

    #[test]
    fn fields_of_a_spec_that_are_named_like_those_of_other_bodies_stay_in_it() {
        let rule = built(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            true,
            "{type: X, settings: {metadata: {labels: {a: b}}, rules: [{}], subsets: []}}",
        );
        assert_eq!(rule.body["spec"], json!({"rules": [{}], "subsets": []}));
        assert_eq!(rule.body["metadata"]["labels"]["a"], "b");
    }

    #[test]
    fn settings_with_top_level_fields_are_the_body() {
        let deployment = built(
            "apps/v1",
            "Deployment",
            true,
            "{type: X, settings: {metadata: {labels: {a: b}}, spec: {replicas: 1}, status: {}}}",
        );
        assert_eq!(deployment.body["spec"], json!({"replicas": 1}));
        assert_eq!(deployment.body["metadata"]["labels"]["a"], "b");
        assert!(deployment.body.get("status").is_none() && deployment.warnings.len() == 1);
        let map = built("v1", "ConfigMap", true, "{type: X, settings: {data: {k: v}, immutable: true}}");
        assert_eq!((&map.body["data"]["k"], &map.body["immutable"]), (&json!("v"), &json!(true)));
        let account = built("v1", "ServiceAccount", true, "{type: X, settings: {automountServiceAccountToken: false}}");
        assert_eq!(account.body["automountServiceAccountToken"], json!(false));
    }

    #[test]
    fn settings_that_say_api_version_and_kind_are_the_whole_object() {
        let built = built(
            "x.io/v1",
            "Thing",
            true,
            "{type: Thing, settings: {apiVersion: x.io/v1, kind: Thing, metadata: {labels: {a: b}}, name: own, role Ref: 1}}",
        );
        assert_eq!((&built.body["name"], &built.body["role Ref"]), (&json!("own"), &json!(1)));
        assert_eq!((&built.body["metadata"]["labels"]["a"], built.warnings.len()), (&json!("b"), 0));
        assert!(built.body.get("spec").is_none());
    }

    #[test]
    fn metadata_inside_settings_is_lifted_with_a_warning() {
        let built = built(
            "apps/v1",
            "Deployment",
            true,
            "{type: X, settings: {name: other, namespace: b, labels: {x: y}, replicas: 2}}",
        );
        assert_eq!(built.object.to_string(), "Deployment b/other");
        assert_eq!(built.body["spec"], json!({"replicas": 2}));
        assert_eq!(built.warnings.len(), 3);
    }

    #[test]
    fn cluster_scoped_objects_have_no_namespace() {
        let built = built("v1", "Namespace", false, "{type: X, namespace: a}");
        assert_eq!(built.object.to_string(), "Namespace web");
        assert!(built.body["metadata"].get("namespace").is_none() && built.body.get("spec").is_none());
    }

    #[test]
    fn readable_keys_are_plain_keys_and_other_blanks_stay() {
        let built = built(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            true,
            "{type: X, settings: {role Ref: {api Group: g}, subjects: [{kind: User}], x: {some key: 1}}}",
        );
        assert_eq!(built.body["roleRef"]["apiGroup"], "g");
        assert_eq!(built.body["x"]["some key"], 1);
    }
}

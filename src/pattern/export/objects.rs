//! The objects of a pattern in order of application, without a cluster.

use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::model::pattern::Pattern;
use crate::pattern::convert::service::without_marks;
use crate::pattern::identify::{self, Kinds};
use crate::pattern::locate::Step;
use crate::pattern::{Document, builtin, compile, known};

/// Stands for the namespace of services that name none while the pattern is compiled.
const NO_NAMESPACE: &str = "mesheryctl-export-no-namespace";

/// How objects are exported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Namespace for services that name none; without it their objects name none either.
    pub namespace: Option<&'a str>,
    /// Whether objects keep the label and annotations of the pattern.
    pub marks: bool,
}

/// One object and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Key of its service.
    pub service: String,
    /// The object.
    pub body: Value,
}

/// What an export gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// Objects, in order of application.
    pub objects: Vec<Object>,
    /// Things worth knowing that do not stop it.
    pub warnings: Vec<String>,
}

/// The objects of a pattern.
///
/// # Errors
/// What [`compile`] finds, and [`Code::ExportOpen`] for kinds that only a cluster knows.
pub fn objects(document: &Document, options: Options<'_>) -> Result<Exported> {
    let namespace = options.namespace.unwrap_or(NO_NAMESPACE);
    let mut compiled = compile(document, &kinds(&document.pattern), namespace)?;
    if !compiled.open.is_empty() {
        return Err(open(document, &compiled.open));
    }
    // The order of the file holds within a wave, so that an export is the same each time.
    compiled.objects.sort_by_key(|planned| planned.wave);
    let objects = compiled.objects.into_iter().map(|planned| {
        let mut body = if options.marks { planned.body } else { without_marks(planned.body) };
        drop_stand_in(&mut body);
        Object { service: planned.service, body }
    });
    let objects = objects.collect();
    let mut warnings = compiled.warnings;
    if !compiled.skipped.is_empty() {
        let nodes = text::count(compiled.skipped.len(), "node");
        warnings.push(format!("{nodes} only drawn, not exported: {}", compiled.skipped.join(", ")));
    }
    Ok(Exported { objects, warnings })
}

fn drop_stand_in(body: &mut Value) {
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("namespace").is_some_and(|namespace| namespace == NO_NAMESPACE)
    {
        metadata.remove("namespace");
    }
}

/// Kubernetes' own kinds, those of well-known meshes, and those that services name with their `apiVersion`.
fn kinds(pattern: &Pattern) -> Kinds {
    let mut all = builtin::kinds();
    all.extend(known::kinds());
    all.extend(pattern.services.iter().flat_map(identify::definitions));
    // Without a cluster the scope of other kinds shows in whether one of their services names a namespace.
    let mut told: Vec<KindInfo> = Vec::new();
    for service in &pattern.services {
        let Some(api_version) = &service.api_version else { continue };
        let name = service.kind.split('.').next().unwrap_or_default();
        let gvk = GroupVersionKind::parse(api_version.trim_start_matches('/'), name);
        if all.iter().any(|kind| kind.gvk == gvk) {
            continue;
        }
        let near = all.iter().find(|kind| kind.gvk.group == gvk.group && kind.gvk.kind == gvk.kind);
        let namespaced = near.map_or(service.namespace.is_some(), |kind| kind.namespaced);
        match told.iter_mut().find(|kind| kind.gvk == gvk) {
            Some(kind) => kind.namespaced |= namespaced,
            None => told.push(KindInfo { gvk, plural: String::new(), namespaced, preferred: false }),
        }
    }
    all.extend(told);
    let mut kinds = Kinds::of_cluster(all);
    kinds.complete = false;
    kinds
}

fn open(document: &Document, keys: &[String]) -> Error {
    let told = keys.iter().map(|key| {
        let kind = document.pattern.service(key).map(|service| service.kind.as_str()).unwrap_or_default();
        format!("service `{key}` is of type {kind}")
    });
    let first = [Step::from("services"), keys[0].as_str().into(), "type".into()];
    let count = text::count(keys.len(), "service");
    Error::new(Code::ExportOpen, format!("{count} of a kind whose apiVersion is not known"))
        .at(document.source.place(&first))
        .details(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;
    use serde_json::json;

    fn exported(services: &str, options: Options<'_>) -> Result<Exported> {
        objects(&parse("p.yaml", &format!("name: p\nservices:\n{services}")).unwrap(), options)
    }

    #[test]
    fn objects_come_in_order_without_marks_and_without_a_namespace_nobody_named() {
        let services = "  web: {type: Deployment, settings: {replicas: 1}, dependsOn: [settings]}\n  settings: {type: ConfigMap, namespace: a}\n  a: {type: Namespace}\n  draw: {type: Comment}\n";
        let plain = exported(services, Options::default()).unwrap();
        let keys: Vec<&str> = plain.objects.iter().map(|object| object.service.as_str()).collect();
        assert_eq!(keys, ["a", "settings", "web"]);
        assert_eq!(plain.objects[2].body["metadata"], json!({"name": "web"}));
        assert_eq!(plain.objects[1].body["metadata"], json!({"name": "settings", "namespace": "a"}));
        assert_eq!(plain.warnings, ["1 node only drawn, not exported: draw"]);
        let full = exported(services, Options { namespace: Some("b"), marks: true }).unwrap();
        assert_eq!(full.objects[2].body["metadata"]["namespace"], "b");
        assert_eq!(full.objects[2].body["metadata"]["annotations"]["pattern.meshery.io/name"], "p");
    }

    #[test]
    fn kinds_of_meshes_are_known_and_others_by_their_api_version() {
        let known = exported("  a: {type: VirtualService.Istio, settings: {hosts: [x]}}\n  b: {type: Thing, apiVersion: x.io/v1, namespace: n}\n  c: {type: Service, apiVersion: serving.knative.dev/v1}\n", Options::default()).unwrap();
        let versions: Vec<&str> =
            known.objects.iter().map(|object| object.body["apiVersion"].as_str().unwrap()).collect();
        assert_eq!(versions, ["serving.knative.dev/v1", "networking.istio.io/v1", "x.io/v1"]);
        let error = exported("  a: {type: Thing}\n", Options::default()).unwrap_err();
        assert_eq!((error.code(), error.place().unwrap().to_string().as_str()), (Code::ExportOpen, "p.yaml:3:7"));
    }
}

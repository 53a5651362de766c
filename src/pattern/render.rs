//! Shows a pattern as each stage leaves it, and where its values come from.

mod emit;
mod origin;

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::model::pattern::{Pattern, Service};
use crate::pattern::compile::{Compiled, Planned, compile};
use crate::pattern::identify::Kinds;
use crate::pattern::locate::Step;
use crate::pattern::parse::Document;
use crate::pattern::{Bundle, bundle, oam, reference, validate};

use origin::Origins;

/// A stage whose outcome can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The pattern with its overlays and values.
    Parse,
    /// The same with its imports worked in.
    Import,
    /// With its references resolved.
    Resolve,
    /// The kind of each service.
    Identify,
    /// What is wrong or worth knowing.
    Validate,
    /// The order of application.
    Order,
    /// Components and configuration for adapters of the OAM era.
    Oam,
    /// The Kubernetes objects.
    Objects,
}

impl Stage {
    /// Every stage by name, in order.
    pub const NAMES: [(&'static str, Stage); 8] = [
        ("parse", Stage::Parse),
        ("import", Stage::Import),
        ("resolve", Stage::Resolve),
        ("identify", Stage::Identify),
        ("validate", Stage::Validate),
        ("order", Stage::Order),
        ("oam", Stage::Oam),
        ("objects", Stage::Objects),
    ];
}

/// What is to be rendered.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The stage.
    pub stage: Stage,
    /// The kinds to identify services by.
    pub kinds: &'a Kinds,
    /// Namespace for services that name none.
    pub namespace: &'a str,
    /// Whether to tell where each value comes from.
    pub origin: bool,
}

/// A pattern as a stage leaves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// The documents: one, or the objects.
    pub documents: Vec<Value>,
    /// The same as YAML, with origins as comments where they are wanted.
    pub yaml: String,
    /// Where each value comes from: path, value and origin.
    pub origins: Vec<Value>,
    /// Names of what is shown.
    pub names: Vec<String>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// Renders a bundle whose imports are gathered.
///
/// # Errors
/// Faults of the stages up to the one that is wanted, with their places.
pub fn render(bundle: &Bundle, wanted: &Wanted<'_>) -> Result<Rendering> {
    if wanted.stage == Stage::Parse {
        return as_written(&bundle::without_imports(bundle)?, wanted);
    }
    let document = bundle::assemble(bundle)?;
    match wanted.stage {
        Stage::Parse | Stage::Import => as_written(&document, wanted),
        Stage::Resolve => resolved(&document, wanted),
        stage => {
            let compiled = compile(&document, wanted.kinds, wanted.namespace)?;
            compiled_stage(stage, &document, compiled, wanted)
        }
    }
}

/// One document whose paths are those of the pattern.
fn of_pattern(value: Value, document: &Document, wanted: &Wanted<'_>) -> Result<Rendering> {
    let origins = Origins::new(document);
    let origin = |path: &[Step]| if wanted.origin { origins.of_path(path) } else { None };
    Ok(Rendering {
        yaml: emit::yaml(&value, &origin)?,
        origins: emit::leaves(&value, &origin),
        documents: vec![value],
        names: vec![document.pattern.name.clone()],
        warnings: document.warnings.clone(),
    })
}

fn as_written(document: &Document, wanted: &Wanted<'_>) -> Result<Rendering> {
    let mut value = document.source.tree().to_value();
    if value.get("name").is_none() {
        value["name"] = json!(document.pattern.name);
    }
    of_pattern(value, document, wanted)
}

fn resolved(document: &Document, wanted: &Wanted<'_>) -> Result<Rendering> {
    let (resolved, faults) = reference::resolve(document);
    let told: Vec<Error> = faults.services.into_values().chain(faults.others).collect();
    if let Some(error) = validate::combine(told) {
        return Err(error);
    }
    of_pattern(pattern_value(&resolved.pattern), &resolved, wanted)
}

/// The pattern as its file would say it.
fn pattern_value(pattern: &Pattern) -> Value {
    let mut top = Map::new();
    top.insert("name".to_owned(), json!(pattern.name));
    put(&mut top, "patternID", json!(pattern.pattern_id));
    put(&mut top, "version", json!(pattern.version));
    put(&mut top, "labels", json!(pattern.labels));
    put(&mut top, "annotations", json!(pattern.annotations));
    put(&mut top, "vars", json!(pattern.vars));
    top.extend(pattern.unknown.clone());
    let services = pattern.services.iter().map(|service| (service.key.clone(), service_value(service)));
    top.insert("services".to_owned(), Value::Object(services.collect()));
    Value::Object(top)
}

fn service_value(service: &Service) -> Value {
    let mut map = Map::new();
    for (key, value) in [
        ("type", json!(service.kind)),
        ("name", json!(service.name)),
        ("namespace", json!(service.namespace)),
        ("apiVersion", json!(service.api_version)),
        ("model", json!(service.model)),
        ("version", json!(service.version)),
        ("labels", json!(service.labels)),
        ("annotations", json!(service.annotations)),
        ("dependsOn", json!(service.depends_on)),
        ("settings", json!(service.settings)),
        ("traits", json!(service.traits)),
    ] {
        put(&mut map, key, value);
    }
    if service.is_annotation {
        map.insert("isAnnotation".to_owned(), json!(true));
    }
    map.extend(service.unknown.clone());
    Value::Object(map)
}

/// What is empty is left out, as in a file.
fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if !is_empty {
        map.insert(key.to_owned(), value);
    }
}

fn compiled_stage(stage: Stage, document: &Document, compiled: Compiled, wanted: &Wanted<'_>) -> Result<Rendering> {
    let value = match stage {
        Stage::Identify => identified(&compiled),
        Stage::Validate => json!({
            "pattern": compiled.pattern.name,
            "valid": true,
            "services": compiled.pattern.services.len(),
            "objects": compiled.objects.len(),
            "open": compiled.open,
            "drawings": compiled.skipped,
            "warnings": compiled.warnings,
        }),
        Stage::Order => ordered(&compiled),
        Stage::Oam => json!({
            "components": compiled.pattern.services.iter().filter(|service| !compiled.skipped.contains(&service.key))
                .map(|service| oam::component(&compiled.pattern, service)).collect::<Vec<_>>(),
            "configuration": oam::configuration(&compiled.pattern),
        }),
        _ => return objects(document, &compiled, wanted),
    };
    Ok(Rendering {
        yaml: emit::yaml(&value, &|_: &[Step]| None)?,
        documents: vec![value],
        origins: Vec::new(),
        names: vec![compiled.pattern.name],
        warnings: compiled.warnings,
    })
}

fn identified(compiled: &Compiled) -> Value {
    let mut rows: Vec<(usize, Value)> = Vec::with_capacity(compiled.objects.len());
    for planned in &compiled.objects {
        let service = &compiled.pattern.services[planned.index];
        let kind = &planned.kind;
        let row = json!({
            "service": service.key, "type": service.kind, "apiVersion": kind.gvk.api_version(), "kind": kind.gvk.kind,
            "namespaced": kind.namespaced,
        });
        rows.push((planned.index, row));
    }
    for (index, service) in compiled.pattern.services.iter().enumerate() {
        let state = [("drawing", &compiled.skipped), ("open", &compiled.open)];
        if let Some((word, _)) = state.iter().find(|(_, keys)| keys.contains(&service.key)) {
            rows.push((index, json!({"service": service.key, "type": service.kind, "kind": null, "state": word})));
        }
    }
    rows.sort_by_key(|(index, _)| *index);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The objects in the order of application: by wave, within one as in the file.
fn in_order(compiled: &Compiled) -> Vec<&Planned> {
    let mut ordered: Vec<&Planned> = compiled.objects.iter().collect();
    ordered.sort_by_key(|planned| planned.wave);
    ordered
}

fn ordered(compiled: &Compiled) -> Value {
    in_order(compiled)
        .into_iter()
        .map(|planned| {
            let before: Vec<String> =
                planned.node.depends_on.iter().map(|index| compiled.objects[*index].object.to_string()).collect();
            json!({
                "wave": planned.wave, "service": planned.service, "object": planned.object.to_string(), "after": before,
            })
        })
        .collect()
}

fn objects(document: &Document, compiled: &Compiled, wanted: &Wanted<'_>) -> Result<Rendering> {
    if !compiled.open.is_empty() {
        return Err(open_kinds(document, compiled));
    }
    let origins = Origins::new(document);
    let mut rendering = Rendering {
        documents: Vec::new(),
        yaml: String::new(),
        origins: Vec::new(),
        names: Vec::new(),
        warnings: compiled.warnings.clone(),
    };
    for planned in in_order(compiled) {
        let service = &compiled.pattern.services[planned.index];
        let origin = |path: &[Step]| if wanted.origin { Some(origins.of_object(service, path)) } else { None };
        rendering.yaml.push_str("---\n");
        rendering.yaml.push_str(&emit::yaml(&planned.body, &origin)?);
        let leaves = emit::leaves(&planned.body, &origin).into_iter().map(|mut leaf| {
            leaf["object"] = json!(planned.object.to_string());
            leaf
        });
        rendering.origins.extend(leaves);
        rendering.names.push(planned.object.to_string());
        rendering.documents.push(planned.body.clone());
    }
    Ok(rendering)
}

fn open_kinds(document: &Document, compiled: &Compiled) -> Error {
    let faults = compiled.open.iter().filter_map(|key| {
        let service = compiled.pattern.service(key)?;
        let place = document.source.place(&["services".into(), key.as_str().into(), "type".into()]);
        let message = format!("service `{key}`: only a cluster knows the kind of type {}", service.kind);
        Some(Error::new(Code::PatternTypeUnknown, message).at(place))
    });
    validate::combine(faults.collect())
        .unwrap_or_else(|| Error::internal("an open kind has no service"))
        .remedy("Choose a cluster with --kube-context, or write `apiVersion` into the service.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::yaml;
    use crate::wire::rest::SourceText;

    const BASE: &str = "name: p\nvars: {n: 1, host: web}\nlabels: {team: a}\nservices:\n  web:\n    type: Deployment\n    settings:\n      replicas: $(#ref.vars.n)\n      template: {spec: {containers: [{name: c, image: i, env: [{name: A, value: \"on\"}]}]}}\n  vs: {type: VirtualService.Istio, apiVersion: networking.istio.io/v1, settings: {hosts: [$(#ref.vars.host)]}}\n";

    fn bundle() -> Bundle {
        let text = |name: &str, text: &str| SourceText { name: name.into(), text: text.into() };
        Bundle {
            overlays: vec![text("prod.yaml", "services:\n  web:\n    namespace: prod\n")],
            set: vec!["n=3".into()],
            ..Bundle::of_text("p.yaml", BASE)
        }
    }

    fn rendered(stage: Stage, origin: bool) -> Rendering {
        let kinds = Kinds::offline().guessing();
        render(&bundle(), &Wanted { stage, kinds: &kinds, namespace: "default", origin }).unwrap()
    }

    #[test]
    fn objects_are_documents_that_kubectl_reads() {
        let rendering = rendered(Stage::Objects, false);
        let read = yaml::read_kubernetes_stream(&rendering.yaml).unwrap();
        assert_eq!(read, rendering.documents);
        assert_eq!(rendering.names, ["Deployment prod/web", "VirtualService vs"]);
        assert!(
            rendering.yaml.contains("value: \"on\"") || rendering.yaml.contains("value: 'on'"),
            "{}",
            rendering.yaml
        );
    }

    #[test]
    fn every_value_tells_its_origin() {
        let rendering = rendered(Stage::Objects, true);
        let line = |part: &str| rendering.yaml.lines().find(|line| line.contains(part)).unwrap().trim().to_owned();
        assert_eq!(line("replicas:"), "replicas: 3 # p.yaml:8:7, $(#ref.vars.n) from --set n");
        assert_eq!(line("namespace: prod"), "namespace: prod # prod.yaml:3:5");
        assert_eq!(line("team:"), "team: a # p.yaml:3:10");
        assert_eq!(line("name: web"), "name: web # p.yaml:5:3");
        assert_eq!(line("image:"), "image: i # p.yaml:9:48");
        assert_eq!(yaml::read_kubernetes_stream(&rendering.yaml).unwrap(), rendering.documents);
        assert!(rendering.origins.iter().any(|leaf| leaf["path"] == "spec.replicas" && leaf["value"] == 3));
    }

    #[test]
    fn the_stages_before_show_the_pattern_itself() {
        let parsed = rendered(Stage::Parse, true);
        assert_eq!(parsed.documents[0]["services"]["web"]["settings"]["replicas"], "$(#ref.vars.n)");
        assert!(parsed.yaml.contains("\"n\": 3 # --set n"), "{}", parsed.yaml);
        let resolved = rendered(Stage::Resolve, false);
        assert_eq!(resolved.documents[0]["services"]["web"]["settings"]["replicas"], 3);
        let order = rendered(Stage::Order, false);
        assert_eq!(order.documents[0][0]["service"], "web");
        assert_eq!(rendered(Stage::Identify, false).documents[0][1]["kind"], "VirtualService");
        assert_eq!(rendered(Stage::Oam, false).documents[0]["components"][0]["kind"], "Component");
        assert_eq!(rendered(Stage::Validate, false).documents[0]["objects"], 2);
    }

    #[test]
    fn kinds_that_only_a_cluster_knows_are_an_error_of_the_objects() {
        let bundle = Bundle::of_text("p.yaml", "name: p\nservices:\n  vs: {type: VirtualService.Istio}\n");
        let kinds = Kinds::offline().guessing();
        let wanted = Wanted { stage: Stage::Objects, kinds: &kinds, namespace: "default", origin: false };
        let error = render(&bundle, &wanted).unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.yaml:3:8: service `vs`: only a cluster knows the kind of type VirtualService.Istio"
        );
    }
}

//! Stage validate, the fields: every object against the schema of its kind, with the place in the pattern file.
//!
//! [`Schemas`] come from the CRDs of the pattern itself, from a cluster's OpenAPI documents, and for Kubernetes' own
//! kinds from the bundled [`table`]; the first that knows a kind decides. What a schema leaves open is no fault.

mod node;
mod place;
pub mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::error::{Code, Error};
use crate::model::kubernetes::GroupVersionKind;
use crate::pattern::locate::Step;
use crate::pattern::parse::Document;
use crate::pattern::{Compiled, Planned, builtin};
use node::{Fault, Problem};

/// The schemas that objects are checked by.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    defined: BTreeMap<String, Value>,
    documents: BTreeMap<String, Value>,
}

/// What is known of one kind.
struct Known<'a> {
    components: &'a Value,
    schema: &'a Value,
}

impl Known<'_> {
    fn check(&self, kind: &GroupVersionKind, body: &Value) -> Vec<Fault> {
        let own = builtin::is_builtin_group(&kind.group);
        node::check(self.components, self.schema, body, if own { table::ZERO_WILL_DO } else { &[] })
    }
}

impl Schemas {
    /// Kubernetes' own kinds, as its version 1.36 has them.
    pub fn bundled() -> Self {
        Self::default()
    }

    /// With the kinds that CRDs among these objects define.
    pub fn with_definitions_of(mut self, objects: &[Planned]) -> Self {
        for planned in objects.iter().filter(|planned| planned.object.kind == "CustomResourceDefinition") {
            let spec = &planned.body["spec"];
            for version in spec["versions"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (group, version_name, kind) =
                    (text(&spec["group"]), text(&version["name"]), text(&spec["names"]["kind"]));
                if let Some(schema) = version["schema"].get("openAPIV3Schema") {
                    let gvk = GroupVersionKind { group, version: version_name, kind };
                    self.defined.insert(gvk.to_string(), with_metadata(schema));
                }
            }
        }
        self
    }

    /// Adds the OpenAPI v3 document that a cluster serves for one group and version.
    pub fn add_document(&mut self, api_version: &str, document: Value) {
        self.documents.insert(api_version.to_owned(), document);
    }

    /// Whether the kind can be checked.
    pub fn knows(&self, kind: &GroupVersionKind) -> bool {
        self.find(kind).is_some()
    }

    /// Whether what decides over the kind is the bundled table, which may be of another version than a cluster.
    pub fn is_bundled(&self, kind: &GroupVersionKind) -> bool {
        !self.defined.contains_key(&kind.to_string()) && !self.documents.contains_key(&kind.api_version())
    }

    /// Every fault of an object of any origin, in words; none for kinds that nobody knows.
    pub fn faults(&self, kind: &GroupVersionKind, body: &Value) -> Vec<String> {
        let Some(known) = self.find(kind) else { return Vec::new() };
        let faults = known.check(kind, body);
        faults.iter().map(|fault| sentence(&kind.kind, body, fault)).collect()
    }

    fn find(&self, kind: &GroupVersionKind) -> Option<Known<'_>> {
        if let Some(schema) = self.defined.get(&kind.to_string()) {
            return Some(Known { components: table::components(), schema });
        }
        if let Some(document) = self.documents.get(&kind.api_version()) {
            let components = &document["components"]["schemas"];
            let (_, schema) = components.as_object()?.iter().find(|(_, schema)| is_of(schema, kind))?;
            return Some(Known { components, schema });
        }
        let name = table::type_of(&kind.group, &kind.version, &kind.kind)?;
        let components = table::components();
        Some(Known { components, schema: components.get(name)? })
    }
}

/// A CRD's schema says nothing about what every object has.
fn with_metadata(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        properties.insert("metadata".to_owned(), json!({"$ref": "#/components/schemas/meta.v1.ObjectMeta"}));
    }
    schema
}

fn is_of(schema: &Value, kind: &GroupVersionKind) -> bool {
    let is = |gvk: &Value| {
        gvk["group"] == kind.group.as_str()
            && gvk["version"] == kind.version.as_str()
            && gvk["kind"] == kind.kind.as_str()
    };
    schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|all| all.iter().any(is))
}

/// Every fault of the compiled objects against their schemas, with its place in the pattern. Kinds that nobody knows
/// are left alone. `validate::combine` makes one error of them.
pub fn check(document: &Document, compiled: &Compiled, schemas: &Schemas) -> Vec<Error> {
    let schemas = schemas.clone().with_definitions_of(&compiled.objects);
    compiled.objects.iter().flat_map(|planned| check_object(document, planned, &schemas)).collect()
}

/// The faults of one object.
pub fn check_object(document: &Document, planned: &Planned, schemas: &Schemas) -> Vec<Error> {
    let Some(known) = schemas.find(&planned.kind.gvk) else { return Vec::new() };
    let faults = known.check(&planned.kind.gvk, &planned.body);
    faults.iter().map(|fault| told(document, planned, fault)).collect()
}

fn told(document: &Document, planned: &Planned, fault: &Fault) -> Error {
    let service = &planned.service;
    let error = Error::new(
        Code::PatternSchema,
        format!("service `{service}`: {}", sentence(&planned.kind.gvk.kind, &planned.body, fault)),
    );
    match document.pattern.service(service) {
        Some(service) => error.at(document.source.place(&place::of(service, &fault.path))),
        None => error,
    }
}

/// `Deployment has no field `spec.replica`; did you mean replicas?`
fn sentence(kind: &str, body: &Value, fault: &Fault) -> String {
    let path = readable(&fault.path);
    let found = || found(body, &fault.path, kind == "Secret");
    match &fault.problem {
        Problem::Unknown(near) => {
            let near = near.as_ref().map(|near| format!("; {near}")).unwrap_or_default();
            format!("{kind} has no field `{path}`{near}")
        }
        Problem::Missing(name) if path.is_empty() => format!("{kind} needs `{name}`"),
        Problem::Missing(name) => format!("{kind} needs `{path}.{name}`"),
        Problem::Type(wanted) => format!("`{path}` of the {kind} must be {wanted}, found {}", found()),
        Problem::Choice(allowed) => {
            format!("`{path}` of the {kind} must be one of {}, found {}", allowed.join(", "), found())
        }
    }
}

fn readable(path: &[Step]) -> String {
    path.iter().fold(String::new(), |text, step| match step {
        Step::Key(key) if text.is_empty() => key.clone(),
        Step::Key(key) => format!("{text}.{key}"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}

/// What stands at a path, in words; the values of Secrets are not told.
fn found(body: &Value, path: &[Step], secret: bool) -> String {
    let step = |value: &'_ Value, step: &Step| match step {
        Step::Key(key) => value.get(key).cloned(),
        Step::Index(index) => value.get(index).cloned(),
    };
    let value = path.iter().try_fold(body.clone(), |value, one| step(&value, one)).unwrap_or_default();
    match value {
        Value::Object(_) => "a mapping".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) if secret => "text".to_owned(),
        Value::String(text) => format!("the text `{text}`"),
        Value::Number(_) if secret => "a number".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::identify::Kinds;
    use crate::pattern::{compile, parse};

    fn faults(services: &str) -> Vec<String> {
        let document = parse::parse("p.yaml", &format!("name: p\nservices:\n{services}")).unwrap();
        let compiled = compile(&document, &Kinds::offline(), "default").unwrap();
        check(&document, &compiled, &Schemas::bundled()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faults_of_all_objects_are_told_with_their_places() {
        let text = "  web:
    type: Deployment
    settings:
      replica: 2
      replicas: two
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - name: web
            image: nginx
            ports:
            - containerPort: 80
              protcol: TCP
  svc:
    type: Service
    settings: {selector: {app: web}, ports: [{targetPort: http}]}
  login:
    type: Secret
    settings: {stringData: {password: 1234}}
";
        assert_eq!(
            faults(text),
            [
                "p.yaml:6:7: service `web`: Deployment has no field `spec.replica`; did you mean replicas?",
                "p.yaml:7:7: service `web`: `spec.replicas` of the Deployment must be a whole number, found the text `two`",
                "p.yaml:17:15: service `web`: Deployment has no field `spec.template.spec.containers[0].ports[0].protcol`; did you mean protocol?",
                "p.yaml:20:46: service `svc`: Service needs `spec.ports[0].port`",
                "p.yaml:23:29: service `login`: `stringData.password` of the Secret must be text, found a number",
            ]
        );
    }

    #[test]
    fn a_crd_of_the_pattern_checks_its_own_objects() {
        let text = "  crd:
    type: CustomResourceDefinition
    name: things.x.io
    settings:
      spec:
        group: x.io
        scope: Namespaced
        names: {kind: Thing, plural: things}
        versions:
        - name: v1
          served: true
          storage: true
          schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
  thing: {type: Thing, settings: {sise: 3}}
";
        assert_eq!(faults(text), ["p.yaml:16:35: service `thing`: Thing has no field `spec.sise`; did you mean size?"]);
    }

    #[test]
    fn kinds_that_nobody_knows_are_left_alone() {
        assert_eq!(faults("  vs: {type: VirtualService.Istio, settings: {hots: [a]}}\n"), Vec::<String>::new());
    }
}

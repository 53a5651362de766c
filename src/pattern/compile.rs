//! Runs the stages: a parsed document and the kinds of a cluster become ordered objects.

use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::pattern::{Pattern, Service};
use crate::pattern::identify::{self, Kinds};
use crate::pattern::locate::Step;
use crate::pattern::object::{self, Built, Target};
use crate::pattern::parse::Document;
use crate::pattern::reference::Unresolved;
use crate::pattern::walk::Node;
use crate::pattern::{order, reference, validate};

/// Types that only draw; without a kind of that name in the cluster they have no object.
const DRAWINGS: &[&str] = &[
    "Comment",
    "Section",
    "AnchorNode",
    "GenericNode",
    "NodeGroupInventoryWallet",
    "TextBox",
    "Text",
    "Image",
    "Shape",
    "Group",
];

/// One object to apply.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Key of its service.
    pub service: String,
    /// The object's name.
    pub object: ObjectRef,
    /// Its kind.
    pub kind: KindInfo,
    /// Its body.
    pub body: Value,
    /// Where it stands in the order.
    pub node: Node,
    /// Number of its wave: objects of one wave may be applied together.
    pub wave: u32,
}

/// A pattern ready to apply.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The pattern with its references resolved.
    pub pattern: Pattern,
    /// Its objects, in file order.
    pub objects: Vec<Planned>,
    /// Keys of services that only draw.
    pub skipped: Vec<String>,
    /// Keys of services whose kind only a cluster can tell; empty when a cluster was asked.
    pub open: Vec<String>,
    /// Things worth knowing that do not stop it.
    pub warnings: Vec<String>,
}

/// Compiles `document` for a cluster that serves `kinds`; services that name no namespace go to `namespace`.
///
/// # Errors
/// The first fault of the pattern, with its place, and the others as details. Nothing was sent anywhere.
pub fn compile(document: &Document, kinds: &Kinds, namespace: &str) -> Result<Compiled> {
    let (document, unresolved) = reference::resolve(document);
    let kinds = kinds.clone().with_definitions_of(&document.pattern);
    let compiler =
        Compiler { document: &document, kinds: &kinds, target: Target { pattern: &document.pattern.name, namespace } };
    compiler.run(unresolved)
}

struct Compiler<'a> {
    document: &'a Document,
    kinds: &'a Kinds,
    target: Target<'a>,
}

impl Compiler<'_> {
    fn run(&self, mut unresolved: Unresolved) -> Result<Compiled> {
        let services = &self.document.pattern.services;
        let (dependencies, mut faults) = order::dependencies(services, &self.document.source);
        faults.append(&mut unresolved.others);
        if let Err(circle) = order::levels(&dependencies) {
            faults.push(order::circle_error(services, &circle, &self.document.source));
        }
        let mut compiled = Compiled {
            pattern: self.document.pattern.clone(),
            objects: Vec::new(),
            skipped: Vec::new(),
            open: Vec::new(),
            warnings: self.document.warnings.clone(),
        };
        let mut slots = Vec::with_capacity(services.len());
        for (index, service) in services.iter().enumerate() {
            // What a broken reference stands for is unknown, so nothing else can be said of its service.
            let broken = unresolved.services.remove(&index);
            match broken.map_or_else(|| self.service(service, &mut compiled), Err) {
                Ok(slot) => slots.push(slot),
                Err(fault) => {
                    faults.push(self.placed(fault, service));
                    slots.push(None);
                }
            }
        }
        faults.extend(validate::duplicate_faults(
            compiled.objects.iter().map(|planned| (planned.service.as_str(), &planned.object)),
        ));
        if let Some(error) = validate::combine(faults) {
            return Err(error);
        }
        self.arrange(&mut compiled, &dependencies, &slots)?;
        Ok(compiled)
    }

    /// Adds the object of a service and returns its index; `None` for drawings and open kinds.
    fn service(&self, service: &Service, compiled: &mut Compiled) -> Result<Option<usize>> {
        if service.is_annotation {
            compiled.skipped.push(service.key.clone());
            return Ok(None);
        }
        let kind = match identify::identify(service, self.kinds) {
            Ok(Some(kind)) => kind,
            Ok(None) | Err(_) if DRAWINGS.contains(&service.kind.as_str()) => {
                compiled.skipped.push(service.key.clone());
                return Ok(None);
            }
            Ok(None) => {
                compiled.open.push(service.key.clone());
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Built { object, body, warnings } = object::build(service, &kind, self.target)?;
        if let Some(fault) = validate::name_fault(&service.key, &object) {
            return Err(fault);
        }
        compiled.warnings.extend(warnings);
        let node = Node { depends_on: Vec::new(), level: 0, rank: order::kind_rank(&kind.gvk.kind) };
        compiled.objects.push(Planned { service: service.key.clone(), object, kind, body, node, wave: 0 });
        Ok(Some(compiled.objects.len() - 1))
    }

    fn placed(&self, fault: Error, service: &Service) -> Error {
        if fault.place().is_some() {
            return fault;
        }
        let key = match fault.code() {
            crate::base::Code::PatternTypeUnknown | crate::base::Code::PatternTypeAmbiguous => "type",
            crate::base::Code::PatternGrammar => "settings",
            _ => "name",
        };
        fault.at(self.document.source.place(&[Step::from("services"), service.key.as_str().into(), key.into()]))
    }

    /// Gives every object its dependencies, level and wave.
    fn arrange(&self, compiled: &mut Compiled, dependencies: &[Vec<usize>], slots: &[Option<usize>]) -> Result<()> {
        for (service, slot) in slots.iter().enumerate() {
            if let Some(index) = slot {
                compiled.objects[*index].node.depends_on = solid(service, dependencies, slots);
            }
        }
        imply(&mut compiled.objects);
        let graph: Vec<Vec<usize>> = compiled.objects.iter().map(|planned| planned.node.depends_on.clone()).collect();
        let levels = order::levels(&graph).map_err(|circle| self.implied_circle(compiled, &circle))?;
        let mut waves: Vec<(usize, usize)> = Vec::with_capacity(levels.len());
        for (planned, level) in compiled.objects.iter_mut().zip(levels) {
            planned.node.level = level;
            waves.push((level, planned.node.rank));
        }
        waves.sort_unstable();
        waves.dedup();
        for planned in &mut compiled.objects {
            let wave = waves.binary_search(&(planned.node.level, planned.node.rank)).unwrap_or_default();
            planned.wave = u32::try_from(wave).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// A circle that only exists together with what Kubernetes implies, such as a namespace that depends on its content.
    fn implied_circle(&self, compiled: &Compiled, circle: &[usize]) -> Error {
        let services = &self.document.pattern.services;
        let keys: Vec<usize> = circle
            .iter()
            .filter_map(|index| services.iter().position(|service| service.key == compiled.objects[*index].service))
            .collect();
        order::circle_error(services, &keys, &self.document.source)
            .because("objects need their namespace and the CRD of their kind first, whatever dependsOn says")
    }
}

/// The objects that a service depends on, through services without an object.
fn solid(service: usize, dependencies: &[Vec<usize>], slots: &[Option<usize>]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut seen = vec![false; dependencies.len()];
    let mut queue = dependencies[service].clone();
    while let Some(next) = queue.pop() {
        if std::mem::replace(&mut seen[next], true) {
            continue;
        }
        match slots[next] {
            Some(index) => found.push(index),
            None => queue.extend(&dependencies[next]),
        }
    }
    found.sort_unstable();
    found
}

/// Adds what Kubernetes itself demands: a namespace before its content, a CRD before its objects.
fn imply(objects: &mut [Planned]) {
    let namespaces: Vec<(usize, String)> = objects
        .iter()
        .enumerate()
        .filter(|(_, planned)| planned.object.kind == "Namespace" && planned.kind.gvk.group.is_empty())
        .map(|(index, planned)| (index, planned.object.name.clone()))
        .collect();
    let definitions: Vec<(usize, (String, String))> = objects
        .iter()
        .enumerate()
        .filter(|(_, planned)| planned.object.kind == "CustomResourceDefinition")
        .filter_map(|(index, planned)| {
            let spec = &planned.body["spec"];
            Some((index, (spec["group"].as_str()?.to_owned(), spec["names"]["kind"].as_str()?.to_owned())))
        })
        .collect();
    for planned in objects.iter_mut() {
        let mut add = |index: usize| {
            if !planned.node.depends_on.contains(&index) {
                planned.node.depends_on.push(index);
            }
        };
        namespaces
            .iter()
            .filter(|(_, name)| planned.object.namespace.as_ref() == Some(name))
            .for_each(|(index, _)| add(*index));
        let own = (&planned.kind.gvk.group, &planned.kind.gvk.kind);
        definitions.iter().filter(|(_, (group, kind))| (group, kind) == own).for_each(|(index, _)| add(*index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;
    use proptest::prelude::*;

    const CRD: &str = "  crd:\n    type: CustomResourceDefinition\n    name: things.x.io\n    settings:\n      group: x.io\n      scope: Namespaced\n      names: {kind: Thing, plural: things}\n      versions: [{name: v1, served: true, storage: true}]\n";

    fn compiled(services: &str) -> Result<Compiled> {
        compile(&parse("p.yaml", &format!("name: p\nservices:\n{services}")).unwrap(), &Kinds::offline(), "default")
    }

    fn waves(compiled: &Compiled) -> Vec<(&str, u32)> {
        let mut waves: Vec<(&str, u32)> =
            compiled.objects.iter().map(|planned| (planned.service.as_str(), planned.wave)).collect();
        waves.sort_by_key(|(_, wave)| *wave);
        waves
    }

    #[test]
    fn kubernetes_own_order_is_implied() {
        let compiled = compiled(&format!("  thing: {{type: Thing, namespace: a}}\n{CRD}  web: {{type: Deployment, namespace: a}}\n  svc: {{type: Service, namespace: a}}\n  a: {{type: Namespace}}\n")).unwrap();
        assert_eq!(waves(&compiled), [("a", 0), ("crd", 1), ("svc", 2), ("web", 3), ("thing", 4)]);
    }

    #[test]
    fn drawings_are_skipped_and_dependencies_reach_through_them() {
        let compiled = compiled("  db: {type: Service}\n  box: {type: Section, dependsOn: [db]}\n  web: {type: ConfigMap, dependsOn: [box]}\n").unwrap();
        assert_eq!(compiled.skipped, ["box"]);
        assert_eq!(waves(&compiled), [("db", 0), ("web", 1)]);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let error = compiled("  web: {type: IstioMesh}\n  Bad_Name: {type: Service, dependsOn: [nobody]}\n  a: {type: Namespace, dependsOn: [b]}\n  b: {type: ConfigMap, namespace: a, dependsOn: [a]}\n").unwrap_err();
        let report = error.report();
        assert_eq!(report.place.unwrap().to_string(), "p.yaml:3:9");
        let error = compiled("  a: {type: Service, namespace: $(#ref.vars.x)}\n  b: {type: ConfigMap, settings: {data: {k: $(#ref.vars.y)}}, dependsOn: [zz]}\n").unwrap_err();
        assert_eq!(error.report().details.iter().filter(|detail| detail.starts_with("also:")).count(), 2, "{error:?}");
        assert!(report.message.contains("IstioMesh"));
        let all = report.details.join("\n");
        assert!(all.contains("Bad_Name") && all.contains("`nobody`") && all.contains("a -> b -> a"), "{all}");
    }

    #[test]
    fn a_circle_through_what_kubernetes_implies_is_found() {
        let error =
            compiled("  a: {type: Namespace, dependsOn: [web]}\n  web: {type: ConfigMap, namespace: a}\n").unwrap_err();
        assert_eq!(error.code(), crate::base::Code::PatternCycle);
        assert!(error.report().probable_cause.unwrap().contains("namespace"));
    }

    #[test]
    fn one_object_for_two_services_is_an_error() {
        let error = compiled("  a: {type: ConfigMap, name: x}\n  b: {type: ConfigMap, name: x}\n").unwrap_err();
        assert!(error.message().contains("`a` and `b` both stand for ConfigMap default/x"), "{error}");
    }

    fn fragment() -> impl Strategy<Value = String> {
        let words = [
            "name",
            "services",
            "type",
            "settings",
            "dependsOn",
            "$(#ref.services.a.name)",
            "$(#ref.",
            "Deployment",
            "CustomResourceDefinition.K8s",
            "a",
            "b",
        ];
        let leaf = prop_oneof![
            proptest::sample::select(words.to_vec()).prop_map(|word| format!("{word:?}")),
            Just("null".to_owned()),
            Just("-1.5e3".to_owned()),
            Just("true".to_owned()),
        ];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            let keyed = (proptest::sample::select(words.to_vec()), inner.clone());
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::btree_map(
                    keyed.clone().prop_map(|(key, _)| key),
                    keyed.prop_map(|(_, value)| value),
                    0..4
                )
                .prop_map(|map| format!(
                    "{{{}}}",
                    map.iter().map(|(key, value)| format!("{key:?}:{value}")).collect::<Vec<_>>().join(",")
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_the_engine_panic(text in "[ -~\n\t]{0,200}", shaped in fragment()) {
            for content in [text, shaped.clone(), format!("name: p\nservices: {{a: {{type: X, settings: {shaped}}}, b: {shaped}}}")] {
                let _ = parse("p.yaml", &content).and_then(|document| compile(&document, &Kinds::offline(), "default"));
            }
        }
    }
}

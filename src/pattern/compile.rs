//! Runs the stages: a parsed document and the kinds of a cluster become ordered objects.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::pattern::{Pattern, Service};
use crate::pattern::identify::{self, Kinds};
use crate::pattern::locate::Step;
use crate::pattern::object::{self, Built, Target};
use crate::pattern::parse::Document;
use crate::pattern::reference::Unresolved;
use crate::pattern::walk::Node;
use crate::pattern::{application, import, order, reference, steps, traits, validate};

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
    /// Index of its service in [`Compiled::pattern`].
    pub index: usize,
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

impl Compiled {
    /// The sentence about nodes that are drawings without an object, where there are some.
    pub fn drawn_only(&self) -> Option<String> {
        let nodes = text::count(self.skipped.len(), "node");
        (!self.skipped.is_empty()).then(|| format!("{nodes} only drawn, not applied: {}", self.skipped.join(", ")))
    }
}

/// Compiles `document` for a cluster that serves `kinds`; services that name no namespace go to `namespace`.
///
/// # Errors
/// The first fault of the pattern, with its place, and the others as details. Nothing was sent anywhere.
pub fn compile(document: &Document, kinds: &Kinds, namespace: &str) -> Result<Compiled> {
    let (document, unresolved) = reference::resolve(document);
    let kinds = kinds.clone().with_definitions_of(&document.pattern);
    let Pattern { name, labels, annotations, .. } = &document.pattern;
    let target = Target { pattern: name, namespace, labels, annotations };
    Compiler { document: &document, kinds: &kinds, target }.run(unresolved)
}

struct Compiler<'a> {
    document: &'a Document,
    kinds: &'a Kinds,
    target: Target<'a>,
}

/// The objects of each service, as indices; none for drawings and open kinds.
type Slots = Vec<Vec<usize>>;

impl Compiler<'_> {
    fn run(&self, mut unresolved: Unresolved) -> Result<Compiled> {
        let services = &self.document.pattern.services;
        let (dependencies, mut faults) = order::dependencies(services, &self.document.source);
        faults.append(&mut unresolved.others);
        let levels = order::levels(&dependencies);
        if let Err(circle) = &levels {
            faults.push(order::circle_error(services, circle, &self.document.source));
        }
        let mut compiled = Compiled {
            pattern: self.document.pattern.clone(),
            objects: Vec::new(),
            skipped: Vec::new(),
            open: Vec::new(),
            warnings: self.document.warnings.clone(),
        };
        let mut slots: Slots = Vec::with_capacity(services.len());
        for (index, service) in services.iter().enumerate() {
            steps::count(1);
            let first = compiled.objects.len();
            // What a broken reference stands for is unknown, so nothing else can be said of its service.
            let broken = unresolved.services.remove(&index);
            if let Err(fault) = broken.map_or_else(|| self.service(index, &mut compiled), Err) {
                faults.push(self.placed(fault, service));
            }
            slots.push((first..compiled.objects.len()).collect());
        }
        yield_to_explicit(&mut compiled.objects, &mut slots);
        faults.extend(self.duplicates(&compiled.objects));
        match (validate::combine(faults), levels) {
            (Some(error), _) => Err(error),
            (None, Ok(levels)) => {
                self.arrange(&mut compiled, &solid(&dependencies, &levels, &slots), &slots)?;
                Ok(compiled)
            }
            (None, Err(_)) => Err(Error::internal("a circle of services was not told")),
        }
    }

    /// Adds the objects of a service; none for drawings and open kinds.
    fn service(&self, index: usize, compiled: &mut Compiled) -> Result<()> {
        let service = &self.document.pattern.services[index];
        if service.is_annotation {
            compiled.skipped.push(service.key.clone());
            return Ok(());
        }
        if import::is_import(&service.kind) {
            return Err(Error::new(
                Code::PatternImport,
                format!("service `{}`: the import was not worked in", service.key),
            ));
        }
        compiled.warnings.extend(traits::warnings(service, &self.document.source));
        if application::is_application(service, self.kinds.complete && self.kinds.has(application::KIND)) {
            return self.application(index, compiled);
        }
        let kind = match identify::identify(service, self.kinds) {
            Ok(Some(kind)) => kind,
            Ok(None) | Err(_) if DRAWINGS.contains(&service.kind.as_str()) => {
                compiled.skipped.push(service.key.clone());
                return Ok(());
            }
            Ok(None) => {
                compiled.open.push(service.key.clone());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.object(index, service, kind, compiled)
    }

    fn application(&self, index: usize, compiled: &mut Compiled) -> Result<()> {
        let parts = application::parts(&self.document.pattern.services[index], &self.document.source)?;
        compiled.warnings.extend(parts.warnings);
        for part in std::iter::once(parts.deployment).chain(parts.service) {
            match identify::identify(&part, self.kinds)? {
                Some(kind) => self.object(index, &part, kind, compiled)?,
                None => compiled.open.push(part.key.clone()),
            }
        }
        Ok(())
    }

    /// Adds the object that `service`, which is the one at `index` or a part of it, stands for.
    fn object(&self, index: usize, service: &Service, kind: KindInfo, compiled: &mut Compiled) -> Result<()> {
        let Built { object, body, warnings } = object::build(service, &kind, self.target)?;
        if let Some(fault) = validate::name_fault(&service.key, &object) {
            return Err(fault);
        }
        compiled.warnings.extend(warnings);
        let node = Node { depends_on: Vec::new(), level: 0, rank: order::kind_rank(&kind.gvk.kind) };
        compiled.objects.push(Planned { service: service.key.clone(), index, object, kind, body, node, wave: 0 });
        Ok(())
    }

    /// Two services that stand for one object, told at the second.
    fn duplicates(&self, objects: &[Planned]) -> Vec<Error> {
        let named = objects.iter().map(|planned| (planned.service.as_str(), &planned.object));
        let told = validate::duplicates(named).into_iter();
        told.map(|(service, fault)| {
            fault.at(self.document.source.place(&[Step::from("services"), service.as_str().into()]))
        })
        .collect()
    }

    fn placed(&self, fault: Error, service: &Service) -> Error {
        if fault.place().is_some() {
            return fault;
        }
        let key = match fault.code() {
            Code::PatternTypeUnknown | Code::PatternTypeAmbiguous | Code::PatternImport => "type",
            Code::PatternGrammar => "settings",
            _ => "name",
        };
        fault.at(self.document.source.place(&[Step::from("services"), service.key.as_str().into(), key.into()]))
    }

    /// Gives every object its dependencies, level and wave.
    fn arrange(&self, compiled: &mut Compiled, solid: &[Vec<usize>], slots: &Slots) -> Result<()> {
        for (objects, depends_on) in slots.iter().zip(solid) {
            for index in objects {
                compiled.objects[*index].node.depends_on.clone_from(depends_on);
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
        let keys: Vec<usize> = circle.iter().map(|index| compiled.objects[*index].index).collect();
        order::circle_error(&self.document.pattern.services, &keys, &self.document.source)
            .because("objects need their namespace and the CRD of their kind first, whatever dependsOn says")
    }
}

/// The Service of an Application yields to one that the pattern has of its own, for another service.
fn yield_to_explicit(objects: &mut Vec<Planned>, slots: &mut Slots) {
    let is_implied = |planned: &Planned| slots[planned.index].len() > 1 && planned.object.kind == "Service";
    if !objects.iter().any(is_implied) {
        return;
    }
    let explicit: HashSet<ObjectRef> =
        objects.iter().filter(|planned| !is_implied(planned)).map(|planned| planned.object.clone()).collect();
    let kept: Vec<bool> =
        objects.iter().map(|planned| !(is_implied(planned) && explicit.contains(&planned.object))).collect();
    let mut keep = kept.iter();
    objects.retain(|_| keep.next().copied().unwrap_or(true));
    slots.iter_mut().for_each(Vec::clear);
    for (index, planned) in objects.iter().enumerate() {
        slots[planned.index].push(index);
    }
}

/// For each service the objects it depends on, through services without an object.
fn solid(dependencies: &[Vec<usize>], levels: &[usize], slots: &Slots) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..dependencies.len()).collect();
    order.sort_unstable_by_key(|service| levels[*service]);
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); dependencies.len()];
    for service in order {
        let mut found: Vec<usize> = Vec::new();
        for target in &dependencies[service] {
            let objects = if slots[*target].is_empty() { &below[*target] } else { &slots[*target] };
            steps::count(1 + objects.len());
            found.extend(objects);
        }
        found.sort_unstable();
        found.dedup();
        below[service] = found;
    }
    below
}

/// Adds what Kubernetes itself demands: a namespace before its content, a CRD before its objects.
fn imply(objects: &mut [Planned]) {
    let mut namespaces: HashMap<String, Vec<usize>> = HashMap::new();
    let mut definitions: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (index, planned) in objects.iter().enumerate() {
        if planned.object.kind == "Namespace" && planned.kind.gvk.group.is_empty() {
            namespaces.entry(planned.object.name.clone()).or_default().push(index);
        }
        let spec = &planned.body["spec"];
        if planned.object.kind == "CustomResourceDefinition"
            && let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str())
        {
            definitions.entry((group.to_owned(), kind.to_owned())).or_default().push(index);
        }
    }
    for planned in objects.iter_mut() {
        steps::count(1);
        let own = (planned.kind.gvk.group.clone(), planned.kind.gvk.kind.clone());
        let home = planned.object.namespace.as_ref().and_then(|name| namespaces.get(name));
        for index in home.into_iter().chain(definitions.get(&own)).flatten() {
            if planned.node.depends_on.binary_search(index).is_err() {
                let at = planned.node.depends_on.partition_point(|other| other < index);
                planned.node.depends_on.insert(at, *index);
            }
        }
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

    /// The steps that assembling, compiling and walking a pattern of so many services takes.
    fn steps_for(count: usize) -> usize {
        use std::fmt::Write;
        let mut services = String::from("  home: {type: Namespace}\n");
        for index in 0..count {
            let depends_on = if index % 10 == 0 { "home".to_owned() } else { format!("s{}", index - 1) };
            let kind = ["ConfigMap", "Service", "Deployment"][index % 3];
            let _ = writeln!(
                services,
                "  s{index}:\n    type: {kind}\n    namespace: home\n    dependsOn: [{depends_on}]\n    traits: {{old: {{}}}}\n    settings: {{x: $(#ref.services.home.name)}}"
            );
        }
        let bundle = crate::pattern::Bundle::of_text("p.yaml", format!("name: p\nservices:\n{services}"));
        let (compiled, used) = steps::of(|| {
            let document = crate::pattern::assemble(&bundle).unwrap();
            let compiled = compile(&document, &Kinds::offline(), "default").unwrap();
            let mut walk = crate::pattern::walk::Walk::new(compiled.objects.iter().map(|o| o.node.clone()).collect());
            while !walk.is_done() {
                let started: Vec<usize> = std::iter::from_fn(|| walk.start_next()).collect();
                for index in started {
                    walk.settle(index, true);
                }
            }
            compiled
        });
        assert_eq!(compiled.objects.len(), count + 1);
        used
    }

    #[test]
    fn ten_times_the_services_are_ten_times_the_work() {
        let (few, many) = (steps_for(500), steps_for(5_000));
        assert!(few > 500 && many < few * 11, "{few} steps for 500 services, {many} for 5,000");
    }

    #[test]
    fn an_application_is_two_objects_of_one_service_unless_its_service_is_written_out() {
        let app = "type: Application, settings: {replicas: 1, containers: [{image: i, ports: [{containerPort: 80}]}]}";
        let found = compiled(&format!("  db: {{{app}}}\n  web: {{{app}, dependsOn: [db]}}\n")).unwrap();
        let named: Vec<String> = found.objects.iter().map(|o| format!("{} {}", o.service, o.object)).collect();
        assert_eq!(
            named,
            [
                "db Deployment default/db",
                "db Service default/db",
                "web Deployment default/web",
                "web Service default/web"
            ]
        );
        assert_eq!(found.objects[3].node.depends_on, [0, 1], "all of web waits for all of db");
        let found = compiled(&format!("  front: {{type: Service.K8s, name: web}}\n  web: {{{app}}}\n")).unwrap();
        let named: Vec<String> = found.objects.iter().map(|o| format!("{} {}", o.service, o.object)).collect();
        assert_eq!(named, ["front Service default/web", "web Deployment default/web"]);
    }

    #[test]
    fn labels_of_the_pattern_are_on_every_object_and_a_services_own_win() {
        let document = parse(
            "p.yaml",
            "name: p\nvars: {t: one}\nlabels: {team: $(#ref.vars.t), tier: all}\nannotations: {note: x}\nservices:\n  a: {type: ConfigMap, labels: {tier: own}}\n",
        )
        .unwrap();
        let compiled = compile(&document, &Kinds::offline(), "default").unwrap();
        let metadata = &compiled.objects[0].body["metadata"];
        assert_eq!((&metadata["labels"]["team"], &metadata["labels"]["tier"]), (&"one".into(), &"own".into()));
        assert_eq!(metadata["annotations"]["note"], "x");
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

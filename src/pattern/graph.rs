//! A pattern as a graph: services, what each needs first, and the waves in which they are applied.
//!
//! [`text`], [`dot`] and [`mermaid`] write it down; [`layout`] places it, and [`svg`] and [`png`] draw what was placed.

pub mod dot;
pub mod layout;
pub mod mermaid;
mod order;
pub mod png;
pub mod svg;
pub mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::pattern::{Service, ServiceHealth, ServiceStatus};
use crate::pattern::compile::{Compiled, Planned};

/// A pattern's services and what each needs first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Graph {
    /// Name of the pattern.
    pub pattern: String,
    /// Number of waves.
    pub waves: usize,
    /// Its services, in file order.
    pub services: Vec<Node>,
    /// Who needs whom. What Kubernetes implies is left out where other edges imply it already.
    pub edges: Vec<Edge>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Node {
    /// Its key in the file.
    pub service: String,
    /// Its kind, or its type where only a cluster can tell the kind.
    pub kind: String,
    /// Namespace of its object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of its object.
    pub name: String,
    /// Its wave, from 1: it comes after everything it needs.
    pub wave: usize,
    /// Whether it is a drawing, which has no object.
    pub drawing: bool,
    /// Live health, where the cluster was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<ServiceHealth>,
    /// What keeps it from being ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One service needs another first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edge {
    /// The service that needs.
    pub service: String,
    /// The service that comes first.
    pub needs: String,
    /// Why.
    pub why: Why,
}

/// Why one service needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The file says so with `dependsOn`.
    DependsOn,
    /// It lives in that namespace.
    Namespace,
    /// Its kind is defined by that CRD.
    Definition,
}

impl Why {
    /// Whether Kubernetes implies it, rather than the file saying it.
    pub fn is_implied(self) -> bool {
        self != Why::DependsOn
    }
}

impl Graph {
    /// The graph of a compiled pattern.
    pub fn of(compiled: &Compiled) -> Self {
        let services = &compiled.pattern.services;
        let links = reduce(links(compiled), services.len());
        let waves = waves(compiled, &links);
        let objects = objects(compiled);
        let key = |index: usize| services[index].key.clone();
        let mut edges: Vec<Edge> = Vec::new();
        for (from, needs) in links.iter().enumerate() {
            edges.extend(needs.iter().map(|(to, why)| Edge { service: key(from), needs: key(*to), why: *why }));
        }
        Self {
            pattern: compiled.pattern.name.clone(),
            waves: waves.iter().copied().max().unwrap_or_default(),
            services: services
                .iter()
                .zip(waves)
                .map(|(service, wave)| node(service, wave, compiled, &objects))
                .collect(),
            edges,
        }
    }

    /// Colours the services by their live health; of several contexts the worst counts.
    pub fn with_status(mut self, status: &[ServiceStatus]) -> Self {
        for node in &mut self.services {
            let of_node = status.iter().filter(|status| status.service == node.service);
            if let Some(worst) = of_node.max_by_key(|status| badness(status.health)) {
                node.health = Some(worst.health);
                node.message =
                    (worst.health != ServiceHealth::Ready && !worst.message.is_empty()).then(|| worst.message.clone());
            } else if !node.drawing {
                node.health = Some(ServiceHealth::NotApplied);
            }
        }
        self
    }

    /// Position of each service by its key.
    fn index(&self) -> HashMap<&str, usize> {
        self.services.iter().enumerate().map(|(at, node)| (node.service.as_str(), at)).collect()
    }

    /// The edges as positions: who comes first, who needs it, and why.
    fn pairs(&self) -> Vec<(usize, usize, Why)> {
        let index = self.index();
        let pair = |edge: &Edge| Some((*index.get(edge.needs.as_str())?, *index.get(edge.service.as_str())?, edge.why));
        self.edges.iter().filter_map(pair).collect()
    }
}

fn badness(health: ServiceHealth) -> u8 {
    match health {
        ServiceHealth::Ready => 0,
        ServiceHealth::InProgress => 1,
        ServiceHealth::Terminating => 2,
        ServiceHealth::Unknown => 3,
        ServiceHealth::NotApplied => 4,
        ServiceHealth::Missing => 5,
        ServiceHealth::Failed => 6,
    }
}

/// Objects by service key.
fn objects(compiled: &Compiled) -> HashMap<&str, Vec<&Planned>> {
    let mut objects: HashMap<&str, Vec<&Planned>> = HashMap::new();
    for planned in &compiled.objects {
        objects.entry(&planned.service).or_default().push(planned);
    }
    objects
}

fn node(service: &Service, wave: usize, compiled: &Compiled, objects: &HashMap<&str, Vec<&Planned>>) -> Node {
    let of_service = objects.get(service.key.as_str()).map(Vec::as_slice).unwrap_or_default();
    let (kind, namespace, name) = match of_service {
        [only] => (only.object.kind.clone(), only.object.namespace.clone(), only.object.name.clone()),
        // One with several objects is known by its type.
        [first, ..] => (service.kind.clone(), first.object.namespace.clone(), first.object.name.clone()),
        [] => (service.kind.clone(), service.namespace.clone(), service.object_name().to_owned()),
    };
    let drawing = compiled.skipped.contains(&service.key);
    Node { service: service.key.clone(), kind, namespace, name, wave, drawing, health: None, message: None }
}

/// For each service the services it needs, with the reason. The pattern compiled, so every name is known.
fn links(compiled: &Compiled) -> Vec<BTreeMap<usize, Why>> {
    let services = &compiled.pattern.services;
    let keys: HashMap<&str, usize> =
        services.iter().enumerate().map(|(at, service)| (service.key.as_str(), at)).collect();
    let names: HashMap<&str, usize> =
        services.iter().enumerate().map(|(at, service)| (service.object_name(), at)).collect();
    let mut links: Vec<BTreeMap<usize, Why>> = vec![BTreeMap::new(); services.len()];
    for (at, service) in services.iter().enumerate() {
        let found = service.depends_on.iter().filter_map(|name| keys.get(name.as_str()).or(names.get(name.as_str())));
        links[at].extend(found.map(|target| (*target, Why::DependsOn)));
    }
    let at = |planned: &Planned| keys.get(planned.service.as_str()).copied();
    for planned in &compiled.objects {
        for needed in planned.node.depends_on.iter().map(|index| &compiled.objects[*index]) {
            if let (Some(from), Some(to), Some(why)) = (at(planned), at(needed), implied(planned, needed))
                && from != to
            {
                links[from].entry(to).or_insert(why);
            }
        }
    }
    open_links(compiled, &keys, &mut links);
    links
}

/// A service whose kind is open still lives in its namespace.
fn open_links(compiled: &Compiled, keys: &HashMap<&str, usize>, links: &mut [BTreeMap<usize, Why>]) {
    for key in &compiled.open {
        let Some(from) = keys.get(key.as_str()).copied() else { continue };
        let namespace = compiled.pattern.services[from].namespace.as_deref();
        let home = compiled
            .objects
            .iter()
            .find(|object| object.object.kind == "Namespace" && Some(object.object.name.as_str()) == namespace);
        if let Some(to) = home.and_then(|object| keys.get(object.service.as_str())) {
            links[from].entry(*to).or_insert(Why::Namespace);
        }
    }
}

/// Why Kubernetes wants one object before another; `None` when only the file does.
fn implied(planned: &Planned, needed: &Planned) -> Option<Why> {
    match needed.object.kind.as_str() {
        "Namespace" if planned.object.namespace.as_deref() == Some(&needed.object.name) => Some(Why::Namespace),
        "CustomResourceDefinition" => {
            let names = needed.body["spec"]["names"]["kind"].as_str();
            (names == Some(&planned.kind.gvk.kind)).then_some(Why::Definition)
        }
        _ => None,
    }
}

/// Leaves out what is implied where another way leads there: a picture needs to say it once.
fn reduce(mut links: Vec<BTreeMap<usize, Why>>, count: usize) -> Vec<BTreeMap<usize, Why>> {
    for from in 0..count {
        let implied: Vec<usize> =
            links[from].iter().filter(|(_, why)| why.is_implied()).map(|(target, _)| *target).collect();
        for target in implied {
            if reaches(&links, from, target) {
                links[from].remove(&target);
            }
        }
    }
    links
}

/// Whether `from` needs `target` by way of something else.
fn reaches(links: &[BTreeMap<usize, Why>], from: usize, target: usize) -> bool {
    let mut queue: Vec<usize> = links[from].keys().copied().filter(|next| *next != target).collect();
    let mut seen: HashSet<usize> = queue.iter().copied().collect();
    while let Some(next) = queue.pop() {
        if next == target {
            return true;
        }
        queue.extend(links[next].keys().filter(|further| seen.insert(**further)));
    }
    false
}

/// The wave of each service, from 1 and without gaps: that of its objects, and after everything it needs.
fn waves(compiled: &Compiled, links: &[BTreeMap<usize, Why>]) -> Vec<usize> {
    let own: HashMap<&str, usize> = compiled
        .objects
        .iter()
        .rev()
        .map(|planned| (planned.service.as_str(), usize::try_from(planned.wave).unwrap_or_default()))
        .collect();
    let services = &compiled.pattern.services;
    let needs: Vec<Vec<usize>> = links.iter().map(|needs| needs.keys().copied().collect()).collect();
    // The pattern compiled, so that there is no circle; without one every service has a level.
    let levels = crate::pattern::order::levels(&needs).unwrap_or_else(|_| vec![0; services.len()]);
    let mut by_level: Vec<usize> = (0..services.len()).collect();
    by_level.sort_by_key(|index| levels[*index]);
    let mut waves = vec![0; services.len()];
    for index in by_level {
        let after = needs[index].iter().map(|target| waves[*target] + 1).max().unwrap_or_default();
        waves[index] = after.max(own.get(services[index].key.as_str()).copied().unwrap_or_default());
    }
    let mut used = waves.clone();
    used.sort_unstable();
    used.dedup();
    waves.iter().map(|wave| used.binary_search(wave).unwrap_or_default() + 1).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::pattern::identify::Kinds;
    use crate::pattern::{compile, parse};

    pub(crate) const SHOP: &str = "\
name: shop
services:
  shop: {type: Namespace}
  config: {type: ConfigMap, namespace: shop}
  db: {type: Service, namespace: shop}
  box: {type: Section, dependsOn: [db]}
  web: {type: Deployment, namespace: shop, dependsOn: [config, box]}
  route: {type: VirtualService.Istio, namespace: shop, dependsOn: [web]}
";

    pub(crate) fn graph(text: &str) -> Graph {
        Graph::of(&compile(&parse::parse("p.yaml", text).unwrap(), &Kinds::offline(), "default").unwrap())
    }

    fn edges(graph: &Graph) -> Vec<String> {
        graph.edges.iter().map(|edge| format!("{} needs {} {:?}", edge.service, edge.needs, edge.why)).collect()
    }

    #[test]
    fn edges_are_what_the_file_says_and_what_kubernetes_implies_once() {
        let graph = graph(SHOP);
        assert_eq!(
            edges(&graph),
            [
                "config needs shop Namespace",
                "db needs shop Namespace",
                "box needs db DependsOn",
                "web needs config DependsOn",
                "web needs box DependsOn",
                "route needs web DependsOn",
            ],
            "web and route are in their namespace by way of others"
        );
        let drawings: Vec<&str> =
            graph.services.iter().filter(|node| node.drawing).map(|node| node.service.as_str()).collect();
        assert_eq!(drawings, ["box"]);
    }

    #[test]
    fn a_service_comes_after_everything_it_needs() {
        let graph = graph(SHOP);
        let wave: HashMap<&str, usize> = graph.services.iter().map(|node| (node.service.as_str(), node.wave)).collect();
        for (first, then, _) in graph.pairs() {
            assert!(graph.services[first].wave < graph.services[then].wave, "{wave:?}");
        }
        assert_eq!((wave["shop"], wave["route"]), (1, graph.waves));
    }

    #[test]
    fn the_worst_health_of_several_contexts_counts() {
        let status = |context: &str, service: &str, health| ServiceStatus {
            context: context.into(),
            service: service.into(),
            health,
            ready: 0,
            total: 1,
            object: None,
            message: "why".into(),
            created_at: None,
        };
        let graph = graph(SHOP).with_status(&[
            status("a", "web", ServiceHealth::Failed),
            status("b", "web", ServiceHealth::Ready),
            status("a", "db", ServiceHealth::Ready),
        ]);
        let of = |service: &str| graph.services.iter().find(|node| node.service == service).unwrap();
        assert_eq!((of("web").health, of("web").message.as_deref()), (Some(ServiceHealth::Failed), Some("why")));
        assert_eq!((of("db").health, of("db").message.as_deref()), (Some(ServiceHealth::Ready), None));
        assert_eq!((of("route").health, of("box").health), (Some(ServiceHealth::NotApplied), None));
    }
}

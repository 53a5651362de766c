//! Stage order: who comes before whom. `dependsOn`, what Kubernetes implies, and Helm's order of kinds within a level.

use std::collections::{HashMap, HashSet};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::base::error::{Code, Error};
use crate::base::text;
use crate::model::pattern::Service;
use crate::pattern::locate::{Source, Step};
use crate::pattern::steps;

/// Helm's install order; kinds that are not listed come last.
const KIND_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Position of a kind in Helm's install order.
pub fn kind_rank(kind: &str) -> usize {
    KIND_ORDER.iter().position(|listed| *listed == kind).unwrap_or(KIND_ORDER.len())
}

/// Services with a wrong dependency that get a hint; more are told without.
const HINTS: usize = 20;

/// For each service the indices of the services it names in `dependsOn`. Names are keys, else object names that are unique.
///
/// Names that are nobody's or several services' come back as [`Code::PatternDependency`] faults and are left out.
pub fn dependencies(services: &[Service], source: &Source) -> (Vec<Vec<usize>>, Vec<Error>) {
    let names = Names::of(services);
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(services.len());
    for service in services {
        let mut found = Vec::with_capacity(service.depends_on.len());
        for (index, name) in service.depends_on.iter().enumerate() {
            match names.find(name) {
                Some([one]) => found.push(*one),
                other => {
                    let path = [Step::from("services"), service.key.as_str().into(), "dependsOn".into(), index.into()];
                    let fault = unknown(services, service, name, other.unwrap_or_default(), faults.len() < HINTS);
                    faults.push(fault.at(source.place(&path)));
                }
            }
        }
        all.push(found);
    }
    (all, faults)
}

/// Services by key and by object name.
struct Names<'s> {
    keys: HashMap<&'s str, [usize; 1]>,
    objects: HashMap<&'s str, Vec<usize>>,
}

impl<'s> Names<'s> {
    fn of(services: &'s [Service]) -> Self {
        let mut objects: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            steps::count(1);
            if let Some(name) = &service.name {
                objects.entry(name).or_default().push(index);
            }
        }
        Self { keys: services.iter().enumerate().map(|(index, s)| (s.key.as_str(), [index])).collect(), objects }
    }

    fn find(&self, name: &str) -> Option<&[usize]> {
        steps::count(1);
        self.keys.get(name).map(<[usize; 1]>::as_slice).or_else(|| self.objects.get(name).map(Vec::as_slice))
    }
}

fn unknown(services: &[Service], service: &Service, name: &str, several: &[usize], hint: bool) -> Error {
    let fault = |reason: &str| {
        let message = format!("service `{}` depends on `{name}`, {reason}", service.key);
        Error::new(Code::PatternDependency, message)
    };
    if !several.is_empty() {
        let keys: Vec<&str> = several.iter().map(|index| services[*index].key.as_str()).collect();
        return fault("which is the name of several services")
            .detail(format!("use a key instead: {}", keys.join(", ")));
    }
    let near = if hint { text::did_you_mean(name, services.iter().map(|s| s.key.as_str())) } else { None };
    fault("which is not a service of this pattern").details(near)
}

/// The order of nodes: for each its level, the longest way from a node without dependencies.
///
/// # Errors
/// The nodes of one circle, in order, when there is one.
pub fn levels(dependencies: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(dependencies.len(), dependencies.len());
    for _ in dependencies {
        graph.add_node(());
    }
    for (index, targets) in dependencies.iter().enumerate() {
        for target in targets {
            graph.update_edge(NodeIndex::new(*target), NodeIndex::new(index), ());
        }
    }
    let Ok(sorted) = toposort(&graph, None) else { return Err(circle(&graph, dependencies)) };
    let mut levels = vec![0; dependencies.len()];
    for node in sorted {
        let index = node.index();
        levels[index] = dependencies[index].iter().map(|target| levels[*target] + 1).max().unwrap_or(0);
    }
    Ok(levels)
}

/// A shortest-to-tell circle: walks `dependsOn` inside one strongly connected part until a node repeats.
fn circle(graph: &DiGraph<(), ()>, dependencies: &[Vec<usize>]) -> Vec<usize> {
    let parts = tarjan_scc(graph);
    let part: Vec<usize> = parts
        .into_iter()
        .map(|part| part.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
        .filter(|part| part.len() > 1 || dependencies[part[0]].contains(&part[0]))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let Some(start) = part.iter().min().copied() else { return Vec::new() };
    let part: HashSet<usize> = part.into_iter().collect();
    let (mut path, mut seen) = (vec![start], HashMap::from([(start, 0)]));
    loop {
        let here = path[path.len() - 1];
        let Some(next) = dependencies[here].iter().find(|target| part.contains(target)) else { return path };
        path.push(*next);
        if let Some(position) = seen.insert(*next, path.len() - 1) {
            path.drain(..position);
            return path;
        }
    }
}

/// The error for a circle of services.
pub fn circle_error(services: &[Service], circle: &[usize], source: &Source) -> Error {
    let keys: Vec<&str> = circle.iter().map(|index| services[*index].key.as_str()).collect();
    let path = [Step::from("services"), keys.first().copied().unwrap_or_default().into(), "dependsOn".into()];
    Error::new(Code::PatternCycle, format!("services depend on each other in a circle: {}", keys.join(" -> ")))
        .at(source.place(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    #[test]
    fn levels_are_the_longest_way() {
        assert_eq!(levels(&[vec![], vec![0], vec![0, 1], vec![]]), Ok(vec![0, 1, 2, 0]));
    }

    #[test]
    fn a_circle_is_shown_as_a_path() {
        assert_eq!(levels(&[vec![1], vec![2], vec![1], vec![]]), Err(vec![1, 2, 1]));
        assert_eq!(levels(&[vec![0]]), Err(vec![0, 0]));
    }

    #[test]
    fn unknown_dependencies_name_the_place_and_the_nearest_key() {
        let document = parse(
            "p.yaml",
            "name: p\nservices:\n  database: {type: X}\n  web:\n    type: X\n    dependsOn: [databse, none]\n",
        )
        .unwrap();
        let faults = dependencies(&document.pattern.services, &document.source).1;
        assert_eq!(faults.len(), 2);
        assert_eq!(
            faults[0].to_string(),
            "p.yaml:6:17: service `web` depends on `databse`, which is not a service of this pattern"
        );
        assert_eq!(faults[0].report().details, ["did you mean database?"]);
    }

    #[test]
    fn names_serve_as_dependencies_when_they_are_unique() {
        let document =
            parse("p.yaml", "name: p\nservices:\n  k1: {type: X, name: db}\n  k2: {type: X, dependsOn: [db]}\n")
                .unwrap();
        assert_eq!(dependencies(&document.pattern.services, &document.source).0[1], [0]);
    }
}

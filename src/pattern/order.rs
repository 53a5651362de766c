//! Stage order: who comes before whom. `dependsOn`, what Kubernetes implies, and Helm's order of kinds within a level.

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::base::error::{Code, Error};
use crate::base::text;
use crate::model::pattern::Service;
use crate::pattern::locate::{Source, Step};

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

/// For each service the indices of the services it names in `dependsOn`. Names are keys, else object names that are unique.
///
///
/// Names that are nobody's or several services' come back as [`Code::PatternDependency`] faults and are left out.
pub fn dependencies(services: &[Service], source: &Source) -> (Vec<Vec<usize>>, Vec<Error>) {
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(services.len());
    for service in services {
        let mut found = Vec::with_capacity(service.depends_on.len());
        for (index, name) in service.depends_on.iter().enumerate() {
            match find(services, name) {
                Ok(target) => found.push(target),
                Err(error) => {
                    let path = [Step::from("services"), service.key.as_str().into(), "dependsOn".into(), index.into()];
                    faults.push(
                        Error::new(
                            Code::PatternDependency,
                            format!("service `{}` depends on `{name}`, {}", service.key, error.0),
                        )
                        .details(error.1)
                        .at(source.place(&path)),
                    );
                }
            }
        }
        all.push(found);
    }
    (all, faults)
}

fn find(services: &[Service], name: &str) -> Result<usize, (&'static str, Option<String>)> {
    if let Some(index) = services.iter().position(|service| service.key == name) {
        return Ok(index);
    }
    let named: Vec<usize> =
        services.iter().enumerate().filter(|(_, s)| s.name.as_deref() == Some(name)).map(|(i, _)| i).collect();
    match named.as_slice() {
        [one] => Ok(*one),
        [] => Err((
            "which is not a service of this pattern",
            text::did_you_mean(name, services.iter().map(|s| s.key.as_str())),
        )),
        several => {
            let keys: Vec<&str> = several.iter().map(|index| services[*index].key.as_str()).collect();
            Err(("which is the name of several services", Some(format!("use a key instead: {}", keys.join(", ")))))
        }
    }
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
    let Some(start) = part.iter().min() else { return Vec::new() };
    let mut path = vec![*start];
    loop {
        let here = path[path.len() - 1];
        let Some(next) = dependencies[here].iter().find(|target| part.contains(target)) else { return path };
        if let Some(position) = path.iter().position(|seen| seen == next) {
            path.drain(..position);
            path.push(*next);
            return path;
        }
        path.push(*next);
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

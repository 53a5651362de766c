//! The cluster and the mesh behind a measurement. Nothing here ever fails a measurement, or holds it up for long.

use std::time::Duration;

use serde_json::Value;

use super::order::Order;
use super::quantity::{mebibytes, millicores};
use super::{inside, mesh};
use crate::base::Result;
use crate::cluster::Cluster;
use crate::cluster::kubeconfig;
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::model::performance::environment::{Kubernetes, Mesh, Node};
use crate::model::performance::result::PerfResult;
use crate::server::{Shared, clusters};

/// How long a cluster may take for all its answers.
const LIMIT: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Far {
    kubernetes: Option<Kubernetes>,
    mesh: Option<Mesh>,
    warning: Option<String>,
}

impl Far {
    pub(super) fn into_result(self, result: &mut PerfResult) {
        result.environment.kubernetes = self.kubernetes.or(result.environment.kubernetes.take());
        result.environment.mesh = self.mesh.or(result.environment.mesh.take());
        result.warnings.extend(self.warning);
    }
}

/// Looks at the cluster of the order: the one it names, else the preferred or current one where a target is in it. A
/// cluster that nobody named and that does not answer is no cluster.
pub(super) async fn look(state: &Shared, order: &Order) -> Far {
    let named = order.context.is_some();
    let outcome = tokio::time::timeout(LIMIT, survey(state, order)).await;
    let problem = match outcome {
        Ok(Ok(far)) => return far,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the cluster did not answer within {} s", LIMIT.as_secs()),
    };
    let warning = named.then(|| format!("the environment is not known: {problem}"));
    Far { warning, ..Far::default() }
}

async fn survey(state: &Shared, order: &Order) -> Result<Far> {
    let merged = clusters::load(&state.settings, order.kubeconfig.as_deref())?;
    let preferred = state.store.preferences().get().await?.selected_contexts;
    let wanted: Vec<String> = order.context.iter().cloned().collect();
    let chosen = kubeconfig::choose(&merged, &wanted, &preferred)?;
    let Some(context) = chosen.first() else { return Ok(Far::default()) };
    let cluster = Cluster::connect(&merged, context).await?;
    let (nodes, pods, services) = (kind("Node", "nodes"), kind("Pod", "pods"), kind("Service", "services"));
    let (version, nodes, pods, services) = tokio::join!(
        cluster.version(),
        cluster.everything(&nodes),
        cluster.everything(&pods),
        cluster.everything(&services)
    );
    // Whoever may not list nodes still knows the version.
    let [nodes, pods, services] = [nodes, pods, services].map(Result::unwrap_or_default);
    if wanted.is_empty() && !inside::holds_a_target(&order.plan, [&nodes, &pods, &services]).await {
        return Ok(Far::default());
    }
    let kubernetes =
        Kubernetes { context: context.clone(), version: version?, nodes: nodes.iter().map(node).collect() };
    let mesh = mesh::find(&cluster, &pods, order.plan.mesh.as_deref()).await;
    Ok(Far { kubernetes: Some(kubernetes), mesh, warning: None })
}

fn kind(kind: &str, plural: &str) -> KindInfo {
    KindInfo {
        gvk: GroupVersionKind { group: String::new(), version: "v1".to_owned(), kind: kind.to_owned() },
        plural: plural.to_owned(),
        namespaced: kind != "Node",
        preferred: true,
    }
}

fn node(object: &Value) -> Node {
    let capacity = &object["status"]["capacity"];
    let labels = &object["metadata"]["labels"];
    let instance = labels["node.kubernetes.io/instance-type"].as_str();
    Node {
        name: text(&object["metadata"]["name"]),
        kind: instance.map_or_else(|| text(&object["status"]["nodeInfo"]["architecture"]), str::to_owned),
        cores: capacity["cpu"].as_str().and_then(millicores).unwrap_or_default() / 1_000,
        memory_mib: capacity["memory"].as_str().and_then(mebibytes).unwrap_or_default(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nodes_are_read_in_their_units() {
        let read = node(&json!({
            "metadata": {"name": "n", "labels": {}},
            "status": {"capacity": {"cpu": "2", "memory": "4014248Ki"}, "nodeInfo": {"architecture": "amd64"}},
        }));
        assert_eq!(read, Node { name: "n".into(), kind: "amd64".into(), cores: 2, memory_mib: 3920 });
    }
}

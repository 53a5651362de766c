//! The cluster and the mesh behind a measurement. Nothing here ever fails a measurement, or holds it up for long.

use std::time::Duration;

use serde_json::Value;

use super::order::Order;
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

/// Looks at the cluster of the order: the one it names, else the preferred or current one. A cluster that nobody named
/// and that does not answer is no cluster.
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
    let (version, nodes) = (cluster.version(), kind("", "Node", "nodes"));
    let pods = kind("", "Pod", "pods");
    let (version, nodes, pods) = tokio::join!(version, cluster.everything(&nodes), cluster.everything(&pods));
    let kubernetes = Kubernetes {
        context: context.clone(),
        version: version?,
        // Whoever may not list nodes still knows the version.
        nodes: nodes.unwrap_or_default().iter().map(node).collect(),
    };
    let mesh = detect(&pods.unwrap_or_default(), order.plan.mesh.as_deref());
    Ok(Far { kubernetes: Some(kubernetes), mesh, warning: None })
}

fn kind(group: &str, kind: &str, plural: &str) -> KindInfo {
    KindInfo {
        gvk: GroupVersionKind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.to_owned() },
        plural: plural.to_owned(),
        namespaced: kind == "Pod",
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
        cores: capacity["cpu"].as_str().and_then(|cores| cores.parse().ok()).unwrap_or_default(),
        memory_mib: capacity["memory"].as_str().map(mebibytes).unwrap_or_default(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A quantity of memory in MiB.
fn mebibytes(quantity: &str) -> u64 {
    let digits = quantity.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().unwrap_or_default();
    match &quantity[digits.len()..] {
        "Ki" => number / 1024,
        "Mi" => number,
        "Gi" => number * 1024,
        _ => number >> 20,
    }
}

/// How a mesh is known by its pods.
struct Mark {
    /// Name by the Service Mesh Performance specification.
    name: &'static str,
    /// Part of an image of its control plane, from the last but one part of the path on.
    control: &'static [&'static str],
    /// Containers that are its sidecars.
    sidecars: &'static [&'static str],
    /// Label of its ingress gateways, with the value where one is wanted.
    gateway: Option<(&'static str, &'static str)>,
}

const MARKS: [Mark; 9] = [
    Mark {
        name: "ISTIO",
        control: &["/pilot:", "/pilot@", "/pilot-"],
        sidecars: &["istio-proxy"],
        gateway: Some(("istio", "ingressgateway")),
    },
    Mark {
        name: "LINKERD",
        control: &["linkerd/controller", "/controller:stable", "/controller:edge"],
        sidecars: &["linkerd-proxy"],
        gateway: None,
    },
    Mark {
        name: "CONSUL",
        control: &["/consul-k8s-control-plane", "/consul:"],
        sidecars: &["consul-dataplane", "envoy-sidecar"],
        gateway: Some(("component", "ingress-gateway")),
    },
    Mark { name: "KUMA", control: &["/kuma-cp"], sidecars: &["kuma-sidecar"], gateway: None },
    Mark { name: "OPEN_SERVICE_MESH", control: &["/osm-controller"], sidecars: &["envoy"], gateway: None },
    Mark { name: "TRAEFIK_MESH", control: &["/mesh-controller", "traefik/mesh"], sidecars: &[], gateway: None },
    Mark {
        name: "NGINX_SERVICE_MESH",
        control: &["/nginx-mesh-controller", "/nginx-mesh-api"],
        sidecars: &["nginx-mesh-sidecar"],
        gateway: None,
    },
    Mark { name: "NETWORK_SERVICE_MESH", control: &["/cmd-nsmgr"], sidecars: &["nsc", "cmd-nsc"], gateway: None },
    Mark { name: "CILIUM_SERVICE_MESH", control: &["/cilium-envoy"], sidecars: &[], gateway: None },
];

/// The mesh among the pods: the one that is expected where it is there, else the one with the most sidecars.
fn detect(pods: &[Value], expected: Option<&str>) -> Option<Mesh> {
    let running: Vec<&Value> = pods.iter().filter(|pod| pod["status"]["phase"] == "Running").collect();
    let found = MARKS.iter().filter_map(|mark| mark.find(&running));
    found.max_by_key(|mesh| (expected == Some(mesh.kind.as_str()), mesh.sidecars))
}

impl Mark {
    fn find(&self, pods: &[&Value]) -> Option<Mesh> {
        let mut mesh = Mesh { kind: self.name.to_owned(), ..Mesh::default() };
        for pod in pods {
            let image =
                containers(pod).find_map(|container| container["image"].as_str().filter(|image| self.controls(image)));
            if let Some(image) = image {
                mesh.control_plane += 1;
                mesh.version = mesh.version.or_else(|| tag(image));
            }
            if self.is_gateway(pod) {
                mesh.ingress_gateways += 1;
            } else if containers(pod).any(|container| self.sidecars.iter().any(|name| container["name"] == *name)) {
                mesh.sidecars += 1;
            }
        }
        (mesh.control_plane > 0).then_some(mesh)
    }

    fn controls(&self, image: &str) -> bool {
        self.control.iter().any(|part| image.contains(part))
    }

    fn is_gateway(&self, pod: &Value) -> bool {
        self.gateway.is_some_and(|(label, value)| pod["metadata"]["labels"][label] == value)
    }
}

/// Containers of a pod, those included that begin before the others: a sidecar may be one of them.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"].into_iter().filter_map(|key| pod["spec"][key].as_array()).flatten()
}

/// The tag of an image.
fn tag(image: &str) -> Option<String> {
    let name = image.split('@').next().unwrap_or(image);
    let (_, tag) = name.rsplit_once(':')?;
    (!tag.contains('/')).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(labels: &Value, containers: &[(&str, &str)], init: &[(&str, &str)]) -> Value {
        let list = |of: &[(&str, &str)]| {
            of.iter().map(|(name, image)| json!({"name": name, "image": image})).collect::<Vec<_>>()
        };
        json!({
            "metadata": { "labels": labels },
            "spec": { "containers": list(containers), "initContainers": list(init) },
            "status": { "phase": "Running" },
        })
    }

    #[test]
    fn istio_is_known_by_its_control_plane_and_sidecars_are_counted_wherever_they_stand() {
        let proxy = ("istio-proxy", "docker.io/istio/proxyv2:1.30.2");
        let pods = [
            pod(&json!({}), &[("discovery", "docker.io/istio/pilot:1.30.2")], &[]),
            pod(&json!({"istio": "ingressgateway"}), &[proxy], &[]),
            pod(&json!({}), &[("app", "nginx"), proxy], &[]),
            pod(&json!({}), &[("app", "nginx")], &[proxy]),
            pod(&json!({}), &[("app", "nginx")], &[]),
        ];
        let mesh = detect(&pods, None).unwrap();
        assert_eq!((mesh.kind.as_str(), mesh.version.as_deref()), ("ISTIO", Some("1.30.2")));
        assert_eq!((mesh.control_plane, mesh.ingress_gateways, mesh.sidecars), (1, 1, 2));
    }

    #[test]
    fn of_several_meshes_the_expected_one_is_meant_and_a_sidecar_alone_is_no_mesh() {
        let pods = [
            pod(&json!({}), &[("discovery", "istio/pilot:1.30.2")], &[]),
            pod(&json!({}), &[("app", "x"), ("istio-proxy", "istio/proxyv2:1")], &[]),
            pod(&json!({}), &[("kuma", "docker.io/kumahq/kuma-cp:2.9.0")], &[]),
        ];
        assert_eq!(detect(&pods, None).unwrap().kind, "ISTIO");
        assert_eq!(detect(&pods, Some("KUMA")).unwrap().version.as_deref(), Some("2.9.0"));
        assert_eq!(detect(&pods[1..2], None), None);
    }

    #[test]
    fn nodes_are_read_in_their_units() {
        let read = node(&json!({
            "metadata": {"name": "n", "labels": {}},
            "status": {"capacity": {"cpu": "2", "memory": "4014248Ki"}, "nodeInfo": {"architecture": "amd64"}},
        }));
        assert_eq!(read, Node { name: "n".into(), kind: "amd64".into(), cores: 2, memory_mib: 3920 });
        assert_eq!([mebibytes("2Gi"), mebibytes("5Mi"), mebibytes("1048576")], [2048, 5, 1]);
    }
}

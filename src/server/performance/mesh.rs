//! The mesh of a cluster: which one it is by its pods, and what its policies want.

use serde_json::Value;

use super::quantity::{mebibytes, millicores};
use crate::cluster::Cluster;
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::model::performance::environment::{Mesh, Resources};

/// Fact of a mesh with the mode of mutual TLS that holds where no policy says otherwise.
const MODE: &str = "mtls_mode";

/// The mesh of the cluster with these pods: the one that is expected where it is there, else the one with the most
/// sidecars.
pub(super) async fn find(cluster: &Cluster, pods: &[Value], expected: Option<&str>) -> Option<Mesh> {
    let Found { mut mesh, namespace } = detect(pods, expected)?;
    if mesh.kind == "ISTIO"
        && let Some(policies) = policies(cluster).await
    {
        let wants = Wants::of(&policies, &namespace);
        mesh.mtls = Some(wants.of_all);
        mesh.labels.insert(MODE.to_owned(), wants.mode);
    }
    Some(mesh)
}

/// Istio's policies of mutual TLS; none where they cannot be read.
async fn policies(cluster: &Cluster) -> Option<Vec<Value>> {
    for version in ["v1", "v1beta1"] {
        let (group, kind) = ("security.istio.io".to_owned(), "PeerAuthentication".to_owned());
        let kind = KindInfo {
            gvk: GroupVersionKind { group, version: version.to_owned(), kind },
            plural: "peerauthentications".to_owned(),
            namespaced: true,
            preferred: true,
        };
        if let Ok(found) = cluster.everything(&kind).await {
            return Some(found);
        }
    }
    None
}

/// What Istio's policies want.
#[derive(Debug, PartialEq, Eq)]
struct Wants {
    /// Mode that holds where no policy says otherwise.
    mode: String,
    /// Whether mutual TLS is wanted of all traffic.
    of_all: bool,
}

impl Wants {
    /// The policy of the root namespace without a selector holds everywhere, the oldest where there are several; Istio
    /// without one is permissive. It wants mutual TLS of all traffic only where no other policy lets some be.
    fn of(policies: &[Value], root: &str) -> Self {
        let is_for_all = |policy: &&Value| {
            let labels = policy["spec"]["selector"]["matchLabels"].as_object();
            policy["metadata"]["namespace"] == root && labels.is_none_or(serde_json::Map::is_empty)
        };
        let age = |policy: &&Value| policy["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        let oldest = policies.iter().filter(is_for_all).min_by_key(age);
        let mode = oldest.and_then(|policy| mode(&policy["spec"]["mtls"])).unwrap_or("PERMISSIVE");
        let loosens = |policy: &Value| {
            let ports = policy["spec"]["portLevelMtls"].as_object().into_iter().flat_map(|ports| ports.values());
            ports.chain([&policy["spec"]["mtls"]]).filter_map(self::mode).any(|mode| mode != "STRICT")
        };
        Self { mode: mode.to_owned(), of_all: mode == "STRICT" && !policies.iter().any(loosens) }
    }
}

/// The mode, where it is no wish to inherit one.
fn mode(mtls: &Value) -> Option<&str> {
    mtls["mode"].as_str().filter(|mode| *mode != "UNSET")
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

/// A mesh, and the namespace of its control plane.
#[derive(Debug, Default, PartialEq)]
struct Found {
    mesh: Mesh,
    namespace: String,
}

/// The mesh among the pods: the one that is expected where it is there, else the one with the most sidecars.
fn detect(pods: &[Value], expected: Option<&str>) -> Option<Found> {
    let running: Vec<&Value> = pods.iter().filter(|pod| pod["status"]["phase"] == "Running").collect();
    let found = MARKS.iter().filter_map(|mark| mark.find(&running));
    found.max_by_key(|found| (expected == Some(found.mesh.kind.as_str()), found.mesh.sidecars))
}

impl Mark {
    fn find(&self, pods: &[&Value]) -> Option<Found> {
        let mut mesh = Mesh { kind: self.name.to_owned(), ..Mesh::default() };
        let mut namespace = String::new();
        for pod in pods {
            let image =
                containers(pod).find_map(|container| container["image"].as_str().filter(|image| self.controls(image)));
            if let Some(image) = image {
                mesh.control_plane += 1;
                mesh.version = mesh.version.or_else(|| tag(image));
                most(&mut mesh.control_plane_each, containers(pod));
                pod["metadata"]["namespace"].as_str().unwrap_or_default().clone_into(&mut namespace);
            }
            if self.is_gateway(pod) {
                mesh.ingress_gateways += 1;
                most(&mut mesh.ingress_gateway_each, containers(pod));
            } else if let Some(sidecar) = containers(pod).find(|container| self.is_sidecar(container)) {
                mesh.sidecars += 1;
                most(&mut mesh.sidecar_each, std::iter::once(sidecar));
            }
        }
        (mesh.control_plane > 0).then_some(Found { mesh, namespace })
    }

    fn is_sidecar(&self, container: &Value) -> bool {
        self.sidecars.iter().any(|name| container["name"] == *name)
    }

    fn controls(&self, image: &str) -> bool {
        self.control.iter().any(|part| image.contains(part))
    }

    fn is_gateway(&self, pod: &Value) -> bool {
        self.gateway.is_some_and(|(label, value)| pod["metadata"]["labels"][label] == value)
    }
}

/// Takes in what some containers ask for together, where that is more than what others ask for.
fn most<'v>(known: &mut Option<Resources>, containers: impl Iterator<Item = &'v Value>) {
    let mut all = Resources::default();
    for container in containers {
        let resources = &container["resources"];
        let asked = |name: &str| resources["requests"][name].as_str().or(resources["limits"][name].as_str());
        all.cpu_mcores = all.cpu_mcores.saturating_add(asked("cpu").and_then(millicores).unwrap_or_default());
        all.memory_mib = all.memory_mib.saturating_add(asked("memory").and_then(mebibytes).unwrap_or_default());
    }
    let so_far = known.unwrap_or_default();
    let together = Resources {
        cpu_mcores: so_far.cpu_mcores.max(all.cpu_mcores),
        memory_mib: so_far.memory_mib.max(all.memory_mib),
    };
    *known = (together != Resources::default()).then_some(together);
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
            "metadata": { "namespace": "mesh", "labels": labels },
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
        let Found { mesh, namespace } = detect(&pods, None).unwrap();
        assert_eq!(namespace, "mesh");
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
        assert_eq!(detect(&pods, None).unwrap().mesh.kind, "ISTIO");
        assert_eq!(detect(&pods, Some("KUMA")).unwrap().mesh.version.as_deref(), Some("2.9.0"));
        assert_eq!(detect(&pods[1..2], None), None);
    }

    #[test]
    fn what_one_of_each_asks_of_its_node_is_summed_over_its_containers() {
        let asks = |mut pod: Value, at: usize, resources: Value| {
            pod["spec"]["containers"][at]["resources"] = resources;
            pod
        };
        let proxy = ("istio-proxy", "istio/proxyv2:1");
        let control = || pod(&json!({}), &[("discovery", "istio/pilot:1"), ("agent", "x")], &[]);
        let control = asks(control(), 0, json!({"requests": {"cpu": "500m", "memory": "2Gi"}}));
        let pods = [
            asks(control, 1, json!({"limits": {"cpu": "1", "memory": "64Mi"}})),
            asks(
                pod(&json!({}), &[("app", "x"), proxy], &[]),
                1,
                json!({"requests": {"cpu": "10m", "memory": "40Mi"}}),
            ),
            asks(pod(&json!({}), &[("app", "x"), proxy], &[]), 1, json!({"requests": {"cpu": "100m"}})),
            asks(pod(&json!({"istio": "ingressgateway"}), &[proxy], &[]), 0, json!({})),
        ];
        let mesh = detect(&pods, None).unwrap().mesh;
        assert_eq!(mesh.control_plane_each, Some(Resources { cpu_mcores: 1_500, memory_mib: 2_112 }));
        assert_eq!(mesh.sidecar_each, Some(Resources { cpu_mcores: 100, memory_mib: 40 }));
        assert_eq!(mesh.ingress_gateway_each, None);
    }

    fn policy(namespace: &str, spec: &Value) -> Value {
        json!({"metadata": {"namespace": namespace, "creationTimestamp": "2026-01-02T00:00:00Z"}, "spec": spec})
    }

    #[test]
    fn mutual_tls_is_wanted_of_all_where_the_root_says_so_and_nobody_else_loosens_it() {
        let strict = || policy("root", &json!({"mtls": {"mode": "STRICT"}}));
        let chosen = |mode: &str| json!({"selector": {"matchLabels": {"app": "a"}}, "mtls": {"mode": mode}});
        for (policies, mode, of_all) in [
            (vec![], "PERMISSIVE", false),
            (vec![strict()], "STRICT", true),
            (vec![policy("root", &json!({"mtls": {"mode": "UNSET"}}))], "PERMISSIVE", false),
            (vec![policy("root", &json!({"mtls": {"mode": "DISABLE"}}))], "DISABLE", false),
            (vec![policy("shop", &json!({"mtls": {"mode": "STRICT"}}))], "PERMISSIVE", false),
            (vec![policy("root", &chosen("STRICT"))], "PERMISSIVE", false),
            (vec![strict(), policy("shop", &json!({"mtls": {"mode": "PERMISSIVE"}}))], "STRICT", false),
            (vec![strict(), policy("shop", &json!({"mtls": {"mode": "UNSET"}}))], "STRICT", true),
            (vec![strict(), policy("shop", &json!({"portLevelMtls": {"80": {"mode": "DISABLE"}}}))], "STRICT", false),
        ] {
            assert_eq!(Wants::of(&policies, "root"), Wants { mode: mode.to_owned(), of_all }, "{policies:?}");
        }
        let mut older = policy("root", &json!({"mtls": {"mode": "PERMISSIVE"}}));
        older["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(Wants::of(&[strict(), older], "root").mode, "PERMISSIVE");
    }
}

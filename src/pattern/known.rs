//! Kinds of well-known meshes and add-ons as data: what an export needs to know without a cluster.

use crate::model::kubernetes::{GroupVersionKind, KindInfo};

/// API version, kinds, whether they live in a namespace.
const ROWS: &[(&str, &[&str], bool)] = &[
    (
        "networking.istio.io/v1",
        &["VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "WorkloadEntry", "WorkloadGroup"],
        true,
    ),
    ("networking.istio.io/v1beta1", &["ProxyConfig"], true),
    ("networking.istio.io/v1alpha3", &["EnvoyFilter"], true),
    ("security.istio.io/v1", &["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"], true),
    ("telemetry.istio.io/v1", &["Telemetry"], true),
    ("extensions.istio.io/v1alpha1", &["WasmPlugin"], true),
    ("gateway.networking.k8s.io/v1", &["GatewayClass"], false),
    ("gateway.networking.k8s.io/v1", &["HTTPRoute", "GRPCRoute"], true),
    ("gateway.networking.k8s.io/v1beta1", &["ReferenceGrant"], true),
    ("split.smi-spec.io/v1alpha4", &["TrafficSplit"], true),
    ("access.smi-spec.io/v1alpha3", &["TrafficTarget"], true),
    ("specs.smi-spec.io/v1alpha4", &["HTTPRouteGroup", "TCPRoute", "UDPRoute"], true),
    ("linkerd.io/v1alpha2", &["ServiceProfile"], true),
    ("policy.linkerd.io/v1alpha1", &["AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication"], true),
    ("policy.linkerd.io/v1beta3", &["Server"], true),
    ("cilium.io/v2", &["CiliumNetworkPolicy"], true),
    ("cilium.io/v2", &["CiliumClusterwideNetworkPolicy"], false),
    ("monitoring.coreos.com/v1", &["ServiceMonitor", "PodMonitor", "PrometheusRule"], true),
    ("cert-manager.io/v1", &["Certificate", "Issuer"], true),
    ("cert-manager.io/v1", &["ClusterIssuer"], false),
    ("argoproj.io/v1alpha1", &["Rollout", "AnalysisTemplate"], true),
];

/// The kinds of the table.
pub fn kinds() -> Vec<KindInfo> {
    let kind = |api_version: &str, kind: &str, namespaced: bool| KindInfo {
        gvk: GroupVersionKind::parse(api_version, kind),
        plural: String::new(),
        namespaced,
        preferred: true,
    };
    ROWS.iter().flat_map(|(version, names, scoped)| names.iter().map(|name| kind(version, name, *scoped))).collect()
}

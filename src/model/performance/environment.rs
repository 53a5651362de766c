//! Where a measurement ran: the machine of the generator, and the cluster and mesh it measured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine that made the load, and what is known of the far side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Name of the machine.
    #[serde(default)]
    pub host: String,
    /// Operating system and kernel, as `linux 6.18.0`.
    #[serde(default)]
    pub os: String,
    /// Processor architecture, as Rust names it.
    #[serde(default)]
    pub arch: String,
    /// Name of the processor.
    #[serde(default)]
    pub cpu_model: String,
    /// Processors that may be used.
    #[serde(default)]
    pub cpus: u32,
    /// Memory in MiB.
    #[serde(default)]
    pub memory_mib: u64,
    /// The cluster that was measured, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Kubernetes>,
    /// The mesh that was measured, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<Mesh>,
}

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kubernetes {
    /// Context it was reached through.
    #[serde(default)]
    pub context: String,
    /// Version of the API server, as `v1.36.3`.
    #[serde(default)]
    pub version: String,
    /// Its nodes.
    #[serde(default)]
    pub nodes: Vec<Node>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What the provider calls its kind, or its architecture.
    #[serde(default)]
    pub kind: String,
    /// Processors.
    #[serde(default)]
    pub cores: u32,
    /// Memory in MiB.
    #[serde(default)]
    pub memory_mib: u64,
}

/// A mesh in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mesh {
    /// Its type by the name of the Service Mesh Performance specification, as `ISTIO`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its version, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Running replicas of its control plane.
    #[serde(default)]
    pub control_plane: u32,
    /// Running replicas of its ingress gateways.
    #[serde(default)]
    pub ingress_gateways: u32,
    /// Pods with a sidecar.
    #[serde(default)]
    pub sidecars: u32,
    /// What one replica of its control plane asks of its node, where it asks for something; the most of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_each: Option<Resources>,
    /// What one of its ingress gateways asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_gateway_each: Option<Resources>,
    /// What one of its sidecars asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar_each: Option<Resources>,
    /// Whether mutual TLS is wanted of all traffic, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls: Option<bool>,
    /// Further facts by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What containers ask of their node: their requests, and where they have none their limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Thousandths of a processor; 0 where nothing is asked for.
    #[serde(default)]
    pub cpu_mcores: u32,
    /// Memory in MiB; 0 where nothing is asked for.
    #[serde(default)]
    pub memory_mib: u64,
}

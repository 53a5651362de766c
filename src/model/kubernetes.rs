//! Kubernetes objects and clusters as the domain sees them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Group, version and kind. The core group is the empty string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct GroupVersionKind {
    /// API group, empty for core.
    pub group: String,
    /// Version, such as `v1`.
    pub version: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
}

impl GroupVersionKind {
    /// From an `apiVersion` as manifests write it (`v1`, `apps/v1`) and a kind.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// `apiVersion` as manifests write it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for GroupVersionKind {
    /// `group/version/Kind`, core without group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_version(), self.kind)
    }
}

/// A kind that a cluster serves, or that a CRD in hand defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindInfo {
    /// Group, version and kind.
    #[serde(flatten)]
    pub gvk: GroupVersionKind,
    /// Plural as in URLs, such as `deployments`.
    pub plural: String,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether `version` is the one the group prefers.
    pub preferred: bool,
}

/// One object, named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRef {
    /// `apiVersion` as manifests write it.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl ObjectRef {
    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::parse(&self.api_version, &self.kind)
    }

    /// What tells the object from others: the version is no part of it, `apps/v1beta1` and `apps/v1` are one object.
    pub fn identity(&self) -> Identity<'_> {
        let group = self.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        Identity { group, kind: &self.kind, namespace: self.namespace.as_deref(), name: &self.name }
    }
}

/// What tells an object of a cluster from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl fmt::Display for ObjectRef {
    /// `Deployment shop/web`, without namespace `Namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A context of a kubeconfig, as `GET /api/system/kubernetes/contexts` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeContext {
    /// Stable id: derived from the name, the server address and the user entry's name.
    pub id: String,
    /// Context name.
    pub name: String,
    /// Cluster entry's name.
    pub cluster: String,
    /// API server address.
    pub server: String,
    /// User entry's name.
    pub user: String,
    /// Default namespace of the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Whether it is the kubeconfig's current context.
    pub current: bool,
}

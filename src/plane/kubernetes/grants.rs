//! What the plane may do in its cluster: a table from features to rules, each with its reason.
//!
//! Nothing is a wildcard, and nobody may `escalate`, `bind` or `impersonate`: the plane can never hand out more than it
//! has. Secrets are read and written only when that is asked for.

mod meshes;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::base::text;
use crate::plane::adapter;
use crate::plane::spec::Spec;

/// A part of the plane's work that needs permissions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Looking at what runs.
    Discovery,
    /// Applying and deleting patterns of workloads, configuration and traffic.
    Patterns,
    /// Secrets in patterns.
    Secrets,
    /// Roles and bindings in patterns.
    Roles,
    /// Definitions of kinds in patterns.
    Definitions,
    /// The plane's own MeshSync and Broker objects.
    Operator,
    /// The kinds of a mesh in patterns; its adapter brings this by itself.
    Mesh(&'static str),
}

impl Feature {
    /// What a plane may do when its user says nothing.
    pub const DEFAULT: &'static [Feature] = &[Feature::Discovery, Feature::Patterns];
    /// Every feature that is no mesh.
    pub const PLAIN: &'static [Feature] = &[
        Feature::Discovery,
        Feature::Patterns,
        Feature::Secrets,
        Feature::Roles,
        Feature::Definitions,
        Feature::Operator,
    ];

    /// Every feature.
    pub fn all() -> impl Iterator<Item = Feature> {
        Self::PLAIN.iter().cloned().chain(adapter::ALL.iter().map(|adapter| Feature::Mesh(adapter.mesh())))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Feature::Discovery => "discovery",
            Feature::Patterns => "patterns",
            Feature::Secrets => "secrets",
            Feature::Roles => "roles",
            Feature::Definitions => "definitions",
            Feature::Operator => "operator",
            Feature::Mesh(mesh) => mesh,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Feature {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(found) = Feature::all().find(|feature| feature.name() == name) {
            return Ok(found);
        }
        let names: Vec<&str> = Feature::all().map(|feature| feature.name()).collect();
        let near = text::did_you_mean(name, names.iter().copied());
        Err(near.map_or_else(
            || format!("`{name}` is not one of {}", names.join(", ")),
            |near| format!("`{name}` is nothing to grant: {near}"),
        ))
    }
}

impl Serialize for Feature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One rule of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Grant {
    /// Feature that needs it.
    pub feature: &'static str,
    /// What for.
    pub reason: &'static str,
    /// Whether it holds in the plane's own namespace only.
    pub own_namespace: bool,
    /// API group, empty for core.
    pub group: &'static str,
    /// Resources by their plurals.
    pub resources: Vec<&'static str>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

impl Grant {
    /// The rule as a role holds it.
    pub fn rule(&self) -> Value {
        json!({"apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs})
    }
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["get", "list", "create", "patch", "delete"];

/// Group, resources, verbs, reason.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static str);

const DISCOVERY: &[Row] = &[
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
        READ,
        "to show what runs, and to name what keeps a workload from being ready",
    ),
    ("", &["pods/log"], &["get"], "to show the last words of a container that crashed"),
    (
        "apps",
        &["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"],
        READ,
        "to show workloads and wait until they are ready",
    ),
    ("batch", &["cronjobs", "jobs"], READ, "to show jobs and wait until they are done"),
    ("autoscaling", &["horizontalpodautoscalers"], READ, "to show what changes the size of workloads"),
    ("networking.k8s.io", &["ingressclasses", "ingresses", "networkpolicies"], READ, "to show how traffic is led"),
    ("discovery.k8s.io", &["endpointslices"], READ, "to show which pods stand behind a service"),
    ("policy", &["poddisruptionbudgets"], READ, "to show what keeps pods from being moved"),
    ("storage.k8s.io", &["storageclasses", "volumeattachments"], READ, "to name what a claim waits for"),
    (
        "apiextensions.k8s.io",
        &["customresourcedefinitions"],
        READ,
        "to know the kinds of meshes, and to check objects against their schemas",
    ),
    (
        "admissionregistration.k8s.io",
        &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        READ,
        "to see which meshes inject sidecars",
    ),
    ("apiregistration.k8s.io", &["apiservices"], READ, "to tell which API groups do not answer"),
];

const PATTERNS: &[Row] = &[
    (
        "",
        &[
            "configmaps",
            "limitranges",
            "namespaces",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
        WRITE,
        "patterns hold workloads with their namespaces, accounts and configuration",
    ),
    ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"], WRITE, "patterns hold workloads"),
    ("batch", &["cronjobs", "jobs"], WRITE, "patterns hold jobs"),
    ("autoscaling", &["horizontalpodautoscalers"], WRITE, "patterns say how workloads grow"),
    ("networking.k8s.io", &["ingresses", "networkpolicies"], WRITE, "patterns lead traffic and limit it"),
    ("policy", &["poddisruptionbudgets"], WRITE, "patterns say how many pods must stay"),
    (
        "gateway.networking.k8s.io",
        &[
            "backendtlspolicies",
            "gatewayclasses",
            "gateways",
            "grpcroutes",
            "httproutes",
            "referencegrants",
            "tcproutes",
            "tlsroutes",
            "udproutes",
        ],
        WRITE,
        "patterns lead traffic by the Gateway API, whichever mesh implements it",
    ),
    ("split.smi-spec.io", &["trafficsplits"], WRITE, "patterns split traffic by SMI, whichever mesh implements it"),
    ("access.smi-spec.io", &["traffictargets"], WRITE, "patterns permit traffic by SMI"),
    ("specs.smi-spec.io", &["httproutegroups", "tcproutes", "udproutes"], WRITE, "patterns describe traffic by SMI"),
];

const SECRETS: &[Row] = &[("", &["secrets"], WRITE, "patterns hold Secrets, which the plane can read by this")];

const ROLES: &[Row] = &[(
    "rbac.authorization.k8s.io",
    &["clusterrolebindings", "clusterroles", "rolebindings", "roles"],
    WRITE,
    "patterns hold roles; the API server refuses those that permit more than the plane may do itself",
)];

const DEFINITIONS: &[Row] =
    &[("apiextensions.k8s.io", &["customresourcedefinitions"], WRITE, "patterns define kinds of their own")];

const OPERATOR: &[Row] = &[
    ("meshery.io", &["brokers", "meshsyncs"], WRITE, "the operator's objects of this plane"),
    (
        "meshery.layer5.io",
        &["brokers", "meshsyncs"],
        WRITE,
        "the operator's objects of this plane, in their older group",
    ),
];

fn rows(feature: &Feature) -> &'static [Row] {
    match feature {
        Feature::Discovery => DISCOVERY,
        Feature::Patterns => PATTERNS,
        Feature::Secrets => SECRETS,
        Feature::Roles => ROLES,
        Feature::Definitions => DEFINITIONS,
        Feature::Operator => OPERATOR,
        Feature::Mesh(_) => &[],
    }
}

/// The rules of one feature.
pub fn of_feature(feature: &Feature) -> Vec<Grant> {
    let grant = |(group, resources, verbs, reason): &Row| Grant {
        feature: feature.name(),
        reason,
        own_namespace: *feature == Feature::Operator,
        group,
        resources: resources.to_vec(),
        verbs: verbs.to_vec(),
    };
    match feature {
        Feature::Mesh(mesh) => meshes::groups(mesh)
            .iter()
            .map(|(group, resources)| grant(&(group, resources, WRITE, "patterns hold the kinds of this mesh")))
            .collect(),
        plain => rows(plain).iter().map(grant).collect(),
    }
}

/// What a plane may do: the features that were granted, and the meshes of its adapters.
pub fn of_plane(spec: &Spec, granted: &[Feature]) -> Vec<Grant> {
    let has_adapter = |feature: &Feature| match feature {
        Feature::Mesh(mesh) => {
            spec.adapters().any(|part| adapter::find(&part.name).is_ok_and(|adapter| adapter.mesh() == *mesh))
        }
        _ => false,
    };
    let wanted = |feature: &Feature| granted.contains(feature) || has_adapter(feature);
    Feature::all().filter(wanted).flat_map(|feature| of_feature(&feature)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Grant> {
        Feature::all().flat_map(|feature| of_feature(&feature)).collect()
    }

    #[test]
    fn no_rule_is_a_wildcard_or_lets_anybody_become_more() {
        for grant in every() {
            let words = grant.resources.iter().chain(&grant.verbs).chain([&grant.group]);
            for word in words {
                assert!(!word.contains('*'), "{grant:?}");
                assert!(!matches!(*word, "escalate" | "bind" | "impersonate" | "approve" | "sign"), "{grant:?}");
            }
            assert!(!grant.resources.is_empty() && !grant.reason.is_empty(), "{grant:?}");
        }
    }

    #[test]
    fn what_was_not_asked_for_is_not_granted() {
        let of = |features: &[Feature]| features.iter().flat_map(of_feature).collect::<Vec<_>>();
        let usual = of(Feature::DEFAULT);
        let never = ["secrets", "pods/exec", "pods/attach", "pods/portforward", "nodes/proxy", "serviceaccounts/token"];
        assert!(usual.iter().all(|grant| grant.resources.iter().all(|resource| !never.contains(resource))));
        let writes = |grant: &&Grant| grant.verbs.iter().any(|verb| !READ.contains(verb));
        assert_eq!(of(&[Feature::Discovery]).iter().filter(writes).count(), 0);
        assert!(usual.iter().filter(writes).all(|grant| grant.group != "rbac.authorization.k8s.io"));
    }

    #[test]
    fn features_are_named_and_typos_are_led() {
        for feature in Feature::all() {
            assert_eq!(feature.name().parse(), Ok(feature));
        }
        assert!("secret".parse::<Feature>().unwrap_err().contains("did you mean secrets?"));
        assert!("xyz".parse::<Feature>().unwrap_err().contains("discovery"));
    }
}

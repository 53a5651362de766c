//! Kubernetes' own kinds as data: what `validate` knows without a cluster, and how bodies without `spec` look.

use crate::model::kubernetes::{GroupVersionKind, KindInfo};

struct Row {
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
}

const fn row(api_version: &'static str, kind: &'static str, plural: &'static str, namespaced: bool) -> Row {
    Row { api_version, kind, plural, namespaced }
}

const ROWS: &[Row] = &[
    row("v1", "Namespace", "namespaces", false),
    row("v1", "Node", "nodes", false),
    row("v1", "PersistentVolume", "persistentvolumes", false),
    row("v1", "Pod", "pods", true),
    row("v1", "Service", "services", true),
    row("v1", "ConfigMap", "configmaps", true),
    row("v1", "Secret", "secrets", true),
    row("v1", "ServiceAccount", "serviceaccounts", true),
    row("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    row("v1", "Endpoints", "endpoints", true),
    row("v1", "Event", "events", true),
    row("v1", "LimitRange", "limitranges", true),
    row("v1", "PodTemplate", "podtemplates", true),
    row("v1", "ReplicationController", "replicationcontrollers", true),
    row("v1", "ResourceQuota", "resourcequotas", true),
    row("apps/v1", "Deployment", "deployments", true),
    row("apps/v1", "StatefulSet", "statefulsets", true),
    row("apps/v1", "DaemonSet", "daemonsets", true),
    row("apps/v1", "ReplicaSet", "replicasets", true),
    row("apps/v1", "ControllerRevision", "controllerrevisions", true),
    row("batch/v1", "Job", "jobs", true),
    row("batch/v1", "CronJob", "cronjobs", true),
    row("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    row("networking.k8s.io/v1", "Ingress", "ingresses", true),
    row("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    row("networking.k8s.io/v1", "IngressClass", "ingressclasses", false),
    row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    row("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    row("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true),
    row("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false),
    row("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false),
    row("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    row("storage.k8s.io/v1", "CSIDriver", "csidrivers", false),
    row("storage.k8s.io/v1", "CSINode", "csinodes", false),
    row("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", false),
    row("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    row("apiregistration.k8s.io/v1", "APIService", "apiservices", false),
    row("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    row("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    row("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    row(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        false,
    ),
    row("coordination.k8s.io/v1", "Lease", "leases", true),
    row("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    row("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", false),
    row("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", false),
    row("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests", false),
];

/// Kubernetes' own kinds, for use without a cluster.
pub fn kinds() -> Vec<KindInfo> {
    ROWS.iter()
        .map(|row| KindInfo {
            gvk: GroupVersionKind::parse(row.api_version, row.kind),
            plural: row.plural.to_owned(),
            namespaced: row.namespaced,
            preferred: true,
        })
        .collect()
}

/// Whether a group is part of Kubernetes itself and not brought by a CRD.
pub fn is_builtin_group(group: &str) -> bool {
    ROWS.iter().any(|row| GroupVersionKind::parse(row.api_version, row.kind).group == group)
        || [
            "extensions",
            "events.k8s.io",
            "authentication.k8s.io",
            "authorization.k8s.io",
            "flowcontrol.apiserver.k8s.io",
            "resource.k8s.io",
        ]
        .contains(&group)
}

/// Kinds whose body has no `spec`: their settings are the body as it stands.
pub fn has_no_spec(kind: &GroupVersionKind) -> bool {
    is_builtin_group(&kind.group)
        && matches!(
            kind.kind.as_str(),
            "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "Endpoints"
                | "Event"
                | "PodTemplate"
                | "Role"
                | "RoleBinding"
                | "ClusterRole"
                | "ClusterRoleBinding"
                | "StorageClass"
                | "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "EndpointSlice"
                | "PriorityClass"
                | "RuntimeClass"
                | "ControllerRevision"
                | "CSIStorageCapacity"
                | "VolumeAttributesClass"
        )
}

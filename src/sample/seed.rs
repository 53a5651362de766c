//! What a cluster holds from the start.

use serde_json::{Value, json};

use super::life::NODE;
use super::object;
use super::store::{Key, State};
use super::write;

/// Namespaces that are always there.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Creates it all.
pub fn fill(state: &mut State) {
    for name in NAMESPACES {
        write::provide(state, "v1", "Namespace", "", json!({"metadata": {"name": name}}));
    }
    for name in NAMESPACES {
        write::provide(
            state,
            "v1",
            "ServiceAccount",
            name,
            json!({"metadata": {"name": "default", "namespace": name}}),
        );
        let authorities = json!({"metadata": {"name": "kube-root-ca.crt", "namespace": name}, "data": {"ca.crt": ""}});
        write::provide(state, "v1", "ConfigMap", name, authorities);
    }
    let service = json!({
        "metadata": {"name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]}
    });
    write::provide(state, "v1", "Service", "default", service);
    // Claims are bound by the cluster itself.
    let class = json!({
        "metadata": {"name": NODE, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "practice.meshery.io", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"
    });
    write::provide(state, "storage.k8s.io/v1", "StorageClass", "", class);
    write::provide(state, "v1", "Node", "", json!({"metadata": {"name": NODE, "labels": node_labels()}}));
    write::adjust(state, &Key::of("", "nodes", "", NODE), "status", node_status);
}

fn node_labels() -> Value {
    json!({"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/control-plane": ""})
}

fn node_status(node: &mut Value) {
    let now = object::now();
    let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the practice node is ready",
        "lastHeartbeatTime": now, "lastTransitionTime": now});
    let room = json!({"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "50Gi"});
    let status = json!({
        "addresses": [{"type": "InternalIP", "address": "192.0.2.254"}, {"type": "Hostname", "address": NODE}],
        "allocatable": room, "capacity": room, "conditions": [ready],
        "nodeInfo": {"architecture": "amd64", "bootID": "", "containerRuntimeVersion": "practice://1",
            "kernelVersion": "practice", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3", "machineID": "",
            "operatingSystem": "linux", "osImage": "practice", "systemUUID": ""}
    });
    object::ensure(node).insert("status".to_owned(), status);
}

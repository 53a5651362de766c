//! Where the server's data lives.

use serde_json::{Value, json};

use super::marks::Marks;
use super::options::Storage;
use super::{CLAIM, cluster_name};

/// The claim, and before it the volume where it is this plane's own.
pub(super) fn objects(marks: &Marks<'_>) -> Vec<Value> {
    match &marks.options.storage {
        Storage::Ephemeral => Vec::new(),
        Storage::Claim => vec![claim(marks, None)],
        Storage::HostPath { path, node } => {
            let name = format!("{}-data", cluster_name(&marks.options.namespace));
            vec![volume(marks, &name, path, node.as_deref()), claim(marks, Some(&name))]
        }
    }
}

/// What stands in the pod for the data.
pub(super) fn pod_volume(marks: &Marks<'_>) -> Value {
    if marks.options.storage.lasts() {
        json!({"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}})
    } else {
        json!({"name": "data", "emptyDir": {"sizeLimit": marks.options.size}})
    }
}

fn claim(marks: &Marks<'_>, volume: Option<&str>) -> Value {
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": marks.options.size}}
    });
    match (volume, &marks.options.class) {
        // An empty class keeps the cluster's default one from making another volume.
        (Some(volume), _) => {
            spec["storageClassName"] = json!("");
            spec["volumeName"] = json!(volume);
        }
        (None, Some(class)) => spec["storageClassName"] = json!(class),
        (None, None) => {}
    }
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": marks.named(CLAIM, "storage"), "spec": spec
    })
}

/// A local volume: unlike a plain path of the host, its folder is handed to the server's group, and its pod stays on the
/// node where the data is.
fn volume(marks: &Marks<'_>, name: &str, path: &str, node: Option<&str>) -> Value {
    let hostname = "kubernetes.io/hostname";
    let place = match node {
        Some(node) => json!({"key": hostname, "operator": "In", "values": [node]}),
        None => json!({"key": hostname, "operator": "Exists"}),
    };
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": marks.cluster_wide(name, "storage"),
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": marks.options.size},
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "",
            "local": {"path": path},
            "claimRef": {"namespace": marks.options.namespace, "name": CLAIM},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [place]}]}}
        }
    })
}

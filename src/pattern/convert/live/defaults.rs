//! Values that the API server or a controller fills in where nobody said anything. A data table: with its walk below.

use serde_json::{Map, Value, json};

use super::fields::Owned;

/// Path from the top (`*` is any item or key), and the value that says nothing, as JSON; `any` is every value.
const FILLED_IN: &[(&str, &str)] = &[
    ("metadata.annotations.deployment.kubernetes.io/revision", "any"),
    ("metadata.annotations.deprecated.daemonset.template.generation", "any"),
    ("metadata.annotations.kubectl.kubernetes.io/last-applied-configuration", "any"),
    ("metadata.annotations.pv.kubernetes.io/bind-completed", "any"),
    ("metadata.annotations.pv.kubernetes.io/bound-by-controller", "any"),
    ("metadata.annotations.volume.kubernetes.io/selected-node", "any"),
    ("metadata.annotations.volume.beta.kubernetes.io/storage-provisioner", "any"),
    ("metadata.annotations.volume.kubernetes.io/storage-provisioner", "any"),
    ("metadata.labels.kubernetes.io/metadata.name", "any"),
];

/// The same for single kinds.
const BY_KIND: &[(&str, &[(&str, &str)])] = &[
    ("Namespace", &[("spec.finalizers", "any")]),
    (
        "Deployment",
        &[
            ("spec.progressDeadlineSeconds", "600"),
            ("spec.revisionHistoryLimit", "10"),
            ("spec.strategy.rollingUpdate.maxSurge", "\"25%\""),
            ("spec.strategy.rollingUpdate.maxUnavailable", "\"25%\""),
            ("spec.strategy.type", "\"RollingUpdate\""),
        ],
    ),
    (
        "StatefulSet",
        &[
            ("spec.podManagementPolicy", "\"OrderedReady\""),
            ("spec.revisionHistoryLimit", "10"),
            ("spec.updateStrategy.rollingUpdate.partition", "0"),
            ("spec.updateStrategy.type", "\"RollingUpdate\""),
            ("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "\"Retain\""),
            ("spec.persistentVolumeClaimRetentionPolicy.whenScaled", "\"Retain\""),
            ("spec.volumeClaimTemplates.*.status", "any"),
            ("spec.volumeClaimTemplates.*.apiVersion", "\"v1\""),
            ("spec.volumeClaimTemplates.*.kind", "\"PersistentVolumeClaim\""),
            ("spec.volumeClaimTemplates.*.metadata.creationTimestamp", "any"),
            ("spec.volumeClaimTemplates.*.spec.volumeMode", "\"Filesystem\""),
        ],
    ),
    (
        "DaemonSet",
        &[
            ("spec.revisionHistoryLimit", "10"),
            ("spec.updateStrategy.rollingUpdate.maxSurge", "0"),
            ("spec.updateStrategy.rollingUpdate.maxUnavailable", "1"),
            ("spec.updateStrategy.type", "\"RollingUpdate\""),
        ],
    ),
    (
        "Job",
        &[
            ("spec.selector", "any"),
            ("spec.backoffLimit", "6"),
            ("spec.completionMode", "\"NonIndexed\""),
            ("spec.completions", "1"),
            ("spec.parallelism", "1"),
            ("spec.manualSelector", "false"),
            ("spec.podReplacementPolicy", "\"TerminatingOrFailed\""),
            ("spec.suspend", "false"),
            ("metadata.labels.batch.kubernetes.io/controller-uid", "any"),
            ("metadata.labels.batch.kubernetes.io/job-name", "any"),
            ("metadata.labels.controller-uid", "any"),
            ("metadata.labels.job-name", "any"),
            ("spec.template.metadata.labels.batch.kubernetes.io/controller-uid", "any"),
            ("spec.template.metadata.labels.batch.kubernetes.io/job-name", "any"),
            ("spec.template.metadata.labels.controller-uid", "any"),
            ("spec.template.metadata.labels.job-name", "any"),
        ],
    ),
    (
        "CronJob",
        &[
            ("spec.concurrencyPolicy", "\"Allow\""),
            ("spec.failedJobsHistoryLimit", "1"),
            ("spec.successfulJobsHistoryLimit", "3"),
            ("spec.suspend", "false"),
            ("spec.jobTemplate.metadata.creationTimestamp", "any"),
        ],
    ),
    (
        "Service",
        &[
            ("spec.clusterIPs", "any"),
            ("spec.ipFamilies", "any"),
            ("spec.ipFamilyPolicy", "\"SingleStack\""),
            ("spec.internalTrafficPolicy", "\"Cluster\""),
            ("spec.externalTrafficPolicy", "\"Cluster\""),
            ("spec.allocateLoadBalancerNodePorts", "true"),
            ("spec.healthCheckNodePort", "any"),
            ("spec.sessionAffinity", "\"None\""),
            ("spec.type", "\"ClusterIP\""),
            ("spec.ports.*.protocol", "\"TCP\""),
        ],
    ),
    (
        "PersistentVolumeClaim",
        &[
            ("spec.volumeMode", "\"Filesystem\""),
            ("spec.volumeName", "any"),
            ("metadata.finalizers", "[\"kubernetes.io/pvc-protection\"]"),
        ],
    ),
    ("ServiceAccount", &[("secrets", "any")]),
    ("Ingress", &[("status", "any")]),
    ("CustomResourceDefinition", &[("spec.conversion.strategy", "\"None\""), ("spec.names.listKind", "any")]),
];

/// What is filled into every pod spec.
const POD: &[(&str, &str)] = &[
    ("dnsPolicy", "\"ClusterFirst\""),
    ("restartPolicy", "\"Always\""),
    ("schedulerName", "\"default-scheduler\""),
    ("terminationGracePeriodSeconds", "30"),
    ("securityContext", "{}"),
    ("serviceAccount", "any"),
    ("enableServiceLinks", "true"),
    ("preemptionPolicy", "\"PreemptLowerPriority\""),
    ("volumes.*.secret.defaultMode", "420"),
    ("volumes.*.configMap.defaultMode", "420"),
    ("volumes.*.projected.defaultMode", "420"),
    ("volumes.*.downwardAPI.defaultMode", "420"),
    ("volumes.*.hostPath.type", "\"\""),
];

/// What is filled into every container.
const CONTAINER: &[(&str, &str)] = &[
    ("terminationMessagePath", "\"/dev/termination-log\""),
    ("terminationMessagePolicy", "\"File\""),
    ("resources", "{}"),
    ("ports.*.protocol", "\"TCP\""),
    ("env.*.valueFrom.fieldRef.apiVersion", "\"v1\""),
];

const PROBE: &[(&str, &str)] = &[
    ("failureThreshold", "3"),
    ("periodSeconds", "10"),
    ("successThreshold", "1"),
    ("timeoutSeconds", "1"),
    ("httpGet.scheme", "\"HTTP\""),
    ("grpc.service", "\"\""),
];

/// Takes out of `object` what says nothing, unless `applied` holds it by name.
pub(super) fn strip(object: &mut Value, applied: &Owned) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    for (path, silent) in FILLED_IN {
        remove(object, &steps(path), silent, applied);
    }
    for (path, silent) in BY_KIND.iter().filter(|(name, _)| *name == kind).flat_map(|(_, rows)| rows.iter()) {
        remove(object, &steps(path), silent, applied);
    }
    if kind == "Service" {
        service(object, applied);
    }
    let pod: &[&str] = match kind.as_str() {
        "Pod" => &["spec"],
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "ReplicationController" => {
            &["spec", "template", "spec"]
        }
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return,
    };
    let template = [&pod[..pod.len() - 1], &["metadata", "creationTimestamp"]].concat();
    remove(object, &template, "any", applied);
    let owned = pod.iter().fold(applied.clone(), |set, key| set.field(key));
    let Some(spec) = pod.iter().try_fold(object, |value, key| value.get_mut(key)) else { return };
    pod_spec(spec, &owned);
}

/// A path's steps; annotations and labels have dots in their names, so that only the first two are steps there.
fn steps(path: &str) -> Vec<&str> {
    for (start, count) in [("metadata.annotations.", 2), ("metadata.labels.", 2), ("spec.template.metadata.labels.", 4)]
    {
        if path.starts_with(start) {
            return path.splitn(count + 1, '.').collect();
        }
    }
    path.split('.').collect()
}

fn pod_spec(spec: &mut Value, owned: &Owned) {
    for (path, silent) in POD {
        remove(spec, &steps(path), silent, owned);
    }
    for list in ["initContainers", "containers"] {
        let set = owned.field(list);
        for (index, container) in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            let set = if set.is_whole() { set.clone() } else { set.item(index, container) };
            for (path, silent) in CONTAINER {
                remove(container, &steps(path), silent, &set);
            }
            let pull = pull_policy(container["image"].as_str().unwrap_or_default());
            remove(container, &["imagePullPolicy"], &json!(pull).to_string(), &set);
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let (Some(value), set) = (container.get_mut(probe), set.field(probe)) else { continue };
                for (path, silent) in PROBE {
                    remove(value, &steps(path), silent, &set);
                }
            }
        }
    }
}

/// What an image is pulled by when nobody says.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or(image);
    let pinned = image.contains('@') || last.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if pinned { "IfNotPresent" } else { "Always" }
}

/// Addresses are a cluster's to give; `None` is a user's word. A target that is the port itself says nothing.
fn service(object: &mut Value, applied: &Owned) {
    if object["spec"]["clusterIP"] != "None" {
        remove(object, &["spec", "clusterIP"], "any", applied);
    } else if let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("clusterIPs");
    }
    let set = applied.field("spec").field("ports");
    for (index, port) in object["spec"]["ports"].as_array_mut().into_iter().flatten().enumerate() {
        let silent = port["port"].to_string();
        let set = if set.is_whole() { set.clone() } else { set.item(index, port) };
        remove(port, &["targetPort"], &silent, &set);
    }
}

/// Removes what stands at a path when it has the silent value and nobody applied it; parents left empty go too.
fn remove(value: &mut Value, path: &[&str], silent: &str, applied: &Owned) {
    let Some((first, rest)) = path.split_first() else { return };
    if *first == "*" {
        for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
            let set = if applied.is_whole() { applied.clone() } else { applied.item(index, item) };
            remove(item, rest, silent, &set);
        }
        return;
    }
    let Some(map) = value.as_object_mut() else { return };
    // A value that was applied whole was said with all that is in it.
    let set = if applied.is_whole() { applied.clone() } else { applied.field(first) };
    let Some(found) = map.get_mut(*first) else { return };
    if rest.is_empty() {
        let says_nothing = silent == "any" || serde_json::from_str::<Value>(silent).is_ok_and(|value| value == *found);
        if says_nothing && !set.is_owned() {
            map.remove(*first);
        }
        return;
    }
    let was_empty = is_empty(found);
    remove(found, rest, silent, &set);
    if !was_empty && is_empty(found) && !set.is_owned() {
        map.remove(*first);
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_go_and_words_stay() {
        let mut service = json!({"kind": "Service", "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "ClusterIP", "sessionAffinity": "ClientIP",
            "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}, {"port": 53, "targetPort": "dns", "protocol": "UDP"}]}});
        strip(&mut service, &Owned::NOTHING);
        assert_eq!(
            service["spec"],
            json!({"sessionAffinity": "ClientIP", "ports": [{"port": 80}, {"port": 53, "targetPort": "dns", "protocol": "UDP"}]})
        );
        let mut claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"finalizers": ["kubernetes.io/pvc-protection"], "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "x"}});
        strip(&mut claim, &Owned::NOTHING);
        assert_eq!(claim, json!({"kind": "PersistentVolumeClaim"}));
        for (image, policy) in [
            ("nginx", "Always"),
            ("h:5000/nginx", "Always"),
            ("nginx:1", "IfNotPresent"),
            ("n@sha256:0", "IfNotPresent"),
            ("n:latest", "Always"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}

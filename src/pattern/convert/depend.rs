//! `dependsOn` where an object plainly names another one of the same pattern.
//!
//! Pods name ConfigMaps, Secrets and ServiceAccounts; bindings name roles and accounts; routes and autoscalers name
//! their backends and targets. The order of kinds would apply them in that order anyway: what `dependsOn` adds is that
//! a workload is withheld when its configuration failed, and lines in the graph. Claims of volumes are left out on
//! purpose: many are bound only once a pod uses them, so that waiting for the claim first would never end.

use std::collections::HashMap;

use serde_json::Value;

use super::{Found, Identity};

/// For each object the keys of those it names or that its source wants first.
pub fn depends_on(objects: &[Found], keys: &[String]) -> Vec<Vec<String>> {
    let index: HashMap<Identity, &String> = objects.iter().map(Found::identity).zip(keys).collect();
    objects
        .iter()
        .zip(keys)
        .map(|(object, own)| {
            let mut found: Vec<String> = Vec::new();
            for wanted in object.after.iter().cloned().chain(named(object)) {
                if let Some(key) = index.get(&wanted).filter(|key| **key != own && !found.contains(key)) {
                    found.push((*key).clone());
                }
            }
            found
        })
        .collect()
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn named(object: &Found) -> Vec<Identity> {
    let own = object.identity();
    let mut names = Names { namespace: own.namespace.clone(), found: Vec::new() };
    let body = &object.body;
    let spec = body.get("spec").unwrap_or(&Value::Null);
    match (own.group.as_str(), own.kind.as_str()) {
        ("", "Pod") => names.pod(spec),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job") => {
            names.pod(&spec["template"]["spec"]);
        }
        ("batch", "CronJob") => names.pod(&spec["jobTemplate"]["spec"]["template"]["spec"]),
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => names.binding(body),
        ("networking.k8s.io", "Ingress") => names.ingress(spec),
        ("autoscaling", "HorizontalPodAutoscaler") => names.target(&spec["scaleTargetRef"]),
        _ => {}
    }
    names.found
}

struct Names {
    namespace: String,
    found: Vec<Identity>,
}

impl Names {
    fn add(&mut self, group: &str, kind: &str, name: &Value) {
        let namespace = self.namespace.clone();
        self.add_in(group, kind, name, namespace);
    }

    fn add_in(&mut self, group: &str, kind: &str, name: &Value, namespace: String) {
        if let Some(name) = name.as_str() {
            self.found.push(Identity {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace,
                name: name.to_owned(),
            });
        }
    }

    fn pod(&mut self, spec: &Value) {
        self.add("", "ServiceAccount", &spec["serviceAccountName"]);
        for secret in items(&spec["imagePullSecrets"]) {
            self.add("", "Secret", &secret["name"]);
        }
        for volume in items(&spec["volumes"]) {
            self.add("", "ConfigMap", &volume["configMap"]["name"]);
            self.add("", "Secret", &volume["secret"]["secretName"]);
            for source in items(&volume["projected"]["sources"]) {
                self.add("", "ConfigMap", &source["configMap"]["name"]);
                self.add("", "Secret", &source["secret"]["name"]);
            }
        }
        for container in items(&spec["initContainers"]).chain(items(&spec["containers"])) {
            for source in items(&container["envFrom"]) {
                self.add("", "ConfigMap", &source["configMapRef"]["name"]);
                self.add("", "Secret", &source["secretRef"]["name"]);
            }
            for variable in items(&container["env"]) {
                self.add("", "ConfigMap", &variable["valueFrom"]["configMapKeyRef"]["name"]);
                self.add("", "Secret", &variable["valueFrom"]["secretKeyRef"]["name"]);
            }
        }
    }

    fn binding(&mut self, body: &serde_json::Map<String, Value>) {
        let role = body.get("roleRef").unwrap_or(&Value::Null);
        match role["kind"].as_str() {
            Some("ClusterRole") => self.add_in(RBAC, "ClusterRole", &role["name"], String::new()),
            Some("Role") => self.add(RBAC, "Role", &role["name"]),
            _ => {}
        }
        for subject in items(body.get("subjects").unwrap_or(&Value::Null)) {
            if subject["kind"] == "ServiceAccount" {
                let namespace = subject["namespace"].as_str().unwrap_or(&self.namespace).to_owned();
                self.add_in("", "ServiceAccount", &subject["name"], namespace);
            }
        }
    }

    fn ingress(&mut self, spec: &Value) {
        self.add("", "Service", &spec["defaultBackend"]["service"]["name"]);
        for rule in items(&spec["rules"]) {
            for path in items(&rule["http"]["paths"]) {
                self.add("", "Service", &path["backend"]["service"]["name"]);
            }
        }
    }

    fn target(&mut self, target: &Value) {
        let group =
            target["apiVersion"].as_str().and_then(|version| version.rsplit_once('/')).map_or("", |parts| parts.0);
        if let Some(kind) = target["kind"].as_str() {
            self.add(group, kind, &target["name"]);
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::convert::Source;
    use crate::pattern::convert::{key, manifests};

    #[test]
    fn objects_depend_on_what_they_name_in_their_namespace() {
        let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {template: {spec: {serviceAccountName: robot, containers: [{envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: elsewhere}}]}], volumes: [{secret: {secretName: login}}, {persistentVolumeClaim: {claimName: disk}}]}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: elsewhere, namespace: b}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: a}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: a}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: bind, namespace: a}, roleRef: {kind: ClusterRole, name: reader}, subjects: [{kind: ServiceAccount, name: robot}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: scale, namespace: a}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}
";
        let objects = manifests::read(&Source { name: "m".into(), text: text.into() }).unwrap();
        let keys = key::keys(&objects);
        let all = depends_on(&objects, &keys);
        let of = |key: &str| all[keys.iter().position(|other| other == key).unwrap()].join(" ");
        assert_eq!(of("web"), "robot login settings");
        assert_eq!(of("bind"), "reader robot");
        assert_eq!(of("scale"), "web");
        assert_eq!(of("robot"), "");
    }
}

//! The workload and the Service of one service.

use serde_json::{Map, Value, json};

use super::super::{Found, Identity};
use super::mounts::{self, Mounted};
use super::ports::{self, Port};
use super::{File, Shared, at, container, dns_name, identity, object, read};
use crate::base::error::Result;
use crate::pattern::locate::Step;

/// A service on its way.
pub(super) struct One<'a> {
    /// Its key.
    pub(super) key: &'a str,
    /// What it says.
    pub(super) service: &'a Map<String, Value>,
    /// Where it stands.
    pub(super) path: Vec<Step>,
}

/// Keys of a service that are converted, or mean nothing to Kubernetes.
const KEYS: &[&str] = &[
    "annotations",
    "build",
    "cap_add",
    "cap_drop",
    "command",
    "configs",
    "container_name",
    "cpus",
    "depends_on",
    "deploy",
    "dns",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extra_hosts",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "ipc",
    "labels",
    "links",
    "mem_limit",
    "mem_reservation",
    "network_mode",
    "networks",
    "pid",
    "ports",
    "privileged",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "scale",
    "secrets",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "sysctls",
    "tmpfs",
    "tty",
    "user",
    "volumes",
    "working_dir",
    "attach",
    "init",
];
const DEPLOY_KEYS: &[&str] = &["mode", "replicas", "resources", "labels", "restart_policy"];

/// How often a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Always,
    Everywhere,
    Once { retries: Option<i64> },
}

/// The objects of a service.
pub(super) fn convert(
    file: &mut File<'_>,
    shared: &Shared<'_>,
    one: &One<'_>,
    mounted: &mut Mounted,
) -> Result<Vec<Found>> {
    file.warn_others(one.service, KEYS, &one.path);
    warn_of_the_rest(file, one);
    let ports = ports::ports(file, one.service, &one.path)?;
    let mounts = mounted.of_service(file, one.service, &one.path)?;
    let mut pod = container::pod(file, shared, one, &ports, &mounts)?;
    let run = run(one.service);
    let name = dns_name(one.key);
    if name != one.key {
        file.warn(&one.path, &format!("Kubernetes does not take this name; it is called `{name}`, in the network too"));
    }
    if let Run::Once { retries } = run {
        pod.insert("restartPolicy".to_owned(), json!(if retries.is_some() { "OnFailure" } else { "Never" }));
    }
    let kind = kind(run, mounts.keeps_state);
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": pod});
    let mut body = object(api_version(kind), kind, &name, json!({"spec": spec(kind, run, one, &name, &template)}));
    describe(one, &name, &mut body);
    let place = file.source.place(&one.path);
    let mut workload = Found::new(body, place.clone());
    workload.after = mounts::needs(one.service).into_iter().chain(depends_on(file, shared, one)).collect();
    let mut found = vec![workload];
    if !matches!(run, Run::Once { .. }) {
        found.push(Found::new(service(&name, &ports), place));
    }
    Ok(found)
}

fn kind(run: Run, keeps_state: bool) -> &'static str {
    match run {
        Run::Everywhere => "DaemonSet",
        Run::Once { .. } => "Job",
        Run::Always if keeps_state => "StatefulSet",
        Run::Always => "Deployment",
    }
}

fn api_version(kind: &str) -> &'static str {
    if kind == "Job" { "batch/v1" } else { "apps/v1" }
}

fn run(service: &Map<String, Value>) -> Run {
    let deploy = service.get("deploy");
    if deploy.and_then(|deploy| deploy.get("mode")).and_then(Value::as_str) == Some("global") {
        return Run::Everywhere;
    }
    // Without quotes YAML reads `no` as false.
    match service.get("restart") {
        Some(Value::Bool(false)) => return Run::Once { retries: None },
        Some(Value::String(text)) if text == "no" => return Run::Once { retries: None },
        Some(Value::String(text)) if text.starts_with("on-failure") => {
            let retries = text.split_once(':').and_then(|(_, number)| number.parse().ok());
            return Run::Once { retries: Some(retries.unwrap_or(6)) };
        }
        _ => {}
    }
    let policy = deploy.and_then(|deploy| deploy.get("restart_policy"));
    let condition = policy.and_then(|policy| policy.get("condition")).and_then(Value::as_str);
    let attempts = policy.and_then(|policy| policy.get("max_attempts")).and_then(read::number);
    match condition {
        Some("none") => Run::Once { retries: None },
        Some("on-failure") => Run::Once { retries: Some(attempts.unwrap_or(6)) },
        _ => Run::Always,
    }
}

fn spec(kind: &str, run: Run, one: &One<'_>, name: &str, template: &Value) -> Value {
    let copies = one.service.get("deploy").and_then(|deploy| deploy.get("replicas")).or(one.service.get("scale"));
    let copies = copies.and_then(read::number).unwrap_or(1);
    let selector = json!({"matchLabels": {"app": name}});
    match (kind, run) {
        ("Job", Run::Once { retries }) => json!({"backoffLimit": retries.unwrap_or(0), "template": template}),
        ("DaemonSet", _) => json!({"selector": selector, "template": template}),
        ("StatefulSet", _) => {
            json!({"replicas": copies, "serviceName": name, "selector": selector, "template": template})
        }
        _ => json!({"replicas": copies, "selector": selector, "template": template}),
    }
}

/// Labels of Compose become annotations, annotations stay what they are.
fn describe(one: &One<'_>, name: &str, body: &mut Map<String, Value>) {
    let mut annotations = Map::new();
    let deploy = one.service.get("deploy").and_then(|deploy| deploy.get("labels"));
    for source in [one.service.get("labels"), deploy, one.service.get("annotations")].into_iter().flatten() {
        for (key, value) in read::pairs(source).unwrap_or_default() {
            annotations.insert(key, json!(value.unwrap_or_default()));
        }
    }
    if let Some(metadata) = body.get_mut("metadata") {
        metadata["labels"] = json!({"app": name});
        if !annotations.is_empty() {
            metadata["annotations"] = Value::Object(annotations);
        }
    }
}

fn service(name: &str, ports: &[Port]) -> Map<String, Value> {
    let mut spec = json!({"selector": {"app": name}});
    let ports = ports::of_service(ports);
    if ports.is_empty() {
        spec["clusterIP"] = json!("None");
    } else {
        spec["ports"] = Value::Array(ports);
    }
    let mut body = object("v1", "Service", name, json!({"spec": spec}));
    if let Some(metadata) = body.get_mut("metadata") {
        metadata["labels"] = json!({"app": name});
    }
    body
}

/// Workloads that `depends_on` names.
fn depends_on(file: &mut File<'_>, shared: &Shared<'_>, one: &One<'_>) -> Vec<Identity> {
    let names: Vec<(String, Option<String>)> = match one.service.get("depends_on") {
        Some(Value::Array(items)) => items.iter().filter_map(read::scalar).map(|name| (name, None)).collect(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, how)| (name.clone(), how.get("condition").and_then(Value::as_str).map(str::to_owned)))
            .collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (name, condition) in names {
        if let Some(condition) = condition.filter(|condition| condition != "service_started") {
            let path = at(&at(&one.path, "depends_on"), &name);
            file.warn(&path, &format!("{condition} is kept as an order only: {name} is applied first"));
        }
        let Some(Value::Object(other)) = shared.top.get("services").and_then(|services| services.get(&name)) else {
            file.warn(&at(&one.path, "depends_on"), &format!("`{name}` is not a service of the file; it is left out"));
            continue;
        };
        let kind = kind(run(other), mounts::keeps_state(other));
        found.push(identity(api_version(kind), kind, &dns_name(&name)));
    }
    found
}

/// Warns of keys that are read in part only.
fn warn_of_the_rest(file: &mut File<'_>, one: &One<'_>) {
    if let Some(Value::Object(deploy)) = one.service.get("deploy") {
        file.warn_others(deploy, DEPLOY_KEYS, &at(&one.path, "deploy"));
    }
    let has_networks = match one.service.get("networks") {
        Some(Value::Array(names)) => names.iter().any(|name| name != "default"),
        Some(Value::Object(names)) => names.keys().any(|name| name != "default"),
        _ => false,
    };
    if has_networks {
        let message = "every pod of a cluster reaches every other; use a NetworkPolicy to divide them";
        file.warn(&at(&one.path, "networks"), message);
    }
    if let Some(Value::Object(networks)) = one.service.get("networks") {
        for (name, network) in networks {
            if network.get("aliases").is_some() {
                let path = at(&at(&one.path, "networks"), name);
                file.warn(&path, "aliases are left out; add a Service of that name where one is needed");
            }
        }
    }
    let links = read::strings(one.service.get("links")).unwrap_or_default();
    if links.iter().any(|link| link.contains(':')) {
        file.warn(&at(&one.path, "links"), "other names for a service are left out; use the service's own name");
    }
    if one.service.contains_key("container_name") {
        file.warn(&at(&one.path, "container_name"), "names of containers are the cluster's to choose; it is left out");
    }
}

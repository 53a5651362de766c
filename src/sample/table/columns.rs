//! The columns of the built-in kinds that people look at most.

use serde_json::{Value, json};

use super::{Column, age, computed, number, since};
use crate::sample::kind::Kind;
use crate::sample::object::{at, list, text};

/// The columns after the name.
pub fn of(kind: &Kind) -> Vec<Column> {
    let mut columns = match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "pods") => vec![
            computed("Ready", pod_ready),
            computed("Status", pod_status),
            computed("Restarts", |pod| json!(restarts(pod).to_string())),
        ],
        ("", "services") => service(),
        ("", "namespaces") => vec![computed("Status", |value| at(value, &["status", "phase"]).clone())],
        ("", "configmaps") => vec![computed("Data", |value| json!(size(value, "data") + size(value, "binaryData")))],
        ("", "secrets") => {
            vec![computed("Type", |value| value["type"].clone()), computed("Data", |value| json!(size(value, "data")))]
        }
        ("", "serviceaccounts") => vec![computed("Secrets", |value| json!(list(value, &["secrets"]).len()))],
        ("", "nodes") => vec![
            computed("Status", |_| json!("Ready")),
            computed("Roles", |_| json!("control-plane")),
            age(),
            computed("Version", |value| at(value, &["status", "nodeInfo", "kubeletVersion"]).clone()),
        ],
        ("", "persistentvolumeclaims") => vec![
            computed("Status", |value| at(value, &["status", "phase"]).clone()),
            computed("Volume", |value| json!(text(value, &["spec", "volumeName"]))),
            computed("Capacity", |value| json!(text(value, &["status", "capacity", "storage"]))),
        ],
        ("", "events") | ("events.k8s.io", _) => return events(),
        ("apps", "deployments") => deployment(),
        ("apps", "replicasets") => vec![
            computed("Desired", |value| json!(number(value, &["spec", "replicas"]))),
            computed("Current", |value| json!(number(value, &["status", "replicas"]))),
            computed("Ready", |value| json!(number(value, &["status", "readyReplicas"]))),
        ],
        ("apps", "statefulsets") => vec![computed("Ready", ready_of_wanted)],
        ("apps", "daemonsets") => daemon_set(),
        ("batch", "jobs") => job(),
        ("batch", "cronjobs") => vec![
            computed("Schedule", |value| json!(text(value, &["spec", "schedule"]))),
            computed("Suspend", |value| json!(capital(at(value, &["spec", "suspend"]) == true))),
            computed("Active", |value| json!(list(value, &["status", "active"]).len())),
            computed("Last Schedule", |_| json!("<none>")),
        ],
        ("networking.k8s.io", "ingresses") => vec![
            computed("Class", |value| json!(or_none(text(value, &["spec", "ingressClassName"])))),
            computed("Hosts", hosts),
            computed("Address", |value| json!(addresses(value))),
            computed("Ports", |value| json!(if list(value, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" })),
        ],
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => vec![computed("Role", |value| {
            json!(format!("{}/{}", text(value, &["roleRef", "kind"]), text(value, &["roleRef", "name"])))
        })],
        ("rbac.authorization.k8s.io" | "apiextensions.k8s.io", _) => return vec![created_at()],
        _ => Vec::new(),
    };
    if !columns.iter().any(|column| column.name == "Age") {
        columns.push(age());
    }
    columns
}

fn created_at() -> Column {
    computed("Created At", |value| at(value, &["metadata", "creationTimestamp"]).clone())
}

fn size(value: &Value, field: &str) -> usize {
    value[field].as_object().map_or(0, serde_json::Map::len)
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

fn capital(yes: bool) -> &'static str {
    if yes { "True" } else { "False" }
}

fn pod_ready(pod: &Value) -> Value {
    let statuses = list(pod, &["status", "containerStatuses"]);
    let ready = statuses.iter().filter(|one| one["ready"] == true).count();
    json!(format!("{ready}/{}", list(pod, &["spec", "containers"]).len()))
}

fn pod_status(pod: &Value) -> Value {
    let waiting = list(pod, &["status", "containerStatuses"]).iter().find_map(|one| {
        at(one, &["state", "waiting", "reason"]).as_str().or(at(one, &["state", "terminated", "reason"]).as_str())
    });
    json!(waiting.unwrap_or_else(|| text(pod, &["status", "phase"])))
}

fn restarts(pod: &Value) -> i64 {
    list(pod, &["status", "containerStatuses"]).iter().map(|one| number(one, &["restartCount"])).sum()
}

fn service() -> Vec<Column> {
    vec![
        computed("Type", |value| json!(text(value, &["spec", "type"]))),
        computed("Cluster-IP", |value| json!(or_none(text(value, &["spec", "clusterIP"])))),
        computed("External-IP", |value| {
            let external = text(value, &["spec", "externalName"]);
            let address = addresses(value);
            json!(match text(value, &["spec", "type"]) {
                "LoadBalancer" if address.is_empty() => "<pending>".to_owned(),
                "LoadBalancer" => address,
                _ => or_none(external).to_owned(),
            })
        }),
        computed("Port(s)", |value| {
            let ports = list(value, &["spec", "ports"]).iter().map(|port| {
                let node = port["nodePort"].as_i64().map(|number| format!(":{number}")).unwrap_or_default();
                format!("{}{node}/{}", port["port"], text(port, &["protocol"]))
            });
            let ports = ports.collect::<Vec<_>>().join(",");
            json!(or_none(&ports))
        }),
    ]
}

fn addresses(value: &Value) -> String {
    let ingress = list(value, &["status", "loadBalancer", "ingress"]).iter();
    ingress.map(|one| text(one, &["ip"])).collect::<Vec<_>>().join(",")
}

fn hosts(value: &Value) -> Value {
    let hosts: Vec<&str> = list(value, &["spec", "rules"]).iter().map(|rule| text(rule, &["host"])).collect();
    let hosts = hosts.into_iter().filter(|host| !host.is_empty()).collect::<Vec<_>>().join(",");
    json!(if hosts.is_empty() { "*" } else { &hosts })
}

fn ready_of_wanted(value: &Value) -> Value {
    json!(format!("{}/{}", number(value, &["status", "readyReplicas"]), number(value, &["spec", "replicas"])))
}

fn deployment() -> Vec<Column> {
    vec![
        computed("Ready", ready_of_wanted),
        computed("Up-to-date", |value| json!(number(value, &["status", "updatedReplicas"]))),
        computed("Available", |value| json!(number(value, &["status", "availableReplicas"]))),
    ]
}

fn daemon_set() -> Vec<Column> {
    vec![
        computed("Desired", |value| json!(number(value, &["status", "desiredNumberScheduled"]))),
        computed("Current", |value| json!(number(value, &["status", "currentNumberScheduled"]))),
        computed("Ready", |value| json!(number(value, &["status", "numberReady"]))),
        computed("Up-to-date", |value| json!(number(value, &["status", "updatedNumberScheduled"]))),
        computed("Available", |value| json!(number(value, &["status", "numberAvailable"]))),
    ]
}

fn job() -> Vec<Column> {
    vec![
        computed("Status", |value| {
            let done = list(value, &["status", "conditions"]).iter().any(|one| one["type"] == "Complete");
            json!(if done { "Complete" } else { "Running" })
        }),
        computed("Completions", |value| {
            let wanted = at(value, &["spec", "completions"]).as_i64().unwrap_or(1);
            json!(format!("{}/{wanted}", number(value, &["status", "succeeded"])))
        }),
    ]
}

fn events() -> Vec<Column> {
    vec![
        computed("Last Seen", |value| json!(since(text(value, &["lastTimestamp"])))),
        computed("Type", |value| value["type"].clone()),
        computed("Reason", |value| value["reason"].clone()),
        computed("Object", |value| {
            let (kind, name) = (text(value, &["involvedObject", "kind"]), text(value, &["involvedObject", "name"]));
            json!(format!("{}/{name}", kind.to_lowercase()))
        }),
        computed("Message", |value| value["message"].clone()),
    ]
}

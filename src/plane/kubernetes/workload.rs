//! Deployments: one a component, as little permitted as it can work with.

use serde_json::{Value, json};

use super::marks::Marks;
use super::{TOKEN, TOKEN_FILE, network, storage};
use crate::base::env;
use crate::plane::container::HOME;
use crate::plane::spec::{Part, PartKind, SERVER};

/// User and group of every container.
const USER: u32 = 65532;

/// The Deployment of a component.
pub(super) fn deployment(marks: &Marks<'_>, part: &Part) -> Value {
    // The old pod ends before the new one starts: one process at a time writes the server's database.
    let strategy = match part.kind {
        PartKind::Server => json!({"type": "Recreate"}),
        PartKind::Adapter | PartKind::Broker => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})
        }
    };
    let metadata = marks.of_part(part);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 3, "strategy": strategy,
            "selector": {"matchLabels": marks.selector(part)},
            "template": {
                "metadata": {
                    "labels": metadata["labels"],
                    "annotations": {"kubectl.kubernetes.io/default-container": part.name}
                },
                "spec": pod(marks, part)
            }
        }
    })
}

fn pod(marks: &Marks<'_>, part: &Part) -> Value {
    let mut pod = json!({
        "automountServiceAccountToken": part.kind == PartKind::Server,
        // Variables such as MESHERY_PORT, which Kubernetes would make of the services, are settings of this program.
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}
        },
        "containers": [container(marks, part)],
        "volumes": volumes(marks, part)
    });
    if part.kind == PartKind::Server {
        pod["serviceAccountName"] = json!(SERVER);
    }
    if let (Some(secret), true) = (&marks.options.pull_secret, part.kind != PartKind::Broker) {
        pod["imagePullSecrets"] = json!([{"name": secret}]);
    }
    pod
}

fn container(marks: &Marks<'_>, part: &Part) -> Value {
    let port_name = match part.kind {
        PartKind::Server => "http",
        PartKind::Adapter => "grpc",
        PartKind::Broker => "nats",
    };
    let mut container = json!({
        "name": part.name, "image": part.image, "imagePullPolicy": pull(marks, part),
        "ports": [{"name": port_name, "containerPort": part.port, "protocol": "TCP"}],
        "env": environment(marks, part),
        "resources": resources(part.kind),
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}
        },
        "volumeMounts": mounts(part)
    });
    let arguments = arguments(marks, part);
    if !arguments.is_empty() {
        container["args"] = json!(arguments);
    }
    for (name, probe) in probes(part, port_name) {
        container[name] = probe;
    }
    container
}

fn pull(marks: &Marks<'_>, part: &Part) -> &'static str {
    match part.kind {
        PartKind::Broker => "IfNotPresent",
        PartKind::Server | PartKind::Adapter => marks.options.pull.word(),
    }
}

fn arguments(marks: &Marks<'_>, part: &Part) -> Vec<String> {
    let mut arguments = part.arguments.clone();
    if part.kind == PartKind::Server {
        let hosts = network::hosts(marks).into_iter();
        arguments.extend(hosts.flat_map(|host| ["--allow-host".to_owned(), host]));
    }
    arguments
}

fn environment(marks: &Marks<'_>, part: &Part) -> Value {
    if part.kind == PartKind::Broker {
        return json!([]);
    }
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut variables = vec![variable(env::MESHERY_HOME, HOME), variable("HOME", HOME)];
    if part.kind == PartKind::Server {
        variables.push(variable(env::ADAPTER_URLS, &adapters(marks)));
        variables.extend(marks.options.environment.iter().map(|(name, value)| variable(name, value)));
    }
    json!(variables)
}

/// Addresses of the adapters, separated by blanks as clients of every era write them.
fn adapters(marks: &Marks<'_>) -> String {
    let namespace = &marks.options.namespace;
    let addresses = marks.spec.adapters().map(|part| format!("{}.{namespace}.svc:{}", part.name, part.port));
    addresses.collect::<Vec<_>>().join(" ")
}

/// Requests and limits of a component.
pub(super) fn resources(kind: PartKind) -> Value {
    let of = |cpu: &str, memory: &str, most_cpu: &str, most_memory: &str| json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": most_cpu, "memory": most_memory}});
    match kind {
        PartKind::Server => of("50m", "64Mi", "1", "512Mi"),
        PartKind::Adapter => of("20m", "32Mi", "500m", "256Mi"),
        PartKind::Broker => of("50m", "64Mi", "500m", "256Mi"),
    }
}

/// The server tells its phase over HTTP and adapters by gRPC's health protocol; that a broker accepts connections is enough.
fn probes(part: &Part, port: &str) -> Vec<(&'static str, Value)> {
    let probe = |ask: Value, period: u32, failures: u32| {
        let mut probe = ask;
        probe["periodSeconds"] = json!(period);
        probe["timeoutSeconds"] = json!(3);
        probe["failureThreshold"] = json!(failures);
        probe
    };
    let http = |path: &str| json!({"httpGet": {"path": path, "port": port, "scheme": "HTTP"}});
    let ask = || match part.kind {
        PartKind::Adapter => json!({"grpc": {"port": part.port, "service": ""}}),
        _ => json!({"tcpSocket": {"port": port}}),
    };
    match part.kind {
        PartKind::Server => vec![
            ("startupProbe", probe(http("/healthz/ready"), 1, 120)),
            ("readinessProbe", probe(http("/healthz/ready"), 5, 3)),
            ("livenessProbe", probe(http("/healthz/live"), 10, 6)),
        ],
        PartKind::Adapter | PartKind::Broker => vec![
            ("startupProbe", probe(ask(), 1, 120)),
            ("readinessProbe", probe(ask(), 5, 3)),
            ("livenessProbe", probe(ask(), 10, 6)),
        ],
    }
}

fn mounts(part: &Part) -> Value {
    let temporary = json!({"name": "tmp", "mountPath": "/tmp"});
    let data = json!({"name": "data", "mountPath": HOME});
    match part.kind {
        PartKind::Broker => json!([temporary]),
        PartKind::Adapter => json!([temporary, data]),
        PartKind::Server => json!([
            temporary, data, {"name": "token", "mountPath": format!("{HOME}/{TOKEN_FILE}"), "subPath": TOKEN_FILE, "readOnly": true}
        ]),
    }
}

fn volumes(marks: &Marks<'_>, part: &Part) -> Value {
    let temporary = json!({"name": "tmp", "emptyDir": {}});
    let data = match part.kind {
        PartKind::Broker => return json!([temporary]),
        PartKind::Adapter => return json!([temporary, {"name": "data", "emptyDir": {}}]),
        PartKind::Server => storage::pod_volume(marks),
    };
    // 0440: readable by the group of the containers, and by nobody else.
    let token = json!({"name": "token", "secret": {"secretName": TOKEN, "defaultMode": 0o440}});
    json!([temporary, data, token])
}

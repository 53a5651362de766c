//! Services, and the ingress where one is wanted.

use serde_json::{Value, json};

use super::marks::Marks;
use super::options::Expose;
use crate::plane::spec::{Part, PartKind, SERVER, SERVER_PORT};

/// The service of a component; only the server's is ever reached from outside.
pub(super) fn service(marks: &Marks<'_>, part: &Part) -> Value {
    let name = match part.kind {
        PartKind::Server => "http",
        PartKind::Adapter => "grpc",
        PartKind::Broker => "nats",
    };
    let mut port = json!({"name": name, "port": part.port, "targetPort": name, "protocol": "TCP"});
    let kind = match (&marks.options.expose, part.kind) {
        (Expose::NodePort(wanted), PartKind::Server) => {
            if let Some(wanted) = wanted {
                port["nodePort"] = json!(wanted);
            }
            "NodePort"
        }
        (Expose::LoadBalancer, PartKind::Server) => "LoadBalancer",
        _ => "ClusterIP",
    };
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": marks.of_part(part),
        "spec": {"type": kind, "selector": marks.selector(part), "ports": [port]}
    })
}

/// The ingress, where one is wanted.
pub(super) fn ingress(marks: &Marks<'_>) -> Option<Value> {
    let Expose::Ingress { host, class } = &marks.options.expose else { return None };
    let backend = json!({"service": {"name": SERVER, "port": {"number": SERVER_PORT}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    let mut spec = json!({"rules": [{"host": host, "http": {"paths": [path]}}]});
    if let Some(class) = class {
        spec["ingressClassName"] = json!(class);
    }
    Some(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": marks.of_part(marks.spec.server()),
        "spec": spec
    }))
}

/// Names under which the server is addressed inside the cluster, and its ingress.
pub(super) fn hosts(marks: &Marks<'_>) -> Vec<String> {
    let namespace = &marks.options.namespace;
    let mut hosts = vec![
        SERVER.to_owned(),
        format!("{SERVER}.{namespace}"),
        format!("{SERVER}.{namespace}.svc"),
        format!("{SERVER}.{namespace}.svc.cluster.local"),
    ];
    if let Expose::Ingress { host, .. } = &marks.options.expose {
        hosts.push(host.clone());
    }
    hosts.extend(marks.options.hosts.iter().cloned());
    hosts
}

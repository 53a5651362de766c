//! Whether a target is in a cluster: one of its services, pods or nodes.

use std::net::IpAddr;

use serde_json::Value;
use url::Url;

use crate::model::performance::plan::Plan;

/// Whether a target of the plan is one of the nodes, pods or services of a cluster: by an address, the name of a service,
/// or a name that is looked up.
pub(super) async fn holds_a_target(plan: &Plan, [nodes, pods, services]: [&[Value]; 3]) -> bool {
    let own = own(nodes, pods, services);
    for target in &plan.targets {
        let url = Url::parse(&target.url).ok();
        let Some(host) = url.as_ref().and_then(Url::host_str) else { continue };
        let host = host.trim_matches(['[', ']']);
        if own.contains(&canonical(host)) || is_service(host, services) || resolves_to(host, &own).await {
            return true;
        }
    }
    false
}

/// Every address and host name of the cluster's nodes, pods and services.
fn own(nodes: &[Value], pods: &[Value], services: &[Value]) -> Vec<String> {
    let texts = |value: &Value, key: &str| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| if key.is_empty() { item.as_str() } else { item[key].as_str() })
            .map(canonical)
            .collect()
    };
    let of_node = |node: &Value| texts(&node["status"]["addresses"], "address");
    let of_pod = |pod: &Value| texts(&pod["status"]["podIPs"], "ip");
    let of_service = |service: &Value| {
        let (spec, balancer) = (&service["spec"], &service["status"]["loadBalancer"]["ingress"]);
        let parts = [(&spec["clusterIPs"], ""), (&spec["externalIPs"], ""), (balancer, "ip"), (balancer, "hostname")];
        parts.map(|(value, key)| texts(value, key)).concat()
    };
    let nodes = nodes.iter().flat_map(of_node);
    nodes.chain(pods.iter().flat_map(of_pod)).chain(services.iter().flat_map(of_service)).collect()
}

/// An address as text in one spelling; anything else as it is.
fn canonical(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string())
}

/// Whether a name is that of a service: `NAME.NAMESPACE`, with `.svc` and the cluster's domain behind it or not.
fn is_service(host: &str, services: &[Value]) -> bool {
    let parts: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    let (name, namespace) = match parts.iter().position(|part| *part == "svc") {
        Some(at) if at >= 2 => (parts[at - 2], parts[at - 1]),
        None if parts.len() == 2 => (parts[0], parts[1]),
        _ => return false,
    };
    services.iter().any(|service| service["metadata"]["name"] == name && service["metadata"]["namespace"] == namespace)
}

async fn resolves_to(host: &str, own: &[String]) -> bool {
    let found = tokio::net::lookup_host((host, 0)).await;
    found.is_ok_and(|mut found| found.any(|address| own.contains(&address.ip().to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::performance::plan::Target;

    #[tokio::test]
    async fn a_target_is_inside_by_the_name_of_a_service_or_an_address() {
        let nodes = [
            json!({"status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.2"}, {"type": "Hostname", "address": "node-1"}]}}),
        ];
        let pods = [json!({"status": {"podIPs": [{"ip": "10.0.0.7"}, {"ip": "fd00:0:0::7"}]}})];
        let services = [json!({
            "metadata": {"name": "shop", "namespace": "market"},
            "spec": {"clusterIPs": ["10.96.0.9"], "externalIPs": ["192.0.2.7"]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}, {"hostname": "lb.example"}]}},
        })];
        let holds = async |url: &str| {
            let plan = Plan { targets: vec![Target { url: url.to_owned(), weight: 1 }], ..Plan::default() };
            holds_a_target(&plan, [&nodes, &pods, &services]).await
        };
        for url in [
            "http://shop.market/",
            "http://shop.market.svc:8080/",
            "grpc://db-0.shop.market.svc.cluster.local:1/",
            "http://10.96.0.9/",
            "http://192.0.2.7/",
            "http://192.0.2.8/",
            "http://lb.example/",
            "tcp://10.0.0.7:1",
            "http://[fd00::7]/",
            "http://172.18.0.2:31380/",
            "http://node-1:31380/",
        ] {
            assert!(holds(url).await, "{url}");
        }
        for url in ["http://127.0.0.1:8080/", "http://localhost:8080/", "http://[::1]/", "udp://10.0.0.8:1"] {
            assert!(!holds(url).await, "{url}");
        }
        // No name server is asked here.
        for host in ["cart.market.svc", "shop.other.svc.cluster.local", "shop", "a.shop.market"] {
            assert!(!is_service(host, &services), "{host}");
        }
    }
}

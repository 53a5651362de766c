//! The way in: found, and believed only when the plane answers there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use super::ready::Limit;
use super::target::Target;
use crate::base::{Code, Error, Result};
use crate::client::Client;
use crate::client::http::{HttpSettings, HttpTransport, is_loopback};
use crate::cluster::Cluster;
use crate::cluster::forward::{Forward, Pods};
use crate::model::context::{DEFAULT_ENDPOINT, DEFAULT_PORT};
use crate::plane::kubernetes::{Expose, marks};
use crate::plane::spec::{SERVER, SERVER_PORT};
use crate::platform::{Plane, Progress};
use crate::wire::rest::{Phase, TokenFile};

/// Limit for one look at an address.
const LOOK: Duration = Duration::from_secs(3);
/// Pause between rounds of looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Nodes whose addresses are tried.
const NODES: usize = 8;
/// Name of the step that progress tells of.
const STEP: &str = "endpoint";

/// Where the plane answered.
#[derive(Debug)]
pub(super) struct Found {
    /// Its address for users.
    pub endpoint: String,
    /// The address that answered just now.
    pub address: String,
    /// The port-forward behind that address; none where the plane is exposed.
    pub tunnel: Option<Forward>,
}

/// A port of this machine that leads to the plane's server; `listen` without a port takes a free one.
pub(super) async fn tunnel(target: &Target, port: u16) -> Result<Forward> {
    let cluster = Cluster::connect_for_streams(&target.kubeconfig, &target.cluster.context).await?;
    let pods = Pods {
        namespace: target.namespace.clone(),
        selector: marks::pods(&target.instance, SERVER),
        port: SERVER_PORT,
    };
    Forward::open(cluster, pods, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Looks for the plane by the way it is exposed.
///
/// # Errors
/// [`Code::PlaneNotReady`] when nothing answers within the limit, with each address that was tried.
pub(super) async fn find(
    plane: &Plane,
    target: &Target,
    (expose, port): (&Expose, Option<u16>),
    limit: Limit,
    progress: &dyn Progress,
) -> Result<Found> {
    if *expose == Expose::Forward {
        let tunnel = tunnel(target, 0).await?;
        let tried = try_until(plane, limit, progress, async || Ok(vec![format!("http://{}", tunnel.address())])).await;
        tried.map_err(|error| match tunnel.trouble() {
            Some(trouble) => error.because(trouble),
            None => error,
        })?;
        let endpoint = local(plane, port)?;
        progress.done(STEP, &format!("{endpoint}, by a port-forward that each command opens for itself"));
        let address = format!("http://{}", tunnel.address());
        return Ok(Found { endpoint, address, tunnel: Some(tunnel) });
    }
    let endpoint = try_until(plane, limit, progress, async || candidates(target, expose).await).await?;
    progress.done(STEP, &endpoint);
    Ok(Found { address: endpoint.clone(), endpoint, tunnel: None })
}

/// Waits until a load balancer has an address; the host names that it has.
pub(super) async fn balancer_hosts(target: &Target, limit: Limit, progress: &dyn Progress) -> Result<Vec<String>> {
    loop {
        if !candidates(target, &Expose::LoadBalancer).await?.is_empty() || limit.is_over() {
            return known_hosts(target).await;
        }
        progress.state(STEP, "waiting for the load balancer's address");
        sleep(PAUSE.min(limit.rest())).await;
    }
}

/// The address by which this machine calls a plane that is reached through port-forwards.
fn local(plane: &Plane, port: Option<u16>) -> Result<String> {
    match port {
        Some(0) => {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
            let free = free.map_err(|error| Error::new(Code::ListenFailed, "no port is free").because(error))?;
            Ok(format!("http://localhost:{}", free.port()))
        }
        Some(port) => Ok(format!("http://localhost:{port}")),
        None => {
            let own = Url::parse(&plane.context.endpoint).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url));
            Ok(if own { plane.context.endpoint.clone() } else { DEFAULT_ENDPOINT.to_owned() })
        }
    }
}

/// Port by which this machine calls a plane that is reached through port-forwards.
pub(super) fn local_port(plane: &Plane) -> u16 {
    let url = Url::parse(&plane.context.endpoint).ok().filter(is_loopback);
    url.and_then(|url| url.port_or_known_default()).unwrap_or(DEFAULT_PORT)
}

/// Tries addresses, round by round, until the plane answers at one.
async fn try_until(
    plane: &Plane,
    limit: Limit,
    progress: &dyn Progress,
    candidates: impl AsyncFn() -> Result<Vec<String>>,
) -> Result<String> {
    loop {
        let mut reasons = Vec::new();
        let addresses = candidates().await?;
        for address in &addresses {
            match look(plane, address).await {
                Ok(()) => return Ok(address.clone()),
                Err(error) => reasons.push(format!("{address}: {error}")),
            }
        }
        let state = if addresses.is_empty() { "no address yet".to_owned() } else { addresses.join(", ") };
        progress.state(STEP, &format!("waiting for an answer ({state})"));
        if limit.is_over() {
            progress.failed(STEP, &state);
            let error = Error::new(Code::PlaneNotReady, "the plane is ready, but does not answer where it is exposed");
            let cause = reasons.first().cloned().unwrap_or_else(|| "the cluster has given it no address".to_owned());
            return Err(error.because(cause).details(reasons.into_iter().skip(1)).remedy(
                "Check what lies between this machine and the cluster, or start with --expose forward, which needs the API server only.",
            ));
        }
        sleep(PAUSE.min(limit.rest())).await;
    }
}

/// Waits until the plane answers at an address: a node, a load balancer or a gateway may for a while lead to the pod that
/// ended, or answer itself.
///
/// # Errors
/// [`Code::PlaneNotReady`] when it does not within the limit, with what was answered instead.
pub(super) async fn wait(plane: &Plane, address: &str, limit: Limit, progress: &dyn Progress) -> Result<()> {
    try_until(plane, limit, progress, async || Ok(vec![address.to_owned()])).await.map(drop)
}

/// Whether the plane answers at an address and takes new work.
pub(super) async fn look(plane: &Plane, address: &str) -> Result<()> {
    let report = client(plane, address, None)?.health().await?;
    if report.phase == Phase::Ready { Ok(()) } else { Err(Error::new(Code::ServerUnreachable, "it is still starting")) }
}

/// A client of the plane at an address.
pub(super) fn client(plane: &Plane, address: &str, token: Option<&TokenFile>) -> Result<Client> {
    let transport = HttpTransport::new(HttpSettings {
        endpoint: address.to_owned(),
        context: plane.context.name.clone(),
        token: token.cloned(),
        token_file: Some(plane.token_file.clone()),
        token_origin: None,
        token_chosen: false,
        timeout: LOOK,
        ca_file: None,
    })?;
    Ok(Client::new(Arc::new(transport)))
}

/// Addresses under which an exposed plane should answer, the likeliest first.
async fn candidates(target: &Target, expose: &Expose) -> Result<Vec<String>> {
    match expose {
        Expose::Ingress { host, .. } => Ok(vec![format!("http://{host}")]),
        Expose::LoadBalancer => {
            let service = target.get("v1", "Service", SERVER).await?.unwrap_or_default();
            Ok(balancers(&service).iter().map(|host| format!("http://{}:{SERVER_PORT}", bracketed(host))).collect())
        }
        Expose::NodePort(_) | Expose::Forward => {
            let service = target.get("v1", "Service", SERVER).await?.unwrap_or_default();
            let Some(port) = service["spec"]["ports"][0]["nodePort"].as_u64() else { return Ok(Vec::new()) };
            let nodes = target.list("v1", "Node", "").await?;
            let server = Url::parse(&target.cluster.server).ok();
            let mut hosts = node_addresses(&nodes);
            // A cluster of this machine, or behind a tunnel, has its nodes' ports where its API server is.
            if let Some(host) = server.as_ref().and_then(Url::host_str) {
                let at = if server.as_ref().is_some_and(is_loopback) { 0 } else { hosts.len() };
                hosts.insert(at, host.to_owned());
            }
            let mut seen = std::collections::HashSet::new();
            hosts.retain(|host| seen.insert(host.clone()));
            Ok(hosts.iter().map(|host| format!("http://{}:{port}", bracketed(host))).collect())
        }
    }
}

/// Addresses of a load balancer.
fn balancers(service: &Value) -> Vec<String> {
    let given = service["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    given.filter_map(|one| one["ip"].as_str().or(one["hostname"].as_str()).map(str::to_owned)).collect()
}

/// Addresses of nodes, those from outside first.
fn node_addresses(nodes: &[Value]) -> Vec<String> {
    let of = |kind: &'static str| {
        nodes.iter().take(NODES).flat_map(move |node| {
            let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
            addresses.filter(move |one| one["type"] == kind).filter_map(|one| one["address"].as_str())
        })
    };
    of("ExternalIP").chain(of("InternalIP")).map(str::to_owned).collect()
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Host names that the plane's load balancer has: the server has to be told of them.
pub(super) async fn known_hosts(target: &Target) -> Result<Vec<String>> {
    let service = match target.get("v1", "Service", SERVER).await {
        // What may not be read is told of by the review.
        Err(error) if error.code() == Code::ClusterForbidden => None,
        outcome => outcome?,
    };
    let hosts = service.as_ref().map(balancers).unwrap_or_default();
    Ok(hosts.into_iter().filter(|host| host.parse::<std::net::IpAddr>().is_err()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_from_outside_go_first() {
        let nodes = [json!({"status": {"addresses": [
            {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": "n"},
            {"type": "ExternalIP", "address": "192.0.2.1"}
        ]}})];
        assert_eq!(node_addresses(&nodes), ["192.0.2.1", "10.0.0.1"]);
        assert_eq!(bracketed("fd00::1"), "[fd00::1]");
    }

    #[test]
    fn a_balancer_has_addresses_or_names() {
        let service =
            json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}, {"hostname": "lb.example.org"}]}}});
        assert_eq!(balancers(&service), ["192.0.2.9", "lb.example.org"]);
        assert!(balancers(&json!({})).is_empty());
    }
}

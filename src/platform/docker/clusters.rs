//! Kubeconfigs that point at this machine: in a container, loopback is the container's own.
//!
//! API servers of this machine are reached by the name that the engine has for it. One that is itself a container with a
//! port on loopback, as those of kind, k3d and minikube are, is not reached that way: the server joins its network.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::session::Session;
use crate::base::error::Result;
use crate::cluster::kubeconfig::Kubeconfig;
use crate::cluster::portable::{self, Portable};
use crate::docker::container::Publisher;
use crate::plane::container::HOST_NAME;

/// Limit for a look at a port of this machine.
const LOOK: Duration = Duration::from_millis(500);
/// The network whose gateway the engine takes for `host-gateway`; containers have no names on it.
const BRIDGE: &str = "bridge";
/// The network of the machine itself.
const HOST: &str = "host";

/// How a port of this machine is reached from a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// By the name of this machine.
    Host,
    /// In a container, on a network of others: its name, its port, the network.
    Neighbour(String, u16, String),
    /// Not at all: it listens on loopback only.
    Nowhere,
}

/// A kubeconfig for the server's container.
pub(super) struct Clusters {
    /// The kubeconfig.
    pub portable: Portable,
    /// How each port of this machine is reached.
    pub reach: BTreeMap<u16, Reach>,
}

impl Clusters {
    /// Networks of others that the server has to join.
    pub fn networks(&self) -> Vec<String> {
        let used = |port: &u16| self.portable.moved.iter().any(|moved| moved.port == *port);
        let of_reach = |(port, reach): (&u16, &Reach)| match reach {
            Reach::Neighbour(_, _, network) if used(port) => Some(network.clone()),
            _ => None,
        };
        let mut networks: Vec<String> = self.reach.iter().filter_map(of_reach).collect();
        networks.sort();
        networks.dedup();
        networks
    }
}

/// The kubeconfig with the names that the server's container has for API servers of this machine.
pub(super) async fn clusters(session: &Session<'_>, kubeconfig: Kubeconfig) -> Result<Clusters> {
    let mut reach = BTreeMap::new();
    let ports = portable::loopback_ports(&kubeconfig);
    // An engine elsewhere has other ports.
    if !ports.is_empty() && session.engine.address().is_local() {
        let gateway = gateway(session).await?;
        for port in ports {
            reach.insert(port, of_port(session, port, gateway).await?);
        }
    }
    let rename = |port: u16| match reach.get(&port) {
        Some(Reach::Neighbour(name, port, _)) => (name.clone(), *port),
        _ => (HOST_NAME.to_owned(), port),
    };
    let portable = portable::portable(kubeconfig, &rename)?;
    Ok(Clusters { portable, reach })
}

async fn of_port(session: &Session<'_>, port: u16, gateway: Option<IpAddr>) -> Result<Reach> {
    if let Some(publisher) = session.engine.holder_of_port(port).await?
        && let Some(neighbour) = neighbour(publisher)
    {
        return Ok(neighbour);
    }
    // Where the engine runs in a virtual machine of its own, it takes care of loopback itself.
    let Some(gateway) = gateway else { return Ok(Reach::Host) };
    let connecting = tokio::net::TcpStream::connect(SocketAddr::new(gateway, port));
    let reached = matches!(tokio::time::timeout(LOOK, connecting).await, Ok(Ok(_)));
    Ok(if reached { Reach::Host } else { Reach::Nowhere })
}

/// A container that has the port on loopback only, on a network where it has a name.
fn neighbour(publisher: Publisher) -> Option<Reach> {
    let on_loopback = publisher.address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let network = publisher.networks.into_iter().find(|network| network != BRIDGE && network != HOST)?;
    on_loopback.then_some(Reach::Neighbour(publisher.name, publisher.port, network))
}

/// The address that the engine gives containers for this machine, when it is one of this machine's own.
async fn gateway(session: &Session<'_>) -> Result<Option<IpAddr>> {
    let Some(bridge) = session.engine.network(BRIDGE).await? else { return Ok(None) };
    let addresses = bridge.gateways.iter().filter_map(|gateway| gateway.parse::<IpAddr>().ok());
    // Only an address of this machine can be listened on.
    Ok(addresses.filter(IpAddr::is_ipv4).find(|address| std::net::TcpListener::bind((*address, 0)).is_ok()))
}

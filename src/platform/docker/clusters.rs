//! Kubeconfigs that point at this machine: in a container, loopback is the container's own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::session::Session;
use crate::base::error::Result;
use crate::cluster::kubeconfig::Kubeconfig;
use crate::cluster::portable::{self, Moved, Portable};
use crate::plane::container::HOST_NAME;

/// Limit for a look at a port of this machine.
const LOOK: Duration = Duration::from_millis(500);
/// The network whose gateway the engine takes for `host-gateway`.
const BRIDGE: &str = "bridge";

/// The kubeconfig with the name that containers have for this machine.
pub(super) fn portable(kubeconfig: Kubeconfig) -> Result<Portable> {
    portable::portable(kubeconfig, &|port| (HOST_NAME.to_owned(), port))
}

/// Those API servers of this machine that listen where containers cannot reach them. Where that cannot be told, as with
/// an engine in a virtual machine of its own, none.
pub(super) async fn unreachable<'m>(session: &Session<'_>, moved: &'m [Moved]) -> Result<Vec<&'m Moved>> {
    if moved.is_empty() || !session.engine.address().is_local() {
        return Ok(Vec::new());
    }
    let Some(gateway) = gateway(session).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for one in moved {
        let connecting = tokio::net::TcpStream::connect(SocketAddr::new(gateway, one.port));
        if !matches!(tokio::time::timeout(LOOK, connecting).await, Ok(Ok(_))) {
            found.push(one);
        }
    }
    Ok(found)
}

/// The address that the engine gives containers for this machine, when it is one of this machine's own.
async fn gateway(session: &Session<'_>) -> Result<Option<IpAddr>> {
    let Some(bridge) = session.engine.network(BRIDGE).await? else { return Ok(None) };
    let addresses = bridge.gateways.iter().filter_map(|gateway| gateway.parse::<IpAddr>().ok());
    // Only an address of this machine can be listened on.
    Ok(addresses.filter(IpAddr::is_ipv4).find(|address| std::net::TcpListener::bind((*address, 0)).is_ok()))
}

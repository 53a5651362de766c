//! The way that commands take to a plane on Kubernetes.
//!
//! A plane that is exposed is spoken to at its address. One that is not is reached by a port-forward that lives as long
//! as the command: there is no process of its own that could die, and nothing to set up after a start.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::endpoint::{local_port, look, tunnel};
use super::logs::absent;
use super::record::Record;
use super::target::Target;
use crate::base::Result;
use crate::client::http::is_loopback;
use crate::client::probe::{Probe, probe};
use crate::cluster::forward::Forward;
use crate::platform::Plane;

/// Limit for a look at a port of this machine.
const LOOK: Duration = Duration::from_secs(2);

/// Limit for looking whether a cluster has a plane of which nothing is known here.
const SEARCH: Duration = Duration::from_secs(5);

/// How a plane is reached.
#[derive(Debug)]
pub enum Reach {
    /// At an address, over HTTP.
    Endpoint(String),
    /// Through a port of this machine that is open as long as this is kept.
    Tunnel {
        /// The port.
        forward: Forward,
        /// File with the plane's token.
        token_file: PathBuf,
        /// Where the plane is, for messages.
        place: String,
    },
}

/// Finds the way to the plane of a context.
///
/// # Errors
/// A cluster that does not answer, where the plane is known to be in one.
pub async fn reach(plane: &Plane) -> Result<Reach> {
    let endpoint = &plane.context.endpoint;
    let record = Record::read(&plane.home, &plane.context.name)?.filter(|record| !record.stopped);
    let local = Url::parse(endpoint).ok().filter(is_loopback);
    let Some(record) = record else {
        return match local {
            Some(url) if !is_listening(&url).await => Ok(search(plane).await.unwrap_or_else(|| {
                // What is said then is that nobody answers at the endpoint.
                Reach::Endpoint(endpoint.clone())
            })),
            _ => Ok(Reach::Endpoint(endpoint.clone())),
        };
    };
    let exposed = record.endpoint.as_deref().or(local.is_none().then_some(endpoint.as_str()));
    if let Some(exposed) = exposed
        && look(plane, exposed).await.is_ok()
    {
        return Ok(Reach::Endpoint(exposed.to_owned()));
    }
    match of_cluster(plane).await {
        Ok(way) => Ok(way),
        // The address gives the better reason where there is one.
        Err(error) => exposed.map_or(Err(error), |exposed| Ok(Reach::Endpoint(exposed.to_owned()))),
    }
}

/// A plane that was started from another machine, in the cluster that this shell means.
async fn search(plane: &Plane) -> Option<Reach> {
    match tokio::time::timeout(SEARCH, of_cluster(plane)).await {
        Ok(Ok(way)) => Some(way),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no plane was found in a cluster");
            None
        }
        Err(_) => None,
    }
}

/// A tunnel to the plane, where the cluster has one.
async fn of_cluster(plane: &Plane) -> Result<Reach> {
    let target = Target::find(plane).await?;
    if super::status::running(&target).await?.is_empty() {
        return Err(absent(plane, &target));
    }
    let token_file =
        target.record.as_ref().map_or_else(|| plane.token_file.clone(), |record| record.token_file.clone());
    let place = format!("namespace {} of cluster `{}`", target.namespace, target.cluster.context);
    Ok(Reach::Tunnel { forward: tunnel(&target, 0).await?, token_file, place })
}

/// Whether somebody listens at a port of this machine, such as a port-forward of the user's own.
async fn is_listening(url: &Url) -> bool {
    let port = url.port_or_known_default().unwrap_or(80);
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    !matches!(probe(address, LOOK).await, Probe::Nobody)
}

/// Opens a port of this machine that leads to the plane's server, for as long as the result is kept. Without a port it
/// is that of the context's endpoint; 0 takes a free one.
///
/// # Errors
/// No plane in the cluster; a port that is taken.
pub async fn forward(plane: &Plane, port: Option<u16>) -> Result<Forward> {
    let target = Target::find(plane).await?;
    if super::status::running(&target).await?.is_empty() {
        return Err(absent(plane, &target));
    }
    tunnel(&target, port.unwrap_or_else(|| local_port(plane))).await
}

//! Networks by name.

use std::collections::BTreeMap;

use bollard::models::{NetworkConnectRequest, NetworkCreateRequest};

use super::connect::Engine;
use super::fault;
use crate::base::error::Result;

/// Labels of a thing.
pub type Labels = BTreeMap<String, String>;

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Id.
    pub id: String,
    /// Labels.
    pub labels: Labels,
    /// Names of the containers that run on it.
    pub containers: Vec<String>,
    /// Addresses of its gateways on the engine's side.
    pub gateways: Vec<String>,
}

impl Engine {
    /// The network of a name.
    pub async fn network(&self, name: &str) -> Result<Option<Network>> {
        let options = None::<bollard::query_parameters::InspectNetworkOptions>;
        let found = match self.client.inspect_network(name, options).await {
            Ok(found) => found,
            Err(error) if fault::is_not_found(&error) => return Ok(None),
            Err(error) => return Err(self.fault(&format!("network {name} cannot be looked at"), &error)),
        };
        // Engines also find a network by the beginning of its id.
        if found.name.as_deref() != Some(name) {
            return Ok(None);
        }
        let containers = found.containers.unwrap_or_default().into_values();
        let mut containers: Vec<String> = containers.filter_map(|container| container.name).collect();
        containers.sort();
        let pools = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        Ok(Some(Network {
            id: found.id.unwrap_or_default(),
            labels: found.labels.unwrap_or_default().into_iter().collect(),
            containers,
            gateways: pools.into_iter().filter_map(|pool| pool.gateway).collect(),
        }))
    }

    /// Makes a bridge network; one of that name that is there already is as good.
    pub async fn create_network(&self, name: &str, labels: &Labels) -> Result<()> {
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        match self.client.create_network(request).await {
            Ok(_) => Ok(()),
            Err(error) if fault::is_conflict(&error) => Ok(()),
            Err(error) => Err(self.fault(&format!("network {name} cannot be made"), &error)),
        }
    }

    /// Lets a container onto a further network; one that is on it already stays.
    pub async fn join_network(&self, network: &str, id: &str, name: &str) -> Result<()> {
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: None };
        match self.client.connect_network(network, request).await {
            Err(error) if !fault::words(&error).contains("already exists in network") => {
                Err(self.fault(&format!("container {name} cannot join the network {network}"), &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes a network; whether there was one.
    pub async fn remove_network(&self, id: &str, name: &str) -> Result<bool> {
        match self.client.remove_network(id).await {
            Ok(()) => Ok(true),
            Err(error) if fault::is_not_found(&error) => Ok(false),
            Err(error) => Err(self.fault(&format!("network {name} cannot be removed"), &error)),
        }
    }
}

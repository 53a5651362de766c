//! Volumes by name.

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptionsBuilder;

use super::connect::Engine;
use super::fault;
use super::network::Labels;
use crate::base::error::Result;

impl Engine {
    /// The labels of the volume of a name.
    pub async fn volume(&self, name: &str) -> Result<Option<Labels>> {
        match self.client.inspect_volume(name).await {
            Ok(found) => Ok(Some(found.labels.into_iter().collect())),
            Err(error) if fault::is_not_found(&error) => Ok(None),
            Err(error) => Err(self.fault(&format!("volume {name} cannot be looked at"), &error)),
        }
    }

    /// Makes a volume; one of that name that is there already is as good, and keeps its labels.
    pub async fn create_volume(&self, name: &str, labels: &Labels) -> Result<()> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.clone().into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        let made = self.client.create_volume(request).await;
        made.map(drop).map_err(|error| self.fault(&format!("volume {name} cannot be made"), &error))
    }

    /// Removes a volume with its data; whether there was one.
    pub async fn remove_volume(&self, name: &str) -> Result<bool> {
        match self.client.remove_volume(name, Some(RemoveVolumeOptionsBuilder::default().build())).await {
            Ok(()) => Ok(true),
            Err(error) if fault::is_not_found(&error) => Ok(false),
            Err(error) => Err(self
                .fault(&format!("volume {name} cannot be removed"), &error)
                .remedy(format!("See who uses it with `docker ps -a --filter volume={name}`, and remove that."))),
        }
    }
}

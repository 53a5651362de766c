//! The kinds a cluster serves, from its own discovery: no plural is ever guessed.

use kube::discovery::{ApiGroup, Discovery, Scope, verbs};

use crate::base::error::Result;
use crate::cluster::{Cluster, fault};
use crate::model::kubernetes::{GroupVersionKind, KindInfo};

/// Attempts at a list of kinds that changes while it is read.
const ATTEMPTS: u32 = 5;
/// Pause between them.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

impl Cluster {
    /// Every kind that can be created or patched, in all served versions.
    ///
    /// Asks for aggregated discovery (two calls, Kubernetes 1.26 and newer) and falls back to one call a group.
    pub async fn kinds(&self) -> Result<Vec<KindInfo>> {
        let mut attempt = 1;
        loop {
            match self.discover().await {
                Ok(discovery) => return Ok(discovery.groups().flat_map(kinds_of_group).collect()),
                // A group that was listed went away with its last definition before it could be asked.
                Err(kube::Error::Api(status)) if status.code == 404 && attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(fault::of_call(self, &error)),
            }
        }
    }

    async fn discover(&self) -> Result<Discovery, kube::Error> {
        match Discovery::new(self.client.clone()).run_aggregated().await {
            Err(error @ (kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::Auth(_))) => Err(error),
            Err(_) => Discovery::new(self.client.clone()).run().await,
            discovery => discovery,
        }
    }
}

fn kinds_of_group(group: &ApiGroup) -> Vec<KindInfo> {
    let preferred = group.preferred_version_or_latest();
    let of_version = |version: &str| {
        let resources = group.versioned_resources(version);
        resources
            .into_iter()
            .filter(|(_, capabilities)| {
                capabilities.supports_operation(verbs::PATCH) && capabilities.supports_operation(verbs::DELETE)
            })
            .map(|(resource, capabilities)| KindInfo {
                preferred: resource.version == preferred,
                namespaced: capabilities.scope == Scope::Namespaced,
                plural: resource.plural,
                gvk: GroupVersionKind { group: resource.group, version: resource.version, kind: resource.kind },
            })
            .collect::<Vec<_>>()
    };
    let mut kinds: Vec<KindInfo> = group.versions().flat_map(of_version).collect();
    promote_orphans(&mut kinds);
    kinds
}

/// A kind that the group's preferred version does not serve prefers the first version that does.
fn promote_orphans(kinds: &mut [KindInfo]) {
    for index in 0..kinds.len() {
        let served = kinds.iter().any(|other| other.preferred && other.gvk.kind == kinds[index].gvk.kind);
        if !served {
            kinds[index].preferred = true;
        }
    }
}

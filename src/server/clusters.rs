//! The clusters this server knows: its kubeconfig, its home's, and the practice cluster while it runs.

use std::ffi::OsStr;
use std::path::Path;

use super::{Settings, Shared};
use crate::base::Result;
use crate::cluster::Cluster;
use crate::cluster::kubeconfig::{self, Kubeconfig};
use crate::model::kubernetes::{KindInfo, KubeContext};
use crate::plane::kubernetes::access::Need;
use crate::wire::rest::session::KubePing;

/// The kubeconfig that a caller means, else the one this server was started with.
pub fn load(settings: &Settings, files: Option<&str>) -> Result<Kubeconfig> {
    let files = files.or(settings.kubeconfig.as_deref());
    kubeconfig::load(files.map(OsStr::new), &settings.home)
}

/// Every context, in file order.
pub fn contexts(settings: &Settings, files: Option<&str>) -> Result<Vec<KubeContext>> {
    let merged = load(settings, files)?;
    Ok(kubeconfig::contexts(&merged))
}

/// Contexts of a kubeconfig that a client sent.
pub fn uploaded(text: &str) -> Result<Vec<KubeContext>> {
    Ok(kubeconfig::contexts(&kubeconfig::parse(Path::new("k8sfile"), text)?))
}

/// The kinds that the cluster behind a context serves, or the one behind the current one.
pub async fn kinds(state: &Shared, context: Option<&str>, files: Option<&str>) -> Result<Vec<KindInfo>> {
    reach(state, context, files).await?.kinds().await
}

/// Version and clock of the cluster behind a context, or behind the current one.
pub async fn ping(state: &Shared, context: Option<&str>, files: Option<&str>) -> Result<KubePing> {
    let cluster = reach(state, context, files).await?;
    let ((server_version, clock_ahead_seconds), lacking) =
        futures_util::future::try_join(cluster.version_and_clock(), lacking(&cluster)).await?;
    Ok(KubePing { server_version, clock_ahead_seconds, lacking })
}

/// What patterns of the usual kinds need, and this user may not do.
async fn lacking(cluster: &Cluster) -> Result<Vec<String>> {
    let usual = [("", "namespaces"), ("", "configmaps"), ("", "services"), ("apps", "deployments")];
    let need = |(group, resource): (&str, &str), verb| Need {
        namespace: None,
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb,
        name: None,
    };
    let needs: Vec<Need> =
        usual.into_iter().flat_map(|kind| ["get", "create", "patch", "delete"].map(|verb| need(kind, verb))).collect();
    Ok(cluster.lacking(&needs).await?.into_iter().map(|(need, _)| need.to_string()).collect())
}

async fn reach(state: &Shared, context: Option<&str>, files: Option<&str>) -> Result<Cluster> {
    let merged = load(&state.settings, files)?;
    let wanted: Vec<String> = context.map(str::to_owned).into_iter().collect();
    let preferred = state.store.preferences().get().await?.selected_contexts;
    let chosen = kubeconfig::choose(&merged, &wanted, &preferred)?;
    Cluster::connect(&merged, chosen.first().map_or("", String::as_str)).await
}

//! The clusters this server knows: its kubeconfig, its home's, and the practice cluster while it runs.

use std::ffi::OsStr;
use std::path::Path;

use super::{Settings, Shared};
use crate::base::Result;
use crate::cluster::{Cluster, kubeconfig};
use crate::model::kubernetes::KubeContext;

/// Every context, in file order.
pub fn contexts(settings: &Settings) -> Result<Vec<KubeContext>> {
    let merged = kubeconfig::load(settings.kubeconfig.as_deref().map(OsStr::new), &settings.home)?;
    Ok(kubeconfig::contexts(&merged))
}

/// Contexts of a kubeconfig that a client sent.
pub fn uploaded(text: &str) -> Result<Vec<KubeContext>> {
    Ok(kubeconfig::contexts(&kubeconfig::parse(Path::new("k8sfile"), text)?))
}

/// Version of the cluster behind a context, or behind the current one.
pub async fn ping(state: &Shared, context: Option<&str>) -> Result<String> {
    let merged = kubeconfig::load(state.settings.kubeconfig.as_deref().map(OsStr::new), &state.settings.home)?;
    let wanted: Vec<String> = context.map(str::to_owned).into_iter().collect();
    let preferred = state.store.preferences().get().await?.selected_contexts;
    let chosen = kubeconfig::choose(&merged, &wanted, &preferred)?;
    Cluster::connect(&merged, chosen.first().map_or("", String::as_str)).await?.version().await
}

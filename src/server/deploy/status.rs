//! The live state of an applied pattern.

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{PARALLEL, request};
use crate::base::error::{Code, Error, Result};
use crate::cluster::{Cluster, kubeconfig::Kubeconfig, status as health};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Health, InventoryItem, ObjectStatus};
use crate::server::Shared;
use crate::wire::rest::{PatternStatus, StatusRequest};

/// Live state of every object of an applied pattern, in the contexts asked for or in all it is applied to.
///
/// # Errors
/// [`Code::PatternNotApplied`] when no cluster has it, and what keeps a cluster from answering.
pub async fn status(state: &Shared, wanted: StatusRequest) -> Result<PatternStatus> {
    let pattern = request::applied_name(state, &wanted.pattern).await?;
    let contexts = if wanted.contexts.is_empty() { applied_to(state, &pattern).await? } else { wanted.contexts };
    if contexts.is_empty() {
        return Err(not_applied(&pattern, "any cluster"));
    }
    let (kubeconfig, contexts) = request::contexts(state, &contexts, wanted.kubeconfig.as_deref()).await?;
    let found = try_join_all(contexts.iter().map(|context| in_cluster(state, &kubeconfig, context, &pattern))).await?;
    let objects: Vec<ObjectStatus> = found.into_iter().flatten().flatten().collect();
    if objects.is_empty() {
        return Err(not_applied(&pattern, &contexts.join(", ")));
    }
    Ok(PatternStatus { pattern, objects })
}

fn not_applied(pattern: &str, place: &str) -> Error {
    Error::new(Code::PatternNotApplied, format!("pattern `{pattern}` is not applied to {place}"))
}

async fn applied_to(state: &Shared, pattern: &str) -> Result<Vec<String>> {
    let sets = state.store.inventory().list().await?;
    Ok(sets.into_iter().filter(|listed| listed.set.pattern == pattern).map(|listed| listed.set.context).collect())
}

async fn in_cluster(
    state: &Shared,
    kubeconfig: &Kubeconfig,
    context: &str,
    pattern: &str,
) -> Result<Option<Vec<ObjectStatus>>> {
    let cluster = Cluster::connect(kubeconfig, context).await?;
    let id = cluster.identity().await?;
    let Some(set) = state.store.inventory().get(&id, pattern).await? else { return Ok(None) };
    let kinds = cluster.kinds().await?;
    let objects =
        stream::iter(set.items).map(|item| of_object(&cluster, &kinds, item)).buffered(PARALLEL).try_collect().await?;
    Ok(Some(objects))
}

async fn of_object(cluster: &Cluster, kinds: &[KindInfo], item: InventoryItem) -> Result<ObjectStatus> {
    let gvk = item.object.gvk();
    let live = match kinds.iter().find(|kind| kind.gvk == gvk) {
        Some(kind) => cluster.get(kind, &item.object).await?,
        None => None,
    };
    let uid = live.as_ref().and_then(|live| live["metadata"]["uid"].as_str());
    let replaced = item.uid.is_some() && uid.is_some() && item.uid.as_deref() != uid;
    let (health, message) = if replaced {
        (Health::Missing, "replaced by an object that others made".to_owned())
    } else {
        health::health(live.as_ref())
    };
    let created_at = live
        .as_ref()
        .and_then(|live| live["metadata"]["creationTimestamp"].as_str())
        .and_then(|text| text.parse().ok());
    Ok(ObjectStatus {
        context: cluster.context.clone(),
        service: item.service,
        object: item.object,
        health,
        message,
        created_at,
    })
}

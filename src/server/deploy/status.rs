//! The live state of an applied pattern: of its objects, and of its services, those without objects included.

mod services;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{PARALLEL, contexts, request};
use crate::base::error::{Code, Error, Result};
use crate::cluster::{Cluster, kubeconfig::Kubeconfig, status as health};
use crate::model::kubernetes::KindInfo;
use crate::model::operation::ContextFailure;
use crate::model::pattern::{Health, InventoryItem, ObjectStatus};
use crate::server::Shared;
use crate::wire::rest::{AppliedSet, PatternStatus, StatusRequest};

/// Operations on a pattern that are looked through for what was tried last in a context.
const RECENT: u64 = 50;

/// What one cluster has of the pattern.
struct Found {
    context: String,
    objects: Vec<ObjectStatus>,
}

/// Live state of every object and service of an applied pattern, in the contexts asked for or in all it is applied to.
/// A context that cannot be looked into is told beside the others.
///
/// # Errors
/// [`Code::PatternNotApplied`] when no cluster has it, and what keeps the only cluster from answering.
pub async fn status(state: &Shared, wanted: StatusRequest) -> Result<PatternStatus> {
    let pattern = request::applied_name(state, &wanted.pattern).await?;
    let sets = applied(state, &pattern).await?;
    let names = if wanted.contexts.is_empty() { places(&sets) } else { wanted.contexts.clone() };
    if names.is_empty() {
        return Err(not_applied(&pattern, "any cluster"));
    }
    let kubeconfig = wanted.kubeconfig.as_deref();
    let looks = join_all(names.iter().map(async |name| (name.clone(), look(state, name, kubeconfig, &pattern).await)));
    let (found, failures) = contexts::split(looks.await)?;
    let found: Vec<Found> = found.into_iter().flatten().collect();
    if found.is_empty() && failures.is_empty() {
        return Err(not_applied(&pattern, &names.join(", ")));
    }
    let told =
        services::Told { wanted: wanted_services(state, &pattern).await?, operations: recent(state, &pattern).await? };
    let mut services = Vec::new();
    for one in &found {
        services.extend(told.services(&one.context, &one.objects));
    }
    services.extend(failures.iter().flat_map(|failure| unknown(failure, &sets)));
    if services.is_empty() {
        return Err(not_applied(&pattern, &names.join(", ")));
    }
    let objects: Vec<ObjectStatus> = found.into_iter().flat_map(|one| one.objects).collect();
    Ok(PatternStatus { pattern, objects, services, failures })
}

pub(super) fn not_applied(pattern: &str, place: &str) -> Error {
    Error::new(Code::PatternNotApplied, format!("pattern `{pattern}` is not applied to {place}"))
}

pub(super) async fn applied(state: &Shared, pattern: &str) -> Result<Vec<AppliedSet>> {
    let sets = state.store.inventory().list().await?;
    Ok(sets.into_iter().map(|listed| listed.set).filter(|set| set.pattern == pattern).collect())
}

pub(super) fn places(sets: &[AppliedSet]) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for set in sets {
        if !places.contains(&set.context) {
            places.push(set.context.clone());
        }
    }
    places
}

/// Keys of the services that the stored pattern has objects for; none when it is not stored.
async fn wanted_services(state: &Shared, pattern: &str) -> Result<Vec<String>> {
    let Some(record) = state.store.patterns().find(pattern).await? else { return Ok(Vec::new()) };
    Ok(services::wanted(&record.name, &record.pattern_file))
}

async fn recent(state: &Shared, pattern: &str) -> Result<Vec<crate::model::operation::Operation>> {
    state.store.operations().of_subject(pattern, RECENT).await
}

/// What was applied to a context that cannot be looked into.
fn unknown(failure: &ContextFailure, sets: &[AppliedSet]) -> Vec<crate::model::pattern::ServiceStatus> {
    let items = sets.iter().filter(|set| set.context == failure.context).flat_map(|set| &set.items);
    services::unknown(&failure.context, items, &failure.error.message)
}

/// One context, by a name that may stand for several separated by commas, as everywhere.
async fn look(state: &Shared, name: &str, kubeconfig: Option<&str>, pattern: &str) -> Result<Vec<Found>> {
    let (kubeconfig, contexts) = request::contexts(state, &[name.to_owned()], kubeconfig).await?;
    let mut found = Vec::with_capacity(contexts.len());
    for context in contexts {
        if let Some(objects) = in_cluster(state, &kubeconfig, &context, pattern).await? {
            found.push(Found { context, objects });
        }
    }
    Ok(found)
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
    let (health, mut message) = if replaced {
        (Health::Missing, "replaced by an object that others made".to_owned())
    } else {
        health::health(live.as_ref())
    };
    if let (Some(live), Health::InProgress | Health::Failed) = (&live, health) {
        let lines = cluster.blocker(live).await.lines();
        message = std::iter::once(message).chain(lines).collect::<Vec<_>>().join("; ");
    }
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

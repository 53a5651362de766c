//! How what was applied last stands in the clusters, and who changed it.

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::{PARALLEL, contexts, plan, reach, request, status};
use crate::base::error::Result;
use crate::cluster::unchanged::is_noop_apply;
use crate::cluster::{Cluster, FIELD_MANAGER, kubeconfig::Kubeconfig};
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::pattern::InventoryItem;
use crate::pattern::diff::{self, Sides};
use crate::server::Shared;
use crate::wire::rest::StatusRequest;
use crate::wire::rest::plan::{ContextDrift, DriftState, ObjectDrift, PatternDrift};

/// Drift of an applied pattern, in the contexts asked for or in all it is applied to.
///
/// # Errors
/// [`crate::base::Code::PatternNotApplied`] when no cluster has it; when no context can be asked, the reason of the first.
pub async fn drift(state: &Shared, wanted: StatusRequest) -> Result<PatternDrift> {
    let pattern = request::applied_name(state, &wanted.pattern).await?;
    let chosen = if wanted.contexts.is_empty() {
        status::places(&status::applied(state, &pattern).await?)
    } else {
        wanted.contexts
    };
    if chosen.is_empty() {
        return Err(status::not_applied(&pattern, "any cluster"));
    }
    let (kubeconfig, names) = request::contexts(state, &chosen, wanted.kubeconfig.as_deref()).await?;
    let asked = join_all(names.iter().map(async |context| {
        let outcome = in_context(state, &kubeconfig, context, &pattern).await;
        (context.clone(), outcome)
    }));
    let (mut found, failures) = contexts::split(asked.await)?;
    found.extend(failures.into_iter().map(|failure| ContextDrift {
        context: failure.context,
        error: Some(failure.error),
        objects: Vec::new(),
        warnings: Vec::new(),
    }));
    found.sort_by_key(|one| names.iter().position(|context| *context == one.context));
    Ok(PatternDrift { pattern, contexts: found })
}

async fn in_context(state: &Shared, kubeconfig: &Kubeconfig, context: &str, pattern: &str) -> Result<ContextDrift> {
    let (cluster, id, kinds) = reach(kubeconfig, context).await?;
    let Some(set) = state.store.inventory().get(&id, pattern).await? else {
        return Err(status::not_applied(pattern, context));
    };
    let revisions = state.store.revisions().list(&id, pattern).await?;
    let bodies: Vec<&Value> = revisions.iter().flat_map(|revision| &revision.objects).collect();
    let served = |object: &ObjectRef| {
        let gvk = object.gvk();
        kinds.iter().find(|kind| kind.gvk == gvk)
    };
    let wanted: Vec<_> = set.items.iter().map(|item| (served(&item.object), &item.object)).collect();
    let live = plan::fetch(&cluster, &wanted).await?;
    let looks = set.items.iter().zip(live).zip(wanted.iter().map(|(kind, _)| *kind)).map(|((item, live), kind)| {
        let body = bodies.iter().copied().find(|body| is_body_of(body, &item.object));
        of_object(&cluster, item, (kind, body), live)
    });
    let objects = stream::iter(looks.collect::<Vec<_>>()).buffered(PARALLEL).collect().await;
    Ok(ContextDrift { context: context.to_owned(), error: None, objects, warnings: Vec::new() })
}

/// Whether a body of a revision is that of the object. Revisions come newest first, so that the first is the last applied.
fn is_body_of(body: &Value, object: &ObjectRef) -> bool {
    let metadata = &body["metadata"];
    body["kind"] == object.kind.as_str()
        && body["apiVersion"] == object.api_version.as_str()
        && metadata["name"] == object.name.as_str()
        && metadata["namespace"].as_str() == object.namespace.as_deref()
}

async fn of_object(
    cluster: &Cluster,
    item: &InventoryItem,
    (kind, body): (Option<&KindInfo>, Option<&Value>),
    live: Option<Value>,
) -> ObjectDrift {
    let blank = |state: DriftState| ObjectDrift {
        service: item.service.clone(),
        object: item.object.clone(),
        state,
        fields: Vec::new(),
        error: None,
    };
    let (Some(live), Some(kind)) = (live, kind) else { return blank(DriftState::Missing) };
    let uid = live["metadata"]["uid"].as_str();
    if item.uid.is_some() && item.uid.as_deref() != uid {
        return blank(DriftState::Replaced);
    }
    // Of objects that were adopted nothing was applied but the marks.
    let Some(body) = body.filter(|body| !is_noop_apply(body, &live, FIELD_MANAGER)) else {
        return blank(DriftState::Same);
    };
    match cluster.dry_run(kind, &item.object, body, true).await {
        Ok(desired) => {
            let fields = diff::drifted(Sides { live: &live, desired: &desired, body }, FIELD_MANAGER);
            let state = if fields.is_empty() { DriftState::Same } else { DriftState::Drifted };
            ObjectDrift { fields, ..blank(state) }
        }
        Err(error) => ObjectDrift { error: Some(error.report()), ..blank(DriftState::Unknown) },
    }
}

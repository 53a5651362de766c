//! What applying a pattern would do, asked of each cluster without changing it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`live`] | reads the objects as they are, in few calls |
//! | [`object`] | what would happen to one object |
//! | [`offline`] | the same without asking about objects: schemas alone |

mod live;
mod object;
mod offline;

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{PARALLEL, contexts, reach, request, revision, schemas};
use crate::base::error::Result;
use crate::cluster::unchanged::is_noop_apply;
use crate::cluster::{Cluster, FIELD_MANAGER, kubeconfig::Kubeconfig};
use crate::model::kubernetes::{Identity, KindInfo, ObjectRef};
use crate::model::pattern::InventoryItem;
use crate::pattern::identify::Kinds;
use crate::pattern::object::{ANNOTATION_KEEP, ANNOTATION_PATTERN};
use crate::pattern::{Compiled, Document, Planned, compile};
use crate::server::Shared;
use crate::wire::rest::DeployRequest;
use crate::wire::rest::plan::{Change, ContextPlan, ObjectPlan, PatternPlan, PlanRequest};

pub(super) use live::fetch;

/// What applying would do, in every context.
///
/// # Errors
/// Faults of the file and of the choice of contexts; when no context can be asked, the reason of the first.
pub async fn plan(state: &Shared, wanted: PlanRequest) -> Result<PatternPlan> {
    let request = request::complete(state, wanted.deploy).await?;
    let (document, name) = request::named(state, &request).await?;
    let job = Job { state, request: &request, document, name: &name };
    if wanted.offline {
        return Ok(PatternPlan { contexts: job.offline().await?, pattern: name });
    }
    let (kubeconfig, contexts) = request::contexts(state, &request.contexts, request.kubeconfig.as_deref()).await?;
    let asked = join_all(contexts.iter().map(async |context| {
        let outcome = job.in_context(&kubeconfig, context).await;
        (context.clone(), outcome)
    }));
    let (mut plans, failures) = contexts::split(asked.await)?;
    plans.extend(failures.into_iter().map(|failure| ContextPlan {
        context: failure.context,
        error: Some(failure.error),
        objects: Vec::new(),
        warnings: Vec::new(),
    }));
    let place = |plan: &ContextPlan| contexts.iter().position(|context| *context == plan.context);
    plans.sort_by_key(place);
    Ok(PatternPlan { pattern: name, contexts: plans })
}

/// One request for a plan.
struct Job<'a> {
    state: &'a Shared,
    request: &'a DeployRequest,
    /// The pattern; absent when each cluster has its own, an earlier revision.
    document: Option<Arc<Document>>,
    name: &'a str,
}

/// One cluster, and the pattern compiled for it.
struct Target<'a> {
    cluster: Cluster,
    kinds: Vec<KindInfo>,
    request: &'a DeployRequest,
    document: Arc<Document>,
    compiled: Compiled,
    pattern: &'a str,
}

impl Job<'_> {
    async fn document_for(&self, id: &str, context: &str) -> Result<Arc<Document>> {
        if let Some(document) = &self.document {
            return Ok(document.clone());
        }
        let place = revision::Place { cluster_id: id, context, pattern: self.name };
        let request = revision::again(self.state, place, self.request).await?;
        Ok(Arc::new(request::document(self.state, &request).await?))
    }

    async fn in_context(&self, kubeconfig: &Kubeconfig, context: &str) -> Result<ContextPlan> {
        let (cluster, id, kinds) = reach(kubeconfig, context).await?;
        let document = self.document_for(&id, context).await?;
        let namespace = self.request.namespace.as_deref().unwrap_or(&cluster.namespace);
        let compiled = compile(&document, &Kinds::of_cluster(kinds.iter().cloned()), namespace)?;
        let before = self.state.store.inventory().get(&id, self.name).await?;
        let items = before.map(|set| set.items).unwrap_or_default();
        let target = Target { cluster, kinds, request: self.request, document, compiled, pattern: self.name };
        target.plan(&items).await
    }
}

impl Target<'_> {
    async fn plan(&self, items: &[InventoryItem]) -> Result<ContextPlan> {
        let planned = &self.compiled.objects;
        let now: HashSet<Identity<'_>> = planned.iter().map(|planned| planned.object.identity()).collect();
        let left: Vec<&InventoryItem> = items.iter().filter(|item| !now.contains(&item.object.identity())).collect();
        let wanted: Vec<(Option<&KindInfo>, &ObjectRef)> = planned
            .iter()
            .map(|planned| (self.served(&planned.object), &planned.object))
            .chain(left.iter().map(|item| (self.served(&item.object), &item.object)))
            .collect();
        let mut live = fetch(&self.cluster, &wanted).await?;
        let left_live = live.split_off(planned.len());
        let known: Vec<bool> =
            planned.iter().zip(&live).map(|(planned, live)| is_unchanged(planned, live.as_ref())).collect();
        let faults = schemas::faults(&self.cluster, &self.document, &self.compiled, &known).await?;
        let looks = object::Looks { target: self, live: &live, known: &known, faults: &faults };
        let mut objects: Vec<ObjectPlan> =
            stream::iter(0..planned.len()).map(|index| looks.object(index)).buffered(PARALLEL).try_collect().await?;
        object::withhold(planned, &mut objects);
        let mut warnings = warnings(&self.compiled);
        let good = objects.iter().all(|plan| plan.error.is_none());
        objects.sort_by_key(|plan| plan.wave);
        let wave = objects.last().map_or(0, |plan| plan.wave + 1);
        let gone = left.into_iter().zip(&left_live).filter_map(|(item, live)| self.leaves(item, live.as_ref()));
        for (item, kept) in gone {
            match kept {
                Some(why) => warnings.push(format!("{} left the pattern and stays: {why}", item.object)),
                None => objects.push(ObjectPlan {
                    because: (!good).then(|| "once the rest is applied".to_owned()),
                    ..blank(&item.service, &item.object, wave, Change::Delete)
                }),
            }
        }
        Ok(ContextPlan { context: self.cluster.context.clone(), error: None, objects, warnings })
    }

    /// The kind of an object, if the cluster serves it now.
    fn served(&self, object: &ObjectRef) -> Option<&KindInfo> {
        let gvk = object.gvk();
        self.kinds.iter().find(|kind| kind.gvk == gvk)
    }

    /// An object that the pattern has no more and that would go, or stay for the reason given.
    fn leaves<'i>(&self, item: &'i InventoryItem, live: Option<&Value>) -> Option<(&'i InventoryItem, Option<String>)> {
        let metadata = &live?["metadata"];
        let own = match &item.uid {
            Some(uid) => metadata["uid"] == uid.as_str(),
            None => metadata["annotations"][ANNOTATION_PATTERN] == self.pattern,
        };
        let kept = if metadata["annotations"][ANNOTATION_KEEP] == "true" {
            Some(format!("its annotation {ANNOTATION_KEEP} says so"))
        } else {
            (self.request.prune == Some(false)).then(|| "as asked".to_owned())
        };
        own.then_some((item, kept))
    }
}

fn is_unchanged(planned: &Planned, live: Option<&Value>) -> bool {
    live.is_some_and(|live| is_noop_apply(&planned.body, live, FIELD_MANAGER))
}

fn warnings(compiled: &Compiled) -> Vec<String> {
    compiled.warnings.iter().cloned().chain(compiled.drawn_only()).collect()
}

fn blank(service: &str, object: &ObjectRef, wave: u32, change: Change) -> ObjectPlan {
    ObjectPlan {
        service: service.to_owned(),
        object: object.clone(),
        wave,
        depends_on: Vec::new(),
        change,
        fields: Vec::new(),
        because: None,
        error: None,
    }
}

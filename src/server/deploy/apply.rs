//! Carries the ordered objects of one pattern into clusters.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`carry`] | the walk through one cluster |
//! | [`object`] | one object |
//! | [`ready`] | waits until an object is ready and finds what keeps it from it |
//! | [`undo`] | takes back what was done, for `atomic` |

mod carry;
mod object;
mod ready;
mod undo;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::removal::{Purpose, Removal};
use super::{Ended, contexts, forget_former, reach, request, revision, schemas, turn, unless_cancelled, wait_limit};
use crate::base::error::Result;
use crate::base::text;
use crate::cluster::snapshot::Snapshot;
use crate::cluster::{Cluster, kubeconfig::Kubeconfig};
use crate::model::kubernetes::{Identity, KindInfo};
use crate::model::pattern::{Action, InventoryItem, ObjectResult};
use crate::pattern::identify::Kinds;
use crate::pattern::object::LABEL_SERVICE;
use crate::pattern::{Compiled, Document, Planned, compile};
use crate::server::operations::Handle;
use crate::server::providers::sync;
use crate::server::{Sender, Shared};
use crate::store::inventory::Key;
use crate::store::patterns::NewPattern;
use crate::wire::rest::DeployRequest;

/// Limit for everything to be ready when the request names none.
const DEFAULT_READY: Duration = Duration::from_mins(5);

/// One apply operation.
pub(super) struct Job<'a> {
    pub(super) state: &'a Shared,
    pub(super) sender: &'a Sender,
    pub(super) handle: &'a Handle,
    pub(super) request: &'a DeployRequest,
    /// The pattern; absent when each cluster has its own, an earlier revision.
    pub(super) document: Option<Arc<Document>>,
    /// Name of the pattern.
    pub(super) name: &'a str,
}

/// A cluster with what is to be applied to it; nothing has been sent.
struct Target {
    cluster: Cluster,
    id: String,
    kinds: Vec<KindInfo>,
    request: DeployRequest,
    document: Arc<Document>,
    compiled: Compiled,
}

impl Job<'_> {
    /// Runs it in every context. What is wrong with the pattern, or keeps a cluster from answering, ends it there
    /// before anything is sent.
    pub(super) async fn run(&self, kubeconfig: &Kubeconfig, contexts: &[String]) -> Result<Ended> {
        let preparing = join_all(contexts.iter().map(async |context| {
            let outcome = self.prepare(kubeconfig, context).await;
            (context.clone(), outcome)
        }));
        let prepared = unless_cancelled(self.handle, Duration::ZERO, async { Ok(preparing.await) }).await?;
        let (targets, failures) = contexts::split(prepared)?;
        self.save().await?;
        self.handle.started(targets.iter().map(|target| target.compiled.objects.len()).sum());
        self.warn(&targets);
        let done = join_all(targets.iter().map(|target| self.apply_to(target))).await;
        let mut ended = Ended { failures, ..Ended::default() };
        for one in done {
            ended.add(one?);
        }
        Ok(ended)
    }

    async fn prepare(&self, kubeconfig: &Kubeconfig, context: &str) -> Result<Target> {
        self.handle.stage("discover", Some(context));
        let (cluster, id, kinds) = reach(kubeconfig, context).await?;
        self.handle.stage("compile", Some(context));
        let (request, document) = if let Some(document) = &self.document {
            (self.request.clone(), document.clone())
        } else {
            let place = revision::Place { cluster_id: &id, context, pattern: self.name };
            let request = revision::again(self.state, place, self.request).await?;
            let document = Arc::new(request::document(self.state, &request).await?);
            (request, document)
        };
        let namespace = request.namespace.as_deref().unwrap_or(&cluster.namespace);
        let compiled = compile(&document, &Kinds::of_cluster(kinds.iter().cloned()), namespace)?;
        if !self.request.adopt {
            schemas::check(&cluster, &document, &compiled).await?;
        }
        Ok(Target { cluster, id, kinds, request, document, compiled })
    }

    async fn save(&self) -> Result<()> {
        let (true, Some(document)) = (self.request.save, &self.document) else { return Ok(()) };
        let Some(pattern_file) = request::one_file(self.request, document)? else { return Ok(()) };
        let location = self.request.location.clone();
        let new = NewPattern { name: self.name.to_owned(), pattern_file, location, ..NewPattern::default() };
        sync::save_pattern(self.state, self.sender, new).await.map(drop)
    }

    /// Tells each warning once, however many clusters have it.
    fn warn(&self, targets: &[Target]) {
        let mut told: Vec<&String> = Vec::new();
        for warning in targets.iter().flat_map(|target| &target.compiled.warnings) {
            if !told.contains(&warning) {
                self.handle.warning(warning);
                told.push(warning);
            }
        }
        if let Some(drawn) = targets.first().and_then(|target| target.compiled.drawn_only()) {
            self.handle.warning(drawn);
        }
    }

    async fn apply_to(&self, target: &Target) -> Result<Ended> {
        let context = &target.cluster.context;
        let _turn = turn::take(self.state, self.handle, self.name, (context, &target.id)).await?;
        forget_former(self.state, self.handle, self.name, (context, &target.id)).await?;
        let before = self.state.store.inventory().get(&target.id, self.name).await?;
        let place = revision::Place { cluster_id: &target.id, context, pattern: self.name };
        // Adopting brings no content, so there is nothing to come back to.
        let revision = if self.request.adopt {
            None
        } else {
            Some(revision::begin(self.state, place, (&target.request, &target.document), &target.compiled).await?)
        };
        let generation = self.state.store.inventory().begin(self.key(target), context, &intents(target)).await?;
        self.handle.stage(if self.request.adopt { "adopt" } else { "apply" }, Some(context));
        let limit = target.request.timeout_seconds.map_or(DEFAULT_READY, Duration::from_secs);
        let objects = &target.compiled.objects;
        let wanted = objects.iter().map(|planned| (&planned.kind, &planned.object));
        let snapshot = target.cluster.snapshot(wanted, LABEL_SERVICE).await;
        let deadline = Instant::now() + limit;
        let before = before.as_ref().map(|set| set.items.iter().map(|item| (item.object.identity(), item)).collect());
        let former = revision.as_ref().map(revision::Begun::former_objects).unwrap_or_default();
        let work = Work { job: self, target, generation, before, former, snapshot, deadline };
        let ended = work.run().await?;
        if let Some(begun) = &revision {
            let status = revision::status(&ended, self.handle.cancelled().is_cancelled());
            revision::end(self.state, place, begun, (status, ended.taken_back)).await?;
        }
        Ok(ended)
    }

    fn key<'k>(&'k self, target: &'k Target) -> Key<'k> {
        Key { cluster_id: &target.id, pattern: self.name }
    }
}

/// What the inventory knows of the objects before the cluster does.
fn intents(target: &Target) -> Vec<InventoryItem> {
    let of = |planned: &Planned| InventoryItem {
        service: planned.service.clone(),
        object: planned.object.clone(),
        position: planned.wave,
        generation: 0,
        uid: None,
    };
    target.compiled.objects.iter().map(of).collect()
}

/// The work in one cluster.
struct Work<'a> {
    job: &'a Job<'a>,
    target: &'a Target,
    generation: i64,
    /// What the pattern had applied before, by object; absent when it was not applied.
    before: Option<HashMap<Identity<'a>, &'a InventoryItem>>,
    /// Objects of the revision before this one, as they were sent.
    former: &'a [serde_json::Value],
    /// What the cluster had of it when the work began.
    snapshot: Snapshot,
    /// When everything is to be ready.
    deadline: Instant,
}

impl Work<'_> {
    /// Applies, waits, prunes; takes everything back where `atomic` wants it.
    async fn run(&self) -> Result<Ended> {
        let carried = self.carry().await;
        self.settle(&carried).await?;
        let good = carried.results.iter().all(ObjectResult::is_good);
        let request = &self.target.request;
        if !good && request.atomic {
            return self.undo(carried).await;
        }
        let mut ended = Ended { results: carried.results, ..Ended::default() };
        if request.adopt {
            return Ok(ended);
        }
        let left = self.left_over();
        if left.is_empty() {
            return Ok(ended);
        }
        if !good || request.prune == Some(false) {
            let why = if good { "as asked" } else { "until the rest is applied" };
            self.tell_left(&left, why);
        } else {
            ended.results.extend(self.removal(Purpose::Prune).run(&left).await);
        }
        Ok(ended)
    }

    /// What an earlier version of the pattern applied and this one has no more.
    fn left_over(&self) -> Vec<InventoryItem> {
        let now: HashSet<Identity<'_>> =
            self.target.compiled.objects.iter().map(|planned| planned.object.identity()).collect();
        let before = self.before.iter().flatten().filter(|(identity, _)| !now.contains(identity));
        let mut left: Vec<InventoryItem> = before.map(|(_, item)| (*item).clone()).collect();
        left.sort_by(|a, b| (a.position, &a.object).cmp(&(b.position, &b.object)));
        left
    }

    fn tell_left(&self, left: &[InventoryItem], why: &str) {
        let names: Vec<String> = left.iter().map(|item| item.object.to_string()).collect();
        self.job.handle.warning(format!(
            "{} of an earlier version of the pattern left in place {why}: {}",
            text::count(left.len(), "object"),
            names.join(", ")
        ));
    }

    fn removal(&self, purpose: Purpose) -> Removal<'_> {
        Removal {
            state: self.job.state,
            handle: self.job.handle,
            pattern: self.job.name,
            cluster: &self.target.cluster,
            cluster_id: &self.target.id,
            kinds: &self.target.kinds,
            limit: wait_limit(&self.target.request),
            purpose,
        }
    }

    fn result(&self, index: usize, action: Action, because: Option<String>) -> ObjectResult {
        let planned = &self.target.compiled.objects[index];
        ObjectResult {
            context: self.target.cluster.context.clone(),
            service: planned.service.clone(),
            object: planned.object.clone(),
            action,
            because,
            error: None,
            health: None,
        }
    }
}

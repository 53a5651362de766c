//! Carries the ordered objects of one pattern into clusters.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{CANCEL_GRACE, PARALLEL, forget_former, reach, request, turn, unless_cancelled, wait_limit};
use crate::base::error::{Code, Error, Kind, Result};
use crate::base::text;
use crate::cluster::apply::{Applied, Options};
use crate::cluster::{Cluster, kubeconfig::Kubeconfig};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Action, InventoryItem, ObjectResult};
use crate::pattern::identify::{self, Kinds};
use crate::pattern::object::ANNOTATION_PATTERN;
use crate::pattern::walk::Walk;
use crate::pattern::{Compiled, Document, Planned, compile};
use crate::server::Shared;
use crate::server::operations::Handle;
use crate::store::patterns::NewPattern;
use crate::wire::rest::{AppliedSet, DeployRequest};

/// One apply operation.
pub(super) struct Job<'a> {
    pub(super) state: &'a Shared,
    pub(super) handle: &'a Handle,
    pub(super) request: &'a DeployRequest,
    pub(super) document: &'a Document,
}

/// A cluster with what is to be applied to it; nothing has been sent.
struct Prepared {
    cluster: Cluster,
    id: String,
    compiled: Compiled,
}

impl Job<'_> {
    /// Runs it in every context. Faults of the pattern, and clusters that do not answer, end it before anything is sent.
    pub(super) async fn run(&self, kubeconfig: &Kubeconfig, contexts: &[String]) -> Result<Vec<ObjectResult>> {
        let preparing = try_join_all(contexts.iter().map(|context| self.prepare(kubeconfig, context)));
        let prepared = unless_cancelled(self.handle, Duration::ZERO, preparing).await?;
        self.save().await?;
        self.handle.started(prepared.iter().map(|target| target.compiled.objects.len()).sum());
        self.warn(&prepared);
        let results = join_all(prepared.iter().map(|target| self.apply_to(target))).await;
        Ok(results.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    async fn prepare(&self, kubeconfig: &Kubeconfig, context: &str) -> Result<Prepared> {
        self.handle.stage("discover", Some(context));
        let (cluster, id, kinds) = reach(kubeconfig, context).await?;
        self.handle.stage("compile", Some(context));
        let namespace = self.request.namespace.as_deref().unwrap_or(&cluster.namespace);
        let compiled = compile(self.document, &Kinds::of_cluster(kinds), namespace)?;
        Ok(Prepared { cluster, id, compiled })
    }

    async fn save(&self) -> Result<()> {
        let file = if self.request.save { request::one_file(self.request, self.document)? } else { None };
        let Some(pattern_file) = file else { return Ok(()) };
        let new = NewPattern {
            id: None,
            name: self.document.pattern.name.clone(),
            pattern_file,
            location: self.request.location.clone(),
        };
        self.state.store.patterns().save(new).await.map(drop)
    }

    /// Tells each warning once, however many clusters have it.
    fn warn(&self, prepared: &[Prepared]) {
        let mut told: Vec<&String> = Vec::new();
        for warning in prepared.iter().flat_map(|target| &target.compiled.warnings) {
            if !told.contains(&warning) {
                self.handle.warning(warning);
                told.push(warning);
            }
        }
        if let Some(skipped) =
            prepared.first().map(|target| &target.compiled.skipped).filter(|skipped| !skipped.is_empty())
        {
            self.handle.warning(format!(
                "{} only drawn, not applied: {}",
                text::count(skipped.len(), "node"),
                skipped.join(", ")
            ));
        }
    }

    async fn apply_to(&self, target: &Prepared) -> Result<Vec<ObjectResult>> {
        let (context, pattern) = (&target.cluster.context, &self.document.pattern.name);
        let _turn = turn::take(self.state, self.handle, pattern, (context, &target.id)).await?;
        forget_former(self.state, self.handle, pattern, (context, &target.id)).await?;
        let before = self.state.store.inventory().get(&target.id, pattern).await?;
        let generation = self.state.store.inventory().begin(&target.id, pattern, context).await?;
        self.handle.stage("apply", Some(context));
        let work = Work { job: self, target, generation, before: before.as_ref() };
        let results = work.walk().await;
        self.tell_leftovers(target, before.as_ref());
        Ok(results)
    }

    /// What an earlier version of the pattern applied and this one has no more stays, and is said.
    fn tell_leftovers(&self, target: &Prepared, before: Option<&AppliedSet>) {
        let now = |item: &&InventoryItem| !target.compiled.objects.iter().any(|planned| is_same(planned, item));
        let left: Vec<String> =
            before.iter().flat_map(|set| &set.items).filter(now).map(|item| item.object.to_string()).collect();
        if !left.is_empty() {
            self.handle.warning(format!(
                "{} of an earlier version of the pattern left in place: {}; `pattern delete` removes them too",
                text::count(left.len(), "object"),
                left.join(", ")
            ));
        }
    }
}

fn is_same(planned: &Planned, item: &InventoryItem) -> bool {
    let (a, b) = (&planned.object, &item.object);
    a.gvk().group == b.gvk().group && a.kind == b.kind && a.namespace == b.namespace && a.name == b.name
}

fn is_namespace(planned: &Planned) -> bool {
    planned.object.kind == "Namespace" && planned.kind.gvk.group.is_empty()
}

/// The walk through one cluster.
struct Work<'a> {
    job: &'a Job<'a>,
    target: &'a Prepared,
    generation: i64,
    before: Option<&'a AppliedSet>,
}

impl Work<'_> {
    async fn walk(&self) -> Vec<ObjectResult> {
        let objects = &self.target.compiled.objects;
        let mut walk = Walk::new(objects.iter().map(|planned| planned.node.clone()).collect());
        let mut results = Vec::with_capacity(objects.len());
        let mut running = FuturesUnordered::new();
        let cancelled = self.job.handle.cancelled();
        loop {
            if cancelled.is_cancelled() {
                for index in walk.withhold_rest() {
                    self.tell(
                        &mut results,
                        self.result(index, Action::Withheld, Some("the operation was cancelled".to_owned())),
                    );
                }
            }
            while running.len() < PARALLEL
                && let Some(index) = walk.start_next()
            {
                let work = unless_cancelled(self.job.handle, CANCEL_GRACE, self.apply(&objects[index]));
                running.push(async move { (index, work.await) });
            }
            let Some((index, outcome)) = running.next().await else { return results };
            let good = outcome.is_ok();
            self.tell(&mut results, self.settled(index, outcome));
            for dependent in walk.settle(index, good) {
                let because = format!("service `{}` failed", objects[index].service);
                self.tell(&mut results, self.result(dependent, Action::Withheld, Some(because)));
            }
        }
    }

    fn tell(&self, results: &mut Vec<ObjectResult>, result: ObjectResult) {
        self.job.handle.object(result.clone());
        results.push(result);
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
        }
    }

    fn settled(&self, index: usize, outcome: Result<Action>) -> ObjectResult {
        match outcome {
            Ok(action) => self.result(index, action, None),
            Err(error) => {
                let error = self.placed(index, error);
                ObjectResult { error: Some(error.report()), ..self.result(index, Action::Failed, None) }
            }
        }
    }

    /// What the cluster has against an object is told with the place of its service in the file.
    fn placed(&self, index: usize, error: Error) -> Error {
        if !matches!(error.kind(), Kind::Failed | Kind::Conflict) || error.code() == Code::OperationCancelled {
            return error;
        }
        let service = self.target.compiled.objects[index].service.as_str();
        error.at(self.job.document.source.place(&["services".into(), service.into()]))
    }

    /// Applies one object. The inventory knows it before the cluster does, so that a crash in between loses nothing.
    async fn apply(&self, planned: &Planned) -> Result<Action> {
        let known = self.before.and_then(|set| set.items.iter().find(|item| is_same(planned, item)));
        self.record(planned, known.and_then(|item| item.uid.clone())).await?;
        let options = Options {
            force: self.job.request.force_conflicts,
            owner: Some(ANNOTATION_PATTERN),
            gone_within: wait_limit(self.job.request),
        };
        let cluster = &self.target.cluster;
        let applied = match cluster.apply(&planned.kind, &planned.object, &planned.body, options).await {
            Ok(applied) => applied,
            Err(error) => {
                if known.is_none() {
                    self.forget(planned).await?;
                }
                return Err(error);
            }
        };
        if known.is_none() && applied.action != Action::Created && is_namespace(planned) {
            self.leave_to_its_owner(planned).await?;
        } else {
            self.record(planned, applied.uid.clone()).await?;
        }
        self.settle_definition(planned, &applied).await?;
        Ok(applied.action)
    }

    /// A namespace that others made may hold what others put there: it is used, but not the pattern's to delete.
    async fn leave_to_its_owner(&self, planned: &Planned) -> Result<()> {
        let name = &planned.object.name;
        self.job.handle.warning(format!("namespace {name} was there before; `pattern delete` leaves it in place"));
        self.forget(planned).await
    }

    async fn settle_definition(&self, planned: &Planned, applied: &Applied) -> Result<()> {
        let served = self.defined_kinds(planned);
        if served.is_empty() {
            return Ok(());
        }
        if applied.action != Action::Unchanged {
            self.job.handle.progress(
                &self.target.cluster.context,
                &planned.service,
                "waiting until its kind is served",
            );
        }
        self.target
            .cluster
            .wait_established(&planned.kind, &planned.object, &served, wait_limit(self.job.request))
            .await
    }

    fn defined_kinds(&self, planned: &Planned) -> Vec<KindInfo> {
        self.target.compiled.pattern.service(&planned.service).map(identify::definitions).unwrap_or_default()
    }

    async fn record(&self, planned: &Planned, uid: Option<String>) -> Result<(), Error> {
        let item = InventoryItem {
            service: planned.service.clone(),
            object: planned.object.clone(),
            position: planned.wave,
            generation: self.generation,
            uid,
        };
        let pattern = &self.job.document.pattern.name;
        self.job.state.store.inventory().record(&self.target.id, pattern, &item).await
    }

    async fn forget(&self, planned: &Planned) -> Result<()> {
        let pattern = &self.job.document.pattern.name;
        self.job.state.store.inventory().remove(&self.target.id, pattern, &planned.object).await
    }
}

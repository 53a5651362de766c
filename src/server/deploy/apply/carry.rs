//! The walk through one cluster: objects start when all they depend on is in place, and ready where that is waited for.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use super::Work;
use super::object::Reached;
use crate::base::error::{Code, Error, Kind, Result};
use crate::model::pattern::{Action, Health, InventoryItem, ObjectResult};
use crate::pattern::walk::Walk;
use crate::server::deploy::{CANCEL_GRACE, PARALLEL, unless_cancelled};

/// What the walk came to.
pub(super) struct Carried {
    /// One result an object, in the order in which they were reached.
    pub(super) results: Vec<ObjectResult>,
    /// What was reached, by index of the object.
    pub(super) reached: Vec<Option<Reached>>,
}

enum Step {
    Applied(usize, Result<Reached>),
    Ready(usize, Result<()>),
}

impl Work<'_> {
    pub(super) async fn carry(&self) -> Carried {
        let objects = &self.target.compiled.objects;
        let mut tour = Tour {
            work: self,
            walk: Walk::new(objects.iter().map(|planned| planned.node.clone()).collect()),
            steps: FuturesUnordered::new(),
            applying: 0,
            places: vec![None; objects.len()],
            carried: Carried { results: Vec::with_capacity(objects.len()), reached: vec![None; objects.len()] },
        };
        loop {
            tour.start();
            match tour.steps.next().await {
                Some(Step::Applied(index, outcome)) => tour.applied(index, outcome),
                Some(Step::Ready(index, outcome)) => tour.ready(index, outcome),
                None => return tour.carried,
            }
        }
    }

    /// What the cluster has against an object is told with the place of its service in the file.
    pub(super) fn placed(&self, index: usize, error: Error) -> Error {
        let about_the_file =
            matches!(error.kind(), Kind::Failed | Kind::Conflict) || error.code() == Code::ClusterForbidden;
        if !about_the_file || matches!(error.code(), Code::OperationCancelled | Code::ObjectNotReady) {
            return error;
        }
        let service = self.target.compiled.objects[index].service.as_str();
        error.at(self.target.document.source.place(&["services".into(), service.into()]))
    }

    /// Brings the inventory up to what was reached. Objects that were not reached and were not known before leave it.
    pub(super) async fn settle(&self, carried: &Carried) -> Result<()> {
        let (mut items, mut gone) = (Vec::new(), Vec::new());
        for (planned, reached) in self.target.compiled.objects.iter().zip(&carried.reached) {
            match reached {
                Some(reached) if reached.owned => items.push(InventoryItem {
                    service: planned.service.clone(),
                    object: planned.object.clone(),
                    position: planned.wave,
                    generation: self.generation,
                    uid: reached.uid.clone(),
                }),
                None if self.known(planned).is_some() => {}
                // A call that was cut off may have done its work: the object's own annotation tells later.
                None if Self::is_open(planned, carried) => {}
                _ => gone.push(planned.object.clone()),
            }
        }
        self.job.state.store.inventory().settle(self.job.key(self.target), &items, &gone).await
    }

    /// Whether nobody knows what became of an object: the call did not come back.
    fn is_open(planned: &crate::pattern::Planned, carried: &Carried) -> bool {
        let open = [Kind::Unreachable, Kind::Timeout, Kind::Interrupted, Kind::Terminated];
        let codes = [Code::OperationCancelled.name(), Code::ClusterFault.name()];
        carried.results.iter().any(|result| {
            result.object == planned.object
                && result
                    .error
                    .as_ref()
                    .is_some_and(|report| open.contains(&report.kind) || codes.contains(&report.code.as_str()))
        })
    }
}

/// The state of a walk.
struct Tour<'a> {
    work: &'a Work<'a>,
    walk: Walk,
    steps: FuturesUnordered<BoxFuture<'a, Step>>,
    /// Calls in flight; waiting for readiness does not count.
    applying: usize,
    /// Where the result of each object stands.
    places: Vec<Option<usize>>,
    carried: Carried,
}

impl Tour<'_> {
    fn start(&mut self) {
        let handle = self.work.job.handle;
        if handle.cancelled().is_cancelled() {
            for index in self.walk.withhold_rest() {
                self.tell(index, self.work.result(index, Action::Withheld, Some("the operation was cancelled".into())));
            }
        }
        while self.applying < PARALLEL
            && let Some(index) = self.walk.start_next()
        {
            self.applying += 1;
            let work = self.work;
            let planned = &work.target.compiled.objects[index];
            handle.progress(&work.target.cluster.context, &planned.service, "applying");
            self.steps.push(Box::pin(async move {
                Step::Applied(index, unless_cancelled(handle, CANCEL_GRACE, work.apply(index)).await)
            }));
        }
    }

    fn applied(&mut self, index: usize, outcome: Result<Reached>) {
        self.applying -= 1;
        match outcome {
            Ok(mut reached) => {
                let mut result = self.work.result(index, reached.action, reached.because.take());
                let live = std::mem::take(&mut reached.live);
                self.carried.reached[index] = Some(reached);
                if self.work.waits_for(&result) {
                    result.health = Some(Health::InProgress);
                    self.tell(index, result);
                    self.wait(index, live);
                } else {
                    self.tell(index, result);
                    self.walk.settle(index, true);
                }
            }
            Err(error) => {
                let error = self.work.placed(index, error);
                let result = self.work.result(index, Action::Failed, None);
                self.tell(index, ObjectResult { error: Some(error.report()), ..result });
                self.withhold(index, "failed");
            }
        }
    }

    fn wait(&mut self, index: usize, live: Value) {
        self.walk.applied(index);
        let work = self.work;
        self.steps.push(Box::pin(async move { Step::Ready(index, work.until_ready(index, live).await) }));
    }

    fn ready(&mut self, index: usize, outcome: Result<()>) {
        let Some(place) = self.places[index] else { return };
        let result = &mut self.carried.results[place];
        match outcome {
            Ok(()) => {
                result.health = Some(Health::Ready);
                self.work.job.handle.amend(result);
                self.walk.settle(index, true);
            }
            Err(error) => {
                result.health =
                    Some(if error.code() == Code::ObjectNotReady { Health::Failed } else { Health::InProgress });
                result.error = Some(error.report());
                self.work.job.handle.amend(result);
                self.withhold(index, "is not ready");
            }
        }
    }

    fn withhold(&mut self, index: usize, what: &str) {
        for dependent in self.walk.settle(index, false) {
            let because = format!("service `{}` {what}", self.work.target.compiled.objects[index].service);
            self.tell(dependent, self.work.result(dependent, Action::Withheld, Some(because)));
        }
    }

    fn tell(&mut self, index: usize, result: ObjectResult) {
        self.work.job.handle.object(result.clone());
        self.places[index] = Some(self.carried.results.len());
        self.carried.results.push(result);
    }
}

//! One measurement as an operation. What it measures is stored while it goes on; the result is stored first, and what
//! clusters and Prometheus have to say is added afterwards.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::guard::Guard;
use super::order::Order;
use super::turns::{Place, Turn};
use super::{environment, metrics, results};
use crate::base::clock::{self, Timestamp};
use crate::base::error::Kind;
use crate::base::{Code, Error, Result, text};
use crate::load::{self, distributed::Site};
use crate::model::operation::OperationStatus;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Ending, Interval, PerfResult};
use crate::model::performance::summary::{ResultState, Sum};
use crate::model::performance::workers::Workers;
use crate::perf::control::Control;
use crate::perf::threshold::{self, Outcome, Undecided};
use crate::perf::unanswered::nothing_succeeded;
use crate::perf::{partial, redact};
use crate::server::Shared;
use crate::server::operations::Handle;
use crate::wire::rest::performance::run::WAITING;

/// How often intervals are stored: as much of a measurement is lost with its process at most.
const STORE_EVERY: Duration = Duration::from_secs(2);

/// A running measurement.
pub(super) struct Job<'a> {
    pub(super) state: &'a Shared,
    pub(super) handle: &'a Handle,
    pub(super) order: &'a Order,
}

/// Stores the result that a measurement begins with, which is empty.
pub(super) async fn store_begin(state: &Shared, id: Uuid, order: &Order) -> Result<()> {
    let mut result = partial::assemble(id, &order.plan, clock::now(), Vec::new());
    result.profile_id = order.profile_id;
    results::store(state, &result, ResultState::Running).await
}

impl Job<'_> {
    /// Waits for its turn, measures, stores, and ends the operation.
    pub(super) async fn run(self, place: Place) {
        let (status, error) = match Box::pin(self.measured(place)).await {
            Ok(result) => self.verdict(&result),
            // What kept it from beginning is no failure where it was to end anyway.
            Err(_) if self.handle.cancelled().is_cancelled() => (OperationStatus::Cancelled, None),
            Err(error) => (OperationStatus::Failed, Some(error)),
        };
        if let Err(error) = self.handle.finish(status, error.as_ref()).await {
            tracing::error!(%error, "the end of a measurement could not be stored");
        }
    }

    async fn measured(&self, place: Place) -> Result<PerfResult> {
        let mut result = match Box::pin(self.in_turn(place)).await {
            Ok(result) => result,
            Err(error) => {
                self.store_failure(&error).await?;
                return Err(error);
            }
        };
        result.id = self.handle.id();
        result.profile_id = self.order.profile_id;
        result.verdicts = self.order.thresholds.iter().map(|threshold| threshold.judge(&result)).collect();
        results::store(self.state, &result, ResultState::Complete).await?;
        self.handle.stage("look at the far side", self.order.context.as_deref());
        self.enrich(&mut result).await;
        self.handle.stage("store", None);
        results::store(self.state, &result, ResultState::Complete).await?;
        result.warnings.iter().for_each(|warning| self.handle.warning(warning.clone()));
        if self.order.undecided == Undecided::Pass {
            let passed = result.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Undecided);
            passed.for_each(|verdict| self.handle.warning(format!("{verdict}; it passes, as the request says")));
        }
        Ok(result)
    }

    /// The measurement when its turn has come; the turn ends with it.
    async fn in_turn(&self, place: Place) -> Result<PerfResult> {
        let _turn = match place {
            Place::First(turn) => turn,
            Place::Later(coming) => {
                let turn = self.wait(coming).await?;
                store_begin(self.state, self.handle.id(), self.order).await?;
                turn
            }
        };
        self.handle.stage("measure", None);
        Box::pin(self.measure()).await
    }

    async fn wait(&self, coming: oneshot::Receiver<Turn>) -> Result<Turn> {
        self.handle.stage(WAITING, None);
        tokio::select! {
            biased;
            () = self.handle.cancelled().cancelled_owned() => {
                Err(Error::new(Code::OperationCancelled, "the measurement was stopped before its turn came"))
            }
            turn = coming => turn.map_err(|_| Error::internal("the measurements before this one gave no turn away")),
        }
    }

    /// The measurement itself; ends early when the operation is cancelled or a threshold is out of reach.
    async fn measure(&self) -> Result<PerfResult> {
        let (sender, mut intervals) = unbounded_channel::<Interval>();
        // The receiver lives as long as the measurement does.
        let control = Control::observed(move |interval| drop(sender.send(interval.clone())));
        let mut progress = Progress::new(self);
        let running = self.load(control.clone());
        let mut running = std::pin::pin!(running);
        let cancel = self.handle.cancelled();
        let outcome = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled(), if control.stopped().is_none() => control.stop(Ending::Stopped),
                Some(interval) = intervals.recv() => progress.take(interval, &control).await,
                outcome = &mut running => break outcome,
            }
        };
        progress.rest(&mut intervals, &control).await;
        outcome
    }

    /// The load: by workers where some are named, else by this process or what it starts.
    async fn load(&self, control: Control) -> Result<PerfResult> {
        let plan = self.order.plan.clone();
        let Some(workers) = &self.order.workers else { return load::run(plan, control).await };
        if let Some(warning) = told_in_clear(&plan, workers) {
            self.handle.warning(warning);
        }
        let settings = &self.state.settings;
        let kubeconfig = self.order.kubeconfig.clone().or_else(|| settings.kubeconfig.clone());
        let site = Site { home: settings.home.clone(), kubeconfig };
        load::distributed::run(plan, workers, &site, control).await
    }

    /// Keeps what was measured until the generator broke down.
    async fn store_failure(&self, error: &Error) -> Result<()> {
        let id = self.handle.id();
        let Some((begun, _)) = self.state.store.results().get(id).await? else { return Ok(()) };
        let mut result = results::so_far(&self.state.store, &begun).await?;
        result.warnings.push(error.to_string());
        results::store(self.state, &result, ResultState::Failed).await
    }

    /// Adds what others know of the measured side; whoever does not answer leaves a warning.
    async fn enrich(&self, result: &mut PerfResult) {
        let far = environment::look(self.state, self.order);
        let asked = metrics::ask(self.order, result);
        let (far, asked) = tokio::join!(far, asked);
        far.into_result(result);
        asked.into_result(result);
    }

    fn verdict(&self, result: &PerfResult) -> (OperationStatus, Option<Error>) {
        if self.handle.cancelled().is_cancelled() {
            return (OperationStatus::Cancelled, None);
        }
        if let Some(error) = nothing_succeeded(result) {
            return (OperationStatus::Failed, Some(error));
        }
        let held = || threshold::conclude(&result.verdicts, self.order.undecided).err();
        match workers_lost(result).or_else(held) {
            Some(error) if error.kind() == Kind::Partial => (OperationStatus::PartlyFailed, Some(error)),
            Some(error) => (OperationStatus::Failed, Some(error)),
            None => (OperationStatus::Succeeded, None),
        }
    }
}

/// What workers are told that authorises, where everybody on the way can read it.
fn told_in_clear(plan: &Plan, workers: &Workers) -> Option<String> {
    let (secrets, far) = (redact::secrets(plan), workers.in_clear()?);
    (!secrets.is_empty()).then(|| {
        format!(
            "{} and the secret of workers go to {far} without encryption: who is on the way can read them",
            secrets.join(", ")
        )
    })
}

/// The error of a measurement that lost workers: partly failed while one was left, failed without.
fn workers_lost(result: &PerfResult) -> Option<Error> {
    let all = result.workers.len();
    let lost: Vec<_> = result.workers.iter().filter_map(|share| Some((share, share.lost.as_ref()?))).collect();
    let (first, why) = lost.first()?;
    let message = format!("{} of {} were lost from `{}`", lost.len(), text::count(all, "worker"), result.name);
    let lines = lost.iter().map(|(share, why)| {
        format!("{} brought {} ({:.1} %): {why}", share.name, requests(share.sent), percent(share.sent, result))
    });
    let error = Error::new(Code::WorkersLost, message)
        .because(format!("{}: {why}", first.name))
        .details(lines.collect::<Vec<_>>());
    Some(if lost.len() == all { error.kind_of(Kind::Failed) } else { error })
}

/// A part of the requests in percent.
#[expect(clippy::cast_precision_loss, reason = "no count of requests comes near 2^52")]
fn percent(sent: u64, result: &PerfResult) -> f64 {
    100.0 * sent as f64 / result.requests.sent.max(1) as f64
}

fn requests(count: u64) -> String {
    text::count(usize::try_from(count).unwrap_or(usize::MAX), "request")
}

/// What is told and stored of a measurement while it goes on.
struct Progress<'a> {
    job: &'a Job<'a>,
    begun: Timestamp,
    guard: Guard<'a>,
    sum: Sum,
    waiting: Vec<Interval>,
    stored: usize,
    last: Instant,
}

impl<'a> Progress<'a> {
    fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            begun: clock::now(),
            guard: Guard::new(job.order),
            sum: Sum::default(),
            waiting: Vec::new(),
            stored: 0,
            last: Instant::now(),
        }
    }

    async fn take(&mut self, interval: Interval, control: &Control) {
        self.sum.add(&interval);
        self.job.handle.measured(self.sum.measured(&interval));
        if let Some(breach) = self.guard.take(&interval)
            && control.stopped().is_none()
        {
            self.job.handle.warning(format!("the measurement was ended: {breach}"));
            control.stop(Ending::Threshold);
        }
        self.waiting.push(interval);
        if self.last.elapsed() >= STORE_EVERY {
            self.store().await;
        }
    }

    /// Takes what came with the end of the measurement.
    async fn rest(&mut self, intervals: &mut UnboundedReceiver<Interval>, control: &Control) {
        while let Ok(interval) = intervals.try_recv() {
            self.take(interval, control).await;
        }
    }

    /// A failure costs nothing as long as the process lives: the result is stored whole at the end.
    async fn store(&mut self) {
        let id = self.job.handle.id();
        let results = self.job.state.store.results();
        let so_far = partial::so_far(id, &self.job.order.plan, self.begun, self.sum.clone());
        match results.append(id, self.stored, &self.waiting, &so_far).await {
            Ok(()) => {
                self.stored += self.waiting.len();
                self.waiting.clear();
            }
            Err(error) => tracing::warn!(%error, "intervals of a measurement were not stored"),
        }
        self.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Header;
    use crate::model::performance::result::WorkerShare;

    #[test]
    fn what_authorises_goes_to_other_machines_with_a_warning() {
        let mut plan = Plan::default();
        let at = |place: &str| Workers::At { locations: vec!["127.0.0.1:1".into(), place.into()] };
        assert_eq!(told_in_clear(&plan, &at("10.0.0.1:1")), None);
        plan.request.headers.push(Header { name: "Authorization".into(), value: "hunter2".into() });
        let told = told_in_clear(&plan, &at("10.0.0.1:1")).unwrap();
        assert!(told.contains("Authorization") && told.contains("10.0.0.1:1") && !told.contains("hunter2"), "{told}");
        assert_eq!(told_in_clear(&plan, &at("localhost:2")), None);
        assert_eq!(told_in_clear(&plan, &Workers::Local { count: 2 }), None);
    }

    #[test]
    fn lost_workers_are_a_part_of_the_failure_that_they_are() {
        let plan = Plan { name: "shop".into(), ..Plan::default() };
        let mut result = partial::assemble(Uuid::nil(), &plan, clock::now(), Vec::new());
        let share = |name: &str, sent| WorkerShare { name: name.into(), sent, ..WorkerShare::default() };
        result.workers = vec![share("a", 30), share("b", 10)];
        result.requests.sent = 40;
        assert!(workers_lost(&result).is_none());
        result.workers[1].lost = Some("it stood still".into());
        let error = workers_lost(&result).unwrap();
        assert_eq!((error.kind(), error.message()), (Kind::Partial, "1 of 2 workers were lost from `shop`"));
        assert_eq!(error.report().details, ["b brought 10 requests (25.0 %): it stood still"]);
        result.workers[0].lost = Some("gone".into());
        assert_eq!(workers_lost(&result).unwrap().kind(), Kind::Failed);
    }
}

//! One measurement: it waits for its start, carries its plan out, and tells every interval as it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::Engine;
use crate::base::{Error, clock};
use crate::load::distributed::wire;
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::{Ending, Interval, PerfResult};
use crate::perf::control::{Control, Detail};
use crate::perf::plan;
use crate::wire::worker::run_request::Command;
use crate::wire::worker::run_response::Report;
use crate::wire::worker::{Failed, Ready, Result as Outcome, RunRequest, Start};

/// A measurement with all it needs. Its end frees the worker.
pub(super) struct Measurement {
    /// The worker's share.
    pub plan: Plan,
    /// What carries it out.
    pub engine: Engine,
    /// Where reports go.
    pub reports: UnboundedSender<Report>,
    /// The end of the worker.
    pub stop: CancellationToken,
}

impl Measurement {
    /// From the first report to the last. A controller that goes away ends it.
    pub(super) async fn carry_out(self, mut commands: Streaming<RunRequest>) {
        if self.plan.generator != Generator::Native {
            let error = Error::internal("a worker makes load by the native generator only");
            return self.tell_failure(&error);
        }
        if let Err(error) = plan::check(&self.plan) {
            return self.tell_failure(&error);
        }
        self.tell(Report::Ready(Ready {}));
        let Some(start) = self.wait_for_start(&mut commands).await else { return };
        let (control, told) = self.control();
        let control = control.beginning_at(begin(&start));
        let wall_ahead_ns = wall_ns(clock::now()).saturating_sub(clock::steady_ns());
        let (plan, reins, engine) = (self.plan.clone(), control.clone(), Arc::clone(&self.engine));
        let mut running = tokio::task::spawn_blocking(move || engine(&plan, &reins));
        let mut is_heard = true;
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                why = next_stop(&mut commands), if is_heard => {
                    control.stop(why);
                    is_heard = false;
                }
                () = self.reports.closed(), if is_heard => {
                    control.stop(Ending::Stopped);
                    is_heard = false;
                }
                () = self.stop.cancelled(), if is_heard => {
                    control.stop(Ending::Stopped);
                    is_heard = false;
                }
            }
        };
        match outcome {
            Ok(Ok(result)) => {
                let start_slip_ns = slip_ns(&result, &start, wall_ahead_ns);
                self.tell_result(result, start_slip_ns, told.load(Ordering::Acquire));
            }
            Ok(Err(error)) => self.tell_failure(&error),
            Err(problem) => self.tell_failure(&Error::internal(format!("the load generator ended: {problem}"))),
        }
    }

    /// The start; none when the controller goes away, or calls it off, before.
    async fn wait_for_start(&self, commands: &mut Streaming<RunRequest>) -> Option<Start> {
        tokio::select! {
            command = commands.next() => match command?.ok()?.command? {
                Command::Start(start) => Some(start),
                _ => None,
            },
            () = self.stop.cancelled() => None,
        }
    }

    /// Reins whose every interval goes to the controller, and how many have gone.
    fn control(&self) -> (Control, Arc<AtomicUsize>) {
        let told = Arc::new(AtomicUsize::new(0));
        let (reports, count) = (self.reports.clone(), Arc::clone(&told));
        let control = Control::observed_in_detail(move |interval, detail| {
            tell_interval(&reports, count.fetch_add(1, Ordering::AcqRel), interval, detail);
        });
        (control, told)
    }

    /// The intervals that the generator did not show by itself, then the result without them.
    fn tell_result(&self, mut result: PerfResult, start_slip_ns: i64, told: usize) {
        for (index, interval) in result.intervals.iter().enumerate().skip(told) {
            tell_interval(&self.reports, index, interval, None);
        }
        result.intervals.clear();
        match serde_json::to_vec(&result) {
            Ok(json) => self.tell(Report::Result(Outcome { json, start_slip_ns })),
            Err(error) => self.tell_failure(&Error::internal("a result cannot be written as JSON").because(error)),
        }
    }

    fn tell_failure(&self, error: &Error) {
        let error_json = serde_json::to_vec(&error.report()).unwrap_or_default();
        self.tell(Report::Failed(Failed { error_json }));
    }

    fn tell(&self, report: Report) {
        // A controller that is gone hears nothing.
        let _ = self.reports.send(report);
    }
}

fn tell_interval(reports: &UnboundedSender<Report>, index: usize, interval: &Interval, detail: Option<&Detail>) {
    match wire::to_wire(index as u64, interval, detail) {
        // A controller that is gone is noticed elsewhere.
        Ok(interval) => drop(reports.send(Report::Interval(interval))),
        Err(error) => tracing::error!(%error, "an interval is lost"),
    }
}

/// Why the controller wants it to end, as soon as it does.
async fn next_stop(commands: &mut Streaming<RunRequest>) -> Ending {
    match commands.next().await {
        Some(Ok(RunRequest { command: Some(Command::Cancel(cancel)) })) if cancel.why == "threshold" => {
            Ending::Threshold
        }
        _ => Ending::Stopped,
    }
}

/// The agreed moment, with the worker's phase, as this process's timers know it.
fn begin(start: &Start) -> Instant {
    let now = Instant::now();
    let left = start.at_ns.saturating_add(start.phase_ns).saturating_sub(clock::steady_ns());
    now + Duration::from_nanos(u64::try_from(left).unwrap_or_default())
}

/// When the measurement was to begin, after the warm-up.
fn agreed_ns(start: &Start, plan: &Plan) -> i64 {
    let warm_up = i64::try_from(plan.warm_up.as_nanos()).unwrap_or(i64::MAX);
    start.at_ns.saturating_add(start.phase_ns).saturating_add(warm_up)
}

/// How much later than agreed it began. A result tells its begin by the wall clock, which may have been set since this
/// process began and is then `wall_ahead_ns` ahead of the clock that the start was agreed by.
fn slip_ns(result: &PerfResult, start: &Start, wall_ahead_ns: i64) -> i64 {
    let began = wall_ns(result.started_at).saturating_sub(wall_ahead_ns);
    began.saturating_sub(agreed_ns(start, &result.plan))
}

fn wall_ns(moment: clock::Timestamp) -> i64 {
    i64::try_from(moment.as_nanosecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_begin_is_the_agreed_moment_and_one_that_is_past_is_now() {
        let start = Start { at_ns: clock::steady_ns() + 1_000_000_000, phase_ns: 500_000_000 };
        let left = begin(&start).saturating_duration_since(Instant::now());
        assert!(left <= Duration::from_millis(1_500) && left > Duration::from_secs(1), "{left:?}");
        assert!(begin(&Start { at_ns: 0, phase_ns: 0 }) <= Instant::now());
    }

    #[test]
    fn a_clock_that_was_set_in_between_is_no_slip() {
        let hour = 3_600_000_000_000;
        let agreed = clock::steady_ns() / 1_000 * 1_000;
        let began = clock::Timestamp::from_microsecond((agreed + hour + 7_000) / 1_000).unwrap();
        let result = crate::perf::partial::assemble(uuid::Uuid::nil(), &Plan::default(), began, Vec::new());
        assert_eq!(slip_ns(&result, &Start { at_ns: agreed, phase_ns: 0 }, hour), 7_000);
    }

    #[test]
    fn the_measurement_is_agreed_to_begin_after_the_warm_up() {
        let plan = Plan { warm_up: Duration::from_secs(2), ..Plan::default() };
        assert_eq!(agreed_ns(&Start { at_ns: 10, phase_ns: 5 }, &plan), 2_000_000_015);
    }
}

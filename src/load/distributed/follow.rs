//! One worker followed through its measurement.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::merge::End;
use super::wire;
use crate::client::worker::Reports;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Interval, PerfResult};
use crate::perf::control::Detail;
use crate::wire::worker as message;
use crate::wire::worker::run_response::Report;

/// Intervals come once a second; a worker that says nothing for so long is taken for lost.
pub(super) const SILENCE: Duration = Duration::from_secs(5);
/// What a worker may need beyond its plan's time and the timeout of its last request.
const MARGIN: Duration = Duration::from_secs(5);

/// What is told of a worker while it measures.
pub(super) struct Told {
    /// Which one, from 0.
    pub worker: usize,
    /// What.
    pub what: What,
}

/// What a worker told, or its end.
pub(super) enum What {
    /// An interval is over.
    Interval(Box<(Interval, Option<Detail>)>),
    /// There will be nothing more.
    End(End),
}

/// How long to wait for each report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    first: Instant,
    last: Option<Instant>,
}

impl Limits {
    /// Of a plan whose measurement begins at `begin`. Requests that are counted have no last moment: silence ends them.
    pub(super) fn of(plan: &Plan, begin: Instant) -> Self {
        let begin = begin + plan.warm_up;
        let last = plan.duration.map(|length| begin + length + plan.timeout + MARGIN);
        Self { first: begin + SILENCE + plan.timeout.min(SILENCE), last }
    }

    /// The wait for the next report. At the end of a plan, its last requests are waited for, and nothing is told meanwhile.
    fn next(self, plan: &Plan) -> Instant {
        let next = self.first.max(Instant::now() + SILENCE + plan.timeout);
        self.last.map_or(next, |last| next.min(last))
    }
}

/// Passes on what a worker says until its end, which always comes.
pub(super) async fn follow(
    worker: usize,
    mut reports: Reports,
    (plan, limits): (Plan, Limits),
    teller: mpsc::UnboundedSender<Told>,
) {
    let mut expected = 0;
    let end = loop {
        let report = match timeout_at(limits.next(&plan), reports.next()).await {
            Err(_) => break End::Lost("it stopped telling how far it is".to_owned()),
            Ok(None) => break End::Lost("the connection ended before its result".to_owned()),
            Ok(Some(Err(error))) => break End::Lost(error.to_string()),
            Ok(Some(Ok(report))) => report,
        };
        match read(report, expected) {
            Ok(What::Interval(interval)) => {
                expected += 1;
                // Nobody listens any more only when the whole measurement is given up.
                let _ = teller.send(Told { worker, what: What::Interval(interval) });
            }
            Ok(What::End(end)) => break end,
            Err(problem) => break End::Lost(problem),
        }
    };
    let _ = teller.send(Told { worker, what: What::End(end) });
}

fn read(report: Report, expected: u64) -> Result<What, String> {
    match report {
        Report::Interval(interval) if interval.index != expected => {
            Err(format!("its interval {expected} never arrived"))
        }
        Report::Interval(interval) => wire::from_wire(interval).map(|interval| What::Interval(Box::new(interval))),
        Report::Result(message::Result { json, start_slip_ns }) => {
            let result = serde_json::from_slice::<PerfResult>(&json);
            let result = result.map_err(|problem| format!("its result cannot be read: {problem}"))?;
            Ok(What::End(End::Whole { result: Box::new(result), start_slip_ns }))
        }
        Report::Ready(_) => Err("it said twice that it is ready".to_owned()),
        Report::Failed(_) => Err("it failed".to_owned()),
    }
}

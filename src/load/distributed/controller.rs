//! The controller: it brings clocks together, agrees on a start, follows every worker, and makes one result of all.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::follow::{Limits, Told, What, follow};
use super::merge::{End, Part, add_intervals, merge};
use super::offset::Offset;
use super::split::{Share, shares};
use crate::base::{Code, Error, Result, clock};
use crate::client::worker::{Probe, Reports, WorkerClient};
use crate::model::adapter::Location;
use crate::model::performance::plan::{Contents, Plan};
use crate::model::performance::result::{Ending, Interval, PerfResult};
use crate::perf::control::Control;
use crate::perf::{pem, redact};
use crate::wire::worker::run_request::Command;
use crate::wire::worker::run_response::Report;
use crate::wire::worker::{self as wire, Cancel, Start};

/// Readings of each worker's clock.
const PROBES: usize = 16;
/// Longest wait for a connection and for each short call.
const LIMIT: Duration = Duration::from_secs(10);
/// Longest wait until a worker has taken its plan.
const READY: Duration = Duration::from_secs(20);
/// From the last worker's readiness to the agreed moment, beside the slowest way to a worker.
const LEAD: Duration = Duration::from_millis(250);
/// How often the reins are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A worker that can be reached: what to call it, and where it listens.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Its name in the result.
    pub name: String,
    /// Where it listens, as seen from here.
    pub location: Location,
}

/// A worker that waits for the start.
struct Ready {
    name: String,
    clock: Offset,
    share: Share,
    commands: mpsc::Sender<Command>,
    reports: Reports,
}

/// Carries the plan out with the workers at these seats.
///
/// # Errors
/// Before anything is sent to the targets: a worker that cannot be reached or refuses, a plan that cannot be shared.
pub(super) async fn conduct(plan: Plan, seats: &[Seat], token: &str, control: &Control) -> Result<PerfResult> {
    let count = u32::try_from(seats.len()).unwrap_or(u32::MAX);
    let mut shares = shares(&plan, count)?;
    let contents = pem::contents(&plan.tls)?;
    for share in &mut shares {
        share.plan.tls.contents = contents.clone();
    }
    let joined = try_join_all(seats.iter().zip(shares).map(|(seat, share)| prepare(seat, token, share)));
    let ready = tokio::select! {
        ready = joined => ready?,
        error = stopped(control) => return Err(error),
    };
    let parts = measure(&plan, ready, control).await;
    Ok(merge(redact::plan(&plan), &parts, control.stopped()))
}

async fn prepare(seat: &Seat, token: &str, share: Share) -> Result<Ready> {
    let mut client = WorkerClient::connect(&seat.location, token, LIMIT).await?;
    client.hello().await?;
    let clock = read_clock(&mut client).await?;
    let (commands, mut reports) = client.run(message(&share.plan)?).await?;
    match tokio::time::timeout(READY, reports.next()).await {
        Ok(Some(Ok(Report::Ready(_)))) => Ok(Ready { name: seat.name.clone(), clock, share, commands, reports }),
        Ok(Some(Err(error))) => Err(error),
        Ok(_) => Err(unready(seat, "it ended the measurement before its start")),
        Err(_) => Err(unready(seat, &format!("it was not ready within {} s", READY.as_secs()))),
    }
}

/// A share as it goes out, with what its files hold.
fn message(plan: &Plan) -> Result<wire::Plan> {
    let json =
        serde_json::to_vec(plan).map_err(|error| Error::internal("a plan cannot be written as JSON").because(error))?;
    let Contents { ca, cert, key } = plan.tls.contents.clone();
    Ok(wire::Plan { json, ca, cert, key })
}

/// The error of a measurement that is stopped before its begin, as soon as it is.
async fn stopped(control: &Control) -> Error {
    while control.stopped().is_none() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    cancelled()
}

/// A measurement was stopped before its workers were ready.
pub(super) fn cancelled() -> Error {
    Error::new(Code::OperationCancelled, "the measurement was stopped before its workers were ready")
}

fn unready(seat: &Seat, why: &str) -> Error {
    Error::new(Code::WorkerRefused, format!("the worker {} did not take its plan", seat.name)).because(why)
}

async fn read_clock(client: &mut WorkerClient) -> Result<Offset> {
    let mut probes: Vec<Probe> = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        probes.push(client.probe().await?);
    }
    Offset::of(&probes).ok_or_else(|| Error::internal("a clock was not read"))
}

/// From the agreed moment to the last worker's end.
async fn measure(plan: &Plan, ready: Vec<Ready>, control: &Control) -> Vec<Part> {
    let slowest = ready.iter().map(|one| one.clock.error_ns).max().unwrap_or_default();
    let lead = LEAD + Duration::from_nanos(slowest.saturating_mul(4));
    let (begin, begin_ns) = (Instant::now() + lead, clock::steady_ns() + nanoseconds(lead));
    let (teller, told) = mpsc::unbounded_channel();
    let mut parts = Vec::with_capacity(ready.len());
    let mut lines = Vec::with_capacity(ready.len());
    for (worker, Ready { name, clock, share, commands, reports }) in ready.into_iter().enumerate() {
        let phase_ns = nanoseconds(share.phase);
        let start = Start { at_ns: clock.theirs(begin_ns), phase_ns };
        let end = match commands.send(Command::Start(start)).await {
            Ok(()) => End::Lost("it said nothing".to_owned()),
            Err(_) => End::Lost("the connection ended before the start".to_owned()),
        };
        let limits = Limits::of(&share.plan, begin + share.phase);
        let begin_ns = begin_ns + phase_ns + nanoseconds(plan.warm_up);
        parts.push(Part::new(name, clock, begin_ns, end));
        lines.push((commands, tokio::spawn(follow(worker, reports, (share.plan, limits), teller.clone()))));
    }
    drop(teller);
    let commands = lines.iter().map(|line| line.0.clone()).collect();
    listen(told, &mut parts, commands, control).await;
    parts
}

fn nanoseconds(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// Takes in what workers tell, shows intervals as soon as all have told theirs, and passes a stop on.
async fn listen(
    mut told: mpsc::UnboundedReceiver<Told>,
    parts: &mut [Part],
    mut commands: Vec<mpsc::Sender<Command>>,
    control: &Control,
) {
    let mut board = Board { waiting: vec![VecDeque::new(); parts.len()], over: vec![false; parts.len()] };
    let mut is_cancelled = false;
    loop {
        let next = tokio::time::timeout(LOOK_EVERY, told.recv()).await;
        match next {
            Ok(None) => return,
            Ok(Some(Told { worker, what: What::End(end) })) => {
                parts[worker].end = end;
                board.over[worker] = true;
            }
            Ok(Some(Told { worker, what: What::Interval(pair) })) => {
                let (interval, detail) = *pair;
                board.waiting[worker].push_back(interval.clone());
                parts[worker].take(interval, detail);
            }
            Err(_) => {}
        }
        while let Some(interval) = board.next() {
            control.observe(&interval);
        }
        if let Some(why) = control.stopped().filter(|_| !is_cancelled) {
            is_cancelled = true;
            cancel(&mut commands, why);
        }
    }
}

fn cancel(commands: &mut Vec<mpsc::Sender<Command>>, why: Ending) {
    let why = if why == Ending::Threshold { "threshold" } else { "stopped" };
    for line in commands.drain(..) {
        // A full or broken line is one whose worker is followed to its end all the same.
        let _ = line.try_send(Command::Cancel(Cancel { why: why.to_owned() }));
    }
}

/// Intervals that wait until every worker that is still there has told its own.
struct Board {
    waiting: Vec<VecDeque<Interval>>,
    over: Vec<bool>,
}

impl Board {
    fn next(&mut self) -> Option<Interval> {
        let missing = self.waiting.iter().zip(&self.over).any(|(queue, over)| queue.is_empty() && !over);
        if missing {
            return None;
        }
        let column: Vec<Interval> = self.waiting.iter_mut().filter_map(VecDeque::pop_front).collect();
        add_intervals(column.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::PackedHistogram;

    fn interval(sent: u64) -> Interval {
        Interval {
            start_seconds: 0.0,
            length_seconds: 1.0,
            sent,
            succeeded: sent,
            failed: 0,
            dropped: 0,
            response: PackedHistogram::default(),
        }
    }

    #[test]
    fn an_interval_is_shown_when_every_worker_that_is_there_has_told_it() {
        let mut board = Board { waiting: vec![VecDeque::new(); 2], over: vec![false; 2] };
        board.waiting[0].extend([interval(1), interval(2)]);
        assert_eq!(board.next(), None);
        board.waiting[1].push_back(interval(10));
        assert_eq!(board.next().map(|one| one.sent), Some(11));
        assert_eq!(board.next(), None);
        board.over[1] = true;
        assert_eq!(board.next().map(|one| one.sent), Some(2));
        assert_eq!(board.next(), None);
    }
}

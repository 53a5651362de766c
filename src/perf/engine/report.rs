//! From the counts of all threads to one result.

use std::collections::BTreeMap;

use super::intervals::Joiner;
use super::machine::{self, Cpu, Ticks};
use super::recorder::{CLASSES, Recorder};
use super::worker::{Shared, Yield};
use crate::base::clock::Timestamp;
use crate::model::performance::plan::{Load, Plan};
use crate::model::performance::result::{
    Bytes, Cause, Connections, Ending, GeneratorReport, Latency, PerfResult, Requests, SCHEMA, response_rate,
};
use crate::perf::control::Detail;
use crate::perf::units;
use crate::perf::{redact, warnings};

/// Names of gRPC's codes in order.
const GRPC_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const SECOND: f64 = 1e9;

/// What is known when every thread is done.
pub struct Outcome {
    /// What each thread brought.
    pub threads: Vec<Yield>,
    /// Wall clock at the begin of the measurement.
    pub started_at: Timestamp,
    /// Who stopped it, where somebody did.
    pub stopped: Option<Ending>,
    /// When that was, or when the threads were done, in nanoseconds of the run's clock.
    pub over: u64,
    /// Ticks before and after, where the kernel tells.
    pub ticks: Option<(Ticks, Ticks)>,
}

/// Sums of the threads.
#[derive(Default)]
struct Sums {
    requests: Requests,
    statuses: BTreeMap<String, u64>,
    errors: BTreeMap<Cause, u64>,
    connections: Connections,
    bytes: Bytes,
    latency: Latency,
    cpu: Cpu,
    looked: u64,
    unanswered: u64,
    last: u64,
    late: u64,
    overtime: u64,
    is_complete: bool,
}

/// Builds the result; `joiner` holds the run second by second.
pub fn result(shared: &Shared, outcome: &Outcome, joiner: Joiner) -> PerfResult {
    let plan = &shared.plan;
    let mut sums = Sums { is_complete: true, ..Sums::default() };
    for thread in &outcome.threads {
        sums.add(thread);
    }
    let Lengths { elapsed: elapsed_seconds, whole } = lengths(shared, outcome, &sums);
    let intervals = joiner.finish(whole);
    for interval in &intervals {
        sums.latency.response.merge(&interval.response.unpack());
    }
    let is_open = plan.load.rate(None).is_some();
    if !is_open {
        sums.latency.service = sums.latency.response.clone();
        sums.requests.due = sums.requests.ended();
    }
    let answered = sums.latency.response.count();
    let steal = outcome.ticks.map(|(before, after)| after.steal_since(before));
    let mut result = PerfResult {
        schema: SCHEMA.to_owned(),
        id: uuid::Uuid::now_v7(),
        name: plan.name.clone(),
        profile_id: None,
        plan: redact::plan(plan),
        started_at: outcome.started_at,
        ended_at: later(outcome.started_at, whole),
        elapsed_seconds,
        ended_by: ending(plan, outcome.stopped, sums.is_complete),
        requested_rate: plan.load.rate(plan.duration),
        achieved_rate: response_rate(answered, elapsed_seconds),
        requests: sums.requests,
        statuses: sums.statuses,
        errors: sums.errors,
        connections: sums.connections,
        bytes: sums.bytes,
        latency: sums.latency,
        intervals,
        generator: GeneratorReport {
            name: plan.generator.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            threads: shared.threads,
            cpu_user_seconds: Some(sums.cpu.user),
            cpu_system_seconds: Some(sums.cpu.system),
            steal,
            cpu_wait: Some(share(sums.cpu.waited, elapsed_seconds * f64::from(shared.threads))),
            looking: Some(share(seconds(sums.looked), whole * f64::from(shared.threads))),
            resolution_ns: 0,
        },
        environment: machine::environment(),
        workers: Vec::new(),
        warnings: Vec::new(),
        verdicts: Vec::new(),
        server_metrics: BTreeMap::new(),
    };
    result.warnings = warnings::of(&result);
    result.warnings.extend(unanswered(sums.unanswered));
    result.warnings.extend(refusal(&outcome.threads));
    result
}

/// What a thread has counted so far, of what only a result shows.
pub fn detail(recorder: &Recorder) -> Detail {
    let mut sums = Sums::default();
    sums.add_figures(recorder);
    let Latency { service, slip, by_class, .. } = sums.latency;
    Detail { service, slip, by_class, statuses: sums.statuses, errors: sums.errors }
}

impl Sums {
    fn add(&mut self, thread: &Yield) {
        let recorder = &thread.recorder;
        let Requests { due, sent, succeeded, failed, dropped, .. } = recorder.requests;
        self.requests.due += due;
        self.requests.sent += sent;
        self.requests.succeeded += succeeded;
        self.requests.failed += failed;
        self.requests.dropped += dropped;
        // threads have their queues for themselves: the most of all is at most the sum
        self.requests.queued_most += thread.queued_most;
        self.add_figures(recorder);
        self.connections.opened += recorder.opened;
        self.connections.failed += recorder.refused;
        self.connections.closed_by_peer += recorder.closed_by_peer;
        self.connections.connect.merge(&recorder.connect);
        self.bytes.sent += recorder.bytes.sent;
        self.bytes.received += recorder.bytes.received;
        self.cpu = self.cpu.plus(thread.cpu);
        self.looked += thread.looked;
        self.unanswered += thread.unanswered;
        self.last = self.last.max(recorder.last);
        self.late += recorder.late;
        self.overtime += recorder.overtime;
        self.is_complete &= thread.is_complete;
    }

    fn add_figures(&mut self, recorder: &Recorder) {
        self.add_statuses(recorder);
        for (cause, count) in Cause::ALL.into_iter().zip(recorder.errors).filter(|(_, count)| *count > 0) {
            *self.errors.entry(cause).or_default() += count;
        }
        self.latency.service.merge(&recorder.service);
        self.latency.slip.merge(&recorder.slip);
        for (class, histogram) in CLASSES.iter().zip(&recorder.classes) {
            if let Some(histogram) = histogram {
                self.latency.by_class.entry((*class).to_owned()).or_default().merge(histogram);
            }
        }
    }

    fn add_statuses(&mut self, recorder: &Recorder) {
        let http = recorder.http.iter().enumerate().map(|(code, count)| (code.to_string(), *count));
        let grpc = GRPC_NAMES.iter().zip(recorder.grpc).map(|(name, count)| ((*name).to_owned(), count));
        let plain = std::iter::once(("ok".to_owned(), recorder.plain));
        for (status, count) in http.chain(grpc).chain(plain).filter(|(_, count)| *count > 0) {
            *self.statuses.entry(status).or_default() += count;
        }
    }
}

fn ending(plan: &Plan, stopped: Option<Ending>, is_complete: bool) -> Ending {
    match stopped {
        Some(why) => why,
        None if plan.requests.is_some() && is_complete => Ending::Requests,
        None => Ending::Duration,
    }
}

/// How long a run was, in seconds.
struct Lengths {
    /// The time in which it made requests, which its rate counts by.
    elapsed: f64,
    /// From the begin to the end of the last request.
    whole: f64,
}

/// The wait for slow responses after the plan's time is no part of the rate where requests come by the clock. Where they
/// come by connection, each connection's last request is as much of its work as all others: the time that it took beyond
/// the end counts, in the mean of the connections.
fn lengths(shared: &Shared, outcome: &Outcome, sums: &Sums) -> Lengths {
    let plan = &shared.plan;
    let start = shared.start();
    let last = sums.last.saturating_sub(start);
    let by_connection = plan.load == Load::Closed || sums.requests.dropped > 0;
    let overtime = if by_connection { sums.overtime / sums.late.max(1) } else { 0 };
    let elapsed = match ending(plan, outcome.stopped, sums.is_complete) {
        Ending::Duration => plan.duration.map_or(last, super::worker::nanoseconds).saturating_add(overtime),
        Ending::Requests => last,
        _ => outcome.over.saturating_sub(start).max(last),
    };
    Lengths { elapsed: seconds(elapsed), whole: seconds(elapsed.max(last)) }
}

#[expect(clippy::cast_precision_loss, reason = "runs are shorter than 2^53 ns, which is a hundred days")]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / SECOND
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn later(start: Timestamp, seconds: f64) -> Timestamp {
    let length = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    start.checked_add(length).unwrap_or(start)
}

fn refusal(threads: &[Yield]) -> Option<String> {
    let first = threads.iter().find_map(|thread| thread.refusal.as_deref())?;
    Some(format!("the target's certificate was not taken: {first}"))
}

fn unanswered(count: u64) -> Option<String> {
    (count > 0).then(|| {
        format!("{} requests had no answer when the run was over; they are counted as timeouts", units::count(count))
    })
}

//! From the counts of all threads to one result.

use std::collections::BTreeMap;

use super::intervals::{Joiner, Packed};
use super::machine::{self, Cpu, Ticks};
use super::recorder::{CLASSES, Recorder};
use super::worker::{Shared, Yield};
use crate::base::clock::Timestamp;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{
    Bytes, Cause, Connections, Ending, GeneratorReport, Interval, Latency, PerfResult, Requests, SCHEMA,
};
use crate::perf::control::Detail;
use crate::perf::redact;
use crate::perf::stats::order;
use crate::perf::units;

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
/// Share of the machine's time above which its absence shows in the tails.
const MUCH_STEAL: f64 = 0.01;
/// Share of the run spent in waiting for a processor above which it shows in the tails.
const MUCH_WAIT: f64 = 0.01;
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
    unanswered: u64,
    last: u64,
    is_complete: bool,
}

/// Builds the result; `joiner` holds the run second by second.
pub fn result(shared: &Shared, outcome: &Outcome, joiner: Joiner) -> PerfResult {
    let plan = &shared.plan;
    let mut sums = Sums { is_complete: true, ..Sums::default() };
    for thread in &outcome.threads {
        sums.add(thread);
    }
    let elapsed_seconds = elapsed(shared, outcome, &sums);
    let intervals: Vec<Interval> = joiner.finish(elapsed_seconds).iter().map(Packed::unpack).collect();
    for interval in &intervals {
        sums.latency.response.merge(&interval.response);
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
        ended_at: later(outcome.started_at, elapsed_seconds),
        elapsed_seconds,
        ended_by: ending(plan, outcome.stopped, sums.is_complete),
        requested_rate: plan.load.rate(plan.duration),
        achieved_rate: rate(answered, elapsed_seconds),
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
            resolution_ns: 0,
        },
        environment: machine::environment(),
        workers: Vec::new(),
        warnings: Vec::new(),
        server_metrics: BTreeMap::new(),
    };
    result.warnings = warnings(&result, sums.unanswered);
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
        self.unanswered += thread.unanswered;
        self.last = self.last.max(recorder.last);
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

/// Seconds from the begin to the plan's end, or to the last response where that came later.
#[expect(clippy::cast_precision_loss, reason = "runs are shorter than 2^53 ns, which is a hundred days")]
fn elapsed(shared: &Shared, outcome: &Outcome, sums: &Sums) -> f64 {
    let start = shared.start();
    let last = sums.last.saturating_sub(start);
    let planned = shared.plan.duration.map_or(0, super::worker::nanoseconds);
    let window = match ending(&shared.plan, outcome.stopped, sums.is_complete) {
        Ending::Duration => planned,
        Ending::Requests => 0,
        _ => outcome.over.saturating_sub(start),
    };
    window.max(last) as f64 / SECOND
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn later(start: Timestamp, seconds: f64) -> Timestamp {
    let length = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    start.checked_add(length).unwrap_or(start)
}

/// What limits what can be said.
fn warnings(result: &PerfResult, unanswered: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let answered = result.latency.response.count();
    if let Some(steal) = result.generator.steal.filter(|steal| *steal > MUCH_STEAL) {
        warnings.push(format!(
            "the hypervisor took {:.1} % of the machine's time: the upper percentiles show its pauses too",
            steal * 100.0
        ));
    }
    if let Some(wait) = result.generator.cpu_wait.filter(|wait| *wait > MUCH_WAIT) {
        warnings.push(format!(
            "the generator waited for a processor in {:.1} % of the run: what else runs on this machine shows in the upper percentiles",
            wait * 100.0
        ));
    }
    warnings.extend(slow_sends(&result.latency));
    warnings.extend(saturation(result));
    if let Some(wanted) = order::wanted_count(99.0).filter(|wanted| answered < *wanted) {
        warnings.push(format!(
            "{} responses support no 99th percentile: {} are wanted",
            units::count(answered),
            units::count(wanted)
        ));
    }
    if unanswered > 0 {
        warnings.push(format!(
            "{} requests had no answer when the run was over; they are counted as timeouts",
            units::count(unanswered)
        ));
    }
    if result.connections.failed > 0 {
        warnings.push(format!("{} attempts to connect failed", units::count(result.connections.failed)));
    }
    warnings
}

fn slow_sends(latency: &Latency) -> Option<String> {
    let slip = latency.slip.percentile_ns(99.0);
    let middle = latency.response.percentile_ns(50.0);
    (slip > middle && middle > 0).then(|| {
        format!(
            "the generator sent a hundredth of the requests more than {} late, which is above the median response time of {}",
            units::duration_ns(slip),
            units::duration_ns(middle)
        )
    })
}

/// The generator is at its limit when it sent less than asked although nothing waited for the targets.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn saturation(result: &PerfResult) -> Option<String> {
    let asked = result.requested_rate?;
    let is_short = result.achieved_rate < 0.95 * asked;
    let failed = result.requests.failed as f64 > 0.05 * result.requests.ended() as f64;
    if !is_short || failed || result.ended_by == Ending::Requests {
        return None;
    }
    let cpu = result.generator.cpu_user_seconds.unwrap_or(0.0) + result.generator.cpu_system_seconds.unwrap_or(0.0);
    let share = share(cpu, result.elapsed_seconds * f64::from(result.generator.threads));
    let who = if result.requests.queued_most == 0 && result.requests.dropped == 0 || share > 0.9 {
        "the generator is at its limit: more threads, or workers on other machines, would help"
    } else {
        "the targets did not answer faster on so many connections: more connections, or a lower rate, would help"
    };
    Some(format!(
        "{} of {} requests a second were answered; {who}",
        units::rate(result.achieved_rate),
        units::rate(asked)
    ))
}

//! What is the same in every result of an external generator.

use std::collections::BTreeMap;
use std::time::Duration;

use super::program::Program;
use crate::base::clock::Timestamp;
use crate::base::id;
use crate::model::performance::plan::{Load, Plan};
use crate::model::performance::result::{
    Bytes, Connections, Ending, GeneratorReport, Latency, PerfResult, Requests, SCHEMA,
};
use crate::perf::engine::machine;
use crate::perf::redact;

/// A result without figures: the plan, the time, the program, this machine.
pub(super) fn result(plan: &Plan, program: &Program, (started, elapsed): (Timestamp, Duration)) -> PerfResult {
    let length = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
    let ended = Timestamp::from_microsecond(started.as_microsecond().saturating_add(length)).unwrap_or(started);
    PerfResult {
        schema: SCHEMA.to_owned(),
        id: id::new(),
        name: plan.name.clone(),
        profile_id: None,
        plan: redact::plan(plan),
        started_at: started,
        ended_at: ended,
        elapsed_seconds: elapsed.as_secs_f64(),
        ended_by: if plan.requests.is_some() { Ending::Requests } else { Ending::Duration },
        requested_rate: plan.load.rate(plan.duration),
        achieved_rate: 0.0,
        requests: Requests::default(),
        statuses: BTreeMap::new(),
        errors: BTreeMap::new(),
        connections: Connections::default(),
        bytes: Bytes::default(),
        latency: Latency::default(),
        intervals: Vec::new(),
        generator: GeneratorReport {
            name: plan.generator.name().to_owned(),
            version: program.version.clone(),
            threads: plan.threads,
            ..GeneratorReport::default()
        },
        environment: machine::environment(),
        workers: Vec::new(),
        warnings: vec![format!("{} tells no course of the run: there are no intervals", plan.generator.name())],
        verdicts: Vec::new(),
        server_metrics: BTreeMap::new(),
    }
}

/// Says that response times do not count the wait of requests that were due, where the plan asked for a rate.
pub(super) fn warn_of_omission(plan: &Plan, result: &mut PerfResult) {
    if matches!(plan.load, Load::Open { .. }) {
        result.warnings.push(format!(
            "{} measures from the moment a request is sent: what waits behind a slow response is not in its figures \
             (coordinated omission)",
            plan.generator.name()
        ));
    }
}

/// Responses a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// Requests that were due: the plan's rate over the time that was measured, at least as many as were sent.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are positive and far below 2^52"
)]
pub(super) fn due(plan: &Plan, seconds: f64, sent: u64) -> u64 {
    let by_rate = plan.load.rate(plan.duration).map_or(0.0, |rate| (rate * seconds).round());
    let by_rate = plan.requests.map_or(by_rate, |most| by_rate.min(most as f64));
    sent.max(by_rate as u64)
}

//! What limits what can be said of a measurement, in sentences.

use super::stats::order;
use super::units;
use crate::model::performance::result::{Ending, Latency, PerfResult};

/// Share of the machine's time above which its absence shows in the tails.
const MUCH_STEAL: f64 = 0.01;
/// Share of the run spent in waiting for a processor above which it shows in the tails.
const MUCH_WAIT: f64 = 0.01;

/// Shares of two runs in which the generator looked for responses that differ more than this show in their durations.
const OTHER_LOOKING: f64 = 0.2;
/// A generator that sends half of its requests later than this has too much to do, in nanoseconds.
const LATE_NS: u64 = 1_000_000;

/// All that a result of one generator says: of its machine, then of what was measured.
pub fn of(result: &PerfResult) -> Vec<String> {
    let mut warnings = of_machine(result);
    warnings.extend(of_whole(result));
    warnings
}

/// What is said of the sum of all that was measured, however many generators had a share in it.
pub fn of_whole(result: &PerfResult) -> Vec<String> {
    let mut warnings = Vec::new();
    let answered = result.latency.response.count();
    warnings.extend(saturation(result));
    if let Some(wanted) = order::wanted_count(99.0).filter(|wanted| answered < *wanted) {
        warnings.push(format!(
            "{} responses support no 99th percentile: {} are wanted",
            units::count(answered),
            units::count(wanted)
        ));
    }
    if result.connections.failed > 0 {
        warnings.push(format!("{} attempts to connect failed", units::count(result.connections.failed)));
    }
    warnings
}

/// What is said of two runs, each with its name, where the generator slept for responses in the one and looked for them in
/// the other.
pub fn looking(one: (&str, &PerfResult), other: (&str, &PerfResult)) -> Option<String> {
    let (here, there) = one.1.generator.looking.zip(other.1.generator.looking)?;
    ((here - there).abs() > OTHER_LOOKING).then(|| {
        format!(
            "the generator looked for responses in {} of {} and in {} of {}: differences of some 30 us may be its own; --no-busy makes it sleep in both",
            units::share(here),
            one.0,
            units::share(there),
            other.0
        )
    })
}

fn of_machine(result: &PerfResult) -> Vec<String> {
    let mut warnings = Vec::new();
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

/// The generator is at its limit when it sent less than asked although nothing waited for the targets. A rate that lost
/// workers are missing in says nothing of limits.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn saturation(result: &PerfResult) -> Option<String> {
    let asked = result.requested_rate?;
    let is_short = result.achieved_rate < 0.95 * asked;
    let failed = result.requests.failed as f64 > 0.05 * result.requests.ended() as f64;
    let is_cut = result.ended_by == Ending::Requests || result.workers.iter().any(|worker| worker.lost.is_some());
    if !is_short || failed || is_cut {
        return None;
    }
    let who = if result.requests.queued_most == 0 && result.requests.dropped == 0 || is_full(result) {
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

/// Whether the generator's threads could do no more. One that looks for responses is always at work: only that it sends
/// late says that it is too much.
fn is_full(result: &PerfResult) -> bool {
    if result.generator.looking.is_some_and(|share| share > 0.5) {
        result.latency.slip.percentile_ns(50.0) > LATE_NS
    } else {
        busy(result) > 0.9
    }
}

/// The share (0 to 1) of the run in which the generator's threads were at work.
fn busy(result: &PerfResult) -> f64 {
    let generator = &result.generator;
    let used = generator.cpu_user_seconds.unwrap_or(0.0) + generator.cpu_system_seconds.unwrap_or(0.0);
    let all = result.elapsed_seconds * f64::from(generator.threads);
    if all > 0.0 { (used / all).clamp(0.0, 1.0) } else { 0.0 }
}

//! What one result says of a figure by itself: between which bounds it lies, and why one of them is missing.

use super::Metric;
use crate::model::performance::plan::{Load, Pacing};
use crate::model::performance::result::PerfResult;
use crate::perf::stats::bootstrap::GRID;
use crate::perf::stats::{Bounds, Z95, order, poisson95, wilson95};
use crate::perf::summary::{self, Percentile};
use crate::perf::units;

/// Share of the rate asked for within which it counts as met.
const MET: f64 = 0.01;

/// The value of a figure with its 95 % bounds, requests counting as independent; infinite where the result sets none.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn of(metric: Metric, result: &PerfResult) -> Option<(f64, Bounds)> {
    let value = metric.of(result)?;
    let response = &result.latency.response;
    let bounds = match metric {
        Metric::Percentile(percentile) => of_percentile(percentile, result)?,
        Metric::Mean => {
            let half = Z95 * response.stdev_ns() / (response.count() as f64).sqrt();
            Bounds { low: value - half, high: value + half }
        }
        Metric::Errors => wilson95(result.requests.bad(), result.requests.ended())?,
        Metric::Rate => of_rate(result)?,
    };
    Some((value, bounds))
}

/// Whether response times of a result are missing because no request got a response, not because nobody wrote them down.
pub fn answers_nothing(metric: Metric, result: &PerfResult) -> bool {
    let is_time = matches!(metric, Metric::Mean | Metric::Percentile(_));
    is_time && result.requests.ended() > 0 && result.requests.succeeded == 0
}

/// What is wrong with a percentile moves one of its bounds only: requests without a response are slower than all others,
/// so that no upper bound stands; the generator's lateness makes responses look slower, never faster, so that only the
/// lower bound falls.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn of_percentile(percentile: f64, result: &PerfResult) -> Option<Bounds> {
    let found = Percentile::of(result, percentile)?;
    let ends = order::ends(summary::responses(result), percentile)?;
    Some(if found.above_floor {
        // Of a percentile beyond every response it is known that it is no shorter than the longest one.
        Bounds { low: ends.low.min(found.value_ns as f64), ..ends }
    } else {
        Bounds { low: 0.0, high: ends.high.max(result.generator.resolution_ns as f64) }
    })
}

/// A rate that was asked for at equal distances, and met, is no matter of chance; any other is by the number of responses.
fn of_rate(result: &PerfResult) -> Option<Bounds> {
    let seconds = Some(result.elapsed_seconds).filter(|seconds| *seconds > 0.0)?;
    let (rate, requests) = (result.achieved_rate, &result.requests);
    if let (Load::Open { pacing: Pacing::Constant { .. }, .. }, Some(asked)) =
        (&result.plan.load, result.requested_rate)
        && requests.dropped == 0
        && requests.due == requests.ended()
        && (rate / asked - 1.0).abs() <= MET
    {
        return Some(Bounds { low: rate.min(asked) - 1.0 / seconds, high: rate.max(asked) + 1.0 / seconds });
    }
    let bounds = poisson95(rate * seconds);
    Some(Bounds { low: bounds.low / seconds, high: bounds.high / seconds })
}

/// The smallest difference that is one: durations are known to three digits, a rate to one response at the end of a run.
pub fn resolution(metric: Metric, base: &PerfResult, other: &PerfResult) -> f64 {
    match metric {
        Metric::Mean | Metric::Percentile(_) => {
            [base, other].into_iter().filter_map(|result| metric.of(result)).fold(0.0, f64::max) * (GRID - 1.0)
        }
        Metric::Rate => [base, other]
            .map(|result| result.elapsed_seconds)
            .iter()
            .filter(|length| **length > 0.0)
            .map(|length| 1.0 / length)
            .sum(),
        Metric::Errors => 0.0,
    }
}

/// Why an end of the interval of a percentile is open or stands far off, where one is.
pub fn open(metric: Metric, base: &PerfResult, other: &PerfResult) -> Option<String> {
    let Metric::Percentile(percentile) = metric else { return None };
    [("in the baseline", base), ("here", other)]
        .into_iter()
        .find_map(|(place, result)| Some(format!("{} ({place})", reason(percentile, result)?)))
}

fn reason(percentile: f64, result: &PerfResult) -> Option<String> {
    let found = Percentile::of(result, percentile)?;
    let count = result.latency.response.count();
    // A sample too small to state a percentile as fact bounds it all the same.
    found.unreached().or_else(|| found.below_floor()).or_else(|| {
        let wanted = order::bounded_count(percentile).filter(|wanted| count < *wanted)?;
        let (name, wanted) = (units::percentile(percentile), units::count(wanted));
        Some(format!("{name} has no upper bound in {} responses, {wanted} are wanted", units::count(count)))
    })
}

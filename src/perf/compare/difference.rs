//! The difference of one figure of two results.

use super::{Difference, Metric, Verdict};
use crate::model::performance::result::PerfResult;
use crate::perf::stats::bootstrap::{Intervals, Redrawn};
use crate::perf::stats::random::Random;
use crate::perf::stats::{Bounds, Z95, difference, order, student95, wilson95};
use crate::perf::summary::Percentile;
use crate::perf::units;

/// Times that both runs are redrawn: the spread is known to about 4 %.
const DRAWS: usize = 400;

/// Half the width of the 95 % interval of the difference, for every metric in order.
///
/// The spread of the redrawn differences is widened by Student's quantile, because few stretches know their own spread
/// badly.
pub fn spreads((base, other): (&Intervals, &Intervals), seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut drawn = vec![Vec::with_capacity(DRAWS); Metric::all().count()];
    for _ in 0..DRAWS {
        let (here, there) = (base.redraw(&mut random), other.redraw(&mut random));
        for (values, metric) in drawn.iter_mut().zip(Metric::all()) {
            values.push(figure(metric, &there) - figure(metric, &here));
        }
    }
    let blocks = base.blocks().min(other.blocks());
    let small = (blocks / (blocks - 1.0).max(1.0)).sqrt();
    let factor = student95(base.blocks() + other.blocks() - 2.0) * small;
    drawn.iter().map(|values| deviation(values) * factor).collect()
}

fn figure(metric: Metric, redrawn: &Redrawn) -> f64 {
    match metric {
        Metric::Rate => redrawn.rate,
        Metric::Errors => redrawn.error_share,
        Metric::Mean => redrawn.mean(),
        Metric::Percentile(percentile) => redrawn.percentile(percentile),
    }
}

#[expect(clippy::cast_precision_loss, reason = "draws are few")]
fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
}

/// The difference of `metric`. `half_width` is that of its interval where both runs could be redrawn.
pub fn of(metric: Metric, base: &PerfResult, other: &PerfResult, half_width: Option<f64>) -> Difference {
    let (before, after) = (metric.of(base), metric.of(other));
    let difference = before.zip(after).map(|(before, after)| after - before);
    let ratio = before.zip(difference).filter(|(before, _)| *before > 0.0).map(|(before, change)| change / before);
    let interval = match (difference, half_width) {
        (Some(middle), Some(half)) => Some(Bounds { low: middle - half, high: middle + half }),
        (Some(_), None) => by_order(metric, base, other),
        (None, _) => None,
    };
    let because = unfit(metric, base, other);
    let verdict = match interval {
        Some(interval) if because.is_none() => verdict(metric, interval),
        _ => Verdict::Undecided,
    };
    let because =
        because.or_else(|| interval.is_none().then(|| "its interval cannot be told from these results".to_owned()));
    Difference { metric, base: before, value: after, difference, ratio, interval, verdict, because }
}

fn verdict(metric: Metric, interval: Bounds) -> Verdict {
    let (lower, upper) =
        if metric.more_is_better() { (Verdict::Worse, Verdict::Better) } else { (Verdict::Better, Verdict::Worse) };
    match interval {
        Bounds { high, .. } if high < 0.0 => lower,
        Bounds { low, .. } if low > 0.0 => upper,
        _ => Verdict::Undecided,
    }
}

fn by_order(metric: Metric, base: &PerfResult, other: &PerfResult) -> Option<Bounds> {
    let of = |result: &PerfResult| -> Option<(f64, Bounds)> {
        let value = metric.of(result)?;
        let response = &result.latency.response;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let bounds = match metric {
            Metric::Percentile(percentile) => order::interval(response, percentile)?,
            Metric::Mean => {
                let half = Z95 * response.stdev_ns() / (response.count() as f64).sqrt();
                Bounds { low: value - half, high: value + half }
            }
            Metric::Errors => wilson95(result.requests.failed, result.requests.sent)?,
            Metric::Rate => return None,
        };
        Some((value, bounds))
    };
    Some(difference(of(base)?, of(other)?))
}

/// Why a percentile says nothing in one of the results.
fn unfit(metric: Metric, base: &PerfResult, other: &PerfResult) -> Option<String> {
    let Metric::Percentile(percentile) = metric else { return None };
    [("the baseline", base), ("it", other)]
        .into_iter()
        .find_map(|(name, result)| {
            let found = Percentile::of(result, percentile)?;
            let count = result.latency.response.count();
            let reason = found.reasons(count).into_iter().next()?;
            let which = if name == "it" { "here" } else { "in the baseline" };
            Some(format!("{reason} ({which})"))
        })
        .or_else(|| {
            metric
                .of(base)
                .zip(metric.of(other))
                .is_none()
                .then(|| format!("no {} in both", units::percentile(percentile)))
        })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::result::Interval;
    use crate::perf::sample;

    /// A run of 60 s, 60 requests each, of an exponential law whose mean wanders from second to second with
    /// correlation `rho` and relative deviation `spread`.
    fn run(rho: f64, spread: f64, random: &mut Random) -> PerfResult {
        let mut result = sample::result(1);
        result.latency.response = Histogram::new();
        result.intervals.clear();
        let mut level = random.normal();
        for second in 0..60 {
            level = rho * level + (1.0 - rho * rho).sqrt() * random.normal();
            let mean = 4e6 * (spread * level).exp();
            let mut response = Histogram::new();
            (0..60).for_each(|_| response.record_ns((1e6 + random.exponential() * mean) as u64));
            result.latency.response.merge(&response);
            result.intervals.push(Interval {
                start_seconds: f64::from(second),
                length_seconds: 1.0,
                sent: 60,
                succeeded: 60,
                failed: 0,
                dropped: 0,
                response,
            });
        }
        result
    }

    /// The share of pairs of alike runs whose interval holds the true difference, which is none.
    fn coverage(rho: f64, spread: f64, by_blocks: bool) -> f64 {
        let pairs = 100;
        let mut random = Random::new(11);
        let metrics: Vec<Metric> = Metric::all().collect();
        let at = metrics.iter().position(|metric| *metric == Metric::Percentile(90.0)).unwrap();
        let held = (0..pairs)
            .filter(|seed| {
                let (base, other) = (run(rho, spread, &mut random), run(rho, spread, &mut random));
                let pair = (Intervals::of(&base).unwrap(), Intervals::of(&other).unwrap());
                let half = by_blocks.then(|| spreads((&pair.0, &pair.1), *seed)[at]);
                of(metrics[at], &base, &other, half).interval.unwrap().holds(0.0)
            })
            .count();
        held as f64 / f64::from(pairs as u32)
    }

    #[test]
    fn intervals_hold_the_truth_about_as_often_as_they_say() {
        for (rho, spread) in [(0.0, 0.0), (0.0, 0.2), (0.6, 0.2)] {
            let coverage = coverage(rho, spread, true);
            assert!((0.90..=0.995).contains(&coverage), "correlation {rho}, spread {spread}: {coverage}");
        }
    }

    #[test]
    fn order_statistics_hold_for_independent_requests_and_fail_where_slow_ones_come_together() {
        let independent = coverage(0.0, 0.0, false);
        assert!((0.91..=0.995).contains(&independent), "{independent}");
        let together = coverage(0.6, 0.2, false);
        assert!(together < 0.8, "{together}");
    }
}

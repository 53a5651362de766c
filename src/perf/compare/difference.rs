//! The difference of one figure of two results.

use super::{Difference, Metric, Span, Verdict, side};
use crate::model::performance::result::PerfResult;
use crate::perf::stats::bootstrap::{Intervals, Redrawn};
use crate::perf::stats::random::Random;
use crate::perf::stats::{self, Bounds, student95};

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
    let counted =
        side::of(metric, base).zip(side::of(metric, other)).map(|(base, other)| stats::difference(base, other));
    let drawn = difference.zip(half_width).map(|(middle, half)| around(middle, half));
    let interval = match (drawn, counted) {
        // The rate of seconds that were counted is known better than a law of counts says.
        (Some(drawn), _) if metric == Metric::Rate => Some(drawn),
        (Some(drawn), Some(counted)) => Some(widest(drawn, counted)),
        (None, counted) => counted,
        (Some(_), None) => None,
    };
    let smallest = side::resolution(metric, base, other);
    let interval = interval.zip(difference).map(|(interval, middle)| widest(interval, around(middle, smallest)));
    let is_outage = before.is_some() && after.is_none() && side::answers_nothing(metric, other);
    let because = match interval {
        Some(_) => side::open(metric, base, other),
        None if is_outage => Some("no request got a response: each took longer than any of the baseline's".to_owned()),
        None => Some(format!("the interval of {} cannot be told from these results", metric.name())),
    };
    let verdict = match interval {
        Some(interval) => verdict(metric, interval),
        None if is_outage => Verdict::Worse,
        None => Verdict::Undecided,
    };
    Difference {
        metric,
        base: before,
        value: after,
        difference,
        ratio,
        interval: interval.map(Span::from),
        verdict,
        because,
    }
}

fn around(middle: f64, half: f64) -> Bounds {
    Bounds { low: middle - half, high: middle + half }
}

/// Both methods miss something: a bootstrap of few slow requests knows the end of the tail badly, order statistics do not
/// know that slow requests come together. What holds for both is said.
fn widest(one: Bounds, other: Bounds) -> Bounds {
    Bounds { low: one.low.min(other.low), high: one.high.max(other.high) }
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
        result.elapsed_seconds = 60.0;
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
                response: response.into(),
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
                of(metrics[at], &base, &other, half).verdict == Verdict::Undecided
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

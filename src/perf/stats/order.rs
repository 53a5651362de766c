//! What order statistics say of a percentile: its interval, and whether the sample is large enough to state it.

use super::{Bounds, Z95};
use crate::model::performance::histogram::Histogram;

/// The largest relative half-width of the 95 % interval of the tail beyond a percentile with which it is stated as fact.
pub const TAIL_TOLERANCE: f64 = 0.2;

/// How well a sample of `count` knows the mass of the tail beyond `percentile` (0 to 100): the half-width of its 95 %
/// interval relative to it. About 2 / sqrt(k) for k samples in the tail.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn tail_uncertainty(count: u64, percentile: f64) -> f64 {
    let tail = tail(percentile);
    if count == 0 || tail <= 0.0 {
        return f64::INFINITY;
    }
    Z95 * ((1.0 - tail) / (count as f64 * tail)).sqrt()
}

/// Whether a sample of `count` supports `percentile`: its tail is known to [`TAIL_TOLERANCE`]. That is about 100 samples
/// beyond the percentile: 9,508 in all for p99, 95,942 for p99.9.
pub fn is_supported(count: u64, percentile: f64) -> bool {
    tail_uncertainty(count, percentile) <= TAIL_TOLERANCE
}

/// The smallest sample that supports `percentile`; none for the maximum, which no sample supports.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the quotient is positive and finite")]
pub fn wanted_count(percentile: f64) -> Option<u64> {
    let tail = tail(percentile);
    (tail > 0.0).then(|| ((Z95 / TAIL_TOLERANCE).powi(2) * (1.0 - tail) / tail).ceil().max(1.0) as u64)
}

/// Shares such as 1 - 0.999 carry the dust of binary fractions, which would make round sample sizes fall short.
fn tail(percentile: f64) -> f64 {
    ((100.0 - percentile) * 1e10).round() / 1e12
}

/// Whether a sample of `count` has an upper bound for `percentile`: with a probability of 97.5 % at least one of its values
/// lies above. 368 are wanted for p99.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn is_bounded_above(count: u64, percentile: f64) -> bool {
    (percentile / 100.0).powf(count as f64) <= 0.025
}

/// The 95 % interval of a percentile in nanoseconds: the durations at the ranks Np +- 1.96 sqrt(Np(1-p)). Samples count
/// as independent, so that it is too narrow for a run whose slow requests come together. None when there is no sample.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are clamped to the sample"
)]
pub fn interval(histogram: &Histogram, percentile: f64) -> Option<Bounds> {
    let count = histogram.count();
    if count == 0 {
        return None;
    }
    let share = percentile / 100.0;
    let n = count as f64;
    let half = Z95 * (n * share * (1.0 - share)).max(0.0).sqrt();
    let rank = |rank: f64| histogram.at_rank_ns((rank.max(1.0) as u64).min(count)) as f64;
    Some(Bounds { low: rank((n * share - half).floor()), high: rank((n * share + half).ceil() + 1.0) })
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

    use super::super::random::Random;
    use super::*;

    #[test]
    fn support_is_that_of_the_sample_size_table() {
        for (percentile, count) in [(50.0, 97), (99.0, 10_000), (99.9, 100_000), (99.99, 1_000_000)] {
            assert!(is_supported(count, percentile), "{percentile}");
            assert!(!is_supported(count / 2, percentile), "{percentile}");
            let wanted = wanted_count(percentile).unwrap();
            assert!(is_supported(wanted, percentile) && !is_supported(wanted - 1, percentile), "{percentile}");
        }
        assert!(!is_supported(u64::MAX, 100.0) && wanted_count(100.0).is_none());
        assert!(!is_supported(0, 50.0));
    }

    /// The share of samples of an exponential law whose interval holds the true percentile.
    fn coverage(percentile: f64, count: u64) -> f64 {
        let truth = -(1.0 - percentile / 100.0).ln() * 1e6;
        let mut random = Random::new(7);
        let held = (0..400)
            .filter(|_| {
                let mut histogram = Histogram::new();
                (0..count).for_each(|_| histogram.record_ns((random.exponential() * 1e6) as u64));
                interval(&histogram, percentile).unwrap().holds(truth)
            })
            .count();
        held as f64 / 400.0
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        for (percentile, count) in [(50.0, 200), (90.0, 1_000), (99.0, 10_000)] {
            let coverage = coverage(percentile, count);
            assert!((0.92..=0.99).contains(&coverage), "p{percentile}: {coverage}");
        }
    }

    #[test]
    fn no_sample_has_no_interval() {
        assert_eq!(interval(&Histogram::new(), 50.0), None);
    }
}

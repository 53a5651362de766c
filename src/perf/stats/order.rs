//! What order statistics say of a percentile: its interval, and whether the sample is large enough to state it.

use super::{Bounds, Z95};
use crate::model::performance::histogram::Histogram;

/// The largest relative half-width of the 95 % interval of the tail beyond a percentile with which it is stated as fact.
pub const TAIL_TOLERANCE: f64 = 0.2;

/// Probability with which one end of a 95 % interval fails.
const ONE_SIDE: f64 = 0.025;
/// Responses expected beyond a percentile up to which their law is summed up; the normal law is as good above.
const MOST_EXACT: f64 = 100.0;

/// Durations of which some are only known to be longer than all the others: those of requests that ran out of time, or were
/// never sent.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    known: &'a Histogram,
    late: u64,
}

impl<'a> Sample<'a> {
    /// The durations in `known`, and `late` more that are longer.
    pub fn new(known: &'a Histogram, late: u64) -> Self {
        Self { known, late }
    }

    /// Those that are known.
    pub fn known(self) -> &'a Histogram {
        self.known
    }

    /// How many there are in all.
    pub fn count(self) -> u64 {
        self.known.count() + self.late
    }

    /// Share (0 to 1) of those that are only known to be longer; 0 of nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn late_share(self) -> f64 {
        if self.count() == 0 { 0.0 } else { self.late as f64 / self.count() as f64 }
    }

    /// The duration in nanoseconds that `percentile` percent (0 to 100) do not exceed; none where it lies among those that
    /// are only known to be longer.
    pub fn percentile_ns(self, percentile: f64) -> Option<u64> {
        self.known.percentile_with_late_ns(percentile, self.late)
    }

    /// As [`Self::percentile_ns`]; the longest known duration where the percentile is longer than that.
    pub fn at_least_ns(self, percentile: f64) -> u64 {
        self.percentile_ns(percentile).unwrap_or_else(|| self.known.max_ns())
    }

    /// The duration at a rank, counted from 1 up to [`Self::count`]; infinite where it is only known to be longer.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
    fn at_rank(self, rank: u64) -> f64 {
        if rank > self.known.count() { f64::INFINITY } else { self.known.at_rank_ns(rank) as f64 }
    }
}

impl<'a> From<&'a Histogram> for Sample<'a> {
    fn from(known: &'a Histogram) -> Self {
        Self::new(known, 0)
    }
}

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

/// The smallest sample that has an upper bound for `percentile`: with a probability of 97.5 % at least one of its values
/// lies above. 368 for p99; none for the maximum.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the quotient is positive and finite")]
pub fn bounded_count(percentile: f64) -> Option<u64> {
    let tail = tail(percentile);
    (tail > 0.0).then(|| (ONE_SIDE.ln() / (-tail).ln_1p()).ceil().max(1.0) as u64)
}

/// The ends of the 95 % interval of a percentile in nanoseconds, each of which fails with a probability of 2.5 % at most,
/// by the exact binomial law of the number of responses beyond the percentile. There is no upper end where the sample is
/// so small that all of it may lie below (fewer than 368 responses for p99), and no lower end but 0 where all of it may
/// lie above, and an end is infinite where it lies among those that are only known to be longer than the others. Samples
/// count as independent. None when there is no sample.
pub fn ends<'a>(sample: impl Into<Sample<'a>>, percentile: f64) -> Option<Bounds> {
    let sample = sample.into();
    let count = sample.count();
    if count == 0 {
        return None;
    }
    let (fewest, most) = beyond(count, tail(percentile));
    // The lower end is the smallest of the `most` slowest responses, the upper one that of the `fewest` slowest.
    let low = if most >= count { 0.0 } else { sample.at_rank(count - most) };
    let high = if fewest == 0 { f64::INFINITY } else { sample.at_rank(count + 1 - fewest) };
    Some(Bounds { low, high })
}

/// Of `count` responses that each lie beyond a percentile with the probability `share`, how many do: fewer than the first
/// number with a probability of 2.5 % at most, and more than the second likewise.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are clamped to the sample"
)]
fn beyond(count: u64, share: f64) -> (u64, u64) {
    let (n, middle) = (count as f64, count as f64 * share);
    if middle > MOST_EXACT {
        let half = Z95 * (middle * (1.0 - share)).sqrt();
        return ((middle - half).floor().max(0.0) as u64, ((middle + half).ceil() as u64).min(count));
    }
    let mut probability = (n * (-share).ln_1p()).exp();
    let (mut below, mut fewest, mut number) = (0.0, 0, 0u64);
    loop {
        below += probability;
        if below <= ONE_SIDE {
            fewest = number + 1;
        }
        if below >= 1.0 - ONE_SIDE || number >= count {
            return (fewest, number);
        }
        probability *= (n - number as f64) / (number as f64 + 1.0) * share / (1.0 - share);
        number += 1;
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
                ends(&histogram, percentile).unwrap().holds(truth)
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
    fn each_end_fails_as_rarely_as_it_says_however_small_the_sample() {
        for (percentile, count) in [(50.0, 5), (50.0, 200), (90.0, 80), (99.0, 80), (99.0, 400), (99.9, 4_000)] {
            let truth = -(1.0f64 - percentile / 100.0).ln() * 1e6;
            let mut random = Random::new(3);
            let (mut above, mut below) = (0, 0);
            for _ in 0..1_000 {
                let mut histogram = Histogram::new();
                (0..count).for_each(|_| histogram.record_ns((random.exponential() * 1e6) as u64));
                let ends = ends(&histogram, percentile).unwrap();
                (above, below) = (above + u32::from(ends.low > truth), below + u32::from(ends.high < truth));
            }
            // 25 are due at most; 40 is three standard deviations above.
            assert!(above <= 40 && below <= 40, "p{percentile} of {count}: {above} {below}");
        }
    }

    #[test]
    fn a_small_sample_has_a_lower_end_and_no_upper_one() {
        let mut histogram = Histogram::new();
        (1..=80).for_each(|ms| histogram.record_ns(ms * 1_000_000));
        let of_80 = ends(&histogram, 99.0).unwrap();
        assert!((of_80.low / 77e6 - 1.0).abs() < 0.002 && of_80.high.is_infinite(), "{of_80:?}");
        for percentile in [50.0, 90.0, 99.0, 99.9] {
            let wanted = bounded_count(percentile).unwrap();
            let is_bounded = |count: u64| {
                let mut histogram = Histogram::new();
                (1..=count).for_each(|us| histogram.record_ns(us * 1_000));
                ends(&histogram, percentile).unwrap().high.is_finite()
            };
            assert!(is_bounded(wanted) && !is_bounded(wanted - 1), "{percentile}");
        }
        assert_eq!(bounded_count(99.0), Some(368));
        assert_eq!(ends(&Histogram::new(), 50.0), None);
    }

    #[test]
    fn late_ones_open_the_intervals_that_reach_them() {
        let mut known = Histogram::new();
        (1..=9_910).for_each(|us| known.record_ns(us * 1_000));
        let sample = Sample::new(&known, 90);
        assert_eq!((sample.count(), sample.late_share()), (10_000, 0.009));
        assert_eq!(sample.percentile_ns(99.0), Some(known.at_rank_ns(9_900)));
        assert_eq!((sample.percentile_ns(99.9), sample.at_least_ns(99.9)), (None, known.max_ns()));
        let bounds = ends(sample, 99.0).unwrap();
        assert!(bounds.low < known.at_rank_ns(9_900) as f64 && bounds.high.is_infinite(), "{bounds:?}");
        let bounds = ends(sample, 50.0).unwrap();
        assert!(bounds.holds(known.at_rank_ns(5_000) as f64) && bounds.high.is_finite(), "{bounds:?}");
        assert!(ends(sample, 99.9).unwrap().low.is_infinite());
    }

    #[test]
    fn no_sample_has_no_interval() {
        assert_eq!(ends(&Histogram::new(), 50.0), None);
    }
}

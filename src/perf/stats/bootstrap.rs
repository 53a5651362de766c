//! Block bootstrap over the seconds of a run.
//!
//! Requests of one moment are slow together, so that a run holds less than its number of requests says. Drawing whole
//! stretches of consecutive intervals, instead of single requests, keeps what belongs together, and the spread of the
//! figures of such redrawn runs is that of the figure itself.

use std::collections::BTreeMap;

use super::random::Random;
use crate::model::performance::result::{Interval, PerfResult};

/// The fewest intervals that are drawn from: with fewer, the spread itself is a guess.
pub const FEWEST: usize = 20;
/// The most intervals that are drawn from; neighbours are joined beyond that.
const MOST: usize = 300;
/// Durations nearer to each other than this ratio are one, which is far below the spread of any percentile.
pub const GRID: f64 = 1.002;

/// A run in the form that is drawn from.
#[derive(Debug, Clone)]
pub struct Intervals {
    /// Upper ends of the grid in nanoseconds.
    grid: Vec<f64>,
    cells: Vec<Cell>,
    block: usize,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    /// Index into the grid, and how many.
    counts: Vec<(u32, u32)>,
    seconds: f64,
    /// Responses, good or bad.
    answered: u64,
    /// Requests that are over.
    ended: u64,
    /// Those of them without a good response.
    bad: u64,
}

/// The intervals in which requests were made, but for what was left over at the end: that is shorter than the one before
/// and would weigh as much. In a long run, the first ones are longer than the others.
fn whole(result: &PerfResult) -> &[Interval] {
    let made = result.intervals.partition_point(|interval| interval.start_seconds < result.elapsed_seconds);
    match &result.intervals[..made] {
        [first @ .., last] if first.last().is_some_and(|one| last.length_seconds <= 0.5 * one.length_seconds) => first,
        all => all,
    }
}

/// A run that was redrawn.
#[derive(Debug, Clone)]
pub struct Redrawn {
    values: Vec<f64>,
    counts: Vec<u64>,
    total: u64,
    /// Responses a second.
    pub rate: f64,
    /// Share (0 to 1) of the requests that had no good response, those that were dropped among them.
    pub error_share: f64,
}

impl Intervals {
    /// Of a result; none when it has no responses, or fewer than [`FEWEST`] whole intervals. Those without a response are
    /// some of them: a target that stalls brings fewer responses a second.
    pub fn of(result: &PerfResult) -> Option<Self> {
        let whole = whole(result);
        if whole.len() < FEWEST || whole.iter().all(|interval| interval.response.is_empty()) {
            return None;
        }
        let mut grid = Grid::default();
        let joined = whole.len().div_ceil(MOST);
        let mut cells: Vec<Cell> = whole.chunks(joined).map(|chunk| grid.cell(chunk)).collect();
        grid.sort(&mut cells);
        let means: Vec<f64> = cells.iter().filter_map(|cell| cell.mean(&grid.ends)).collect();
        let block = block_length(&means);
        Some(Self { grid: grid.ends, cells, block })
    }

    /// Intervals in one stretch that is drawn.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Intervals in all.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many stretches make up the run: what counts as independent.
    #[expect(clippy::cast_precision_loss, reason = "intervals are few")]
    pub fn blocks(&self) -> f64 {
        self.cells.len() as f64 / self.block as f64
    }

    /// Draws a run of the same length: stretches that begin anywhere and go on at the start when they meet the end.
    pub fn redraw(&self, random: &mut Random) -> Redrawn {
        let mut sums = vec![0u64; self.grid.len()];
        let (mut seconds, mut answered, mut ended, mut bad, mut drawn) = (0.0, 0u64, 0u64, 0u64, 0);
        while drawn < self.cells.len() {
            let start = random.below(self.cells.len());
            for step in 0..self.block.min(self.cells.len() - drawn) {
                let cell = &self.cells[(start + step) % self.cells.len()];
                cell.counts.iter().for_each(|(at, count)| sums[*at as usize] += u64::from(*count));
                seconds += cell.seconds;
                answered += cell.answered;
                ended += cell.ended;
                bad += cell.bad;
                drawn += 1;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        Redrawn {
            total: sums.iter().sum(),
            values: self.grid.clone(),
            counts: sums,
            rate: answered as f64 / f64::max(seconds, 1e-9),
            error_share: bad as f64 / u64::max(ended, 1) as f64,
        }
    }
}

impl Redrawn {
    /// A percentile in nanoseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are clamped to the sample"
    )]
    pub fn percentile(&self, percentile: f64) -> f64 {
        let rank = ((self.total as f64 * percentile / 100.0).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        at.or(self.values.len().checked_sub(1)).map_or(0.0, |at| self.values[at])
    }

    /// The mean in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.values.iter().zip(&self.counts).map(|(value, count)| value * *count as f64).sum();
        sum / self.total.max(1) as f64
    }
}

/// Durations of all intervals, numbered from short to long once all are known.
#[derive(Default)]
struct Grid {
    ends: Vec<f64>,
    known: BTreeMap<i64, u32>,
}

impl Grid {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "logarithms of nanoseconds are small numbers"
    )]
    fn index(&mut self, nanoseconds: u64) -> u32 {
        let bucket = ((nanoseconds as f64).ln() / GRID.ln()).round() as i64;
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let ends = &mut self.ends;
        *self.known.entry(bucket).or_insert_with(|| {
            ends.push(GRID.powf(bucket as f64));
            next
        })
    }

    /// Numbers were given by first appearance; from here on they go by length.
    fn sort(&mut self, cells: &mut [Cell]) {
        let mut order = vec![0; self.ends.len()];
        for (place, number) in (0..).zip(self.known.values()) {
            order[*number as usize] = place;
        }
        cells.iter_mut().flat_map(|cell| &mut cell.counts).for_each(|(at, _)| *at = order[*at as usize]);
        self.ends.sort_by(f64::total_cmp);
    }

    fn cell(&mut self, chunk: &[Interval]) -> Cell {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        let mut cell = Cell::default();
        for interval in chunk {
            for (value, count) in interval.response.unpack().counts() {
                *counts.entry(self.index(value)).or_default() += u32::try_from(count).unwrap_or(u32::MAX);
            }
            cell.seconds += interval.length_seconds;
            cell.answered += interval.response.count();
            cell.ended += interval.succeeded + interval.failed + interval.dropped;
            cell.bad += interval.failed + interval.dropped;
        }
        cell.counts = counts.into_iter().collect();
        cell
    }
}

impl Cell {
    /// The mean duration in nanoseconds; none without responses.
    fn mean(&self, ends: &[f64]) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (at, count) in &self.counts {
            sum += ends[*at as usize] * f64::from(*count);
            total += f64::from(*count);
        }
        (total > 0.0).then(|| sum / total)
    }
}

/// The length of stretch that serves a series best: Politis and White's rule, with the autocorrelation of a process of
/// first order. Between 1 and a fifth of the series.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the length is clamped to the series"
)]
fn block_length(series: &[f64]) -> usize {
    let n = series.len() as f64;
    let rho = autocorrelation(series).clamp(0.0, 0.95);
    let length = (6.0 * rho.powi(2) / (1.0 - rho.powi(2)).powi(2)).cbrt() * n.cbrt();
    (length.ceil() as usize).clamp(1, (series.len() / 5).max(1))
}

/// Correlation of neighbours.
#[expect(clippy::cast_precision_loss, reason = "series are short")]
pub fn autocorrelation(series: &[f64]) -> f64 {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    let variance: f64 = series.iter().map(|value| (value - mean).powi(2)).sum();
    let covariance: f64 = series.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
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
    use crate::model::performance::histogram::PackedHistogram;
    use crate::perf::sample;

    #[test]
    fn a_redrawn_run_is_like_the_run() {
        let result = sample::result(30_000);
        let intervals = Intervals::of(&result).unwrap();
        assert_eq!(intervals.len(), 30);
        let redrawn = intervals.redraw(&mut Random::new(1));
        for percentile in [50.0, 90.0, 99.0] {
            let here = result.latency.response.percentile_ns(percentile) as f64;
            assert!((redrawn.percentile(percentile) / here - 1.0).abs() < 0.1, "p{percentile}");
        }
        assert!((redrawn.mean() / result.latency.response.mean_ns() - 1.0).abs() < 0.05);
        assert!((redrawn.rate - 990.0).abs() < 1.0 && (redrawn.error_share - 0.03).abs() < 0.005);
    }

    #[test]
    fn the_same_seed_draws_the_same_run() {
        let intervals = Intervals::of(&sample::result(3_000)).unwrap();
        let draw = || intervals.redraw(&mut Random::new(5)).percentile(90.0);
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_short_run_is_not_drawn_from() {
        let mut result = sample::result(3_000);
        result.intervals.truncate(FEWEST - 1);
        assert!(Intervals::of(&result).is_none());
    }

    /// The spread of the rates of redrawn runs, in the mean of their squares around their mean.
    fn rate_spread(result: &PerfResult) -> f64 {
        let intervals = Intervals::of(result).unwrap();
        let mut random = Random::new(3);
        let rates: Vec<f64> = (0..200).map(|_| intervals.redraw(&mut random).rate).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        (rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / rates.len() as f64).sqrt()
    }

    #[test]
    fn seconds_without_a_response_make_the_rate_less_sure() {
        let steady = sample::result(30_000);
        let mut stalled = steady.clone();
        for second in [3, 11, 19, 27] {
            let interval = &mut stalled.intervals[second];
            interval.response = PackedHistogram::default();
            (interval.succeeded, interval.failed, interval.dropped) = (0, 0, 1_000);
        }
        let intervals = Intervals::of(&stalled).unwrap();
        assert_eq!(intervals.len(), 30);
        assert!(intervals.redraw(&mut Random::new(1)).error_share > 0.05);
        assert!(rate_spread(&stalled) > 10.0 * rate_spread(&steady), "{}", rate_spread(&stalled));
    }

    #[test]
    fn shorter_intervals_after_longer_ones_count_and_a_cut_one_does_not() {
        let mut result = sample::result(30_000);
        let second = result.intervals[0].clone();
        result.elapsed_seconds = 40.0;
        result.intervals =
            (0..20).map(|at| Interval { start_seconds: f64::from(at) * 1.5, ..second.clone() }).collect();
        result.intervals[..10].iter_mut().for_each(|interval| interval.length_seconds = 2.0);
        assert_eq!(Intervals::of(&result).map(|intervals| intervals.len()), Some(20));
        let waits = Interval { start_seconds: 40.0, ..second.clone() };
        let cut = Interval { start_seconds: 39.7, length_seconds: 0.3, ..second };
        result.intervals.extend([cut, waits]);
        assert_eq!(Intervals::of(&result).map(|intervals| intervals.len()), Some(20));
    }

    #[test]
    fn stretches_grow_with_the_correlation_of_neighbours() {
        let mut random = Random::new(2);
        let mut series = |rho: f64| {
            let mut last = 0.0;
            let next = |_| {
                last = rho * last + random.normal();
                last
            };
            (0..200).map(next).collect::<Vec<f64>>()
        };
        let (independent, correlated) = (series(0.0), series(0.8));
        assert!(autocorrelation(&correlated) > 0.6);
        assert!(block_length(&independent) <= 3 && block_length(&correlated) >= 10);
        assert_eq!(block_length(&[1.0; 50]), 1);
    }
}

//! When requests are due. Pure: a schedule is a sequence of moments, given by the plan alone, that every thread goes
//! through and takes its own share of.

use crate::model::performance::plan::Pacing;
use crate::perf::share::Share;

const SECOND: f64 = 1e9;

/// The moments at which one thread's requests are due.
#[derive(Debug, Clone)]
pub struct Schedule {
    law: Law,
    /// The next request's number in the whole schedule.
    next: u64,
    share: Share,
    /// Requests in the whole schedule.
    limit: u64,
}

#[derive(Debug, Clone)]
enum Law {
    Constant(f64),
    Poisson { rate: f64, random: fastrand::Rng, drawn: u64, at: f64 },
    Pieces(Vec<Piece>),
}

/// A stretch of the schedule whose rate is a straight line.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Begin in seconds.
    begin: f64,
    /// Requests due before it.
    before: f64,
    /// Rate at its begin.
    rate: f64,
    /// Change of the rate in a second.
    slope: f64,
    /// Requests due by its end.
    until: f64,
}

impl Schedule {
    /// The schedule of one thread; of `limit` requests where there is one. Every thread of a run gives the same seed.
    pub fn new(pacing: &Pacing, seed: u64, share: Share, limit: Option<u64>) -> Self {
        let law = match pacing {
            Pacing::Constant { rate } => Law::Constant(*rate),
            Pacing::Poisson { rate } => {
                Law::Poisson { rate: *rate, random: fastrand::Rng::with_seed(seed), drawn: 0, at: 0.0 }
            }
            Pacing::Ramp { from, to, over } => Law::Pieces(pieces(&[(*from, *to, over.as_secs_f64())], *to)),
            Pacing::Steps { steps } => {
                let stretches: Vec<_> =
                    steps.iter().map(|step| (step.rate, step.rate, step.length.as_secs_f64())).collect();
                Law::Pieces(pieces(&stretches, steps.last().map_or(0.0, |step| step.rate)))
            }
        };
        Self { law, next: share.first(), share, limit: limit.unwrap_or(u64::MAX) }
    }

    /// The number of the next request in the whole schedule, and its moment in nanoseconds from the schedule's begin;
    /// none when no request follows.
    pub fn advance(&mut self) -> Option<(u64, u64)> {
        if self.next >= self.limit {
            return None;
        }
        let number = self.next;
        self.next = self.share.after(number);
        let seconds = match &mut self.law {
            Law::Constant(rate) => count(number) / *rate,
            Law::Poisson { rate, random, drawn, at } => {
                while *drawn <= number {
                    // 1 - x lies above 0, whose logarithm is none
                    *at -= (1.0 - random.f64()).ln() / *rate;
                    *drawn += 1;
                }
                *at
            }
            Law::Pieces(pieces) => moment(pieces, count(number))?,
        };
        Some((number, nanoseconds(seconds)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers of requests stay below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "moments are positive; the cast saturates")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * SECOND).round() as u64
}

/// Stretches of (first rate, last rate, seconds), and the rate that holds after them.
fn pieces(stretches: &[(f64, f64, f64)], last: f64) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(stretches.len() + 1);
    let (mut begin, mut before) = (0.0, 0.0);
    for (from, to, length) in stretches.iter().filter(|(_, _, length)| *length > 0.0) {
        let until = before + f64::midpoint(*from, *to) * length;
        pieces.push(Piece { begin, before, rate: *from, slope: (to - from) / length, until });
        begin += length;
        before = until;
    }
    pieces.push(Piece { begin, before, rate: last, slope: 0.0, until: f64::INFINITY });
    pieces
}

/// When the request `number` is due, in seconds: the solution of rate * t + slope / 2 * t^2 = number - before, in the form
/// that stays exact where the slope is small.
fn moment(pieces: &[Piece], number: f64) -> Option<f64> {
    let piece = pieces.iter().find(|piece| number < piece.until)?;
    let ahead = number - piece.before;
    let root = (piece.rate * piece.rate + 2.0 * piece.slope * ahead).max(0.0).sqrt();
    let divisor = piece.rate + root;
    if ahead == 0.0 {
        return Some(piece.begin);
    }
    (divisor > 0.0).then(|| piece.begin + 2.0 * ahead / divisor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::performance::plan::Step;

    const ALONE: Share = Share { number: 0, of: 1, connections: 1 };

    fn moments(pacing: &Pacing, count: usize) -> Vec<u64> {
        let mut schedule = Schedule::new(pacing, 1, ALONE, None);
        std::iter::from_fn(|| schedule.advance()).map(|(_, due)| due).take(count).collect()
    }

    #[test]
    fn a_constant_rate_has_equal_distances_that_do_not_drift() {
        assert_eq!(moments(&Pacing::Constant { rate: 4.0 }, 3), [0, 250_000_000, 500_000_000]);
        let third = Pacing::Constant { rate: 3.0 };
        assert_eq!(moments(&third, 3_000_001)[3_000_000], 1_000_000_000_000_000);
    }

    #[test]
    fn threads_share_one_schedule() {
        let pacing = Pacing::Poisson { rate: 1000.0 };
        let whole = moments(&pacing, 90);
        let mut shared = Vec::new();
        for number in 0..3 {
            let mut schedule = Schedule::new(&pacing, 1, Share { number, of: 3, connections: 5 }, Some(90));
            let due: Vec<u64> = std::iter::from_fn(|| schedule.advance()).map(|(_, due)| due).collect();
            // of five connections the last thread has one
            assert_eq!(due.len(), [36, 36, 18][usize::try_from(number).unwrap()]);
            shared.extend(due);
        }
        shared.sort_unstable();
        assert_eq!(shared, whole);
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn poisson_has_the_mean_and_the_spread_of_its_law() {
        let due = moments(&Pacing::Poisson { rate: 1000.0 }, 100_001);
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((variance.sqrt() - 1.0).abs() < 0.02, "{variance}");
        assert_ne!(due[..50], {
            let mut other = Schedule::new(&Pacing::Poisson { rate: 1000.0 }, 2, ALONE, None);
            std::iter::from_fn(|| other.advance()).map(|(_, due)| due).take(50).collect::<Vec<_>>()
        });
    }

    #[test]
    fn a_ramp_holds_its_area() {
        let ramp = Pacing::Ramp { from: 0.0, to: 100.0, over: Duration::from_secs(10) };
        let due = moments(&ramp, 701);
        // half of the rate over ten seconds is 500 requests; after them the rate stays
        assert_eq!(due[500], 10_000_000_000);
        assert_eq!(due[600], 11_000_000_000);
        // a quarter of the requests falls into the first half
        assert_eq!(due[125], 5_000_000_000);
        assert!(due.is_sorted());
    }

    #[test]
    fn a_ramp_down_to_nothing_ends() {
        let ramp = Pacing::Ramp { from: 10.0, to: 0.0, over: Duration::from_secs(2) };
        let due = moments(&ramp, 100);
        assert_eq!(due.len(), 11);
        assert!(*due.last().unwrap() <= 2_000_000_000);
    }

    #[test]
    fn steps_follow_each_other_and_the_last_one_holds() {
        let step = |rate, seconds| Step { rate, length: Duration::from_secs(seconds) };
        let due = moments(&Pacing::Steps { steps: vec![step(2.0, 1), step(10.0, 1)] }, 15);
        assert_eq!(due[..4], [0, 500_000_000, 1_000_000_000, 1_100_000_000]);
        assert_eq!(due[12..], [2_000_000_000, 2_100_000_000, 2_200_000_000]);
    }

    #[test]
    fn a_limit_ends_the_schedule() {
        let share = Share { number: 1, of: 2, connections: 2 };
        let mut schedule = Schedule::new(&Pacing::Constant { rate: 1.0 }, 1, share, Some(4));
        assert_eq!(std::iter::from_fn(|| schedule.advance()).map(|(number, _)| number).collect::<Vec<_>>(), [1, 3]);
    }
}

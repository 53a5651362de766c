//! A run in intervals, of which a long run keeps longer ones, so that they stay few.

use crate::model::performance::result::Interval;

/// Intervals that are kept.
pub const MOST: usize = 3_600;

/// The intervals of a run in the order in which they were added.
#[derive(Debug, Clone)]
pub struct Timeline {
    kept: Vec<Interval>,
    /// So many of the intervals that were added are one of those kept.
    width: usize,
    added: usize,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { kept: Vec::new(), width: 1, added: 0 }
    }
}

impl Timeline {
    /// Adds the next interval.
    pub fn add(&mut self, interval: Interval) {
        let last = self.kept.last_mut().filter(|_| !self.added.is_multiple_of(self.width));
        match last {
            Some(last) => append(last, &interval),
            None => self.kept.push(interval),
        }
        self.added += 1;
        if self.kept.len() > MOST {
            self.widen(self.width * 2);
        }
    }

    /// How many were added.
    pub fn added(&self) -> usize {
        self.added
    }

    /// How many of the intervals that were added are one of those kept: a power of two.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Makes one of those kept of so many that were added, where it is made of fewer. Timelines of one width have their
    /// intervals at the same moments.
    pub fn widen(&mut self, width: usize) {
        while self.width < width {
            self.kept = self.kept.chunks(2).filter_map(join).collect();
            self.width *= 2;
        }
    }

    /// Those kept.
    pub fn intervals(&self) -> &[Interval] {
        &self.kept
    }

    /// Those kept, without the rest.
    pub fn into_intervals(self) -> Vec<Interval> {
        self.kept
    }
}

/// One interval of two neighbours; what has no neighbour stays as it is.
fn join(pair: &[Interval]) -> Option<Interval> {
    let (first, rest) = pair.split_first()?;
    let mut whole = first.clone();
    for next in rest {
        append(&mut whole, next);
    }
    Some(whole)
}

fn append(whole: &mut Interval, next: &Interval) {
    let mut response = whole.response.unpack();
    response.merge(&next.response.unpack());
    whole.response = response.into();
    whole.length_seconds += next.length_seconds;
    whole.sent += next.sent;
    whole.succeeded += next.succeeded;
    whole.failed += next.failed;
    whole.dropped += next.dropped;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::Histogram;

    /// A timeline of so many seconds.
    fn run(seconds: u32) -> Timeline {
        let mut timeline = Timeline::default();
        for second in 0..seconds {
            let mut response = Histogram::new();
            response.record_ns(u64::from(second) + 1);
            timeline.add(Interval {
                start_seconds: f64::from(second),
                length_seconds: 1.0,
                sent: 1,
                succeeded: 1,
                failed: 0,
                dropped: 0,
                response: response.into(),
            });
        }
        timeline
    }

    #[test]
    fn a_long_run_keeps_longer_intervals_and_every_count() {
        for (seconds, width) in [(3_600, 1), (3_601, 2), (7_201, 4)] {
            let timeline = run(seconds);
            let kept = timeline.intervals();
            assert_eq!((timeline.width(), timeline.added()), (width, seconds as usize));
            assert_eq!(kept.len(), timeline.added().div_ceil(width));
            assert_eq!(kept.iter().map(|one| one.sent).sum::<u64>(), u64::from(seconds));
            assert_eq!(kept.iter().map(|one| one.response.count()).sum::<u64>(), u64::from(seconds));
            let ends = kept.iter().map(|one| one.start_seconds + one.length_seconds);
            assert!(ends.zip(&kept[1..]).all(|(end, next)| (end - next.start_seconds).abs() < 1e-9), "gaps");
        }
    }

    #[test]
    fn timelines_of_one_width_have_their_intervals_at_the_same_moments() {
        let (long, mut short) = (run(3_700), run(2_999));
        short.widen(long.width());
        assert_eq!(short.intervals().len(), 1_500);
        let starts = |timeline: &Timeline| -> Vec<f64> {
            timeline.intervals()[..1_500].iter().map(|one| one.start_seconds).collect()
        };
        assert_eq!(starts(&short), starts(&long));
        short.add(short.intervals()[0].clone());
        assert_eq!(
            (short.intervals().len(), short.intervals()[1_499].sent),
            (1_500, 3),
            "the last one is filled first"
        );
    }
}

//! The run second by second: what several threads count of one second becomes one interval, shown when the last of them
//! has told its part, and kept until the run is over.

use std::collections::BTreeMap;

use super::recorder::Part;
use crate::model::performance::result::Interval;
use crate::perf::control::Detail;

/// Intervals that are kept; a longer run keeps longer ones.
const MOST: usize = 3_600;

/// Joins the parts of threads.
pub struct Joiner {
    threads: u32,
    open: BTreeMap<u64, (u32, Part)>,
    kept: Vec<Interval>,
}

impl Joiner {
    /// A joiner of so many threads' parts.
    pub fn new(threads: u32) -> Self {
        Self { threads, open: BTreeMap::new(), kept: Vec::new() }
    }

    /// Adds a part. Gives the interval, with its details where threads tell them, when it is the last one of it.
    pub fn add(&mut self, part: &Part) -> Option<(Interval, Option<Detail>)> {
        let index = part.index;
        let (told, whole) = self.open.entry(index).or_insert_with(|| (0, Part { index, ..Part::default() }));
        *told += 1;
        whole.sent += part.sent;
        whole.succeeded += part.succeeded;
        whole.failed += part.failed;
        whole.dropped += part.dropped;
        whole.response.merge(&part.response);
        if let Some(detail) = &part.detail {
            whole.detail.get_or_insert_default().merge(detail);
        }
        if *told < self.threads {
            return None;
        }
        let (_, mut whole) = self.open.remove(&index)?;
        let detail = whole.detail.take().map(|detail| *detail);
        Some((interval(whole, 1.0), detail))
    }

    /// Keeps an interval that was shown.
    pub fn keep(&mut self, interval: Interval) {
        self.kept.push(interval);
        if self.kept.len() > MOST {
            self.kept = self.kept.chunks(2).filter_map(halve).collect();
        }
    }

    /// What is left when every thread is done: intervals that not all threads reached.
    pub fn rest(&mut self) -> Vec<Interval> {
        std::mem::take(&mut self.open).into_values().map(|(_, part)| interval(part, 1.0)).collect()
    }

    /// Every interval of a run of `seconds`: the last one ends with it, and one without anything is left out.
    pub fn finish(mut self, seconds: f64) -> Vec<Interval> {
        self.kept.retain(|one| one.start_seconds < seconds || !one.response.is_empty() || one.failed > 0);
        if let Some(last) = self.kept.last_mut() {
            last.length_seconds = (seconds - last.start_seconds).max(0.0);
        }
        self.kept
    }
}

/// One interval of two neighbours; what has no neighbour stays as it is.
fn halve(pair: &[Interval]) -> Option<Interval> {
    let (first, rest) = pair.split_first()?;
    let mut whole = first.clone();
    for next in rest {
        let mut response = whole.response.unpack();
        response.merge(&next.response.unpack());
        whole.response = response.into();
        whole.length_seconds += next.length_seconds;
        whole.sent += next.sent;
        whole.succeeded += next.succeeded;
        whole.failed += next.failed;
        whole.dropped += next.dropped;
    }
    Some(whole)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a run are small numbers")]
fn interval(part: Part, length_seconds: f64) -> Interval {
    Interval {
        start_seconds: part.index as f64,
        length_seconds,
        sent: part.sent,
        succeeded: part.succeeded,
        failed: part.failed,
        dropped: part.dropped,
        response: part.response.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u64, nanoseconds: u64) -> Part {
        let mut part = Part { index, sent: 1, succeeded: 1, ..Part::default() };
        part.response.record_ns(nanoseconds);
        part
    }

    #[test]
    fn an_interval_is_shown_when_the_last_thread_has_told() {
        let mut joiner = Joiner::new(2);
        assert!(joiner.add(&part(0, 10)).is_none());
        assert!(joiner.add(&part(1, 10)).is_none());
        let (whole, _) = joiner.add(&part(0, 30)).unwrap();
        assert_eq!((whole.sent, whole.response.count(), whole.response.unpack().max_ns()), (2, 2, 30));
        joiner.keep(whole);
        let rest = joiner.rest();
        assert_eq!((rest.len(), rest[0].sent), (1, 1));
    }

    #[test]
    fn the_last_interval_ends_with_the_run() {
        let mut joiner = Joiner::new(1);
        let (shown, _) = joiner.add(&part(0, 123_456)).unwrap();
        joiner.keep(shown.clone());
        let kept = joiner.finish(0.5);
        assert_eq!(kept[0].response, shown.response);
        assert!((kept[0].length_seconds - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_long_run_keeps_longer_intervals_and_every_count() {
        let mut joiner = Joiner::new(1);
        for index in 0..=MOST as u64 {
            let (shown, _) = joiner.add(&part(index, index + 1)).unwrap();
            joiner.keep(shown);
        }
        let kept = joiner.finish(3_601.0);
        assert_eq!(kept.len(), MOST / 2 + 1);
        assert_eq!(kept.iter().map(|one| one.sent).sum::<u64>(), MOST as u64 + 1);
        assert_eq!(kept.iter().map(|one| one.response.count()).sum::<u64>(), MOST as u64 + 1);
        assert!((kept[1].start_seconds - 2.0).abs() < 1e-9 && (kept[1].length_seconds - 2.0).abs() < 1e-9);
    }
}

//! The run second by second: what several threads count of one second becomes one interval, shown when the last of them
//! has told its part, and kept small until the run is over.

use std::collections::BTreeMap;

use super::recorder::Part;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::Interval;
use crate::perf::control::Detail;

/// Intervals that are kept; a longer run keeps longer ones.
const MOST: usize = 3_600;

/// An interval whose histogram is compressed: a fiftieth of the memory.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    start_seconds: f64,
    length_seconds: f64,
    sent: u64,
    succeeded: u64,
    failed: u64,
    dropped: u64,
    /// [`Histogram::encode`]'s form; empty for an empty histogram.
    response: Box<str>,
}

impl Packed {
    fn new(interval: &Interval) -> Self {
        Self {
            start_seconds: interval.start_seconds,
            length_seconds: interval.length_seconds,
            sent: interval.sent,
            succeeded: interval.succeeded,
            failed: interval.failed,
            dropped: interval.dropped,
            response: pack(&interval.response),
        }
    }

    /// The interval.
    pub fn unpack(&self) -> Interval {
        Interval {
            start_seconds: self.start_seconds,
            length_seconds: self.length_seconds,
            sent: self.sent,
            succeeded: self.succeeded,
            failed: self.failed,
            dropped: self.dropped,
            // what was written here is read here
            response: Histogram::decode(&self.response).unwrap_or_default(),
        }
    }

    fn joined(&self, next: &Self) -> Self {
        let (mut whole, next) = (self.unpack(), next.unpack());
        whole.length_seconds += next.length_seconds;
        whole.sent += next.sent;
        whole.succeeded += next.succeeded;
        whole.failed += next.failed;
        whole.dropped += next.dropped;
        whole.response.merge(&next.response);
        Self::new(&whole)
    }
}

/// Joins the parts of threads.
pub struct Joiner {
    threads: u32,
    open: BTreeMap<u64, (u32, Part)>,
    kept: Vec<Packed>,
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
    pub fn keep(&mut self, interval: &Interval) {
        self.kept.push(Packed::new(interval));
        if self.kept.len() > MOST {
            self.kept = self.kept.chunks(2).map(halve).collect();
        }
    }

    /// What is left when every thread is done: intervals that not all threads reached.
    pub fn rest(&mut self) -> Vec<Interval> {
        std::mem::take(&mut self.open).into_values().map(|(_, part)| interval(part, 1.0)).collect()
    }

    /// Every interval of a run of `seconds`: the last one ends with it, and one without anything is left out.
    pub fn finish(mut self, seconds: f64) -> Vec<Packed> {
        self.kept.retain(|packed| packed.start_seconds < seconds || !packed.response.is_empty() || packed.failed > 0);
        if let Some(last) = self.kept.last_mut() {
            last.length_seconds = (seconds - last.start_seconds).max(0.0);
        }
        self.kept
    }
}

/// Writing to memory fails for no histogram of ours; the counts beside it would tell if it did.
fn pack(histogram: &Histogram) -> Box<str> {
    if histogram.is_empty() { Box::default() } else { histogram.encode().unwrap_or_default().into() }
}

fn halve(pair: &[Packed]) -> Packed {
    match pair {
        [first, second] => first.joined(second),
        _ => pair.first().cloned().unwrap_or_default(),
    }
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
        response: part.response,
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
        assert_eq!((whole.sent, whole.response.count(), whole.response.max_ns()), (2, 2, 30));
        joiner.keep(&whole);
        let rest = joiner.rest();
        assert_eq!((rest.len(), rest[0].sent), (1, 1));
    }

    #[test]
    fn a_packed_interval_loses_nothing() {
        let mut joiner = Joiner::new(1);
        let (shown, _) = joiner.add(&part(0, 123_456)).unwrap();
        joiner.keep(&shown);
        let kept = joiner.finish(0.5);
        let unpacked = kept[0].unpack();
        assert_eq!(unpacked.response, shown.response);
        assert!((unpacked.length_seconds - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_long_run_keeps_longer_intervals_and_every_count() {
        let mut joiner = Joiner::new(1);
        for index in 0..=MOST as u64 {
            let (shown, _) = joiner.add(&part(index, index + 1)).unwrap();
            joiner.keep(&shown);
        }
        let kept = joiner.finish(3_601.0);
        assert_eq!(kept.len(), MOST / 2 + 1);
        assert_eq!(kept.iter().map(|packed| packed.sent).sum::<u64>(), MOST as u64 + 1);
        assert!((kept[1].start_seconds - 2.0).abs() < 1e-9 && (kept[1].length_seconds - 2.0).abs() < 1e-9);
    }
}

//! The run second by second: what several threads count of one second becomes one interval, shown when every thread that
//! reaches it has told its part, and kept until the run is over.

use std::collections::BTreeMap;

use super::recorder::Part;
use crate::model::performance::result::Interval;
use crate::perf::control::Detail;
use crate::perf::timeline::Timeline;

/// What a thread tells.
#[derive(Debug)]
pub enum Told {
    /// Its part of an interval. Each thread tells every interval, in order, up to its end.
    Part(Part),
    /// It has nothing more to tell.
    End {
        /// Intervals that it has told.
        intervals: u64,
        /// All that it counted, where somebody wants to know.
        detail: Option<Box<Detail>>,
    },
}

/// An interval with its details, where threads tell them.
pub type Shown = (Interval, Option<Detail>);

/// Joins the parts of threads.
pub struct Joiner {
    threads: usize,
    /// How many threads have told their part, and the sum of those.
    open: BTreeMap<u64, (usize, Part)>,
    /// Threads that have ended: the intervals they told, and all that they counted.
    ended: Vec<(u64, Option<Box<Detail>>)>,
    kept: Timeline,
}

impl Joiner {
    /// A joiner of so many threads' parts.
    pub fn new(threads: u32) -> Self {
        Self { threads: threads as usize, open: BTreeMap::new(), ended: Vec::new(), kept: Timeline::default() }
    }

    /// Takes in what a thread tells. Gives the intervals that thereby everybody has told, in their order.
    pub fn hear(&mut self, told: Told) -> Vec<Shown> {
        match told {
            Told::Part(part) => self.add(&part),
            Told::End { intervals, detail } => self.ended.push((intervals, detail)),
        }
        let mut shown = Vec::new();
        // an interval that is whole leaves none open before it: who has told it, or has ended, has told those too
        while let Some((index, (told, _))) = self.open.first_key_value() {
            if *told + self.ended_before(*index).count() < self.threads {
                break;
            }
            shown.extend(self.take_first());
        }
        shown
    }

    fn add(&mut self, part: &Part) {
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
    }

    /// Threads that ended before they reached an interval.
    fn ended_before(&self, index: u64) -> impl Iterator<Item = Option<&Detail>> {
        let early = self.ended.iter().filter(move |(intervals, _)| *intervals <= index);
        early.map(|(_, detail)| detail.as_deref())
    }

    fn take_first(&mut self) -> Option<Shown> {
        let (index, (_, mut whole)) = self.open.pop_first()?;
        let mut detail = whole.detail.take().map(|detail| *detail);
        if let Some(detail) = &mut detail {
            // details count from the begin of the run: what threads counted that have ended belongs to it
            self.ended_before(index).flatten().for_each(|early| detail.merge(early));
        }
        Some((interval(whole, 1.0), detail))
    }

    /// Keeps an interval that was shown.
    pub fn keep(&mut self, interval: Interval) {
        self.kept.add(interval);
    }

    /// What is left when no thread tells any more: intervals of which a thread that broke down has not told its part.
    pub fn rest(&mut self) -> Vec<Interval> {
        std::mem::take(&mut self.open).into_values().map(|(_, part)| interval(part, 1.0)).collect()
    }

    /// Every interval of a run of `seconds`: the last one ends with it, and one without anything is left out.
    pub fn finish(self, seconds: f64) -> Vec<Interval> {
        let mut kept = self.kept.into_intervals();
        kept.retain(|one| one.start_seconds < seconds || !one.response.is_empty() || one.failed > 0);
        if let Some(last) = kept.last_mut() {
            last.length_seconds = (seconds - last.start_seconds).max(0.0);
        }
        kept
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
        response: part.response.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u64, nanoseconds: u64) -> Told {
        let mut part = Part { index, sent: 1, succeeded: 1, ..Part::default() };
        part.response.record_ns(nanoseconds);
        Told::Part(part)
    }

    /// A thread's part with what it has counted up to then: so many responses of status 200.
    fn detailed(index: u64, counted: u64) -> Told {
        Told::Part(Part { index, sent: 1, detail: detail(counted), ..Part::default() })
    }

    #[expect(clippy::unnecessary_wraps, reason = "parts have one or none")]
    fn detail(counted: u64) -> Option<Box<Detail>> {
        Some(Box::new(Detail { statuses: [("200".to_owned(), counted)].into(), ..Detail::default() }))
    }

    fn indices(shown: &[Shown]) -> Vec<f64> {
        shown.iter().map(|(interval, _)| interval.start_seconds).collect()
    }

    #[test]
    fn an_interval_is_shown_when_the_last_thread_has_told() {
        let mut joiner = Joiner::new(2);
        assert!(joiner.hear(part(0, 10)).is_empty());
        assert!(joiner.hear(part(1, 10)).is_empty());
        let (whole, _) = joiner.hear(part(0, 30)).remove(0);
        assert_eq!((whole.sent, whole.response.count(), whole.response.unpack().max_ns()), (2, 2, 30));
        joiner.keep(whole);
        let rest = joiner.rest();
        assert_eq!((rest.len(), rest[0].sent), (1, 1));
    }

    #[test]
    fn nobody_waits_for_a_thread_that_has_ended() {
        let mut joiner = Joiner::new(3);
        for index in 0..3 {
            assert!(joiner.hear(detailed(index, 10 * (index + 1))).is_empty());
        }
        assert!(joiner.hear(detailed(0, 1)).is_empty());
        // one thread had nothing to do, one was done in the first interval
        assert_eq!(indices(&joiner.hear(Told::End { intervals: 0, detail: detail(0) })), [0.0]);
        let shown = joiner.hear(Told::End { intervals: 1, detail: detail(4) });
        assert_eq!(indices(&shown), [1.0, 2.0]);
        let counted: Vec<u64> = shown.iter().map(|(_, detail)| detail.as_ref().unwrap().statuses["200"]).collect();
        assert_eq!(counted, [24, 34], "with all that the ended ones counted");
        assert_eq!(indices(&joiner.hear(detailed(3, 40))), [3.0]);
        assert!(joiner.hear(Told::End { intervals: 4, detail: None }).is_empty());
        assert!(joiner.open.is_empty());
    }

    #[test]
    fn the_last_interval_ends_with_the_run() {
        let mut joiner = Joiner::new(1);
        let (shown, _) = joiner.hear(part(0, 123_456)).remove(0);
        joiner.keep(shown.clone());
        let kept = joiner.finish(0.5);
        assert_eq!(kept[0].response, shown.response);
        assert!((kept[0].length_seconds - 0.5).abs() < 1e-9);
    }
}

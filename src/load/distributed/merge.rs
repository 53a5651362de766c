//! Many shares made one result. Counts are added and never percentiles, so that the whole is exactly the sum of its parts.

mod sum;

use std::collections::{BTreeMap, BTreeSet};

use sum::Sum;

use super::offset::Offset;
use crate::base::clock::Timestamp;
use crate::base::id;
use crate::model::performance::environment::Environment;
use crate::model::performance::plan::{Load, Plan};
use crate::model::performance::result::{
    Ending, GeneratorReport, Interval, PerfResult, SCHEMA, WorkerShare, response_rate,
};
use crate::perf::control::Detail;
use crate::perf::timeline::Timeline;
use crate::perf::warnings;

/// A begin that is this much after the agreed moment is worth a warning: a hundredth of an interval.
const LATE_NS: i64 = 10_000_000;

/// What came of one worker's share.
pub(super) struct Part {
    /// The worker's address or name.
    pub name: String,
    /// Its clock.
    pub clock: Offset,
    /// When its measurement was to begin, after the warm-up, by our clock.
    pub begin_ns: i64,
    /// Its intervals in the order in which they came in.
    pub intervals: Timeline,
    /// What it had counted when it told so last, and how many intervals that covers.
    pub detail: Option<(Detail, usize)>,
    /// Its end.
    pub end: End,
}

impl Part {
    /// One that has told nothing yet.
    pub(super) fn new(name: String, clock: Offset, begin_ns: i64, end: End) -> Self {
        Self { name, clock, begin_ns, intervals: Timeline::default(), detail: None, end }
    }

    /// Takes an interval in. Each detail holds all before it, so that the last one is enough.
    pub(super) fn take(&mut self, interval: Interval, detail: Option<Detail>) {
        self.intervals.add(interval);
        if let Some(detail) = detail {
            self.detail = Some((detail, self.intervals.added()));
        }
    }

    /// Whether statuses and causes of its last intervals never came.
    fn lacks_detail(&self) -> bool {
        self.detail.as_ref().map_or(0, |(_, covered)| *covered) < self.intervals.added()
    }
}

/// How a worker's share ended.
pub(super) enum End {
    /// With its result, whose intervals are in the part.
    Whole {
        /// What it measured.
        result: Box<PerfResult>,
        /// Its begin after the agreed moment.
        start_slip_ns: i64,
    },
    /// Without; why.
    Lost(String),
}

/// The result of the whole `plan`. `stopped` is why it was ended before its time, where it was.
pub(super) fn merge(plan: Plan, parts: &[Part], stopped: Option<Ending>) -> PerfResult {
    let is_closed = plan.load == Load::Closed;
    let sums: Vec<Sum> = parts.iter().map(|part| Sum::of(part, is_closed)).collect();
    let mut sum = Sum::default();
    for one in &sums {
        sum.merge(one);
    }
    let Span { began, ended, answered: last } = span(parts);
    let elapsed = nanoseconds(ended - began) / 1e9;
    let answered = sum.latency.response.count();
    let mut result = PerfResult {
        schema: SCHEMA.to_owned(),
        id: id::new(),
        name: plan.name.clone(),
        profile_id: None,
        requested_rate: plan.load.rate(plan.duration),
        plan,
        started_at: moment(began),
        ended_at: moment(last),
        elapsed_seconds: elapsed,
        ended_by: ending(parts, stopped),
        achieved_rate: response_rate(answered, elapsed),
        requests: sum.requests,
        statuses: sum.statuses,
        errors: sum.errors,
        connections: sum.connections,
        bytes: sum.bytes,
        latency: sum.latency,
        intervals: intervals(parts, elapsed),
        generator: GeneratorReport { name: "native".to_owned(), ..sum.generator },
        environment: environment(parts),
        workers: parts.iter().zip(sums).map(|(part, sum)| share(part, sum)).collect(),
        warnings: parts.iter().flat_map(|part| part_warnings(part, parts.len())).collect(),
        verdicts: Vec::new(),
        server_metrics: BTreeMap::new(),
    };
    result.warnings.extend(warnings::of_whole(&result));
    result
}

#[expect(clippy::cast_precision_loss, reason = "lengths of runs are far below 2^52 ns")]
fn nanoseconds(length: i64) -> f64 {
    length as f64
}

fn moment(ns: i64) -> Timestamp {
    Timestamp::from_microsecond(ns / 1_000).unwrap_or_default()
}

/// The whole measurement by our clock, in nanoseconds.
struct Span {
    /// The first begin.
    began: i64,
    /// The end of the last worker's time.
    ended: i64,
    /// When the last response was in, or given up.
    answered: i64,
}

fn span(parts: &[Part]) -> Span {
    let bounds = |part: &Part| match &part.end {
        End::Whole { result, start_slip_ns } => {
            // what is too little to be told, and mostly the clocks' error, must not lower the rate
            let begin = part.begin_ns + if *start_slip_ns > LATE_NS { *start_slip_ns } else { 0 };
            let whole = result.ended_at.duration_since(result.started_at).as_nanos();
            let whole = i64::try_from(whole).unwrap_or_default();
            (begin, begin + length_ns(result.elapsed_seconds), begin + whole)
        }
        End::Lost(_) => {
            let ends =
                part.intervals.intervals().iter().map(|interval| interval.start_seconds + interval.length_seconds);
            let end = part.begin_ns + length_ns(ends.fold(0.0, f64::max));
            (part.begin_ns, end, end)
        }
    };
    let bounds: Vec<(i64, i64, i64)> = parts.iter().map(bounds).collect();
    let began = bounds.iter().map(|bound| bound.0).min().unwrap_or_default();
    let ended = bounds.iter().map(|bound| bound.1).max().unwrap_or(began);
    Span { began, ended, answered: bounds.iter().map(|bound| bound.2).max().unwrap_or(ended).max(ended) }
}

#[expect(clippy::cast_possible_truncation, reason = "lengths of runs are far below 2^63 ns")]
fn length_ns(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

fn ending(parts: &[Part], stopped: Option<Ending>) -> Ending {
    let mut results = parts.iter().filter_map(|part| match &part.end {
        End::Whole { result, .. } => Some(result.ended_by),
        End::Lost(_) => None,
    });
    let first = results.next();
    stopped.or(first).unwrap_or(Ending::WorkersLost)
}

/// The run second by second, or in longer steps where a worker told many: the intervals of one number are added. The last
/// one ends with the run.
fn intervals(parts: &[Part], elapsed: f64) -> Vec<Interval> {
    let width = parts.iter().map(|part| part.intervals.width()).max().unwrap_or(1);
    let as_wide = |part: &Part| {
        let mut timeline = part.intervals.clone();
        timeline.widen(width);
        timeline.into_intervals()
    };
    let told: Vec<Vec<Interval>> = parts.iter().map(as_wide).collect();
    let most = told.iter().map(Vec::len).max().unwrap_or_default();
    let column = |index: usize| told.iter().filter_map(move |intervals| intervals.get(index));
    let mut all: Vec<Interval> = (0..most).filter_map(|index| add_intervals(column(index))).collect();
    let is_empty = |interval: &Interval| interval.sent + interval.failed + interval.response.count() == 0;
    all.retain(|interval| interval.start_seconds < elapsed || !is_empty(interval));
    if let Some(last) = all.last_mut().filter(|last| last.start_seconds < elapsed) {
        last.length_seconds = last.length_seconds.min(elapsed - last.start_seconds);
    }
    all
}

/// One interval of several; `None` of none.
pub(super) fn add_intervals<'i>(mut intervals: impl Iterator<Item = &'i Interval>) -> Option<Interval> {
    let mut sum = intervals.next()?.clone();
    let mut response = sum.response.unpack();
    for one in intervals {
        sum.start_seconds = sum.start_seconds.min(one.start_seconds);
        sum.length_seconds = sum.length_seconds.max(one.length_seconds);
        sum.sent += one.sent;
        sum.succeeded += one.succeeded;
        sum.failed += one.failed;
        sum.dropped += one.dropped;
        response.merge(&one.response.unpack());
    }
    sum.response = response.into();
    Some(sum)
}

/// The first worker's machine, with the names of all.
fn environment(parts: &[Part]) -> Environment {
    let results: Vec<&PerfResult> = parts
        .iter()
        .filter_map(|part| match &part.end {
            End::Whole { result, .. } => Some(&**result),
            End::Lost(_) => None,
        })
        .collect();
    let hosts: BTreeSet<&str> = results.iter().map(|result| result.environment.host.as_str()).collect();
    let first = results.first().map(|result| result.environment.clone()).unwrap_or_default();
    Environment { host: hosts.into_iter().collect::<Vec<_>>().join(", "), ..first }
}

fn share(part: &Part, sum: Sum) -> WorkerShare {
    let (achieved_rate, start_slip_ns, lost) = match &part.end {
        End::Whole { result, start_slip_ns } => (result.achieved_rate, *start_slip_ns, None),
        End::Lost(why) => {
            let seconds: f64 = part.intervals.intervals().iter().map(|interval| interval.length_seconds).sum();
            (response_rate(sum.latency.response.count(), seconds), 0, Some(why.clone()))
        }
    };
    WorkerShare {
        name: part.name.clone(),
        sent: sum.requests.sent,
        achieved_rate,
        clock_offset_ns: part.clock.offset_ns,
        clock_error_ns: part.clock.error_ns,
        start_slip_ns,
        slip_p99_ns: sum.latency.slip.percentile_ns(99.0),
        lost,
        requests: sum.requests,
        statuses: sum.statuses,
        errors: sum.errors,
        bytes: sum.bytes,
        latency: sum.latency,
    }
}

fn part_warnings(part: &Part, workers: usize) -> Vec<String> {
    let name = &part.name;
    match &part.end {
        End::Lost(why) => {
            let seconds = part.intervals.added();
            let mut lost = format!(
                "worker {name}, one of {workers}, was lost ({why}): its share counts for the {seconds} intervals that arrived"
            );
            if part.lacks_detail() {
                lost.push_str("; of those, statuses and causes of errors are not known");
            }
            vec![lost]
        }
        End::Whole { result, start_slip_ns } => {
            let late = (*start_slip_ns > LATE_NS)
                .then(|| format!("worker {name} began {} ms after the agreed moment", start_slip_ns / 1_000_000));
            // What a share says of its own size and rate is said of the whole, of which it may not be true.
            let of_share = warnings::of_whole(result);
            let own = result.warnings.iter().filter(|warning| !of_share.contains(*warning));
            late.into_iter().chain(own.map(|warning| format!("worker {name}: {warning}"))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::perf::stats::order;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for value in values {
            histogram.record_ns(*value);
        }
        histogram
    }

    fn interval(index: u32, values: &[u64]) -> Interval {
        let count = values.len() as u64;
        Interval {
            start_seconds: f64::from(index),
            length_seconds: 1.0,
            sent: count,
            succeeded: count,
            failed: 0,
            dropped: 0,
            response: histogram(values).into(),
        }
    }

    fn timeline(intervals: &[Interval]) -> Timeline {
        let mut timeline = Timeline::default();
        for interval in intervals {
            timeline.add(interval.clone());
        }
        timeline
    }

    fn part(name: &str, values: &[&[u64]], end: impl FnOnce(&[Interval]) -> End) -> Part {
        let intervals: Vec<Interval> = (0..).zip(values).map(|(index, values)| interval(index, values)).collect();
        let end = end(&intervals);
        let clock = Offset { offset_ns: 5, error_ns: 2 };
        Part { intervals: timeline(&intervals), ..Part::new(name.to_owned(), clock, 1_000_000_000, end) }
    }

    fn whole(intervals: &[Interval], slip: i64) -> End {
        let clock = Offset { offset_ns: 0, error_ns: 0 };
        let lost =
            Part { intervals: timeline(intervals), ..Part::new(String::new(), clock, 0, End::Lost(String::new())) };
        let mut result = merge(Plan::default(), &[lost], Some(Ending::Duration));
        result.warnings.clear();
        End::Whole { result: Box::new(result), start_slip_ns: slip }
    }

    fn counts(histogram: &Histogram) -> Vec<(u64, u64)> {
        histogram.counts().collect()
    }

    #[test]
    fn the_whole_is_the_sum_of_its_parts() {
        let (a, b): (&[&[u64]], &[&[u64]]) = (&[&[100, 200], &[300]], &[&[100], &[5_000_000, 7]]);
        let parts = [part("a", a, |done| whole(done, 0)), part("b", b, |done| whole(done, 20_000_000))];
        let merged = merge(Plan::default(), &parts, None);
        assert_eq!(counts(&merged.latency.response), counts(&histogram(&[100, 200, 300, 100, 5_000_000, 7])));
        assert_eq!((merged.requests.sent, merged.intervals.len(), merged.ended_by), (6, 2, Ending::Duration));
        let of_workers = merged.workers.iter().fold(Histogram::new(), |mut sum, share| {
            sum.merge(&share.latency.response);
            sum
        });
        assert_eq!(counts(&of_workers), counts(&merged.latency.response));
        assert_eq!(merged.workers[1].requests.sent, 3);
        assert_eq!(merged.intervals[1].response, histogram(&[300, 5_000_000, 7]).into());
        assert!((merged.elapsed_seconds - 2.02).abs() < 1e-6, "{}", merged.elapsed_seconds);
        assert!(merged.warnings.iter().any(|warning| warning.contains("b began 20 ms after")), "{:?}", merged.warnings);
        let soon = [part("a", a, |done| whole(done, 0)), part("b", b, |done| whole(done, 700_000))];
        assert!((merge(Plan::default(), &soon, None).elapsed_seconds - 2.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_lost_worker_sent_in_one_interval_and_answered_in_the_next_was_due_once() {
        let mut lost = part("a", &[], |_| End::Lost(String::new()));
        // the second interval's first response is of the first interval's second request
        lost.take(Interval { sent: 2, ..interval(0, &[10]) }, None);
        lost.take(Interval { sent: 1, ..interval(1, &[20, 30]) }, None);
        let requests = merge(Plan::default(), &[lost], None).requests;
        assert_eq!((requests.due, requests.sent, requests.succeeded), (3, 3, 3));
    }

    #[test]
    fn a_lost_worker_counts_as_far_as_it_came_and_is_told() {
        let parts = [
            part("a", &[&[10], &[20]], |done| whole(done, 0)),
            part("b", &[&[30, 30]], |_| End::Lost("the connection broke".to_owned())),
        ];
        let merged = merge(Plan::default(), &parts, None);
        assert_eq!(counts(&merged.latency.response), counts(&histogram(&[10, 20, 30, 30])));
        assert_eq!((merged.workers[1].sent, merged.workers[1].lost.as_deref()), (2, Some("the connection broke")));
        assert!(merged.warnings[0].contains("worker b, one of 2, was lost"), "{:?}", merged.warnings);
        assert_eq!(merged.workers[1].requests.due, 2);
        assert_eq!(merged.ended_by, Ending::Duration);
    }

    #[test]
    fn a_long_run_keeps_longer_intervals_that_are_those_of_all_workers() {
        let seconds = |name: &str, count: u32| {
            let mut one = part(name, &[], |_| End::Lost(String::new()));
            (0..count).for_each(|second| one.take(interval(second, &[u64::from(second) + 1]), None));
            one
        };
        let merged = merge(Plan::default(), &[seconds("a", 4_000), seconds("b", 3_000)], None);
        assert_eq!((merged.intervals.len(), merged.requests.sent), (2_000, 7_000));
        let told = |at: usize| (merged.intervals[at].start_seconds, merged.intervals[at].response.count());
        assert_eq!((told(1_499), told(1_500)), ((2_998.0, 4), (3_000.0, 2)));
        assert!(merged.warnings[1].contains("for the 3000 intervals"), "{:?}", merged.warnings);
    }

    #[test]
    fn of_what_a_worker_counted_the_last_word_is_kept() {
        let mut lost = part("a", &[], |_| End::Lost("gone".to_owned()));
        for told in 1..=3 {
            let statuses = [("200".to_owned(), told)].into();
            lost.take(interval(0, &[10]), Some(Detail { statuses, ..Detail::default() }));
        }
        assert!(!lost.lacks_detail());
        lost.take(interval(3, &[10]), None);
        assert!(lost.lacks_detail());
        let merged = merge(Plan::default(), &[lost], None);
        assert_eq!((merged.statuses["200"], merged.requests.succeeded), (3, 4));
        assert!(merged.warnings[0].contains("statuses and causes of errors are not known"), "{:?}", merged.warnings);
    }

    #[test]
    fn a_share_too_small_for_a_percentile_is_no_fault_of_a_whole_that_is_large_enough() {
        let values: Vec<u64> = (1..=30_000).collect();
        let shares = |count: usize| {
            let values = &values[..count];
            let share = |name: &str, wait: f64, threads: u32| {
                let end = |done: &[Interval]| {
                    let End::Whole { mut result, start_slip_ns } = whole(done, 0) else { unreachable!("it is whole") };
                    result.warnings = warnings::of_whole(&result);
                    result.warnings.push("the machine was busy".to_owned());
                    (result.generator.cpu_wait, result.generator.threads) = (Some(wait), threads);
                    End::Whole { result, start_slip_ns }
                };
                part(name, &[values], end)
            };
            merge(Plan::default(), &[share("a", 0.1, 1), share("b", 0.4, 2)], None)
        };
        let wanted = usize::try_from(order::wanted_count(99.0).unwrap()).unwrap();
        let large = shares(wanted - 1);
        assert_eq!(large.warnings, ["worker a: the machine was busy", "worker b: the machine was busy"]);
        assert!((large.generator.cpu_wait.unwrap() - 0.3).abs() < 1e-9, "{:?}", large.generator);
        let small = shares(100).warnings;
        let told: Vec<_> = small.iter().filter(|warning| warning.contains("support no 99th percentile")).collect();
        assert_eq!(told.len(), 1, "{small:?}");
        assert!(told[0].starts_with("200 responses"), "{told:?}");
    }

    #[test]
    fn without_any_worker_left_the_end_says_so() {
        let parts = [part("a", &[], |_| End::Lost("gone".to_owned()))];
        let merged = merge(Plan::default(), &parts, None);
        assert_eq!((merged.ended_by, merged.requests.sent), (Ending::WorkersLost, 0));
        assert_eq!(merge(Plan::default(), &parts, Some(Ending::Stopped)).ended_by, Ending::Stopped);
    }
}

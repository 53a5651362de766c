//! Holding a result, or a run that is not over, against a threshold.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Figure, Limit, Metric, Operator, Outcome, Series, Threshold, Verdict};
use crate::model::performance::plan::Load;
use crate::model::performance::result::{Cause, Ending, Interval, PerfResult, Requests};
use crate::model::performance::summary::Sum;
use crate::perf::stats::order::{self, Sample};
use crate::perf::summary::{Percentile, knows_errors, responses, share};
use crate::perf::units;

/// What a threshold is held against. What is `None` is not known (yet).
struct Measured<'a> {
    result: Option<&'a PerfResult>,
    response: Sample<'a>,
    statuses: Option<&'a BTreeMap<String, u64>>,
    requests: Requests,
    achieved_rate: Option<f64>,
    requested_rate: Option<f64>,
}

impl Measured<'_> {
    /// A run that goes on knows what failed.
    fn knows_errors(&self) -> bool {
        self.result.is_none_or(knows_errors)
    }
}

/// The sum of the intervals of a run that is not over, for thresholds that abort it.
#[derive(Debug, Clone)]
pub struct Running {
    sum: Sum,
    load: Load,
    over: Option<Duration>,
}

impl Running {
    /// Of a run under `load` that is to last for `over`; none where its length is not planned.
    pub fn new(load: &Load, over: Option<Duration>) -> Self {
        Self { sum: Sum::default(), load: load.clone(), over }
    }

    /// Adds an interval.
    pub fn add(&mut self, interval: &Interval) {
        self.sum.add(interval);
    }

    /// Seconds from the start of the run to the end of what was added.
    pub fn seconds(&self) -> f64 {
        self.sum.length_seconds
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> Requests {
        self.sum.requests()
    }

    /// Responses a second of the whole run if it goes on as it began: a schedule that grows is held against what it asked
    /// for so far, and requests that are under way count as answered. None where nothing was due yet.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn projected_rate(&self) -> Option<f64> {
        let seconds = Some(self.seconds()).filter(|seconds| *seconds > 0.0)?;
        let requests = self.requests();
        let rate = requests.sent.max(requests.succeeded + requests.failed) as f64 / seconds;
        let so_far = Duration::try_from_secs_f64(seconds).ok()?;
        match (self.load.rate(self.over), self.load.rate(Some(so_far))) {
            (Some(whole), Some(asked)) => (asked > 0.0).then(|| rate * whole / asked),
            _ => Some(rate),
        }
    }

    /// Response times so far.
    pub(super) fn responses(&self) -> Sample<'_> {
        Sample::new(&self.sum.response, self.requests().dropped)
    }

    fn measured(&self) -> Measured<'_> {
        let requests = self.requests();
        Measured {
            result: None,
            response: self.responses(),
            statuses: None,
            requests,
            achieved_rate: self.projected_rate(),
            requested_rate: self.load.rate(self.over),
        }
    }
}

impl Threshold {
    /// Holds a result against the threshold.
    ///
    /// A percentile that the sample supports is judged by its value. One that it does not support is judged only where
    /// its whole 95 % interval lies on one side of the limit. A breach by a value that is mostly the generator's own
    /// lateness is undecided.
    pub fn judge(&self, result: &PerfResult) -> Verdict {
        self.judge_measured(&Measured {
            result: Some(result),
            response: responses(result),
            statuses: Some(&result.statuses),
            requests: result.requests,
            achieved_rate: Some(result.achieved_rate),
            requested_rate: requested_rate(result),
        })
    }

    /// Holds a run that is not over against the threshold: what was measured so far, and for `rps` the rate that the whole
    /// run comes to if it goes on as it began. Service time, slip, connection time and statuses are known
    /// only at the end, so that thresholds on them are undecided until then.
    pub fn judge_running(&self, running: &Running) -> Verdict {
        self.judge_measured(&running.measured())
    }

    fn judge_measured(&self, measured: &Measured<'_>) -> Verdict {
        match &self.metric {
            Metric::Time(series, figure) => self.judge_time(measured, *series, *figure),
            Metric::Rate => self.judge_rate(measured),
            Metric::Errors | Metric::Success if !measured.knows_errors() => {
                self.undecided(None, "what failed is not known: the file tells durations only")
            }
            Metric::Errors => self.judge_count(measured.requests.bad(), measured.requests.ended()),
            Metric::Success => self.judge_count(measured.requests.succeeded, measured.requests.ended()),
            Metric::Dropped => self.judge_count(measured.requests.dropped, measured.requests.ended()),
            Metric::Status(status) => self.judge_status(measured, status),
        }
    }

    /// A status of which nothing is known is not one that never came.
    fn judge_status(&self, measured: &Measured<'_>, status: &str) -> Verdict {
        let Some(statuses) = measured.statuses else {
            return self.undecided(None, "statuses are known at the end of the run");
        };
        if let Some(unknown) = measured.result.map(without_status).filter(|count| *count > 0) {
            let because = format!("what {} requests were answered with is not known", units::count(unknown));
            return self.undecided(None, because);
        }
        let is_class = |status: &str| status.ends_with("xx");
        if !is_class(status) && statuses.iter().any(|(known, count)| is_class(known) && *count > 0) {
            return self.undecided(None, "the generator tells statuses by their class only");
        }
        self.judge_count(with_status(statuses, status), measured.requests.ended())
    }

    fn judge_count(&self, part: u64, whole: u64) -> Verdict {
        if whole == 0 {
            return self.undecided(None, "no request is over");
        }
        match self.limit {
            Limit::Share(_) => self.decide(share(part, whole)),
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            _ => self.decide(part as f64),
        }
    }

    fn judge_rate(&self, measured: &Measured<'_>) -> Verdict {
        let Some(achieved) = measured.achieved_rate else { return self.undecided(None, "nothing was measured yet") };
        match (self.limit, measured.requested_rate) {
            (Limit::Share(_), Some(requested)) if requested > 0.0 => self.decide(achieved / requested),
            (Limit::Share(_), _) => self.undecided(None, "no rate was asked for"),
            _ => self.decide(achieved),
        }
    }

    fn judge_time(&self, measured: &Measured<'_>, series: Series, figure: Figure) -> Verdict {
        let Some(sample) = series_of(measured, series) else {
            return self.undecided(None, format!("the {} time is known at the end of the run", series.name()));
        };
        let missing = || self.undecided(None, format!("there is no {} time", series.name()));
        let Figure::Percentile(percentile) = figure else {
            return plain_figure(sample, figure).map_or_else(missing, |value| self.decide(value));
        };
        if sample.count() == 0 {
            return missing();
        }
        let verdict = self.judge_percentile(sample, percentile);
        match (series, measured.result) {
            (Series::Response, Some(result)) if verdict.is_breached() && verdict.value.is_some() => {
                self.or_generator(verdict, result, percentile)
            }
            _ => verdict,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
    fn judge_percentile(&self, sample: Sample<'_>, percentile: f64) -> Verdict {
        let value = sample.percentile_ns(percentile).map(|value| value as f64);
        let decided = || value.map_or_else(|| self.decide_unreached(sample.late_share()), |value| self.decide(value));
        let count = sample.count();
        if percentile >= 100.0 || order::is_supported(count, percentile) {
            return decided();
        }
        let Some(bounds) = order::ends(sample, percentile) else { return decided() };
        if self.holds(bounds.low) == self.holds(bounds.high) {
            return decided();
        }
        let wanted = order::wanted_count(percentile);
        let because = format!(
            "{} of {} samples is {}; {} samples would support it",
            units::percentile(percentile),
            units::count(count),
            units::bounds(bounds),
            wanted.map_or_else(String::new, units::count),
        );
        Verdict { wanted, ..self.undecided(value, because) }
    }

    /// So many requests got no response in time that the percentile lies among them: beyond every limit.
    fn decide_unreached(&self, late: f64) -> Verdict {
        let outcome = if self.holds(f64::INFINITY) { Outcome::Held } else { Outcome::Breached };
        let because = format!("{} of the requests got no response in time", units::share(late));
        Verdict { outcome, ..self.undecided(None, because) }
    }

    /// A breach that the generator may have made itself is none.
    fn or_generator(&self, verdict: Verdict, result: &PerfResult, percentile: f64) -> Verdict {
        match Percentile::of(result, percentile).and_then(|found| found.below_floor()) {
            Some(reason) => self.undecided(verdict.value, reason),
            None => verdict,
        }
    }

    fn holds(&self, value: f64) -> bool {
        self.operator.holds(value, self.limit.number())
    }

    fn decide(&self, value: f64) -> Verdict {
        let outcome = if self.holds(value) { Outcome::Held } else { Outcome::Breached };
        let (threshold, unit) = (self.to_string(), self.limit.unit());
        Verdict { threshold, outcome, value: Some(value), unit, because: None, wanted: None }
    }

    fn undecided(&self, value: Option<f64>, because: impl Into<String>) -> Verdict {
        Verdict {
            threshold: self.to_string(),
            outcome: Outcome::Undecided,
            value,
            unit: self.limit.unit(),
            because: Some(because.into()),
            wanted: None,
        }
    }

    /// Whether a breach in the midst of a run is final: it is for a count that only grows.
    pub fn breach_is_final(&self) -> bool {
        let grows = matches!(self.metric, Metric::Errors | Metric::Dropped | Metric::Status(_));
        let above = matches!(self.operator, Operator::Below | Operator::AtMost);
        let most =
            matches!(self.metric, Metric::Time(_, Figure::Max)) || matches!(self.limit, Limit::Count(_)) && grows;
        above && most
    }
}

/// The rate that was asked for while the run lasted: one that was cut short met a part of its schedule only.
fn requested_rate(result: &PerfResult) -> Option<f64> {
    let is_cut = matches!(result.ended_by, Ending::Stopped | Ending::Threshold | Ending::WorkersLost);
    let elapsed = Duration::try_from_secs_f64(result.elapsed_seconds).ok().filter(|_| is_cut);
    elapsed.and_then(|elapsed| result.plan.load.rate(Some(elapsed))).or(result.requested_rate)
}

fn series_of<'a>(measured: &Measured<'a>, series: Series) -> Option<Sample<'a>> {
    match series {
        Series::Response => Some(measured.response),
        Series::Service => measured.result.map(|result| (&result.latency.service).into()),
        Series::Slip => measured.result.map(|result| (&result.latency.slip).into()),
        Series::Connect => measured.result.map(|result| (&result.connections.connect).into()),
    }
}

/// Figures of the durations that are known; none where there is none.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn plain_figure(sample: Sample<'_>, figure: Figure) -> Option<f64> {
    let known = Some(sample.known()).filter(|known| !known.is_empty())?;
    Some(match figure {
        Figure::Percentile(percentile) => known.percentile_ns(percentile) as f64,
        Figure::Min => known.min_ns() as f64,
        Figure::Max => known.max_ns() as f64,
        Figure::Mean => known.mean_ns(),
        Figure::Stdev => known.stdev_ns(),
    })
}

/// Responses with a status, or with one of a class such as `5xx`.
/// Requests that ended and of which neither a status nor another end is known.
fn without_status(result: &PerfResult) -> u64 {
    let other = result.errors.iter().filter(|(cause, _)| **cause != Cause::Status).map(|(_, count)| count);
    let known: u64 = result.statuses.values().chain(other).sum();
    (result.requests.succeeded + result.requests.failed).saturating_sub(known)
}

fn with_status(statuses: &BTreeMap<String, u64>, wanted: &str) -> u64 {
    let class = wanted.strip_suffix("xx").filter(|digit| digit.len() == 1);
    let fits = |status: &str| match class {
        Some(digit) => status.len() == 3 && status.starts_with(digit),
        None => status.eq_ignore_ascii_case(wanted),
    };
    statuses.iter().filter(|(status, _)| fits(status)).map(|(_, count)| count).sum()
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
    use crate::model::performance::plan::{Overload, Pacing};
    use crate::perf::sample;

    fn judge(threshold: &str, result: &PerfResult) -> Verdict {
        Threshold::parse(threshold).unwrap().judge(result)
    }

    #[test]
    fn requests_without_a_response_in_time_are_slower_than_any() {
        let mut result = sample::result(20_000);
        result.requests.dropped = 1_000;
        assert_eq!(judge("p99<1s", &result).outcome, Outcome::Breached);
        assert_eq!(judge("p99>1s", &result).outcome, Outcome::Held);
        assert_eq!(judge("p90<1s", &result).outcome, Outcome::Held);
        assert_eq!(judge("errors<5%", &result).outcome, Outcome::Breached);
        assert!(judge("p99<1s", &result).to_string().contains("got no response in time"));
    }

    #[test]
    fn late_requests_move_the_rank_of_a_percentile() {
        let mut result = sample::result(20_000);
        let answered = result.latency.response.count();
        // Nine in a thousand: the 99th percentile is near the end of those that were answered.
        result.requests.dropped = answered * 9 / 991;
        let of_answered = result.latency.response.percentile_ns(99.0);
        let verdict = judge(&format!("p99<={of_answered}ns"), &result);
        assert_eq!(verdict.outcome, Outcome::Breached, "{verdict}");
        assert_eq!(verdict.value, Some(Percentile::of(&result, 99.0).unwrap().value_ns as f64));
    }

    #[test]
    fn one_late_request_of_few_decides_nothing_about_a_high_percentile() {
        let mut result = sample::result(10);
        result.requests.dropped = 1;
        let verdict = judge("p99<1h", &result);
        assert_eq!((verdict.outcome, verdict.wanted), (Outcome::Undecided, order::wanted_count(99.0)), "{verdict}");
        assert_eq!(judge("p99<1ns", &result).outcome, Outcome::Breached);
    }

    /// The verdict on the first five seconds of a ramp from 0 to 1,000 a second, of which a share is sent and answered.
    fn on_ramp(threshold: &str, share: f64) -> Outcome {
        let seconds = Duration::from_secs(30);
        let pacing = Pacing::Ramp { from: 0.0, to: 1_000.0, over: seconds };
        let mut running = Running::new(&Load::Open { pacing, overload: Overload::Queue }, Some(seconds));
        for second in 0..5 {
            let (start_seconds, due) = (f64::from(second), (f64::from(second) + 0.5) * 1_000.0 / 30.0);
            let succeeded = (due * share).round() as u64;
            let response = sample::result(10).latency.response;
            let (length_seconds, failed, dropped) = (1.0, 0, 0);
            let sent = succeeded;
            running.add(&Interval {
                start_seconds,
                length_seconds,
                sent,
                succeeded,
                failed,
                dropped,
                response: response.clone().into(),
            });
        }
        Threshold::parse(threshold).unwrap().judge_running(&running).outcome
    }

    #[test]
    fn a_rate_that_grows_is_held_against_what_was_asked_for_so_far() {
        for threshold in ["rps>=98%", "rps>=490"] {
            assert_eq!(on_ramp(threshold, 1.0), Outcome::Held, "{threshold}");
            assert_eq!(on_ramp(threshold, 0.5), Outcome::Breached, "{threshold}");
        }
    }

    #[test]
    fn a_run_that_was_cut_short_is_held_against_the_part_of_its_schedule_that_it_met() {
        let mut result = sample::result(1_000);
        let pacing = Pacing::Ramp { from: 0.0, to: 1_000.0, over: Duration::from_secs(30) };
        result.plan.load = Load::Open { pacing, overload: Overload::Queue };
        (result.requested_rate, result.elapsed_seconds, result.achieved_rate) = (Some(500.0), 6.0, 99.0);
        assert_eq!(judge("rps>=98%", &result).outcome, Outcome::Breached);
        result.ended_by = Ending::Stopped;
        assert_eq!(judge("rps>=98%", &result).outcome, Outcome::Held);
    }

    #[test]
    fn requests_under_way_may_still_be_answered() {
        let load = Load::Open { pacing: Pacing::Constant { rate: 100.0 }, overload: Overload::Queue };
        let mut running = Running::new(&load, Some(Duration::from_mins(1)));
        let response = sample::result(300).latency.response;
        let (start_seconds, length_seconds, failed, dropped) = (0.0, 5.0, 0, 0);
        running.add(&Interval {
            start_seconds,
            length_seconds,
            sent: 500,
            succeeded: 300,
            failed,
            dropped,
            response: response.clone().into(),
        });
        assert_eq!(Threshold::parse("rps>=98%").unwrap().judge_running(&running).outcome, Outcome::Held);
    }

    #[test]
    fn what_a_small_sample_does_not_bound_is_undecided() {
        let result = sample::result(300);
        assert_eq!(judge("p99<1h", &result).outcome, Outcome::Undecided);
        assert_eq!(judge("p99<1ns", &result).outcome, Outcome::Breached);
        assert_eq!(judge("p99<1h", &sample::result(400)).outcome, Outcome::Held);
    }

    #[test]
    fn a_clear_breach_of_a_run_that_is_not_over_is_told_from_chance() {
        let threshold = Threshold::parse("errors<1%").unwrap();
        let of = |failed: u64| {
            let mut running = Running::new(&Load::Closed, None);
            let response = sample::result(100).latency.response;
            let (sent, succeeded) = (100, 100 - failed);
            let (start_seconds, length_seconds, dropped) = (0.0, 1.0, 0);
            running.add(&Interval {
                start_seconds,
                length_seconds,
                sent,
                succeeded,
                failed,
                dropped,
                response: response.clone().into(),
            });
            (threshold.judge_running(&running).outcome, threshold.is_clearly_breached(&running))
        };
        assert_eq!(of(2), (Outcome::Breached, false));
        assert_eq!(of(10), (Outcome::Breached, true));
    }

    #[test]
    fn figures_are_judged_in_their_units() {
        let result = sample::result(20_000);
        for (threshold, outcome) in [
            ("p99<1s", Outcome::Held),
            ("p99<1us", Outcome::Breached),
            ("min>1ns", Outcome::Held),
            ("max<=1ns", Outcome::Breached),
            ("mean<1s", Outcome::Held),
            ("stdev<1s", Outcome::Held),
            ("errors<5%", Outcome::Held),
            ("errors<1", Outcome::Breached),
            ("success>=95%", Outcome::Held),
            ("dropped<=0", Outcome::Held),
            ("rps>=1", Outcome::Held),
            ("rps>=98%", Outcome::Held),
            ("status.5xx<5%", Outcome::Held),
            ("status.503<1", Outcome::Breached),
            ("status.404<=0", Outcome::Held),
            ("service.p99<1s", Outcome::Held),
            ("slip.p99<1s", Outcome::Held),
            ("connect.max<1h", Outcome::Held),
        ] {
            let verdict = judge(threshold, &result);
            assert_eq!(verdict.outcome, outcome, "{verdict}");
        }
    }

    #[test]
    fn limits_are_exact_at_their_edge() {
        let mut result = sample::result(1_000);
        (result.requests.succeeded, result.requests.failed) = (990, 10);
        assert_eq!(judge("errors<1%", &result).outcome, Outcome::Breached);
        assert_eq!(judge("errors<=1%", &result).outcome, Outcome::Held);
    }

    #[test]
    fn an_unsupported_percentile_is_judged_only_where_its_interval_is_clear() {
        let result = sample::result(400);
        let bounds = order::ends(&result.latency.response, 99.0).unwrap();
        assert!(bounds.high > bounds.low);
        let between = format!("p99<{}ns", f64::midpoint(bounds.low, bounds.high));
        let verdict = judge(&between, &result);
        assert_eq!(verdict.outcome, Outcome::Undecided, "{verdict}");
        assert!(verdict.because.unwrap().contains("396 samples"));
        assert_eq!(judge("p99<1h", &result).outcome, Outcome::Held);
        assert_eq!(judge("p99<1ns", &result).outcome, Outcome::Breached);
    }

    #[test]
    fn a_breach_that_the_generator_may_have_made_is_undecided() {
        let mut result = sample::result(20_000);
        result.latency.slip = result.latency.response.clone();
        assert_eq!(judge("p99<1us", &result).outcome, Outcome::Undecided);
        assert_eq!(judge("p99<1s", &result).outcome, Outcome::Held);
    }

    #[test]
    fn a_status_that_nobody_told_is_not_one_that_never_came() {
        let mut result = sample::result(1_000);
        assert_eq!(judge("status.5xx<50%", &result).outcome, Outcome::Held);
        let classes: BTreeMap<String, u64> = [("2xx".to_owned(), 990), ("5xx".to_owned(), 10)].into();
        result.statuses = classes;
        assert_eq!(judge("status.5xx<5%", &result).outcome, Outcome::Held);
        let verdict = judge("status.503<5%", &result);
        assert!(verdict.outcome == Outcome::Undecided && verdict.to_string().contains("class"), "{verdict}");
        result.statuses.clear();
        let verdict = judge("status.5xx<5%", &result);
        assert!(verdict.outcome == Outcome::Undecided && verdict.to_string().contains("not known"), "{verdict}");
    }

    #[test]
    fn durations_alone_tell_nothing_of_failures() {
        let table = crate::perf::format::write(&sample::result(3_000), crate::perf::format::Format::Hgrm).unwrap();
        let table = crate::perf::format::read(&table, "table").unwrap();
        for threshold in ["errors<1%", "success>=99%", "status.5xx<1%"] {
            assert_eq!(judge(threshold, &table).outcome, Outcome::Undecided, "{threshold}");
        }
        assert_eq!(judge("p50<1h", &table).outcome, Outcome::Held);
    }

    #[test]
    fn a_percentile_breaches_at_once_only_where_chance_does_not_explain_it() {
        let of = |threshold: &str, count: u64| {
            let mut running = Running::new(&Load::Closed, None);
            let mut response = crate::model::performance::histogram::Histogram::new();
            // the middle lies just above 1 ms
            response.record_n(900_000, count / 2 - 1);
            response.record_n(1_100_000, count / 2 + 1);
            let (start_seconds, length_seconds, failed, dropped) = (0.0, 1.0, 0, 0);
            let (sent, succeeded) = (count, count);
            let response = response.into();
            running.add(&Interval { start_seconds, length_seconds, sent, succeeded, failed, dropped, response });
            let threshold = Threshold::parse(threshold).unwrap();
            (threshold.judge_running(&running).outcome, threshold.is_clearly_breached(&running))
        };
        assert_eq!(of("p50<1ms", 2_000), (Outcome::Breached, false));
        assert_eq!(of("p25<1ms", 2_000), (Outcome::Held, false));
        assert_eq!(of("p75<1ms", 2_000), (Outcome::Breached, true));
        assert_eq!(of("mean<1us", 2_000), (Outcome::Breached, false));
    }

    #[test]
    fn what_a_result_lacks_cannot_be_judged() {
        let mut result = sample::result(100);
        result.latency = crate::model::performance::result::Latency::default();
        result.requested_rate = None;
        for threshold in ["p99<1s", "max<1s", "service.p50<1s", "slip.p50<1s", "rps>=98%"] {
            let verdict = judge(threshold, &result);
            assert!(verdict.outcome == Outcome::Undecided && verdict.because.is_some(), "{verdict}");
        }
        result.requests = Requests::default();
        assert_eq!(judge("errors<1%", &result).outcome, Outcome::Undecided);
    }

    #[test]
    fn a_run_can_be_judged_while_it_goes_on() {
        let result = sample::result(20_000);
        let mut running = Running::new(&result.plan.load, result.plan.duration);
        let threshold = |text: &str| Threshold::parse(text).unwrap();
        assert_eq!(threshold("rps>=1").judge_running(&running).outcome, Outcome::Undecided);
        result.intervals.iter().for_each(|interval| running.add(interval));
        for text in ["p99<1s", "errors<5%", "rps>=1", "max<1ns"] {
            assert_eq!(threshold(text).judge_running(&running).outcome, judge(text, &result).outcome, "{text}");
        }
        for text in ["service.p99<1s", "status.5xx<1%", "slip.p99<1s"] {
            assert_eq!(threshold(text).judge_running(&running).outcome, Outcome::Undecided, "{text}");
        }
        assert!(threshold("errors<5").breach_is_final() && !threshold("errors<5%").breach_is_final());
    }
}

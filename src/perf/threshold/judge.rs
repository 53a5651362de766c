//! Holding a result, or a run that is not over, against a threshold.

use std::collections::BTreeMap;

use super::{Figure, Limit, Metric, Operator, Outcome, Series, Threshold, Verdict};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Interval, PerfResult, Requests};
use crate::model::performance::summary::Sum;
use crate::perf::stats::order;
use crate::perf::summary::{Percentile, is_reached, late_share, share};
use crate::perf::units;

/// What a threshold is held against. What is `None` is not known (yet).
struct Measured<'a> {
    result: Option<&'a PerfResult>,
    response: &'a Histogram,
    statuses: Option<&'a BTreeMap<String, u64>>,
    requests: Requests,
    late_share: f64,
    achieved_rate: Option<f64>,
    requested_rate: Option<f64>,
}

/// The sum of the intervals of a run that is not over, for thresholds that abort it.
#[derive(Debug, Clone, Default)]
pub struct Running {
    sum: Sum,
    requested_rate: Option<f64>,
}

impl Running {
    /// Of a run that asks for `requested_rate` requests a second; none in the closed model.
    pub fn new(requested_rate: Option<f64>) -> Self {
        Self { requested_rate, ..Self::default() }
    }

    /// Adds an interval.
    pub fn add(&mut self, interval: &Interval) {
        self.sum.add(interval);
    }

    /// Seconds from the start of the run to the end of what was added.
    pub fn seconds(&self) -> f64 {
        self.sum.whole().length_seconds
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> Requests {
        Requests::so_far(self.sum.whole())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn measured(&self) -> Measured<'_> {
        let (requests, response) = (self.requests(), &self.sum.whole().response);
        let answered = (requests.succeeded + requests.failed) as f64;
        Measured {
            result: None,
            response,
            statuses: None,
            requests,
            late_share: share(requests.dropped, requests.dropped + response.count()),
            achieved_rate: (self.seconds() > 0.0).then(|| answered / self.seconds()),
            requested_rate: self.requested_rate,
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
            response: &result.latency.response,
            statuses: Some(&result.statuses),
            requests: result.requests,
            late_share: late_share(result),
            achieved_rate: Some(result.achieved_rate),
            requested_rate: result.requested_rate,
        })
    }

    /// Holds a run that is not over against the threshold. Service time, slip, connection time and statuses are known
    /// only at the end, so that thresholds on them are undecided until then.
    pub fn judge_running(&self, running: &Running) -> Verdict {
        self.judge_measured(&running.measured())
    }

    fn judge_measured(&self, measured: &Measured<'_>) -> Verdict {
        match &self.metric {
            Metric::Time(series, figure) => self.judge_time(measured, *series, *figure),
            Metric::Rate => self.judge_rate(measured),
            Metric::Errors => self.judge_count(measured.requests.bad(), measured.requests.ended()),
            Metric::Success => self.judge_count(measured.requests.succeeded, measured.requests.ended()),
            Metric::Dropped => self.judge_count(measured.requests.dropped, measured.requests.ended()),
            Metric::Status(status) => match measured.statuses {
                Some(statuses) => self.judge_count(with_status(statuses, status), measured.requests.ended()),
                None => self.undecided(None, "statuses are known at the end of the run"),
            },
        }
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
        let Some(histogram) = series_of(measured, series) else {
            return self.undecided(None, format!("the {} time is known at the end of the run", series.name()));
        };
        if let (Series::Response, Figure::Percentile(percentile)) = (series, figure)
            && !is_reached(measured.late_share, percentile)
        {
            return self.decide_unreached(measured.late_share);
        }
        if histogram.is_empty() {
            return self.undecided(None, format!("there is no {} time", series.name()));
        }
        let verdict = match figure {
            Figure::Percentile(percentile) => self.judge_percentile(histogram, percentile),
            figure => self.decide(plain_figure(histogram, figure)),
        };
        match (series, figure, measured.result) {
            (Series::Response, Figure::Percentile(percentile), Some(result)) if verdict.is_breached() => {
                self.or_generator(verdict, result, percentile)
            }
            _ => verdict,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
    fn judge_percentile(&self, histogram: &Histogram, percentile: f64) -> Verdict {
        let value = histogram.percentile_ns(percentile) as f64;
        let count = histogram.count();
        if percentile >= 100.0 || order::is_supported(count, percentile) {
            return self.decide(value);
        }
        let Some(bounds) = order::interval(histogram, percentile) else { return self.decide(value) };
        // beyond its longest response a small sample knows no bound
        let is_bounded = order::is_bounded_above(count, percentile);
        let high = if is_bounded { bounds.high } else { f64::INFINITY };
        let [low, high] = [bounds.low, high].map(|bound| self.holds(bound));
        if low == high {
            return self.decide(value);
        }
        let because = format!(
            "{} of {} samples lies between {} and {}; {} samples would support it",
            units::percentile(percentile),
            units::count(count),
            units::duration(bounds.low),
            if is_bounded { units::duration(bounds.high) } else { "no bound".to_owned() },
            order::wanted_count(percentile).map_or_else(String::new, units::count),
        );
        self.undecided(Some(value), because)
    }

    /// So many requests got no response in time that the percentile lies among them: beyond every limit.
    fn decide_unreached(&self, late: f64) -> Verdict {
        let outcome = if self.holds(f64::INFINITY) { Outcome::Held } else { Outcome::Breached };
        let because = format!("{} of the requests got no response in time", units::share(late));
        Verdict { outcome, ..self.undecided(None, because) }
    }

    /// A breach that the generator may have made itself is none.
    fn or_generator(&self, verdict: Verdict, result: &PerfResult, percentile: f64) -> Verdict {
        match Percentile::of(result, percentile) {
            Some(found) if !found.above_floor => {
                let reasons = Percentile { supported: true, ..found }.reasons(result.latency.response.count());
                self.undecided(verdict.value, reasons.join(", "))
            }
            _ => verdict,
        }
    }

    fn holds(&self, value: f64) -> bool {
        self.operator.holds(value, self.limit.number())
    }

    fn decide(&self, value: f64) -> Verdict {
        let outcome = if self.holds(value) { Outcome::Held } else { Outcome::Breached };
        Verdict { threshold: self.to_string(), outcome, value: Some(value), unit: self.limit.unit(), because: None }
    }

    fn undecided(&self, value: Option<f64>, because: impl Into<String>) -> Verdict {
        Verdict {
            threshold: self.to_string(),
            outcome: Outcome::Undecided,
            value,
            unit: self.limit.unit(),
            because: Some(because.into()),
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

fn series_of<'a>(measured: &Measured<'a>, series: Series) -> Option<&'a Histogram> {
    match series {
        Series::Response => Some(measured.response),
        Series::Service => measured.result.map(|result| &result.latency.service),
        Series::Slip => measured.result.map(|result| &result.latency.slip),
        Series::Connect => measured.result.map(|result| &result.connections.connect),
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn plain_figure(histogram: &Histogram, figure: Figure) -> f64 {
    match figure {
        Figure::Percentile(percentile) => histogram.percentile_ns(percentile) as f64,
        Figure::Min => histogram.min_ns() as f64,
        Figure::Max => histogram.max_ns() as f64,
        Figure::Mean => histogram.mean_ns(),
        Figure::Stdev => histogram.stdev_ns(),
    }
}

/// Responses with a status, or with one of a class such as `5xx`.
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
            let mut running = Running::new(None);
            let response = sample::result(100).latency.response;
            let (sent, succeeded) = (100, 100 - failed);
            let (start_seconds, length_seconds, dropped) = (0.0, 1.0, 0);
            running.add(&Interval { start_seconds, length_seconds, sent, succeeded, failed, dropped, response });
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
        let bounds = order::interval(&result.latency.response, 99.0).unwrap();
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
        let mut running = Running::new(result.requested_rate);
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

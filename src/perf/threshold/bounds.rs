//! How sure a figure is: thresholds against intervals instead of values.

use super::{Figure, Limit, Metric, Running, Series, Threshold};
use crate::model::performance::result::PerfResult;
use crate::perf::stats::order::{self, Sample};
use crate::perf::stats::wilson95;
use crate::perf::summary::responses;

impl Threshold {
    /// Whether the threshold holds for every value from `low` to `high`, or for none; nothing can be said otherwise.
    pub fn clears(&self, low: f64, high: f64) -> Option<bool> {
        let holds = |value| self.operator.holds(value, self.limit.number());
        (holds(low) == holds(high)).then(|| holds(low))
    }

    /// The 95 % interval of the figure as far as one sample tells it: of a percentile by order statistics, of a share of
    /// requests by Wilson's method. An end of a percentile is infinite where it lies among requests without a response in
    /// time, or where so few responses know no upper one.
    /// None for figures whose spread only several runs tell.
    pub fn bounds(&self, result: &PerfResult) -> Option<(f64, f64)> {
        let requests = &result.requests;
        match &self.metric {
            Metric::Time(series, Figure::Percentile(percentile)) => {
                let bounds = order::ends(sample(result, *series), *percentile)?;
                Some((bounds.low, bounds.high))
            }
            Metric::Errors => self.of_share(requests.bad(), requests.ended()),
            Metric::Success => self.of_share(requests.succeeded, requests.ended()),
            Metric::Dropped => self.of_share(requests.dropped, requests.ended()),
            Metric::Time(..) | Metric::Rate | Metric::Status(_) => None,
        }
    }

    /// Whether only the spread of several runs tells how sure the figure is: [`Self::bounds`] tells nothing of it.
    pub fn wants_spread(&self) -> bool {
        match &self.metric {
            Metric::Time(_, Figure::Percentile(_)) => false,
            Metric::Errors | Metric::Success | Metric::Dropped => !matches!(self.limit, Limit::Share(_)),
            Metric::Time(..) | Metric::Rate | Metric::Status(_) => true,
        }
    }

    /// Whether a run that is not over has gone so far beyond the threshold that chance does not explain it.
    pub fn is_clearly_breached(&self, running: &Running) -> bool {
        let requests = running.requests();
        let of_share = |part| self.of_share(part, requests.ended()).and_then(|(low, high)| self.clears(low, high));
        match &self.metric {
            Metric::Errors => of_share(requests.bad()) == Some(false),
            Metric::Success => of_share(requests.succeeded) == Some(false),
            Metric::Dropped => of_share(requests.dropped) == Some(false),
            Metric::Time(Series::Response, Figure::Percentile(percentile)) => {
                let ends = order::ends(running.responses(), *percentile);
                ends.and_then(|ends| self.clears(ends.low, ends.high)) == Some(false)
            }
            // the first requests are not typical, and nothing tells how far the others may be from them
            Metric::Time(..) | Metric::Rate | Metric::Status(_) => false,
        }
    }

    fn of_share(&self, part: u64, whole: u64) -> Option<(f64, f64)> {
        let bounds = wilson95(part, whole).filter(|_| matches!(self.limit, Limit::Share(_)))?;
        Some((bounds.low, bounds.high))
    }
}

fn sample(result: &PerfResult, series: Series) -> Sample<'_> {
    match series {
        Series::Response => responses(result),
        Series::Service => (&result.latency.service).into(),
        Series::Slip => (&result.latency.slip).into(),
        Series::Connect => (&result.connections.connect).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_clear_where_both_ends_lie_on_one_side() {
        let threshold = Threshold::parse("p99<20ms").unwrap();
        assert_eq!(threshold.clears(1e6, 19e6), Some(true));
        assert_eq!(threshold.clears(21e6, 30e6), Some(false));
        assert_eq!(threshold.clears(19e6, 21e6), None);
    }

    #[test]
    fn late_requests_open_the_interval_of_a_percentile() {
        let threshold = Threshold::parse("p99<1h").unwrap();
        let mut result = crate::perf::sample::result(10_000);
        let (_, high) = threshold.bounds(&result).unwrap();
        assert!(high.is_finite());
        result.requests.dropped = 90;
        let (low, high) = threshold.bounds(&result).unwrap();
        assert!(low.is_finite() && high.is_infinite(), "{low} {high}");
        assert_eq!(threshold.clears(low, high), None);
        result.requests.dropped = 1_000;
        let (low, high) = threshold.bounds(&result).unwrap();
        assert_eq!(threshold.clears(low, high), Some(false));
    }

    #[test]
    fn wilson_knows_that_no_error_in_a_few_says_little() {
        let threshold = Threshold::parse("errors<1%").unwrap();
        let (low, high) = threshold.of_share(0, 100).unwrap();
        assert!(low.abs() < 1e-12 && (0.036..0.038).contains(&high), "{low} {high}");
        let (low, high) = threshold.of_share(50, 100).unwrap();
        assert!((low - 0.4038).abs() < 1e-3 && (high - 0.5962).abs() < 1e-3, "{low} {high}");
    }
}

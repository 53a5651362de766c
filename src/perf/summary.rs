//! What a result says, and how surely: the one place that decides which figures may be shown as fact.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::performance;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Cause, PerfResult};
use crate::model::performance::verdict::Outcome;
use crate::perf::stats::order::{self, Sample};
use crate::perf::stats::{Bounds, Span};
use crate::perf::units;

/// Percentiles that every summary has.
pub const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// A result in figures.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// `open` or `closed`.
    pub model: String,
    /// Length in seconds.
    pub elapsed_seconds: f64,
    /// Requests a second that were asked for, in the mean; none in the closed model.
    pub requested_rate: Option<f64>,
    /// Responses a second.
    pub achieved_rate: f64,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were due and never sent.
    pub dropped: u64,
    /// Share (0 to 1) of the requests due that got no good response: they failed, or were never sent.
    pub error_share: f64,
    /// Failed requests by cause, most frequent first.
    pub errors: Vec<ErrorShare>,
    /// Response times.
    pub response: Spread,
    /// Service times; none where they were not measured apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Spread>,
    /// Percentiles of the response time.
    pub percentiles: Vec<Percentile>,
}

/// Failed requests of one cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorShare {
    /// The cause.
    pub cause: Cause,
    /// How many.
    pub count: u64,
    /// Share (0 to 1) of the requests due.
    pub share: f64,
}

/// The spread of durations, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min_ns: u64,
    /// The mean.
    pub mean_ns: f64,
    /// The standard deviation.
    pub stdev_ns: f64,
    /// The longest.
    pub max_ns: u64,
}

impl Spread {
    /// That of a histogram.
    pub fn of(histogram: &Histogram) -> Self {
        Self {
            count: histogram.count(),
            min_ns: histogram.min_ns(),
            mean_ns: histogram.mean_ns(),
            stdev_ns: histogram.stdev_ns(),
            max_ns: histogram.max_ns(),
        }
    }
}

/// A percentile of the response time, with all that limits it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Percentile {
    /// 0 to 100.
    pub percentile: f64,
    /// Response time in nanoseconds that so many percent of the requests do not exceed, those that ran out of time or were
    /// never sent counting as slower than every response; the longest response where it is not reached.
    pub value_ns: u64,
    /// Its 95 % interval by order statistics, in nanoseconds; an end that lies among those requests, or beyond what so few
    /// responses tell, is infinite, and open in JSON.
    #[serde(serialize_with = "span")]
    #[schemars(with = "Span")]
    pub interval_ns: Bounds,
    /// The same percentile of the service time, where that was measured apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ns: Option<u64>,
    /// The same percentile of the generator's own lateness, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slip_ns: Option<u64>,
    /// Whether the sample is large enough: the tail beyond it is known to 20 %.
    pub supported: bool,
    /// Whether so many percent of the requests got a response at all. Requests that ran out of time or were never sent
    /// count as slower than every response.
    pub reached: bool,
    /// Whether it says more of the service than of the generator: the generator's lateness is at most half of it, and it
    /// is no shorter than the generator's resolution.
    pub above_floor: bool,
}

fn span<S: serde::Serializer>(bounds: &Bounds, serializer: S) -> Result<S::Ok, S::Error> {
    Span::from(*bounds).serialize(serializer)
}

impl Percentile {
    /// Whether it may be shown as fact.
    pub fn is_fact(&self) -> bool {
        self.supported && self.above_floor && self.reached
    }

    /// The percentile of a result; none when it holds no response.
    pub fn of(result: &PerfResult, percentile: f64) -> Option<Self> {
        let latency = &result.latency;
        if latency.response.is_empty() {
            return None;
        }
        let sample = responses(result);
        let interval_ns = order::ends(sample, percentile)?;
        let value_ns = sample.at_least_ns(percentile);
        let at = |histogram: &Histogram| (!histogram.is_empty()).then(|| histogram.percentile_ns(percentile));
        let slip_ns = at(&latency.slip);
        Some(Self {
            percentile,
            value_ns,
            interval_ns,
            service_ns: at(&latency.service),
            slip_ns,
            supported: order::is_supported(sample.count(), percentile),
            reached: sample.percentile_ns(percentile).is_some(),
            // A response time contains the slip, so it is never below it. What counts is which of the two it is made of.
            above_floor: slip_ns.unwrap_or(0).saturating_mul(2) <= value_ns
                && value_ns >= result.generator.resolution_ns,
        })
    }

    /// The value as people read it; behind `>` where it is longer than every response.
    pub fn text(&self) -> String {
        let value = units::duration_ns(self.value_ns);
        if self.reached { value } else { format!(">{value}") }
    }

    /// Why it is no fact, one reason a line. `count` is the number of responses.
    pub fn reasons(&self, count: u64) -> Vec<String> {
        [self.unreached(), self.unsupported(count), self.below_floor()].into_iter().flatten().collect()
    }

    /// What there is to say where too few of the requests got a response.
    pub fn unreached(&self) -> Option<String> {
        let name = units::percentile(self.percentile);
        (!self.reached).then(|| {
            format!("too many requests got no response in time for {name}, so that it is longer than every response")
        })
    }

    /// What there is to say where the sample, `count` responses, is too small.
    pub fn unsupported(&self, count: u64) -> Option<String> {
        let name = units::percentile(self.percentile);
        let wanted = || order::wanted_count(self.percentile).map_or("no number of".to_owned(), units::count);
        (!self.supported).then(|| format!("{name} wants {} responses, there are {}", wanted(), units::count(count)))
    }

    /// What there is to say where it says more of the generator than of the service.
    pub fn below_floor(&self) -> Option<String> {
        let name = units::percentile(self.percentile);
        (!self.above_floor).then(|| match self.slip_ns {
            Some(slip) if slip.saturating_mul(2) > self.value_ns => format!(
                "{name} is mostly the generator's own lateness, {} of {}",
                units::duration_ns(slip),
                units::duration_ns(self.value_ns)
            ),
            _ => format!("{name} is below the resolution of the generator"),
        })
    }
}

impl Summary {
    /// Of a result, with [`PERCENTILES`].
    pub fn of(result: &PerfResult) -> Self {
        Self::with(result, &PERCENTILES)
    }

    /// Of a result, with the percentiles that are asked for.
    pub fn with(result: &PerfResult, percentiles: &[f64]) -> Self {
        let service = &result.latency.service;
        Self {
            model: result.plan.load.model().to_owned(),
            elapsed_seconds: result.elapsed_seconds,
            requested_rate: result.requested_rate,
            achieved_rate: result.achieved_rate,
            sent: result.requests.sent,
            failed: result.requests.failed,
            dropped: result.requests.dropped,
            error_share: error_share(result),
            errors: errors(result),
            response: Spread::of(&result.latency.response),
            service: (!service.is_empty()).then(|| Spread::of(service)),
            percentiles: percentiles.iter().filter_map(|percentile| Percentile::of(result, *percentile)).collect(),
        }
    }
}

/// The response times of a result. Requests that ran out of time or were never sent count as slower than every response.
pub fn responses(result: &PerfResult) -> Sample<'_> {
    let timed_out = |cause| result.errors.get(&cause).copied().unwrap_or(0);
    let late = result.requests.dropped + timed_out(Cause::Timeout) + timed_out(Cause::ConnectTimeout);
    Sample::new(&result.latency.response, late)
}

/// Names of those of `percentiles` that may not be stated as fact: all of them where there is no response.
pub fn doubtful(result: &PerfResult, percentiles: &[f64]) -> Vec<String> {
    let is_fact = |percentile| Percentile::of(result, percentile).is_some_and(|found| found.is_fact());
    let doubtful = percentiles.iter().copied().filter(|percentile| !is_fact(*percentile));
    doubtful.map(units::percentile).collect()
}

/// A result as lists show it.
pub fn brief(result: &PerfResult) -> performance::summary::Summary {
    let Plan { load, protocol, targets, connections, .. } = &result.plan;
    let at = |percentile| responses(result).at_least_ns(percentile);
    performance::summary::Summary {
        model: load.model().to_owned(),
        generator: result.generator.name.clone(),
        protocol: protocol.name().to_owned(),
        targets: targets.iter().map(|target| target.url.clone()).collect(),
        connections: *connections,
        requested_rate: result.requested_rate,
        achieved_rate: result.achieved_rate,
        elapsed_seconds: result.elapsed_seconds,
        sent: result.requests.sent,
        succeeded: result.requests.succeeded,
        failed: result.requests.failed,
        dropped: result.requests.dropped,
        p50_ns: at(50.0),
        p90_ns: at(90.0),
        p99_ns: at(99.0),
        p999_ns: at(99.9),
        max_ns: result.latency.response.max_ns(),
        doubtful: Some(doubtful(result, &[50.0, 90.0, 99.0, 99.9])),
        thresholds: Outcome::of(&result.verdicts),
        ended_by: result.ended_by,
        warnings: result.warnings.len(),
    }
}

/// Whether a result tells what failed. Tables and logs of durations hold neither targets nor statuses, and the requests
/// that they do not tell of are not none.
pub fn knows_errors(result: &PerfResult) -> bool {
    !result.plan.targets.is_empty() || !result.statuses.is_empty() || result.requests.bad() > 0
}

/// Share (0 to 1) of the requests that got no good response; 0 where none is over.
pub fn error_share(result: &PerfResult) -> f64 {
    share(result.requests.bad(), result.requests.ended())
}

fn errors(result: &PerfResult) -> Vec<ErrorShare> {
    let counted = result.errors.iter().filter(|(_, count)| **count > 0);
    let mut errors: Vec<ErrorShare> = counted
        .map(|(cause, count)| ErrorShare {
            cause: *cause,
            count: *count,
            share: share(*count, result.requests.ended()),
        })
        .collect();
    errors.sort_by(|a, b| b.count.cmp(&a.count).then(a.cause.cmp(&b.cause)));
    errors
}

/// `part` of `whole`; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
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

    #[test]
    fn a_small_sample_supports_no_high_percentile() {
        let mut result = sample::result(1_000);
        let summary = Summary::of(&result);
        let supported: Vec<f64> = summary.percentiles.iter().filter(|p| p.supported).map(|p| p.percentile).collect();
        assert_eq!(supported, [50.0, 75.0, 90.0]);
        result = sample::result(20_000);
        assert!(Percentile::of(&result, 99.0).unwrap().supported);
        assert!(!Percentile::of(&result, 99.9).unwrap().supported);
    }

    #[test]
    fn a_percentile_that_is_mostly_lateness_is_below_the_floor() {
        let mut result = sample::result(20_000);
        assert!(Percentile::of(&result, 99.0).unwrap().above_floor);
        result.latency.slip = result.latency.response.clone();
        let marked = Percentile::of(&result, 99.0).unwrap();
        assert!(!marked.above_floor && marked.supported && !marked.is_fact());
        assert!(marked.reasons(20_000)[0].contains("lateness"), "{:?}", marked.reasons(20_000));
    }

    #[test]
    fn requests_without_a_response_in_time_are_slower_than_every_response() {
        let mut result = sample::result(10_000);
        result.latency.response = Histogram::new();
        (1..=9_910).for_each(|us| result.latency.response.record_ns(us * 1_000));
        result.errors = [(Cause::Timeout, 60), (Cause::ConnectTimeout, 20)].into();
        result.requests.dropped = 10;
        let response = result.latency.response.clone();
        let found = Percentile::of(&result, 99.0).unwrap();
        assert_eq!((found.value_ns, found.reached, found.supported), (response.at_rank_ns(9_900), true, true));
        assert_eq!(brief(&result).p99_ns, found.value_ns);
        let beyond = Percentile::of(&result, 99.9).unwrap();
        assert!(!beyond.reached && beyond.value_ns == response.max_ns() && beyond.text().starts_with('>'));
        assert!(beyond.reasons(9_910)[0].contains("longer than every response"), "{:?}", beyond.reasons(9_910));
        assert_eq!(doubtful(&result, &PERCENTILES), ["p99.9", "p99.99"]);
    }

    #[test]
    fn results_of_versions_that_did_not_judge_are_read() {
        let result = sample::result(600);
        let mut stored = serde_json::to_value(&result).unwrap();
        stored.as_object_mut().unwrap().remove("verdicts").unwrap();
        let read: PerfResult = serde_json::from_value(stored).unwrap();
        assert!(read.verdicts.is_empty() && brief(&read).thresholds.is_none());
        let mut listed = serde_json::to_value(brief(&result)).unwrap();
        assert_eq!(listed["doubtful"], serde_json::json!(["p90", "p99", "p99.9"]));
        listed.as_object_mut().unwrap().remove("doubtful").unwrap();
        let read: performance::summary::Summary = serde_json::from_value(listed).unwrap();
        assert_eq!(read.doubtful, None);
    }

    #[test]
    fn a_percentile_below_the_resolution_is_below_the_floor() {
        let mut result = sample::result(20_000);
        result.generator.resolution_ns = 3_600_000_000_000;
        let marked = Percentile::of(&result, 50.0).unwrap();
        assert!(!marked.above_floor && marked.reasons(20_000)[0].contains("resolution"));
    }

    #[test]
    fn nothing_measured_has_no_percentile() {
        let mut result = sample::result(100);
        result.latency = crate::model::performance::result::Latency::default();
        result.requests.sent = 0;
        result.requests.failed = 0;
        let summary = Summary::of(&result);
        assert!(summary.percentiles.is_empty() && summary.error_share == 0.0 && summary.service.is_none());
    }
}

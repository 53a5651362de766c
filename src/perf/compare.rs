//! How results differ from a baseline, and how surely.

mod difference;
mod gate;
mod side;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::model::performance::result::PerfResult;
use crate::perf::stats::Span;
use crate::perf::stats::bootstrap::{FEWEST, Intervals};
use crate::perf::{summary, units, warnings};

pub use gate::{Gate, GateVerdict, conclude};

/// Percentiles that are compared.
pub const PERCENTILES: [f64; 6] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9];

/// A baseline and what is held against it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The baseline.
    pub base: Run,
    /// What is held against it, in the order given.
    pub others: Vec<Compared>,
    /// What limits all of it.
    pub notes: Vec<String>,
}

/// A result by name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Run {
    /// What it is called here.
    pub name: String,
    /// `open` or `closed`; `not known` where the file does not say it.
    pub model: String,
    /// Figures in the order of every [`Compared::figures`].
    pub figures: Vec<Figure>,
}

/// A figure of a result.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// What it is.
    pub metric: Metric,
    /// Its value in the metric's unit; none where the result lacks it.
    pub value: Option<f64>,
}

/// A result held against the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Compared {
    /// What it is called here.
    pub name: String,
    /// `open` or `closed`; `not known` where the file does not say it.
    pub model: String,
    /// How intervals were found.
    pub method: Method,
    /// Why in that way.
    pub because: String,
    /// One for each metric.
    pub figures: Vec<Difference>,
}

/// How the interval of a difference is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Block bootstrap over the intervals of both runs: slow requests that come together count as such.
    BlockBootstrap,
    /// Order statistics of the whole runs: requests count as independent.
    OrderStatistics,
}

impl Method {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlockBootstrap => "block bootstrap",
            Self::OrderStatistics => "order statistics",
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(into = "String")]
#[schemars(with = "String")]
pub enum Metric {
    /// Responses a second.
    Rate,
    /// Share (0 to 1) of the requests that failed.
    Errors,
    /// Mean response time in nanoseconds.
    Mean,
    /// A percentile of the response time in nanoseconds.
    Percentile(f64),
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

impl Metric {
    /// Every metric, in order of output.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Rate, Self::Errors, Self::Mean].into_iter().chain(PERCENTILES.map(Self::Percentile))
    }

    /// Its name in output and in `--fail-on`.
    pub fn name(self) -> String {
        match self {
            Self::Rate => "rps".to_owned(),
            Self::Errors => "errors".to_owned(),
            Self::Mean => "mean".to_owned(),
            Self::Percentile(percentile) => units::percentile(percentile),
        }
    }

    /// A value as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Rate => format!("{}/s", units::rate(value)),
            Self::Errors => units::share(value),
            Self::Mean | Self::Percentile(_) => units::duration(value),
        }
    }

    /// A difference as people read it, with its sign.
    pub fn signed(self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "+" };
        format!("{sign}{}", self.text(value.abs()))
    }

    fn more_is_better(self) -> bool {
        self == Self::Rate
    }

    fn of(self, result: &PerfResult) -> Option<f64> {
        let response = &result.latency.response;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
        match self {
            // a rate of 0 is a figure where requests were made, and none where a file does not tell it
            Self::Rate => (result.achieved_rate > 0.0 || result.requests.ended() > 0).then_some(result.achieved_rate),
            Self::Errors => {
                (result.requests.ended() > 0 && summary::knows_errors(result)).then(|| summary::error_share(result))
            }
            Self::Mean => (!response.is_empty()).then(|| response.mean_ns()),
            Self::Percentile(percentile) => {
                (!response.is_empty()).then(|| summary::responses(result).at_least_ns(percentile) as f64)
            }
        }
    }
}

/// The load model; a result without targets and a rate asked for says nothing of its plan.
fn model(result: &PerfResult) -> &'static str {
    if result.plan.targets.is_empty() && result.requested_rate.is_none() {
        return NOT_KNOWN;
    }
    result.plan.load.model()
}

/// What a result says nothing of.
const NOT_KNOWN: &str = "not known";

/// The difference of one figure.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// What it is.
    pub metric: Metric,
    /// Value in the baseline.
    pub base: Option<f64>,
    /// Value here.
    pub value: Option<f64>,
    /// Value here less that of the baseline.
    pub difference: Option<f64>,
    /// `difference` relative to the baseline.
    pub ratio: Option<f64>,
    /// 95 % interval of `difference`; none where none can be told.
    pub interval: Option<Span>,
    /// What follows.
    pub verdict: Verdict,
    /// What opens or widens the interval beyond chance, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Span {
    /// Its ends as people read them.
    pub fn text(self, metric: Metric) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{} to {}", metric.signed(low), metric.signed(high)),
            (Some(low), None) => format!("at least {}", metric.signed(low)),
            (None, Some(high)) => format!("at most {}", metric.signed(high)),
            (None, None) => "open".to_owned(),
        }
    }
}

/// What follows from a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is better than the baseline: its whole interval is.
    Better,
    /// It is worse than the baseline: its whole interval is.
    Worse,
    /// The interval holds no difference, or there is none.
    Undecided,
}

impl Verdict {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Undecided => "undecided",
        }
    }
}

/// Holds results against the first of them. The same results and the same seed give the same comparison.
///
/// # Errors
/// There are fewer than two results.
pub fn compare(results: &[(&str, &PerfResult)], seed: u64) -> Result<Comparison> {
    let Some(((base_name, base), others)) = results.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(Error::new(Code::ComparisonInvalid, "a comparison wants at least two results"));
    };
    let base_intervals = Intervals::of(base);
    let compared = others.iter().map(|(name, other)| {
        let other_intervals = Intervals::of(other);
        let pair = base_intervals.as_ref().zip(other_intervals.as_ref());
        let spreads = pair.map(|pair| difference::spreads(pair, seed));
        Compared {
            name: (*name).to_owned(),
            model: model(other).to_owned(),
            method: if pair.is_some() { Method::BlockBootstrap } else { Method::OrderStatistics },
            because: because(base_intervals.as_ref(), other_intervals.as_ref()),
            figures: Metric::all()
                .enumerate()
                .map(|(at, metric)| {
                    let spread = spreads.as_ref().map(|spreads| spreads[at]);
                    difference::of(metric, base, other, spread)
                })
                .collect(),
        }
    });
    let figures = Metric::all().map(|metric| Figure { metric, value: metric.of(base) }).collect();
    Ok(Comparison {
        others: compared.collect(),
        base: Run { name: (*base_name).to_owned(), model: model(base).to_owned(), figures },
        notes: notes(base, others),
    })
}

fn because(base: Option<&Intervals>, other: Option<&Intervals>) -> String {
    match (base, other) {
        (Some(base), Some(other)) => format!(
            "{} and {} intervals, drawn in stretches of {} and {}, which keep neighbours together that are alike; where order statistics reach further, theirs",
            base.len(),
            other.len(),
            base.block(),
            other.block()
        ),
        _ => format!(
            "fewer than {FEWEST} whole intervals in one of the runs; requests count as independent, so that intervals are too narrow where slow requests come together"
        ),
    }
}

/// What makes two results hard to compare, whatever their figures.
fn notes(base: &PerfResult, others: &[(&str, &PerfResult)]) -> Vec<String> {
    let mut notes = vec![
        "each interval covers chance within the runs; what differs from run to run shows only when runs are repeated"
            .to_owned(),
    ];
    for (name, other) in others {
        let (here, there) = (model(other), model(base));
        if here == NOT_KNOWN || there == NOT_KNOWN {
            notes.push(format!(
                "the load model of {} is not known: response times of the open and the closed model are different things",
                if here == NOT_KNOWN { name } else { "the baseline" }
            ));
        } else if here != there {
            notes.push(format!(
                "{name} is of the {here} model, the baseline of the {there} model: their response times are different things"
            ));
        }
        let rates = base.requested_rate.zip(other.requested_rate);
        if rates.is_some_and(|(base, other)| (other / base - 1.0).abs() > 0.01) {
            notes.push(format!("{name} was asked for another rate than the baseline"));
        }
        if base.plan.protocol != other.plan.protocol || base.plan.connections != other.plan.connections {
            notes.push(format!("{name} has another protocol or number of connections than the baseline"));
        }
        if base.generator.name != other.generator.name {
            notes.push(format!(
                "{name} was measured by {}, the baseline by {}",
                other.generator.name, base.generator.name
            ));
        }
        notes.extend(warnings::looking((name, other), ("the baseline", base)));
    }
    notes
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

    fn verdict(comparison: &Comparison, name: &str) -> Verdict {
        let figure = comparison.others[0].figures.iter().find(|figure| figure.metric.name() == name).unwrap();
        figure.verdict
    }

    #[test]
    fn a_clear_difference_is_found_in_both_directions() {
        let (base, slower) = (sample::scaled(30_000, 1.0, 1), sample::scaled(30_000, 1.3, 2));
        let worse = compare(&[("a", &base), ("b", &slower)], 1).unwrap();
        assert_eq!(worse.others[0].method, Method::BlockBootstrap);
        for name in ["mean", "p50", "p90", "p99"] {
            assert_eq!(verdict(&worse, name), Verdict::Worse, "{name}");
        }
        let better = compare(&[("b", &slower), ("a", &base)], 1).unwrap();
        assert_eq!(verdict(&better, "p50"), Verdict::Better);
        assert_eq!(verdict(&worse, "p99.9"), Verdict::Worse, "1.3 times as slow, with 30 responses beyond it");
    }

    #[test]
    fn short_runs_are_compared_by_order_statistics_and_told_so() {
        let (mut base, slower) = (sample::scaled(30_000, 1.0, 1), sample::scaled(30_000, 1.3, 2));
        base.intervals.clear();
        let comparison = compare(&[("a", &base), ("b", &slower)], 1).unwrap();
        assert_eq!(comparison.others[0].method, Method::OrderStatistics);
        assert!(comparison.others[0].because.contains("fewer than 20"));
        assert_eq!(verdict(&comparison, "p50"), Verdict::Worse);
        assert_eq!(verdict(&comparison, "rps"), Verdict::Undecided);
    }

    #[test]
    fn the_same_results_give_the_same_comparison() {
        let (base, other) = (sample::scaled(3_000, 1.0, 1), sample::scaled(3_000, 1.0, 2));
        let once = compare(&[("a", &base), ("b", &other), ("c", &base)], 7).unwrap();
        assert_eq!(once, compare(&[("a", &base), ("b", &other), ("c", &base)], 7).unwrap());
        assert_eq!(once.others.len(), 2);
    }

    #[test]
    fn what_makes_results_hard_to_compare_is_told() {
        let (mut base, mut other) = (sample::result(3_000), sample::result(3_000));
        other.plan.load = crate::model::performance::plan::Load::Closed;
        other.generator.name = "fortio".to_owned();
        other.requested_rate = Some(5.0);
        (base.generator.looking, other.generator.looking) = (Some(0.75), Some(0.0));
        let comparison = compare(&[("a", &base), ("b", &other)], 1).unwrap();
        assert_eq!(comparison.notes.len(), 5, "{:?}", comparison.notes);
        assert!(comparison.notes[4].contains("in 0% of b and in 75% of the baseline"), "{:?}", comparison.notes);
    }

    #[test]
    fn what_a_file_does_not_tell_is_not_known() {
        let known = sample::result(3_000);
        let table = crate::perf::format::write(&known, crate::perf::format::Format::Hgrm).unwrap();
        let table = crate::perf::format::read(&table, "table").unwrap();
        let comparison = compare(&[("table", &table), ("known", &known)], 1).unwrap();
        assert_eq!((comparison.base.model.as_str(), comparison.others[0].model.as_str()), ("not known", "open"));
        let errors = comparison.others[0].figures.iter().find(|figure| figure.metric == Metric::Errors).unwrap();
        assert_eq!((errors.base, errors.verdict), (None, Verdict::Undecided));
        assert!(
            comparison.notes.iter().any(|note| note.contains("the baseline is not known")),
            "{:?}",
            comparison.notes
        );
    }

    #[test]
    fn one_result_is_no_comparison() {
        assert_eq!(compare(&[("a", &sample::result(10))], 1).unwrap_err().code(), Code::ComparisonInvalid);
    }
}

//! One setting varied over given values: which of them serves best, and what it costs. Runs of the values are interleaved,
//! so that a machine that grows slower in the meantime is held against none of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repeat::{mean_interval, median, pool};
use crate::base::error::{Code, Error, Result};
use crate::model::performance::result::PerfResult;

/// Name of the JSON form, in its field `schema`.
pub const SCHEMA: &str = "mesheryctl.perf.optimise/v1";

/// Applies values and measures.
pub trait Trial {
    /// Puts the value in place and waits until it is.
    ///
    /// # Errors
    /// It could not be; the search ends with it.
    fn apply(&mut self, value: &str) -> impl Future<Output = Result<()>>;

    /// One run.
    ///
    /// # Errors
    /// It could not be made; the search ends with it.
    fn measure(&mut self, value: &str) -> impl Future<Output = Result<PerfResult>>;
}

/// What is best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "figure", rename_all = "kebab-case")]
pub enum Goal {
    /// The lowest percentile of response times.
    Percentile {
        /// Which, 0 to 100.
        percentile: f64,
    },
    /// The highest rate of responses.
    Rate,
    /// The fewest errors.
    Errors,
}

impl Goal {
    /// Reads `p99`, `rps` or `errors`.
    ///
    /// # Errors
    /// [`Code::UsageError`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let percentile = text.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
        match (text, percentile) {
            ("rps", _) => Ok(Self::Rate),
            ("errors", _) => Ok(Self::Errors),
            (_, Some(percentile)) if percentile > 0.0 && percentile < 100.0 => Ok(Self::Percentile { percentile }),
            _ => Err(Error::new(Code::UsageError, format!("`{text}` is nothing that can be best"))
                .remedy("Write a percentile such as p99, or rps, or errors.")),
        }
    }

    /// The figure so that less is better.
    #[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds are far below 2^53")]
    fn cost(self, result: &PerfResult) -> f64 {
        match self {
            Self::Percentile { percentile } => result.latency.response.percentile_ns(percentile) as f64,
            Self::Rate => -result.achieved_rate,
            Self::Errors => error_share(result),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn error_share(result: &PerfResult) -> f64 {
    let sent = result.requests.sent;
    if sent == 0 { 1.0 } else { result.requests.failed as f64 / sent as f64 }
}

/// One value, over its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The value.
    pub value: String,
    /// How often it was run.
    pub runs: u32,
    /// Median of all response times in nanoseconds.
    pub p50_ns: u64,
    /// Their 90th percentile.
    pub p90_ns: u64,
    /// Their 99th percentile.
    pub p99_ns: u64,
    /// Responses a second, the median of the runs.
    pub achieved_rate: f64,
    /// Share of requests that failed.
    pub error_share: f64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The setting, as the pattern names it.
    pub setting: String,
    /// What is best.
    pub goal: Goal,
    /// The value that serves best.
    pub best: String,
    /// Whether the runs of the best one lie clear of those of every other; if not, chance may have chosen.
    pub is_clear: bool,
    /// What the best value is worse in than another one, in sentences.
    pub trade_off: Vec<String>,
    /// Every value in the order it was given.
    pub rows: Vec<Row>,
}

/// Varies `setting` over `values`, each run `repeat` times, round by round.
///
/// # Errors
/// Fewer than two values, one given twice, no repetition; those of the trial.
pub async fn run(
    setting: &str,
    values: &[String],
    (goal, repeat): (Goal, u32),
    trial: &mut impl Trial,
) -> Result<Report> {
    check(setting, values, repeat)?;
    let mut runs: Vec<Vec<PerfResult>> = vec![Vec::new(); values.len()];
    for round in 0..repeat as usize {
        for place in 0..values.len() {
            // Each round begins with another value, so that none always comes first.
            let which = (round + place) % values.len();
            trial.apply(&values[which]).await?;
            runs[which].push(trial.measure(&values[which]).await?);
        }
    }
    report(setting, values, goal, &runs)
}

fn check(setting: &str, values: &[String], repeat: u32) -> Result<()> {
    let wrong = |what: String| Err(Error::new(Code::UsageError, what));
    let mut sorted = values.to_vec();
    sorted.sort();
    if values.len() < 2 {
        return wrong(format!("`{setting}` has to have at least two values, separated by commas"));
    }
    if let Some(pair) = sorted.iter().zip(sorted.iter().skip(1)).find(|(one, next)| one == next) {
        return wrong(format!("`{setting}` has the value `{}` twice", pair.0));
    }
    if repeat == 0 {
        return wrong("each value has to be run at least once".to_owned());
    }
    Ok(())
}

fn report(setting: &str, values: &[String], goal: Goal, runs: &[Vec<PerfResult>]) -> Result<Report> {
    let rows = values.iter().zip(runs).map(|(value, runs)| row(value, runs)).collect::<Result<Vec<_>>>()?;
    let costs: Vec<Vec<f64>> = runs.iter().map(|runs| runs.iter().map(|run| goal.cost(run)).collect()).collect();
    let medians: Vec<f64> = costs.iter().map(|costs| median(costs)).collect();
    let best = (0..rows.len()).min_by(|left, right| medians[*left].total_cmp(&medians[*right])).unwrap_or_default();
    Ok(Report {
        schema: SCHEMA.to_owned(),
        setting: setting.to_owned(),
        goal,
        best: values[best].clone(),
        is_clear: (0..rows.len()).filter(|other| *other != best).all(|other| is_below(&costs[best], &costs[other])),
        trade_off: rows
            .iter()
            .filter(|row| row.value != values[best])
            .flat_map(|row| trade_off(&rows[best], row))
            .collect(),
        rows,
    })
}

/// Whether the interval of one lies wholly below the other's.
fn is_below(one: &[f64], other: &[f64]) -> bool {
    match (mean_interval(one), mean_interval(other)) {
        (Some((_, high)), Some((low, _))) => high < low,
        _ => false,
    }
}

fn row(value: &str, runs: &[PerfResult]) -> Result<Row> {
    let pooled = pool(runs).ok_or_else(|| Error::internal("a value without runs"))?;
    let rates: Vec<f64> = runs.iter().map(|run| run.achieved_rate).collect();
    let response = &pooled.latency.response;
    Ok(Row {
        value: value.to_owned(),
        runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
        p50_ns: response.percentile_ns(50.0),
        p90_ns: response.percentile_ns(90.0),
        p99_ns: response.percentile_ns(99.0),
        achieved_rate: median(&rates),
        error_share: error_share(&pooled),
    })
}

/// What the best value is worse in than another, where the difference is more than a twentieth.
#[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds are far below 2^53")]
fn trade_off(best: &Row, other: &Row) -> Vec<String> {
    const WORTH: f64 = 0.05;
    let figures = [
        ("p50", best.p50_ns as f64, other.p50_ns as f64),
        ("p90", best.p90_ns as f64, other.p90_ns as f64),
        ("p99", best.p99_ns as f64, other.p99_ns as f64),
        // A rate is worse when it is lower.
        ("rate", -best.achieved_rate, -other.achieved_rate),
    ];
    let worse = figures.into_iter().filter(|(_, best, other)| *other != 0.0 && (best - other) / other.abs() > WORTH);
    let mut told: Vec<String> = worse
        .map(|(name, mine, theirs)| {
            let percent = (mine - theirs) / theirs.abs() * 100.0;
            format!("{name} is {percent:.0} % worse than with {}", other.value)
        })
        .collect();
    if best.error_share > other.error_share {
        told.push(format!(
            "{:.2} % of requests fail, {:.2} % with {}",
            best.error_share * 100.0,
            other.error_share * 100.0,
            other.value
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::perf::sample;

    /// A service whose response time is the value in milliseconds, whose rate falls with it, and whose noise alternates.
    struct Service {
        noise: u64,
        order: Vec<String>,
        in_place: String,
    }

    impl Service {
        fn new(noise: u64) -> Self {
            Self { noise, order: Vec::new(), in_place: String::new() }
        }
    }

    impl Trial for Service {
        async fn apply(&mut self, value: &str) -> Result<()> {
            value.clone_into(&mut self.in_place);
            Ok(())
        }

        async fn measure(&mut self, value: &str) -> Result<PerfResult> {
            assert_eq!(self.in_place, value, "what is measured is in place");
            self.order.push(value.to_owned());
            let milliseconds: u64 = value.parse().unwrap();
            let mut result = sample::result(0);
            result.latency.response = Histogram::new();
            let noise = if self.order.len().is_multiple_of(2) { self.noise } else { 0 };
            result.latency.response.record_n(milliseconds * 1_000_000 + noise, 1_000);
            (result.requests.sent, result.requests.succeeded, result.requests.failed) = (1_000, 1_000, 0);
            result.achieved_rate = 100.0 * f64::from(u32::try_from(milliseconds).unwrap());
            Ok(result)
        }
    }

    fn values(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[tokio::test]
    async fn the_best_is_told_with_what_it_costs() {
        let mut service = Service::new(1_000);
        let goal = Goal::parse("p99").unwrap();
        let report = run("x", &values(&["9", "3", "5"]), (goal, 3), &mut service).await.unwrap();
        assert_eq!((report.best.as_str(), report.is_clear, report.rows.len()), ("3", true, 3));
        assert!(
            report.trade_off.iter().any(|told| told.contains("rate is 67 % worse than with 9")),
            "{:?}",
            report.trade_off
        );
        assert_eq!(service.order, values(&["9", "3", "5", "3", "5", "9", "5", "9", "3"]));
    }

    #[tokio::test]
    async fn a_difference_within_the_noise_is_not_clear() {
        let mut service = Service::new(40_000_000);
        let goal = Goal::parse("p50").unwrap();
        let report = run("x", &values(&["4", "5"]), (goal, 2), &mut service).await.unwrap();
        assert!(!report.is_clear);
        let by_rate = run("x", &values(&["4", "5"]), (Goal::Rate, 1), &mut Service::new(0)).await.unwrap();
        assert_eq!((by_rate.best.as_str(), by_rate.is_clear), ("5", false), "one run is never clear");
    }

    #[tokio::test]
    async fn what_cannot_be_varied_is_refused() {
        for (texts, repeat) in [(&["1"][..], 1), (&["1", "1"], 1), (&["1", "2"], 0)] {
            let error = run("x", &values(texts), (Goal::Rate, repeat), &mut Service::new(0)).await.unwrap_err();
            assert_eq!(error.code(), Code::UsageError);
        }
        assert!(Goal::parse("p100").is_err() && Goal::parse("speed").is_err());
    }
}

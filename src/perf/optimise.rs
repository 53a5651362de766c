//! One setting varied over given values: which of them serves best, and what it costs. Runs of the values are interleaved,
//! so that a machine that grows slower in the meantime is held against none of them.

mod goal;

pub use goal::Goal;
use goal::{Good, error_share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repeat::{mean_interval, pool};
use super::summary;
use super::unanswered::nothing_succeeded;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::result::PerfResult;
use crate::perf::units;

/// Name of the JSON form, in its field `schema`.
pub const SCHEMA: &str = "mesheryctl.perf.optimise/v1";
/// Percentiles that every row has.
const SHOWN: [f64; 3] = [50.0, 90.0, 99.0];

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

/// One value, over its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The value.
    pub value: String,
    /// How often it was run.
    pub runs: u32,
    /// Runs in which no request succeeded. A value with any is not compared.
    pub failed_runs: u32,
    /// The goal's figure over all runs, by which values are compared: nanoseconds, responses a second, or a share. None
    /// where a run failed, or so many requests did that the percentile lies among them.
    pub figure: Option<f64>,
    /// Median of all response times in nanoseconds, requests that failed counting as slower than every good response; none
    /// where it lies among those.
    pub p50_ns: Option<u64>,
    /// Their 90th percentile.
    pub p90_ns: Option<u64>,
    /// Their 99th percentile.
    pub p99_ns: Option<u64>,
    /// Responses a second, the mean of the runs.
    pub achieved_rate: f64,
    /// Share of requests without a good response: failed, or due and never sent.
    pub error_share: f64,
    /// Names of those percentiles, and of the goal's, that may not be taken as fact.
    #[serde(default)]
    pub doubtful: Vec<String>,
}

impl Row {
    /// Why it is not compared with the others, where it is not.
    pub fn left_out(&self, goal: Goal) -> Option<String> {
        if self.failed_runs > 0 {
            return Some(format!("no request succeeded in {} of {} runs", self.failed_runs, self.runs));
        }
        self.figure.is_none().then(|| {
            format!("{} of its requests failed, and {} lies among them", units::share(self.error_share), goal.name())
        })
    }
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
    /// The value whose figure is the best of those that have one; the first of several that are equal.
    pub best: String,
    /// Whether the runs of the best one lie clear of those of every other; if not, chance may have chosen.
    pub is_clear: bool,
    /// Other values whose figure is the same.
    pub equal: Vec<String>,
    /// What the best value is worse in than another one, in sentences.
    pub trade_off: Vec<String>,
    /// Every value in the order it was given.
    pub rows: Vec<Row>,
}

/// Varies `setting` over `values`, each run `repeat` times, round by round.
///
/// # Errors
/// Fewer than two values, one given twice, no repetition; those of the trial; [`Code::PerfFailed`] when no value can be
/// compared: in each, a run had no answer, or too many requests failed.
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

/// Refuses what cannot be varied.
///
/// # Errors
/// [`Code::UsageError`] names the setting.
pub fn check(setting: &str, values: &[String], repeat: u32) -> Result<()> {
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
    let rows = values.iter().zip(runs).map(|(value, runs)| row(value, goal, runs)).collect::<Result<Vec<_>>>()?;
    // The figure that is shown decides, so that no row of the table contradicts the choice.
    let costs: Vec<(usize, f64)> =
        rows.iter().enumerate().filter_map(|(place, row)| Some((place, goal.cost(row.figure?)))).collect();
    let Some((best, cost)) = costs.iter().copied().min_by(|(_, left), (_, right)| left.total_cmp(right)) else {
        return Err(none_compared(setting, goal, &rows, runs));
    };
    let singles = |place: usize| -> Option<Vec<f64>> {
        runs[place].iter().map(|run| goal.figure(run).map(|figure| goal.cost(figure))).collect()
    };
    let others = || costs.iter().filter(|(place, _)| *place != best);
    Ok(Report {
        schema: SCHEMA.to_owned(),
        setting: setting.to_owned(),
        goal,
        best: values[best].clone(),
        is_clear: others().all(|(place, _)| is_below(singles(best), singles(*place))),
        equal: others()
            .filter(|(_, other)| other.total_cmp(&cost).is_eq())
            .map(|(place, _)| values[*place].clone())
            .collect(),
        trade_off: others().flat_map(|(place, _)| trade_off(&rows[best], &rows[*place])).collect(),
        rows,
    })
}

/// The error when no value can be compared: why each is left out, and the cause of the first run without an answer.
fn none_compared(setting: &str, goal: Goal, rows: &[Row], runs: &[Vec<PerfResult>]) -> Error {
    let told = rows.iter().filter_map(|row| Some(format!("{}: {}", row.value, row.left_out(goal)?)));
    let error = Error::new(Code::PerfFailed, format!("no value of {setting} can be compared"))
        .details(told.collect::<Vec<_>>());
    match runs.iter().flatten().find_map(nothing_succeeded) {
        Some(cause) => error.because(cause),
        None => error.because("too many requests failed"),
    }
}

/// Whether the interval of one lies wholly below the other's; a value of which a run has no figure is below none.
fn is_below(one: Option<Vec<f64>>, other: Option<Vec<f64>>) -> bool {
    let interval = |values: Option<Vec<f64>>| mean_interval(&values?);
    match (interval(one), interval(other)) {
        (Some((_, high)), Some((low, _))) => high < low,
        _ => false,
    }
}

fn row(value: &str, goal: Goal, runs: &[PerfResult]) -> Result<Row> {
    let pooled = pool(runs).ok_or_else(|| Error::internal("a value without runs"))?;
    let good = Good::of(&pooled);
    let shown: Vec<f64> = match goal {
        Goal::Percentile { percentile } if !SHOWN.contains(&percentile) => [&SHOWN[..], &[percentile]].concat(),
        _ => SHOWN.to_vec(),
    };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let failed_runs = number(runs.iter().filter(|run| run.requests.succeeded == 0).count());
    Ok(Row {
        value: value.to_owned(),
        runs: number(runs.len()),
        failed_runs,
        figure: goal.figure(&pooled).filter(|_| failed_runs == 0),
        p50_ns: good.percentile_ns(50.0),
        p90_ns: good.percentile_ns(90.0),
        p99_ns: good.percentile_ns(99.0),
        achieved_rate: pooled.achieved_rate,
        error_share: error_share(&pooled),
        doubtful: summary::doubtful(&pooled, &shown),
    })
}

/// What the best value is worse in than another, where the difference is more than a twentieth.
#[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds are far below 2^53")]
fn trade_off(best: &Row, other: &Row) -> Vec<String> {
    const WORTH: f64 = 0.05;
    let time = |time: Option<u64>| time.map(|time| time as f64);
    let figures = [
        ("p50", time(best.p50_ns), time(other.p50_ns)),
        ("p90", time(best.p90_ns), time(other.p90_ns)),
        ("p99", time(best.p99_ns), time(other.p99_ns)),
        // A rate is worse when it is lower.
        ("rate", Some(-best.achieved_rate), Some(-other.achieved_rate)),
    ];
    let worse = figures.into_iter().filter_map(|(name, mine, theirs)| {
        let theirs = theirs.filter(|theirs| *theirs != 0.0)?;
        let Some(mine) = mine else {
            return Some(format!("{name} lies among the requests that fail, not so with {}", other.value));
        };
        let change = (mine - theirs) / theirs.abs();
        (change > WORTH).then(|| format!("{name} is {:.0} % worse than with {}", change * 100.0, other.value))
    });
    let mut told: Vec<String> = worse.collect();
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
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "figures of tests are small"
    )]

    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::result::Cause;
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

    fn measured(times_ms: &[f64]) -> PerfResult {
        let mut result = sample::result(0);
        result.latency.response = Histogram::new();
        for time in times_ms {
            result.latency.response.record_n((time * 1e6) as u64, 100);
        }
        let count = 100 * times_ms.len() as u64;
        (result.requests.sent, result.requests.succeeded, result.requests.failed) = (count, count, 0);
        (result.requests.dropped, result.achieved_rate) = (0, 50.0);
        result
    }

    fn unanswered() -> PerfResult {
        let mut result = measured(&[]);
        (result.requests.sent, result.requests.failed, result.achieved_rate) = (50, 50, 0.0);
        result.errors = [(Cause::Refused, 50)].into();
        result
    }

    #[test]
    fn the_star_is_the_best_figure_of_the_table_and_has_no_price_in_the_goal() {
        // The median of two runs' own percentiles would choose 2; all responses of both runs say 1.
        let mostly = |fast: f64, slow: f64| measured(&[&[fast; 97][..], &[slow; 3][..]].concat());
        let runs = [vec![mostly(1.0, 3.24), mostly(1.0, 3.24)], vec![mostly(1.0, 2.5), mostly(1.0, 3.64)]];
        let goal = Goal::parse("p99").unwrap();
        let report = report("r", &values(&["1", "2"]), goal, &runs).unwrap();
        let p99: Vec<f64> = report.rows.iter().map(|row| row.p99_ns.unwrap() as f64 / 1e6).collect();
        assert!(p99[0] < 3.3 && p99[1] > 3.5, "{p99:?}");
        assert_eq!((report.best.as_str(), report.is_clear), ("1", false));
        assert!(report.trade_off.iter().all(|told| !told.starts_with("p99")), "{:?}", report.trade_off);
    }

    #[test]
    fn a_value_without_an_answer_is_never_best_and_has_no_response_time() {
        let goal = Goal::parse("p99").unwrap();
        let half = [vec![unanswered(), measured(&[1.0])], vec![measured(&[5.0]), measured(&[5.0])]];
        let told = report("r", &values(&["1", "2"]), goal, &half).unwrap();
        assert_eq!((told.best.as_str(), told.rows[0].failed_runs, told.rows[0].figure), ("2", 1, None));
        let dead = [vec![unanswered()], vec![unanswered()]];
        let error = report("r", &values(&["1", "2"]), goal, &dead).unwrap_err();
        assert_eq!(error.code(), Code::PerfFailed);
        assert!(format!("{error:?}").contains("refused"), "{error:?}");
        assert_eq!(row("1", goal, &dead[0]).unwrap().p99_ns, None);
    }

    /// A run of which a share of the requests is answered 504 after a millisecond, and the others 200 after five.
    fn failing_fast(share: f64) -> PerfResult {
        let (mut result, bad) = (measured(&[]), (10_000.0 * share) as u64);
        let good = 10_000 - bad;
        for (class, time, count) in [("2xx", 5_000_000, good), ("5xx", 1_000_000, bad)] {
            result.latency.response.record_n(time, count);
            result.latency.by_class.entry(class.to_owned()).or_default().record_n(time, count);
        }
        (result.requests.sent, result.requests.succeeded, result.requests.failed) = (10_000, good, bad);
        result.errors = [(Cause::Status, bad)].into();
        result
    }

    #[test]
    fn whoever_fails_fast_is_not_fast() {
        let slow = measured(&[20.0; 100]);
        let goal = Goal::parse("p99").unwrap();
        let runs = [vec![failing_fast(0.99), failing_fast(0.99)], vec![slow.clone(), slow.clone()]];
        let report = report("timeout", &values(&["10ms", "1s"]), goal, &runs).unwrap();
        assert_eq!((report.best.as_str(), report.is_clear), ("1s", true));
        let failing = &report.rows[0];
        assert_eq!((failing.figure, failing.p50_ns, failing.p99_ns), (None, None, None));
        assert_eq!(failing.left_out(goal).unwrap(), "99% of its requests failed, and p99 lies among them");
        let few = row("1", goal, &[failing_fast(0.005)]).unwrap();
        assert!(few.left_out(goal).is_none() && (few.p99_ns.unwrap() as f64 / 5e6 - 1.0).abs() < 0.01, "{few:?}");
    }

    #[test]
    fn without_times_by_status_failures_make_a_percentile_higher_never_lower() {
        let goal = Goal::parse("p99").unwrap();
        let mut result = failing_fast(0.99);
        result.latency.by_class.clear();
        assert_eq!(row("1", goal, &[result]).unwrap().figure, None);
        let mut half = failing_fast(0.4);
        half.latency.by_class.clear();
        assert!(row("1", goal, &[half]).unwrap().p50_ns.unwrap() > 4_900_000, "a good response took five milliseconds");
        let dead = [vec![failing_fast(0.99)], vec![failing_fast(0.5)]];
        let error = report("r", &values(&["1", "2"]), goal, &dead).unwrap_err();
        assert_eq!((error.code(), error.report().details.len()), (Code::PerfFailed, 2));
        assert!(error.to_string().contains("too many requests failed"), "{error}");
    }

    #[test]
    fn values_that_are_equal_in_the_goal_are_told() {
        let runs = [vec![measured(&[2.0])], vec![measured(&[1.0])], vec![unanswered()]];
        let report = report("r", &values(&["1", "2", "3"]), Goal::Errors, &runs).unwrap();
        assert_eq!((report.best.as_str(), report.is_clear, report.equal), ("1", false, values(&["2"])));
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

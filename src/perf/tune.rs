//! The highest rate that holds: it grows until a step fails, then halves the gap until it is small enough. A step is
//! repeated until its figures are sure enough, because one run that happens to be good or bad must not decide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repeat::{mean_interval, pool};
use super::threshold::{Outcome as Verdicts, Threshold, Verdict};
use super::unanswered::nothing_succeeded;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::result::PerfResult;

/// Name of the JSON form, in its field `schema`.
pub const SCHEMA: &str = "mesheryctl.perf.tune/v1";
/// Growth from one step to the next before the first failure.
const GROWTH: f64 = 2.0;
/// Rates that are tried at most.
const STEPS: usize = 64;
/// One run decides nothing, however clear it is, unless no more are allowed.
const RUNS_LEAST: u32 = 2;
/// A figure without an interval of its own is judged by so many runs at least.
const RUNS_FOR_SPREAD: usize = 3;

/// A rate holds only where the run falls short of it by no more than this share.
pub const SHORTFALL: f64 = 0.02;

/// Measures at a rate.
pub trait Runner {
    /// One run at `rate` requests a second.
    ///
    /// # Errors
    /// The run could not be made; the search ends with it.
    fn measure(&mut self, rate: f64) -> impl Future<Output = Result<PerfResult>>;

    /// Sees each step as it is decided.
    fn decided(&mut self, step: &Step) -> Result<()>;
}

/// What is searched, and how.
#[derive(Debug, Clone)]
pub struct Search {
    /// What has to hold, all of it.
    pub slo: Vec<Threshold>,
    /// The first rate.
    pub start: f64,
    /// No rate beyond this is tried.
    pub most: f64,
    /// The search ends when the gap is no larger than this share of the rate that holds.
    pub precision: f64,
    /// Runs of one step at most.
    pub repeat_most: u32,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Everything holds.
    Holds,
    /// Something does not hold.
    Fails,
    /// The runs do not tell; the search takes it for a failure.
    Undecided,
}

impl Decision {
    /// Its word in output, the same as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Undecided => "undecided",
        }
    }
}

/// One threshold over the runs of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// All runs as one, held against the threshold.
    pub verdict: Verdict,
    /// Lower end of the figure's 95 % interval, in the verdict's unit, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// What it came to.
    pub decision: Decision,
}

/// A rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Requests a second that were asked for.
    pub rate: f64,
    /// Responses a second, in the mean of the runs.
    pub achieved_rate: f64,
    /// How often it was run.
    pub runs: u32,
    /// Requests that were due and not sent when their run was over, in all runs. A rate with any does not hold: the
    /// queue had grown.
    pub unsent: u64,
    /// Whether the rate itself was kept: [`SHORTFALL`] at most is missing, and nothing was left unsent.
    pub kept: Decision,
    /// What it came to.
    pub decision: Decision,
    /// Each threshold.
    pub figures: Vec<Judged>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The highest rate is known to the precision that was asked for.
    Found,
    /// The first rate already does not hold.
    FirstFails,
    /// The runs do not tell whether the first rate holds.
    FirstUndecided,
    /// The highest rate that may be tried still holds.
    LimitNotFound,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What has to hold.
    pub slo: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The highest rate that holds, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest_rate: Option<f64>,
    /// The lowest rate that does not, where one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fails_at: Option<f64>,
    /// The gap between the two as a share of the first, where both are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Every rate in the order it was tried.
    pub steps: Vec<Step>,
}

impl Search {
    /// Refuses what cannot be searched.
    ///
    /// # Errors
    /// [`Code::UsageError`] names the value.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::new(Code::UsageError, what));
        if self.slo.is_empty() {
            return wrong("there is nothing that has to hold: name it, as in --slo 'p99<50ms'".to_owned());
        }
        if !(self.start > 0.0 && self.start.is_finite()) {
            return wrong(format!("the search cannot start at {} requests a second", self.start));
        }
        if !(self.most >= self.start && self.most.is_finite()) {
            return wrong(format!("the highest rate {} is below the first one {}", self.most, self.start));
        }
        if !(self.precision >= 0.001 && self.precision < 1.0) {
            return wrong(format!("the precision {} is not between 0.1% and 100%", self.precision));
        }
        if self.repeat_most == 0 {
            return wrong("each step has to be run at least once".to_owned());
        }
        let by_spread = self.slo.iter().find(|threshold| threshold.wants_spread());
        if let Some(threshold) = by_spread.filter(|_| (self.repeat_most as usize) < RUNS_FOR_SPREAD) {
            return Err(Error::new(
                Code::UsageError,
                format!(
                    "`{threshold}` is decided by the spread of {RUNS_FOR_SPREAD} runs, and a step may have {}",
                    self.repeat_most
                ),
            )
            .remedy(format!("Let a step have more: --repeat-most {RUNS_FOR_SPREAD}.")));
        }
        Ok(())
    }

    /// Searches.
    ///
    /// # Errors
    /// Of [`Self::check`], and those of the runner; [`Code::PerfFailed`] when no request succeeds at the first rate, because
    /// a lower one would find no more.
    pub async fn run(&self, runner: &mut impl Runner) -> Result<Report> {
        self.check()?;
        let mut steps: Vec<Step> = Vec::new();
        let (mut holds, mut fails): (Option<f64>, Option<f64>) = (None, None);
        let mut next = Some(self.start);
        while let Some(rate) = next.filter(|_| steps.len() < STEPS) {
            let step = self.step(rate, steps.is_empty(), runner).await?;
            runner.decided(&step)?;
            if step.decision == Decision::Holds {
                holds = Some(rate);
            } else {
                fails = Some(rate);
            }
            steps.push(step);
            next = self.next(holds, fails);
        }
        Ok(self.report(holds, fails, steps))
    }

    /// The rate to try next; none when the search is over.
    fn next(&self, holds: Option<f64>, fails: Option<f64>) -> Option<f64> {
        match (holds, fails) {
            (Some(holds), None) if holds >= self.most => None,
            (Some(holds), None) => Some((holds * GROWTH).min(self.most)),
            (Some(holds), Some(fails)) if fails - holds <= holds * self.precision => None,
            (Some(holds), Some(fails)) => Some(f64::midpoint(holds, fails)),
            (None, _) => None,
        }
    }

    async fn step(&self, rate: f64, is_first: bool, runner: &mut impl Runner) -> Result<Step> {
        let mut runs: Vec<PerfResult> = Vec::new();
        loop {
            let run = runner.measure(rate).await?;
            if let Some(error) = nothing_succeeded(&run).filter(|_| is_first) {
                return Err(error);
            }
            runs.push(run);
            let step = self.judge(rate, &runs)?;
            let is_clear = step.decision != Decision::Undecided && step.runs >= RUNS_LEAST;
            if is_clear || step.runs >= self.repeat_most {
                return Ok(step);
            }
        }
    }

    /// What the runs of a step say so far. It fails as soon as one threshold does, or the rate is not kept.
    fn judge(&self, rate: f64, runs: &[PerfResult]) -> Result<Step> {
        let pooled = pool(runs).ok_or_else(|| Error::internal("a step without runs"))?;
        let figures: Vec<Judged> = self.slo.iter().map(|threshold| judged(threshold, runs, &pooled)).collect();
        let kept = kept(rate, runs);
        let any = |decision| kept == decision || figures.iter().any(|figure| figure.decision == decision);
        let decision = match (any(Decision::Fails), any(Decision::Undecided)) {
            (true, _) => Decision::Fails,
            (false, true) => Decision::Undecided,
            (false, false) => Decision::Holds,
        };
        let runs = u32::try_from(runs.len()).unwrap_or(u32::MAX);
        let (achieved_rate, unsent) = (pooled.achieved_rate, pooled.requests.dropped);
        Ok(Step { rate, achieved_rate, runs, unsent, kept, decision, figures })
    }

    fn report(&self, holds: Option<f64>, fails: Option<f64>, steps: Vec<Step>) -> Report {
        Report {
            schema: SCHEMA.to_owned(),
            slo: self.slo.iter().map(ToString::to_string).collect(),
            outcome: match (holds, fails) {
                (None, _) if steps.first().is_some_and(|step| step.decision == Decision::Undecided) => {
                    Outcome::FirstUndecided
                }
                (None, _) => Outcome::FirstFails,
                (Some(_), None) => Outcome::LimitNotFound,
                (Some(_), Some(_)) => Outcome::Found,
            },
            highest_rate: holds,
            fails_at: fails,
            gap: holds.zip(fails).map(|(holds, fails)| (fails - holds) / holds),
            steps,
        }
    }
}

/// Whether the runs kept their rate; undecided where they contradict each other.
fn kept(rate: f64, runs: &[PerfResult]) -> Decision {
    match runs.iter().filter(|run| keeps(rate, run)).count() {
        count if count == runs.len() => Decision::Holds,
        0 => Decision::Fails,
        _ => Decision::Undecided,
    }
}

/// Whether a run kept its rate. Responses that came after the plan's end are owed to the last requests, not to a queue, so
/// that the wait for them does not lower the rate; one request may fall on either side of the end.
fn keeps(rate: f64, run: &PerfResult) -> bool {
    const SECOND: f64 = 1e9;
    let planned = run.plan.duration.map_or(run.elapsed_seconds, |duration| duration.as_secs_f64());
    let wait = (run.elapsed_seconds - planned).max(0.0);
    #[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds are far below 2^53")]
    let tail = wait.min(run.latency.service.max_ns() as f64 / SECOND);
    let asked = rate * (run.elapsed_seconds - tail);
    let missing = asked - run.achieved_rate * run.elapsed_seconds;
    run.requests.dropped == 0 && missing <= (SHORTFALL * asked).max(1.0)
}

/// A threshold over the runs. Where one sample tells how sure its figure is, the runs together have to clear the limit
/// with their whole interval, and each of them has to lie on the same side; where it does not, the spread of at least
/// three runs has to clear it.
fn judged(threshold: &Threshold, runs: &[PerfResult], pooled: &PerfResult) -> Judged {
    let values: Vec<f64> = runs.iter().filter_map(|run| threshold.judge(run).value).collect();
    let own = threshold.bounds(pooled);
    let bounds = own.or_else(|| mean_interval(&values).filter(|_| values.len() >= RUNS_FOR_SPREAD));
    let side = bounds.and_then(|(low, high)| threshold.clears(low, high));
    let agree = |side: bool| values.iter().all(|value| threshold.clears(*value, *value) == Some(side));
    let verdict = threshold.judge(pooled);
    let decision = match side.filter(|side| own.is_none() || agree(*side)) {
        // a breach that the generator may have made itself, or a figure that nobody told, decides nothing
        _ if verdict.outcome == Verdicts::Undecided => Decision::Undecided,
        Some(true) => Decision::Holds,
        Some(false) => Decision::Fails,
        None => Decision::Undecided,
    };
    let (low, high) = bounds.unzip();
    let finite = |end: f64| end.is_finite().then_some(end);
    Judged { verdict, low: low.and_then(finite), high: high.and_then(finite), decision }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "rates of tests are exact")]

    use super::*;
    use crate::perf::sample;

    /// A service whose response times are all `slow` beyond a rate and `fast` below, and near it now this, now that.
    struct Service {
        limit: f64,
        /// Rates within this share of the limit are undecided.
        blur: f64,
        runs: u32,
        seen: Vec<(f64, Decision)>,
        /// Requests a second that it answers at most.
        capacity: f64,
        /// Requests left unsent beyond the limit.
        unsent: u64,
    }

    impl Service {
        fn new(limit: f64, blur: f64) -> Self {
            Self { limit, blur, runs: 0, seen: Vec::new(), capacity: f64::INFINITY, unsent: 0 }
        }
    }

    impl Runner for Service {
        async fn measure(&mut self, rate: f64) -> Result<PerfResult> {
            self.runs += 1;
            let near = (rate / self.limit - 1.0).abs() < self.blur;
            let slow = if near { self.runs.is_multiple_of(2) } else { rate > self.limit };
            let mut result = sample::result(0);
            result.latency.response = crate::model::performance::histogram::Histogram::new();
            result.latency.response.record_n(if slow { 90_000_000 } else { 2_000_000 }, 10_000);
            (result.requests.sent, result.requests.succeeded, result.requests.failed) = (10_000, 10_000, 0);
            result.requests.dropped = if rate > self.limit { self.unsent } else { 0 };
            result.achieved_rate = rate.min(self.capacity);
            if self.capacity <= 0.0 {
                (result.requests.succeeded, result.requests.failed) = (0, 10_000);
                result.errors = [(crate::model::performance::result::Cause::Refused, 10_000)].into();
            }
            Ok(result)
        }

        fn decided(&mut self, step: &Step) -> Result<()> {
            self.seen.push((step.rate, step.decision));
            Ok(())
        }
    }

    fn search() -> Search {
        Search {
            slo: vec![Threshold::parse("p99<50ms").unwrap(), Threshold::parse("errors<1%").unwrap()],
            start: 100.0,
            most: 1e6,
            precision: 0.05,
            repeat_most: 4,
        }
    }

    #[tokio::test]
    async fn the_limit_is_found_to_the_precision() {
        for limit in [130.0, 777.0, 3_333.0, 250_000.0] {
            let mut service = Service::new(limit, 0.0);
            let report = search().run(&mut service).await.unwrap();
            let (holds, fails) = (report.highest_rate.unwrap(), report.fails_at.unwrap());
            assert_eq!(report.outcome, Outcome::Found);
            assert!(holds <= limit && fails > limit && report.gap.unwrap() <= 0.05, "{limit}: {holds} {fails}");
            assert_eq!(service.seen.len(), report.steps.len());
        }
    }

    #[tokio::test]
    async fn runs_that_contradict_each_other_are_repeated_and_called_undecided() {
        let mut service = Service::new(800.0, 0.1);
        let report = search().run(&mut service).await.unwrap();
        let undecided: Vec<&Step> = report.steps.iter().filter(|step| step.decision == Decision::Undecided).collect();
        assert!(!undecided.is_empty() && undecided.iter().all(|step| step.runs == 4), "{:?}", report.steps);
        assert!(report.highest_rate.unwrap() <= 800.0);
    }

    #[tokio::test]
    async fn a_first_step_that_fails_and_a_limit_that_is_not_found_are_told() {
        let first = search().run(&mut Service::new(50.0, 0.0)).await.unwrap();
        assert_eq!((first.outcome, first.highest_rate, first.fails_at), (Outcome::FirstFails, None, Some(100.0)));
        let never = Search { most: 1_000.0, ..search() };
        let never = never.run(&mut Service::new(1e9, 0.0)).await.unwrap();
        assert_eq!((never.outcome, never.highest_rate), (Outcome::LimitNotFound, Some(1_000.0)));
    }

    #[tokio::test]
    async fn a_rate_that_is_not_achieved_does_not_hold_however_fast_the_answers_are() {
        let mut slow = Service { capacity: 383.0, ..Service::new(1e9, 0.0) };
        let report = search().run(&mut slow).await.unwrap();
        let (holds, fails) = (report.highest_rate.unwrap(), report.fails_at.unwrap());
        assert!(holds <= 383.0 / (1.0 - SHORTFALL) && fails > 383.0, "{holds} {fails}");
        let step = report.steps.iter().find(|step| step.rate == 400.0).unwrap();
        assert_eq!((step.kept, step.decision, step.unsent), (Decision::Fails, Decision::Fails, 0));
    }

    #[tokio::test]
    async fn a_rate_that_leaves_requests_unsent_does_not_hold() {
        let only_rate = Search { slo: vec![Threshold::parse("p99<1h").unwrap()], ..search() };
        let report = only_rate.run(&mut Service { unsent: 4, ..Service::new(390.0, 0.0) }).await.unwrap();
        assert!(report.highest_rate.unwrap() <= 390.0, "{:?}", report.highest_rate);
        assert!(report.steps.iter().all(|step| (step.unsent > 0) == (step.decision == Decision::Fails)));
    }

    #[test]
    fn the_wait_for_the_last_response_is_not_held_against_the_rate() {
        let mut run = sample::result(600);
        run.plan.duration = Some(std::time::Duration::from_secs(2));
        run.latency.service.record_ns(200_000_000);
        (run.elapsed_seconds, run.achieved_rate) = (2.15, 40.0 / 2.15);
        assert!(keeps(20.0, &run), "40 responses of 40 came, the last one late");
        (run.elapsed_seconds, run.achieved_rate) = (2.0, 19.0);
        assert!(!keeps(20.0, &run), "two are missing");
    }

    #[tokio::test]
    async fn a_target_that_does_not_answer_ends_the_search_with_the_cause() {
        let mut dead = Service { capacity: 0.0, ..Service::new(1e9, 0.0) };
        let error = search().run(&mut dead).await.unwrap_err();
        assert_eq!((error.code(), dead.runs), (Code::PerfFailed, 1));
        assert!(format!("{error:?}").contains("refused"), "{error:?}");
    }

    #[tokio::test]
    async fn a_figure_that_only_several_runs_tell_takes_three() {
        let by_mean = Search { slo: vec![Threshold::parse("mean<50ms").unwrap()], most: 100.0, ..search() };
        let report = by_mean.run(&mut Service::new(1e9, 0.0)).await.unwrap();
        assert_eq!((report.steps[0].runs, report.steps[0].decision), (3, Decision::Holds));
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        for wrong in [
            Search { slo: Vec::new(), ..search() },
            Search { start: 0.0, ..search() },
            Search { start: f64::NAN, ..search() },
            Search { most: 1.0, ..search() },
            Search { precision: 0.0, ..search() },
            Search { repeat_most: 0, ..search() },
        ] {
            assert_eq!(wrong.check().unwrap_err().code(), Code::UsageError);
        }
    }
}

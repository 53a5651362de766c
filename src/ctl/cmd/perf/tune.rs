//! `perf tune`.

use super::measured::{measure, plan};
use super::run::args::PlanArgs;
use super::workers::WorkerArgs;
use crate::base::Result;
use crate::base::error::{Code, Error};
use crate::base::exit;
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered};
use crate::model::performance::duration;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan};
use crate::model::performance::result::PerfResult;
use crate::model::performance::workers::Workers;
use crate::perf::threshold::Threshold;
use crate::perf::tune::{self, Decision, Report, Runner, Search, Step};
use crate::perf::units;

/// Find the highest rate at which a service still holds what it has to.
///
/// The rate doubles until a step fails, then the gap is halved until it is small enough. A step is repeated until its
/// figures are sure: until the 95 % interval of each lies on one side of its limit and all runs agree. A step that stays
/// unsure is called undecided and taken for one that fails. Besides --slo, the rate itself has to be kept: at most 2 % of
/// it may be missing, and nothing that was due may be left unsent. Without --connections, there are 64. Each run is stored
/// as a result of its own. Exit code 99 says that the first rate already fails; one that stays undecided, and a target that
/// answers nothing at it, end the search with the cause and 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf tune --url http://localhost:8080 --slo 'p99<50ms'
  mesheryctl perf tune --url http://localhost:8080 --slo 'p99<50ms' 'errors<0.1%' --start 500 --precision 2%
  mesheryctl perf tune --url http://localhost:8080 --slo 'p95<10ms' --connections 64 --step-duration 30s")]
pub struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// What has to hold, such as 'p99<50ms' or 'errors<0.1%'; several values, repeatable.
    #[arg(long, value_name = "LIMIT", num_args = 1.., required = true, help_heading = "Search")]
    slo: Vec<String>,
    /// First rate, in requests a second.
    #[arg(long, value_name = "RPS", default_value_t = 100.0, help_heading = "Search")]
    start: f64,
    /// Highest rate to try.
    #[arg(long, value_name = "RPS", default_value_t = 1e6, help_heading = "Search")]
    most: f64,
    /// Largest gap between the rate that holds and the one that does not, as a share of the first.
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share, help_heading = "Search")]
    precision: f64,
    /// How long each run measures; at least 200 requests long at the first rate, so that a queue that grows by 1 % of them
    /// is seen.
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = "Search")]
    step_duration: String,
    /// Most runs of one step.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, help_heading = "Search")]
    repeat_most: u32,
    #[command(flatten)]
    workers: WorkerArgs,
}

/// Connections where nobody says how many: on one, a service could answer no faster than one request after the other.
const CONNECTIONS: u32 = 64;

/// Reads `5%` or `0.05`.
fn share(text: &str) -> std::result::Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    number.trim().parse::<f64>().map(|number| number / scale).map_err(|_| "a share is wanted, such as 5%".to_owned())
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let search = Search {
        slo: args.slo.iter().map(|text| Threshold::parse(text)).collect::<Result<_>>()?,
        start: args.start,
        most: args.most,
        precision: args.precision,
        repeat_most: args.repeat_most,
    };
    search.check()?;
    let plan = step_plan(&args)?;
    let workers = args.workers.settle(ctx).await?;
    let mut runner = ThroughPlane { ctx, plan, workers };
    let report = search.run(&mut runner).await?;
    show(ctx, &report)?;
    match report.outcome {
        tune::Outcome::FirstFails => Ok(Outcome::verdict(exit::BREACHED)),
        tune::Outcome::FirstUndecided => Err(undecided(&report)),
        tune::Outcome::Found | tune::Outcome::LimitNotFound => Ok(Outcome::GOOD),
    }
}

/// Why it is not known whether the first rate holds.
fn undecided(report: &Report) -> Error {
    let step = report.steps.first();
    let rate = step.map(|step| units::rate(step.rate)).unwrap_or_default();
    let figures = step.into_iter().flat_map(|step| &step.figures);
    let open = figures.filter(|figure| figure.decision == Decision::Undecided).map(|figure| figure.verdict.to_string());
    let error = Error::new(Code::ThresholdUndecided, format!("it is not decided whether {rate}/s holds"));
    error.details(open).remedy("Measure longer or more often: --step-duration, --repeat-most.")
}

/// The plan of the first step; of the others, the rate is another one.
fn step_plan(args: &Args) -> Result<Plan> {
    let given = [
        (args.plan.rate.is_some() || args.plan.qps.is_some(), "--rate"),
        (args.plan.duration.is_some(), "--duration"),
        (args.plan.requests.is_some(), "--requests"),
        (args.plan.model.is_some(), "--model"),
    ];
    if let Some((_, flag)) = given.iter().find(|(given, _)| *given) {
        return Err(Error::new(Code::UsageError, format!("{flag} has no place in a search for the highest rate"))
            .remedy("Use --start, --most and --step-duration."));
    }
    let length = duration::parse_single(&args.step_duration).map_err(|problem| {
        Error::new(Code::UsageError, format!("--step-duration `{}` is no duration", args.step_duration))
            .because(problem)
    })?;
    let is_given = args.plan.connections.or(args.plan.concurrent_requests).is_some();
    plan(&args.plan, args.workers.workers.as_ref(), |plan| {
        plan.duration = Some(length);
        if !is_given {
            plan.connections = plan.connections.max(CONNECTIONS);
        }
        // A generator may be unable to do without a rate, or to keep one.
        plan.load = at(&plan.load, args.start);
    })
}

/// A load at another rate.
fn at(load: &Load, rate: f64) -> Load {
    let overload = match load {
        Load::Open { overload, .. } => *overload,
        Load::Closed => Overload::Queue,
    };
    Load::Open { pacing: Pacing::Constant { rate }, overload }
}

struct ThroughPlane<'c> {
    ctx: &'c Ctl,
    plan: Plan,
    workers: Option<Workers>,
}

impl Runner for ThroughPlane<'_> {
    async fn measure(&mut self, rate: f64) -> Result<PerfResult> {
        let load = at(&self.plan.load, rate);
        let name = format!("{} at {}/s", self.plan.name, units::rate(rate));
        measure(self.ctx, &Plan { name, load, ..self.plan.clone() }, self.workers.as_ref()).await
    }

    fn decided(&mut self, step: &Step) -> Result<()> {
        self.ctx.ui.note(&format!("{:>10}/s  {:<9}  {}", units::rate(step.rate), step.decision.word(), figures(step)))
    }
}

fn figures(step: &Step) -> String {
    let texts: Vec<String> = step.figures.iter().map(|figure| figure.verdict.to_string()).collect();
    let kept = match step.kept {
        tune::Decision::Holds => None,
        _ if step.unsent > 0 => Some(format!("rate not kept: {} left unsent", units::count(step.unsent))),
        _ => Some("rate not kept".to_owned()),
    };
    kept.into_iter().chain(texts).collect::<Vec<_>>().join(", ")
}

fn show(ctx: &Ctl, report: &Report) -> Result<()> {
    let columns = [
        Column::new("RATE", |step: &Step| format!("{}/s", units::rate(step.rate))),
        Column::new("ACHIEVED", |step: &Step| format!("{}/s", units::rate(step.achieved_rate))),
        Column::new("RUNS", |step: &Step| step.runs.to_string()),
        Column::new("DECISION", |step: &Step| step.decision.word().to_owned()),
        Column::new("FIGURES", figures),
    ];
    let rate = |rate: Option<f64>| rate.map(units::rate).unwrap_or_default();
    ctx.ui.note(&match report.outcome {
        tune::Outcome::Found => {
            format!(
                "The highest rate that holds is {}/s; {}/s does not.",
                rate(report.highest_rate),
                rate(report.fails_at)
            )
        }
        tune::Outcome::FirstFails => {
            format!("The first rate, {}/s, does not hold: begin lower with --start.", rate(report.fails_at))
        }
        tune::Outcome::FirstUndecided => "It stays open whether the first rate holds.".to_owned(),
        tune::Outcome::LimitNotFound => {
            format!("The highest rate that was tried, {}/s, still holds: go on with --most.", rate(report.highest_rate))
        }
    })?;
    let names = report.highest_rate.map(|rate| rate.to_string());
    ctx.ui.print(&Rendered::table(report, &report.steps, &columns)?.names(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_with_and_without_percent() {
        assert_eq!([share("5%"), share("0.05"), share("2 %")], [Ok(0.05), Ok(0.05), Ok(0.02)]);
        assert!(share("much").is_err());
    }
}

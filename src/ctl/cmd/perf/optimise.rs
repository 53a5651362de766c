//! `perf optimise`.

use super::measured::{measure, plan};
use super::run::args::PlanArgs;
use super::workers::WorkerArgs;
use crate::base::error::{Code, Error, Result};
use crate::ctl::cmd::pattern::{plan as pattern_plan, protect, target};
use crate::ctl::source::{AssembleArgs, SourceArgs};
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, follow};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::model::performance::workers::Workers;
use crate::perf::optimise::{self, Goal, Report, Row, Trial};
use crate::perf::units;
use crate::wire::rest::DeployRequest;

/// Vary one setting of a pattern, measure with each value, and report the best with its trade-off.
///
/// The pattern is applied with each value in turn and waited for, then the target is measured; runs of the values are
/// interleaved and repeated, so that a machine that grows slower is held against none of them. At the end, also after a
/// failure, the pattern is applied as its file says. Each run is stored as a result of its own. The best value is the one
/// whose figure over all its runs is best. In percentiles, requests that fail count as slower than every good response, so
/// that a value which fails fast does not look fast. A value with a run in which no request succeeded, or of which so many
/// requests fail that the percentile lies among them, is not compared; where that is true of all, the verb fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf optimise -f shop.yaml --set services.web.settings.spec.replicas=1,2,4 --url http://shop.local
  mesheryctl perf optimise -f shop.yaml --set retries=0,1,2 --url http://shop.local --rate 200 --goal errors")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// The setting and its values: VAR=V1,V2 or PATH=V1,V2, as `pattern apply --set` takes one.
    #[arg(long, value_name = "PATH=V1,V2,…", required = true, help_heading = "Search")]
    set: String,
    /// What is best: a percentile of response times such as p99, rps, or errors.
    #[arg(long, value_name = "FIGURE", default_value = "p99", help_heading = "Search")]
    goal: String,
    /// Runs of each value.
    #[arg(long, value_name = "NUMBER", default_value_t = 3, help_heading = "Search")]
    repeat: u32,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME", help_heading = "Search")]
    namespace: Option<String>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    workers: WorkerArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let (setting, values) = setting(&args.set)?;
    let goal = Goal::parse(&args.goal)?;
    let plan = plan(&args.plan, args.workers.workers.as_ref(), |_| {})?;
    let base = pattern(ctx, &args).await?;
    optimise::check(&setting, &values, args.repeat)?;
    let with = |value: &String| varied(&base, &setting, value);
    applicable(ctx, values.iter().map(with).collect()).await?;
    protect::ask(ctx, "Apply").await?;
    let workers = args.workers.settle(ctx).await?;
    let mut trial = OnCluster { ctx, plan, workers, base, setting: setting.clone(), has_begun: false };
    let outcome = optimise::run(&setting, &values, (goal, args.repeat), &mut trial).await;
    let restored = trial.restore().await;
    let report = outcome?;
    restored?;
    show(ctx, &report)
}

/// The setting's name and its values.
fn setting(text: &str) -> Result<(String, Vec<String>)> {
    match text.split_once('=') {
        Some((name, values)) if !name.is_empty() && !values.is_empty() => {
            Ok((name.to_owned(), values.split(',').map(|value| value.trim().to_owned()).collect()))
        }
        _ => Err(Error::new(Code::UsageError, format!("--set `{text}` names no setting with values"))
            .remedy("Write PATH=V1,V2, as in services.web.settings.spec.replicas=1,2,4.")),
    }
}

/// The one pattern, as a request that waits.
async fn pattern(ctx: &Ctl, args: &Args) -> Result<DeployRequest> {
    let mut files = args.source.assembled(ctx, &AssembleArgs::default()).await?;
    let (Some(file), true) = (files.pop(), files.is_empty()) else {
        return Err(Error::new(Code::UsageError, "one pattern is varied").remedy("Name its file with -f."));
    };
    let namespace = args.namespace.clone().or_else(|| ctx.settings.namespace().map(str::to_owned));
    let common = DeployRequest { namespace, wait: true, save: false, ..target::common(ctx) };
    Ok(file.into_request(&common))
}

/// The pattern with a value in place.
fn varied(base: &DeployRequest, setting: &str, value: &str) -> DeployRequest {
    let mut request = base.clone();
    request.set.push(format!("{setting}={value}"));
    request
}

/// Refuses, before anything is applied, what no cluster would take: a kubeconfig or context that is not there, a setting
/// the pattern does not have, a value its kind does not allow.
async fn applicable(ctx: &Ctl, requests: Vec<DeployRequest>) -> Result<()> {
    let plans = pattern_plan::ask(ctx, requests, false).await?;
    match plans.into_iter().flat_map(|plan| plan.contexts).find_map(|context| context.error) {
        Some(report) => Err(report.into()),
        None => Ok(()),
    }
}

struct OnCluster<'c> {
    ctx: &'c Ctl,
    plan: Plan,
    workers: Option<Workers>,
    base: DeployRequest,
    setting: String,
    /// Whether the plane began to apply a value.
    has_begun: bool,
}

impl OnCluster<'_> {
    async fn deploy(&mut self, request: &DeployRequest) -> Result<()> {
        let accepted = self.ctx.client().await?.deploy(request).await?;
        // What was begun may be in place in part: it is put back also when it fails.
        self.has_begun = true;
        let limit = target::limit(self.ctx, request);
        let (operation, stopped) = follow::follow(self.ctx, accepted.operation_id, limit).await?;
        follow::failure(&operation, stopped.as_ref()).map_or(Ok(()), Err)
    }

    /// Puts the pattern back as its file says, where it was varied.
    async fn restore(&mut self) -> Result<()> {
        if !self.has_begun {
            return Ok(());
        }
        self.deploy(&self.base.clone()).await?;
        self.ctx.ui.note(&format!("{}: applied again as the pattern says", self.setting))
    }
}

impl Trial for OnCluster<'_> {
    async fn apply(&mut self, value: &str) -> Result<()> {
        self.ctx.ui.note(&format!("{}={value}", self.setting))?;
        self.deploy(&varied(&self.base, &self.setting, value)).await
    }

    async fn measure(&mut self, value: &str) -> Result<PerfResult> {
        let name = format!("{} with {}={value}", self.plan.name, self.setting);
        measure(self.ctx, &Plan { name, ..self.plan.clone() }, self.workers.as_ref()).await
    }
}

fn show(ctx: &Ctl, report: &Report) -> Result<()> {
    let (best, goal) = (report.best.clone(), report.goal);
    let mut columns = vec![
        Column::new("VALUE", |row: &Row| row.value.clone()),
        Column::new("BEST", move |row: &Row| if row.value == best { "*".to_owned() } else { String::new() }),
        Column::new("RUNS", runs),
    ];
    if let Goal::Percentile { percentile } = goal
        && ![50.0, 90.0, 99.0].contains(&percentile)
    {
        let name = goal.name();
        columns.push(Column::new("GOAL", move |row: &Row| format!("{}{}", mark(row, &name), goal.text(row.figure))));
    }
    columns.extend([
        Column::new("P50", |row: &Row| time(row, "p50", row.p50_ns)),
        Column::new("P90", |row: &Row| time(row, "p90", row.p90_ns)),
        Column::new("P99", |row: &Row| time(row, "p99", row.p99_ns)),
        Column::new("RATE", |row: &Row| format!("{}/s", units::rate(row.achieved_rate))),
        Column::new("ERRORS", |row: &Row| units::share(row.error_share)),
    ]);
    for told in verdict(report) {
        ctx.ui.note(&told)?;
    }
    ctx.ui.print(&Rendered::table(report, &report.rows, &columns)?.names([report.best.clone()]))
}

/// A percentile, behind `~` where it may not be taken as fact; `-` where it lies among the requests that failed.
fn time(row: &Row, name: &str, time: Option<u64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{}{}", mark(row, name), units::duration_ns(time)))
}

fn mark(row: &Row, name: &str) -> &'static str {
    if row.doubtful.iter().any(|doubtful| doubtful == name) { "~" } else { "" }
}

fn runs(row: &Row) -> String {
    if row.failed_runs == 0 { row.runs.to_string() } else { format!("{}, {} failed", row.runs, row.failed_runs) }
}

/// What is best by the goal, how sure that is, and what it costs, in sentences.
fn verdict(report: &Report) -> Vec<String> {
    let (setting, best, goal) = (&report.setting, &report.best, report.goal.name());
    let compared = report.rows.iter().filter(|row| row.figure.is_some()).count();
    let sure = if !report.equal.is_empty() {
        format!(", and no better than {}: the goal does not tell them apart", report.equal.join(", "))
    } else if compared == 1 {
        ", the only value that can be compared".to_owned()
    } else if report.is_clear {
        String::new()
    } else {
        ", but undecided: its runs are not clear of the others, and chance may have chosen".to_owned()
    };
    let left_out = report
        .rows
        .iter()
        .filter_map(|row| Some(format!("{setting}={} is not compared: {}.", row.value, row.left_out(report.goal)?)));
    let price = report.trade_off.iter().map(|told| format!("Its price: {told}."));
    let doubtful = report.rows.iter().any(|row| !row.doubtful.is_empty());
    let legend = doubtful
        .then(|| "~ is not to be taken as fact: too few responses, or the generator's own lateness.".to_owned());
    let first = format!("Best by {goal} is {setting}={best}{sure}.");
    std::iter::once(first).chain(left_out).chain(price).chain(legend).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_its_path_and_its_values() {
        let (name, values) = setting("services.a.settings.x=1, 2,3").unwrap();
        assert_eq!((name.as_str(), values.len(), values[1].as_str()), ("services.a.settings.x", 3, "2"));
        assert!(setting("x").is_err() && setting("x=").is_err() && setting("=1").is_err());
    }
}

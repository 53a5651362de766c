//! `perf run`.

pub mod args;
pub(super) mod export;
mod follow;
mod job;
mod law;
mod live;
pub mod plan;

use schemars::JsonSchema;
use serde::Serialize;

use super::outcome;
use crate::base::error::{Code, Error, Result};
use crate::base::exit;
use crate::client::prometheus::Prometheus;
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::follow::failure;
use crate::ctl::ui::{Column, Format, Rendered};
use crate::model::operation::OperationStatus;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::perf::redact;
use crate::perf::threshold::{self, Threshold, Verdict};
use crate::wire::rest::performance::RunRequest;

pub use args::Args;
use export::Export;
use job::Job;
use plan::Value;

/// What `--dry-run` shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Planned {
    /// The plan, without what authorises.
    pub plan: Plan,
    /// Every value of it that says something, with its origin.
    pub values: Vec<Value>,
    /// What the run has to hold.
    pub thresholds: Vec<String>,
}

/// What this verb shows: the result, or with --dry-run the plans.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
pub enum Printed {
    /// A result with the verdicts on it.
    Result(Box<outcome::Shown<'static>>),
    /// Those of each client, in their order, where the test file has several.
    Results(Vec<outcome::Shown<'static>>),
    /// Plans.
    Planned(Vec<Planned>),
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let exports = args.export.iter().map(|text| Export::parse(text)).collect::<Result<Vec<_>>>()?;
    let file = job::read_test(ctx, &args)?;
    let clients = file.as_ref().map_or(1, |file| file.test.plans.len());
    let exports = export::of_runs(exports, clients)?;
    exports.iter().flatten().try_for_each(Export::check)?;
    check_prometheus(&args)?;
    let jobs = job::settle(ctx, &args, file.as_ref()).await?;
    if args.dry_run {
        return dry_run(ctx, &jobs).map(Into::into);
    }
    let mut made = Made::default();
    let done = all(ctx, &args, jobs.into_iter().zip(&exports), &mut made).await;
    // What was measured before a failure is told all the same.
    let told = if made.unshown.is_empty() { Ok(()) } else { print(ctx, &made.unshown) };
    done.and(told)?;
    args.undecided.tell(ctx, made.verdicts.iter().map(|verdict| (verdict.outcome, verdict)))?;
    match threshold::conclude(&made.verdicts, args.undecided.into()) {
        // each breach stands in the report already
        Err(error) if error.code() == Code::ThresholdBreached => Ok(Outcome::verdict(exit::BREACHED)),
        concluded => concluded.map(Into::into),
    }
}

fn check_prometheus(args: &Args) -> Result<()> {
    let Some(address) = args.prometheus.as_deref().filter(|address| !address.is_empty()) else { return Ok(()) };
    Prometheus::new(address).map(drop).map_err(|error| {
        Error::new(Code::UsageError, format!("`{address}` is no value for --prometheus"))
            .because(error)
            .remedy("Write its URL, such as http://prometheus.example:9090.")
    })
}

/// What the measurements brought.
#[derive(Default)]
struct Made {
    verdicts: Vec<Verdict>,
    /// Results that are shown together at the end.
    unshown: Vec<PerfResult>,
}

/// The measurements one after the other.
async fn all<'e>(
    ctx: &Ctl,
    args: &Args,
    jobs: impl Iterator<Item = (Job, &'e Vec<Export>)>,
    made: &mut Made,
) -> Result<()> {
    for (job, exports) in jobs {
        one(ctx, args, job, exports, made).await?;
    }
    Ok(())
}

/// One measurement from its plan to its files.
async fn one(ctx: &Ctl, args: &Args, job: Job, exports: &[Export], made: &mut Made) -> Result<()> {
    let (name, is_part) = (job.draft.plan.name.clone(), job.is_part);
    let Measured { result, error } = measure(ctx, args, job).await?;
    let breached = result.verdicts.iter().any(Verdict::is_breached);
    made.verdicts.extend(result.verdicts.iter().cloned());
    exports.iter().try_for_each(|export| export.write(ctx, &result))?;
    if result.requests.ended() > 0 || error.is_none() {
        if is_part && !is_shown_at_once(ctx.ui.format()) {
            made.unshown.push(result);
        } else {
            outcome::print(ctx, &result)?;
        }
    }
    match error {
        // the breach is the answer to what was asked
        Some(error) if breached && error.code() == Code::PerfFailed => ctx.ui.warn(&error.to_string())?,
        Some(error) => return Err(error),
        None => {}
    }
    if is_part {
        ctx.ui.note(&format!("`{name}` is done."))?;
    }
    Ok(())
}

/// Whether results can stand one after the other in this form; those of the others are one document.
fn is_shown_at_once(format: &Format) -> bool {
    format.is_table() || matches!(format, Format::Jsonl | Format::Name)
}

/// The results of several clients as one document.
fn print(ctx: &Ctl, results: &[PerfResult]) -> Result<()> {
    let names: Vec<String> = results.iter().map(|result| result.id.to_string()).collect();
    let shown: Vec<outcome::Shown<'_>> = results.iter().map(outcome::Shown::of).collect();
    ctx.ui.print(&Rendered::one(&shown, "")?.names(names))
}

fn dry_run(ctx: &Ctl, jobs: &[Job]) -> Result<()> {
    let planned: Vec<Planned> = jobs
        .iter()
        .map(|job| Planned {
            plan: redact::plan(&job.draft.plan),
            values: job.draft.values().to_vec(),
            thresholds: job.thresholds.clone(),
        })
        .collect();
    let rows: Vec<&Value> = planned.iter().flat_map(|planned| &planned.values).collect();
    let columns = [
        Column::new("VALUE", |row: &&Value| row.name.to_owned()),
        Column::new("SETTING", |row: &&Value| row.value.clone()),
        Column::new("ORIGIN", |row: &&Value| row.origin.clone()),
    ];
    let names = planned.iter().map(|planned| planned.plan.name.clone());
    ctx.ui.print(&Rendered::table(&planned, &rows, &columns)?.names(names))
}

/// What came of a job.
struct Measured {
    /// With its verdicts.
    result: PerfResult,
    /// Why it failed, other than by its thresholds.
    error: Option<Error>,
}

async fn measure(ctx: &Ctl, args: &Args, job: Job) -> Result<Measured> {
    tell_plan(ctx, &job)?;
    tell_place(ctx, args).await?;
    let metrics = args.metric.iter().map(|text| law::pair("--metric", text)).collect::<Result<_>>()?;
    let workers = args.workers.settle(ctx).await?;
    let client = ctx.client().await?;
    let plan = job.draft.plan;
    let request = RunRequest {
        plan: Some(plan.clone()),
        profile: job.profile.map(|profile| profile.id.to_string()),
        thresholds: job.thresholds.clone(),
        abort_on_fail: args.abort_on_fail,
        undecided: args.undecided.into(),
        prometheus: args.prometheus.clone(),
        metrics,
        workers,
        context: ctx.settings.kube_contexts().first().cloned(),
        kubeconfig: ctx.settings.kubeconfig_list(),
    };
    let begun = client.begin_run(&request).await?;
    let (operation, stopped) = follow::follow(ctx, begun.operation_id, &plan).await?;
    let stored = client.perf_result(begun.result_id).await;
    let error = match (operation.status, stopped) {
        (OperationStatus::Cancelled, Some(stopped)) => {
            Some(stopped.remedy(format!("See it with `mesheryctl perf result view {}`.", begun.result_id)))
        }
        (OperationStatus::Cancelled, None) => Some(
            Error::new(Code::PerfFailed, "the measurement was stopped by another command")
                .because("what was measured until then is the result")
                .remedy(format!("See it with `mesheryctl perf result view {}`.", begun.result_id)),
        ),
        _ => failure(&operation, None).filter(|error| !is_verdict(error)),
    };
    let mut result = match (stored, &error) {
        (Ok(stored), _) => stored.result,
        // Why it failed says more than that there is no result.
        (Err(_), Some(error)) => return Err(error.clone()),
        (Err(missing), None) => return Err(missing),
    };
    // A plane of an earlier version does not judge.
    if result.verdicts.is_empty() {
        let thresholds = job.thresholds.iter().map(|text| Threshold::parse(text)).collect::<Result<Vec<_>>>()?;
        result.verdicts = thresholds.iter().map(|threshold| threshold.judge(&result)).collect();
    }
    Ok(Measured { result, error })
}

/// Whether an operation failed by its thresholds alone, which are told from the verdicts of the result.
fn is_verdict(error: &Error) -> bool {
    matches!(error.code(), Code::ThresholdBreached | Code::ThresholdUndecided)
}

/// The effective plan, on stderr: what is measured stands on the screen before anything is sent.
fn tell_plan(ctx: &Ctl, job: &Job) -> Result<()> {
    let said = |value: &&Value| {
        value.origin != "default" || matches!(value.name, "targets" | "rate" | "connections" | "duration")
    };
    for value in job.draft.values().iter().filter(said) {
        ctx.ui.note(&format!("{:<12} {}  ({})", value.name, value.value, value.origin))?;
    }
    if !job.thresholds.is_empty() {
        ctx.ui.note(&format!("{:<12} {}", "thresholds", job.thresholds.join(", ")))?;
    }
    Ok(())
}

/// Where the load comes from, because a plane has another environment, and may be another machine.
async fn tell_place(ctx: &Ctl, args: &Args) -> Result<()> {
    let client = ctx.client().await?;
    let place = match &args.workers.workers {
        Some(_) => "workers".to_owned(),
        None if client.is_in_process() => "this process".to_owned(),
        None => format!("the plane at {}", client.name()),
    };
    ctx.ui.note(&format!("{:<12} {place}", "runs in"))
}

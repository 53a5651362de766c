//! `perf run`.

pub mod args;
pub(super) mod export;
mod follow;
mod law;
mod live;
pub mod plan;

use std::io::Read;

use schemars::JsonSchema;
use serde::Serialize;

use super::outcome;
use super::profile::find_profile;
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::base::exit;
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::follow::failure;
use crate::ctl::ui::{Column, Question, Rendered};
use crate::model::operation::OperationStatus;
use crate::model::performance::plan::Plan;
use crate::model::performance::profile::Profile;
use crate::model::performance::result::PerfResult;
use crate::perf::plan::{check, check_shares};
use crate::perf::smp;
use crate::perf::threshold::{Threshold, Verdict};
use crate::wire::rest::performance::{ProfileBody, RunRequest};

pub use args::Args;
use export::Export;
use plan::{Draft, Value};

/// What `--dry-run` shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Planned {
    /// The plan.
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
    Result(Box<outcome::Shown>),
    /// Plans.
    Planned(Vec<Planned>),
}

/// What is to be measured, settled.
struct Job {
    draft: Draft,
    profile: Option<Profile>,
    thresholds: Vec<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let exports = args.export.iter().map(|text| Export::parse(text)).collect::<Result<Vec<_>>>()?;
    exports.iter().try_for_each(Export::check)?;
    let jobs = jobs(ctx, &args).await?;
    if args.dry_run {
        return dry_run(ctx, &jobs).map(Into::into);
    }
    let several = jobs.len() > 1;
    let mut outcome = Outcome::GOOD;
    for job in jobs {
        let plan = job.draft.plan.clone();
        let measured = measure(ctx, &args, job).await?;
        let breached = conclude(ctx, &measured, &exports)?;
        match measured.error {
            // the breach is the answer to what was asked
            Some(error) if breached && error.code() == Code::PerfFailed => ctx.ui.warn(&error.to_string())?,
            Some(error) => return Err(error),
            None => {}
        }
        if breached {
            outcome = Outcome::verdict(exit::BREACHED);
        }
        if several {
            ctx.ui.note(&format!("`{}` is done.", plan.name))?;
        }
    }
    Ok(outcome)
}

/// The jobs of a command line: one, or one for each client of the file.
async fn jobs(ctx: &Ctl, args: &Args) -> Result<Vec<Job>> {
    let file = args.file.as_deref().map(|name| read_file(name).map(|text| (name.to_owned(), text))).transpose()?;
    let (profile, wanted) = profile(ctx, args).await?;
    let mut base = Draft::new();
    if let Some(profile) = &profile {
        base.profile(&profile.name, profile.plan.clone());
    }
    let mut drafts = vec![base.clone()];
    if let Some((name, text)) = &file {
        let test = smp::read(text, name)?;
        for warning in &test.warnings {
            ctx.ui.warn(warning)?;
        }
        let several = test.plans.len();
        if several > 1 {
            ctx.ui.note(&format!("{name} has {several} clients; they are run one after another"))?;
        }
        let plans = test.plans.into_iter().zip(&test.given);
        drafts = plans.map(|(plan, given)| with_file(&base, name, plan, given)).collect();
    }
    let from_profile = profile.as_ref().map(|profile| profile.thresholds.clone()).unwrap_or_default();
    let thresholds = if args.threshold.is_empty() { from_profile } else { args.threshold.clone() };
    thresholds.iter().try_for_each(|text| Threshold::parse(text).map(drop))?;
    if args.abort_on_fail && thresholds.is_empty() {
        return Err(Error::new(Code::UsageError, "--abort-on-fail has no threshold that could fail")
            .remedy("Add what the run has to hold, such as --threshold 'errors<1%', or leave --abort-on-fail away."));
    }
    for draft in &mut drafts {
        draft.flags(&args.plan)?;
        draft.settle(|plan| name(plan, profile.as_ref().map(|profile| profile.name.as_str()).or(wanted.as_deref())));
        check(&draft.plan)?;
        if let Some(workers) = &args.workers.workers {
            draft.share(workers);
            check_shares(&draft.plan, workers)?;
        }
    }
    let profile = match (profile, wanted.or_else(|| args.save_profile.clone())) {
        (None, Some(new)) if !args.dry_run => Some(save(ctx, &new, &drafts[0].plan, &thresholds).await?),
        (Some(known), Some(new)) if !args.dry_run && known.name != new => {
            Some(save(ctx, &new, &drafts[0].plan, &thresholds).await?)
        }
        (known, _) => known,
    };
    Ok(drafts
        .into_iter()
        .map(|draft| Job { draft, profile: profile.clone(), thresholds: thresholds.clone() })
        .collect())
}

fn with_file(base: &Draft, name: &str, plan: Plan, given: &[&str]) -> Draft {
    let mut draft = base.clone();
    draft.file(name, plan, given);
    draft
}

/// The profile that is named, or the name of one that is to be made, as scripts of earlier eras expect it.
async fn profile(ctx: &Ctl, args: &Args) -> Result<(Option<Profile>, Option<String>)> {
    let Some(named) = args.profile.as_deref().or(args.profile_flag.as_deref()) else { return Ok((None, None)) };
    match find_profile(ctx, named).await {
        Ok(found) => Ok((Some(found), None)),
        Err(error)
            if error.code() == Code::PerfProfileNotFound && (!args.plan.url.is_empty() || args.file.is_some()) =>
        {
            if args.dry_run {
                ctx.ui.warn(&format!("there is no profile `{named}`: the run would create it"))?;
            } else {
                let text = format!("There is no profile `{named}`. Create it?");
                ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
            }
            Ok((None, Some(named.to_owned())))
        }
        Err(error) => Err(error),
    }
}

fn read_file(name: &str) -> Result<String> {
    if name == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Error::new(Code::FileUnreadable, "standard input cannot be read").because(error))?;
        return Ok(text);
    }
    let path = std::path::Path::new(name);
    std::fs::read_to_string(path).map_err(|error| dirs::read_error(path, &error))
}

/// A test without a name is called after its profile, also one that is yet to be made, or after its target.
fn name(plan: &mut Plan, profile: Option<&str>) {
    if !plan.name.is_empty() {
        return;
    }
    plan.name = match (profile, plan.targets.first()) {
        (Some(profile), _) => profile.to_owned(),
        (None, Some(target)) => target.url.split_once("://").map_or(target.url.as_str(), |(_, rest)| rest).to_owned(),
        (None, None) => "test".to_owned(),
    };
}

async fn save(ctx: &Ctl, name: &str, plan: &Plan, thresholds: &[String]) -> Result<Profile> {
    let client = ctx.client().await?;
    let known = match client.perf_profile(name).await {
        Ok(known) => Some(known.id),
        Err(error) if error.code() == Code::PerfProfileNotFound => None,
        Err(error) => return Err(error),
    };
    let body = ProfileBody {
        id: known,
        name: name.to_owned(),
        plan: Some(plan.clone()),
        thresholds: Some(thresholds.to_vec()),
        ..ProfileBody::default()
    };
    let saved = client.save_perf_profile(&body).await?;
    ctx.ui.note(&format!("profile {} {}", saved.name, if known.is_some() { "changed" } else { "created" }))?;
    Ok(saved)
}

fn dry_run(ctx: &Ctl, jobs: &[Job]) -> Result<()> {
    let planned: Vec<Planned> = jobs
        .iter()
        .map(|job| Planned {
            plan: job.draft.plan.clone(),
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
    result: PerfResult,
    verdicts: Vec<Verdict>,
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
        prometheus: args.prometheus.clone(),
        metrics,
        workers,
        context: ctx.settings.kube_contexts().first().cloned(),
        kubeconfig: ctx.settings.kubeconfig().map(|path| path.display().to_string()),
    };
    let begun = client.begin_run(&request).await?;
    let (operation, stopped) = follow::follow(ctx, begun.operation_id, &plan).await?;
    let stored = client.perf_result(begun.result_id).await;
    let error = match (operation.status, stopped) {
        (OperationStatus::Cancelled, Some(stopped)) => {
            Some(stopped.remedy(format!("See it with `mesheryctl perf result view {}`.", begun.result_id)))
        }
        _ => failure(&operation, None),
    };
    let result = match (stored, error) {
        (Ok(stored), error) => (stored.result, error),
        // Why it failed says more than that there is no result.
        (Err(_), Some(error)) | (Err(error), None) => return Err(error),
    };
    let (result, error) = result;
    let verdicts = job
        .thresholds
        .iter()
        .map(|text| Threshold::parse(text).map(|threshold| threshold.judge(&result)))
        .collect::<Result<_>>()?;
    Ok(Measured { result, verdicts, error })
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

/// Shows the result and writes it where it is wanted; whether a threshold is breached.
fn conclude(ctx: &Ctl, measured: &Measured, exports: &[Export]) -> Result<bool> {
    let Measured { result, verdicts, .. } = measured;
    if result.requests.ended() > 0 || measured.error.is_none() {
        outcome::print(ctx, result, verdicts)?;
    }
    for export in exports {
        export.write(ctx, result, verdicts)?;
    }
    Ok(verdicts.iter().any(Verdict::is_breached))
}

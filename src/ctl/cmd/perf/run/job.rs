//! What is to be measured: the plans of a command line, settled, and the profile they belong to.

use std::io::Read;

use super::super::profile::find_profile;
use super::Args;
use super::plan::Draft;
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::Question;
use crate::model::performance::plan::Plan;
use crate::model::performance::profile::Profile;
use crate::model::performance::workers::Workers;
use crate::perf::plan::{check, check_shares};
use crate::perf::redact;
use crate::perf::smp::{self, SmpTest};
use crate::perf::threshold::Threshold;
use crate::wire::rest::performance::ProfileBody;

/// One measurement, settled.
pub(super) struct Job {
    pub(super) draft: Draft,
    pub(super) profile: Option<Profile>,
    pub(super) thresholds: Vec<String>,
    /// Whether it is one of several clients of a test file.
    pub(super) is_part: bool,
}

/// A test file.
pub(super) struct TestFile {
    name: String,
    pub(super) test: SmpTest,
}

/// Reads the test file, where one is named, and tells what is odd about it.
///
/// # Errors
/// It cannot be read or is none; its clients would have to share one profile.
pub(super) fn read_test(ctx: &Ctl, args: &Args) -> Result<Option<TestFile>> {
    let Some(name) = &args.file else { return Ok(None) };
    let test = smp::read(&read_file(name)?, name)?;
    for warning in &test.warnings {
        ctx.ui.warn(warning)?;
    }
    let in_cluster = matches!(args.workers.workers, Some(Workers::Kubernetes { .. }));
    if !in_cluster && test.plans.iter().any(|plan| plan.labels.contains_key(smp::INTERNAL)) {
        ctx.ui.warn(&format!(
            "{name}: a client is `internal`, and the load comes from outside of the cluster; --workers kubernetes makes it inside"
        ))?;
    }
    let clients = test.plans.len();
    if clients > 1 {
        if args.save_profile.is_some() {
            return Err(one_plan(name, clients, "leave --save-profile out"));
        }
        ctx.ui.note(&format!("{name} has {clients} clients; they are run one after another"))?;
    }
    Ok(Some(TestFile { name: name.clone(), test }))
}

fn one_plan(file: &str, clients: usize, otherwise: &str) -> Error {
    Error::new(Code::UsageError, format!("a profile keeps one plan, and {file} has {clients} clients"))
        .remedy(format!("Give each client a file and a profile of its own, or {otherwise}."))
}

/// The jobs of a command line: one, or one for each client of the file.
///
/// # Errors
/// What is wrong with the plan or its thresholds; a profile that there is not and that nobody wants.
pub(super) async fn settle(ctx: &Ctl, args: &Args, file: Option<&TestFile>) -> Result<Vec<Job>> {
    let (profile, wanted) = profile(ctx, args, file).await?;
    let thresholds = thresholds(args, profile.as_ref())?;
    let mut drafts = drafts(profile.as_ref(), file);
    let name = profile.as_ref().map(|profile| profile.name.as_str()).or(wanted.as_deref());
    for draft in &mut drafts {
        draft.flags(&args.plan)?;
        draft.settle(|plan| {
            if plan.name.is_empty() {
                plan.name = name.map_or_else(|| redact::name(plan), str::to_owned);
            }
        });
        draft.connect();
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
    let is_part = drafts.len() > 1;
    let job = |draft| Job { draft, profile: profile.clone(), thresholds: thresholds.clone(), is_part };
    Ok(drafts.into_iter().map(job).collect())
}

/// The file over the profile over the defaults, for each client.
fn drafts(profile: Option<&Profile>, file: Option<&TestFile>) -> Vec<Draft> {
    let mut base = Draft::new();
    if let Some(profile) = profile {
        base.profile(&profile.name, profile.plan.clone());
    }
    let Some(TestFile { name, test }) = file else { return vec![base] };
    let over = |(plan, given): (&Plan, &Vec<&'static str>)| {
        let mut draft = base.clone();
        draft.file(name, plan, given);
        draft
    };
    test.plans.iter().zip(&test.given).map(over).collect()
}

/// What the runs have to hold, by flags or else by the profile.
fn thresholds(args: &Args, profile: Option<&Profile>) -> Result<Vec<String>> {
    let from_profile = profile.map(|profile| profile.thresholds.clone()).unwrap_or_default();
    let thresholds = if args.threshold.is_empty() { from_profile } else { args.threshold.clone() };
    thresholds.iter().try_for_each(|text| Threshold::parse(text).map(drop))?;
    if args.abort_on_fail && thresholds.is_empty() {
        return Err(Error::new(Code::UsageError, "--abort-on-fail has no threshold that could fail")
            .remedy("Add what the run has to hold, such as --threshold 'errors<1%', or leave --abort-on-fail away."));
    }
    Ok(thresholds)
}

/// The profile that is named, or the name of one that is to be made, as scripts of earlier eras expect it.
async fn profile(ctx: &Ctl, args: &Args, file: Option<&TestFile>) -> Result<(Option<Profile>, Option<String>)> {
    let Some(named) = args.profile.as_deref().or(args.profile_flag.as_deref()) else { return Ok((None, None)) };
    match find_profile(ctx, named).await {
        Ok(found) => Ok((Some(found), None)),
        Err(error) if error.code() == Code::PerfProfileNotFound && (!args.plan.url.is_empty() || file.is_some()) => {
            if let Some(TestFile { name, test }) = file
                && test.plans.len() > 1
            {
                let otherwise = format!("leave `{named}`, which is no profile yet, out");
                return Err(one_plan(name, test.plans.len(), &otherwise));
            }
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

async fn save(ctx: &Ctl, name: &str, plan: &Plan, thresholds: &[String]) -> Result<Profile> {
    let client = ctx.client().await?;
    let known = match client.perf_profile(name).await {
        Ok(known) => {
            let text = format!("There is a profile `{name}`. Replace it, with its thresholds?");
            ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
            Some(known.id)
        }
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

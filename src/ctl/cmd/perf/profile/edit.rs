//! `perf profile edit`.

use super::super::run::args::PlanArgs;
use super::super::run::plan::Draft;
use super::{find_profile, view};
use crate::base::error::Result;
use crate::ctl::{Ctl, complete};
use crate::perf::plan::check;
use crate::perf::threshold::Threshold;
use crate::wire::rest::performance::ProfileBody;

/// Change values of a profile; what no flag names stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile edit shop --rate poisson:800 --duration 90s
  mesheryctl perf profile edit shop --rename cart")]
pub struct Args {
    /// Whole name of the profile, its id, or the beginning of it.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    profile: String,
    /// Its new name.
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    #[command(flatten)]
    plan: PlanArgs,
    /// What a run has to hold from now on; several values, repeatable. An empty one takes all away.
    #[arg(long, value_name = "LIMIT", num_args = 1.., help_heading = "Outcome")]
    threshold: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let profile = find_profile(ctx, &args.profile).await?;
    let mut draft = Draft::new();
    draft.profile(&profile.name, profile.plan.clone());
    draft.flags(&args.plan)?;
    check(&draft.plan)?;
    let given: Vec<String> = args.threshold.iter().filter(|text| !text.is_empty()).cloned().collect();
    given.iter().try_for_each(|text| Threshold::parse(text).map(drop))?;
    let thresholds = if args.threshold.is_empty() { profile.thresholds.clone() } else { given };
    let name = args.rename.unwrap_or_else(|| profile.name.clone());
    if (&name, &draft.plan, &thresholds) == (&profile.name, &profile.plan, &profile.thresholds) {
        return view::changed(ctx, &profile, "is as it was: no flag gives it another value");
    }
    let body = ProfileBody {
        id: Some(profile.id),
        name,
        plan: Some(draft.plan),
        thresholds: Some(thresholds),
        ..ProfileBody::default()
    };
    let saved = ctx.client().await?.save_perf_profile(&body).await?;
    view::changed(ctx, &saved, "changed")
}

//! `perf profile create`.

use super::super::run::args::PlanArgs;
use super::super::run::plan::Draft;
use super::view;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::perf::plan::check;
use crate::perf::threshold::Threshold;
use crate::wire::rest::performance::ProfileBody;

/// Keep a plan under a name.
///
/// Nothing is measured.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile create shop --url http://localhost:8080 --rate 500 --duration 30s
  mesheryctl perf profile create shop --url http://localhost:8080 --rate 500 --threshold 'p99<20ms'")]
pub struct Args {
    /// Name of the profile.
    #[arg(value_name = "PROFILE")]
    profile: String,
    #[command(flatten)]
    plan: PlanArgs,
    /// What a run has to hold, such as 'p99<20ms'; several values, repeatable.
    #[arg(long, value_name = "LIMIT", num_args = 1.., help_heading = "Outcome")]
    threshold: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let mut draft = Draft::new();
    draft.flags(&args.plan)?;
    check(&draft.plan)?;
    args.threshold.iter().try_for_each(|text| Threshold::parse(text).map(drop))?;
    let body = ProfileBody {
        name: args.profile,
        plan: Some(draft.plan),
        thresholds: Some(args.threshold),
        ..ProfileBody::default()
    };
    let saved = ctx.client().await?.save_perf_profile(&body).await?;
    view::changed(ctx, &saved, "created")
}

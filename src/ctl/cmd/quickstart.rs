//! `quickstart`: from nothing to an applied pattern, and back.

mod apply;
mod cleanup;
mod record;
mod show;
mod stage;

pub use cleanup::Cleaned;
pub use show::Facts;

use schemars::JsonSchema;

use crate::base::error::Result;
use crate::ctl::Ctl;

/// Name of the sample pattern.
const PATTERN: &str = "quickstart";
/// The sample pattern.
const SAMPLE: &str = include_str!("../../../fixtures/patterns/quickstart.yaml");

/// Start the plane, apply a sample pattern, and show what to type next.
///
/// The pattern goes to the cluster of --kube-context; without it, to the practice cluster, which is started when it does
/// not run. Everything is waited for. Running it again changes nothing and shows what is there. When something fails,
/// what this run applied and started is taken back. --cleanup deletes the pattern and stops what quickstart started,
/// and nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl quickstart
  mesheryctl quickstart --kube-context staging
  mesheryctl quickstart -o json
  mesheryctl quickstart --cleanup")]
pub struct Args {
    /// Delete the sample pattern and stop what quickstart started.
    #[arg(long)]
    cleanup: bool,
    /// Port of the plane, when it is to be started, instead of that of the context's endpoint; 0 takes a free one.
    #[arg(long, value_name = "PORT", conflicts_with = "cleanup")]
    port: Option<u16>,
}

/// What the verb shows.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
pub enum Shown {
    /// What is there now.
    Facts(Box<Facts>),
    /// With --cleanup.
    Cleaned(Cleaned),
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    // Ctrl-C ends the step that runs; what was started is then taken back like after any failure.
    let _guard = ctx.cancel.guard();
    if args.cleanup {
        return cleanup::run(ctx).await;
    }
    let mut stage = stage::Stage::new(ctx)?;
    match apply::run(ctx, &mut stage, args.port).await {
        Ok(facts) => show::print(ctx, &facts),
        Err(error) => Err(stage.take_back(error).await),
    }
}

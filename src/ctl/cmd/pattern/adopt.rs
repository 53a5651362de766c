//! `pattern adopt`.

use super::target::{self, TargetArgs, Verb};
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::follow::FollowArgs;
use crate::wire::rest::DeployRequest;

/// Take objects that are there already into a pattern, without changing what they are.
///
/// Every object of the pattern that exists gets the pattern's marks (one label, two annotations) and belongs to it from
/// then on: `pattern plan` shows what an apply would change, `pattern delete` deletes it. Nothing is created. An object of
/// another pattern is taken over with --force-conflicts only.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern adopt -f shop.yaml
  mesheryctl pattern adopt -f shop.yaml --kube-context staging
  mesheryctl pattern adopt shop --force-conflicts")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Take over objects of other patterns too.
    #[arg(long)]
    force_conflicts: bool,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    args.follow.settle(ctx)?;
    let common = DeployRequest {
        adopt: true,
        force_conflicts: args.force_conflicts,
        save: true,
        ..args.target.request(ctx).await?
    };
    let requests = args.target.requests(ctx, "adopt", common).await?;
    target::carry_out(ctx, Verb::Adopt, requests).await
}

//! `pattern rollback`.

use super::carry::CarryArgs;
use super::target::{self, Verb};
use super::view;
use crate::base::error::Result;
use crate::ctl::follow::FollowArgs;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::DeployRequest;

/// Apply an earlier revision of a pattern again: its objects, in order, and nothing else.
///
/// Without a number, the last good revision before the newest. What the newest brought and the earlier one does not have
/// is deleted. A rollback is a revision of its own, so that it can be rolled back too. The stored pattern stays as it
/// is.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern history shop
  mesheryctl pattern rollback shop
  mesheryctl pattern rollback shop 3 --wait")]
pub struct Args {
    /// Name, id, or beginning of an id that only one pattern has.
    #[arg(value_name = "PATTERN", add = complete::patterns())]
    pattern: String,
    /// Number of the revision, as `pattern history` shows it.
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
    #[command(flatten)]
    carry: CarryArgs,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    args.follow.settle(ctx)?;
    let pattern = view::resolve(ctx, &args.pattern).await?;
    let request = DeployRequest {
        pattern_id: Some(pattern),
        revision: Some(args.revision.unwrap_or_default()),
        ..args.carry.put(target::common(ctx))
    };
    target::carry_out(ctx, Verb::Rollback, vec![request]).await
}

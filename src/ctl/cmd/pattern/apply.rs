//! `pattern apply`.

use super::carry::CarryArgs;
use super::dry_run;
use super::target::{self, TargetArgs, Verb};
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::follow::FollowArgs;
use crate::wire::rest::DeployRequest;

/// Apply patterns: every object in order, idempotent, with a result of its own.
///
/// Objects are applied by server-side apply in the order of `dependsOn`, namespaces and CRDs before what needs them.
/// A second apply writes nothing and says `unchanged`. Objects that left the pattern are deleted once the rest is
/// applied; the annotation `pattern.meshery.io/keep: "true"` spares one. When some objects fail, those that depend on
/// them are withheld, the others are applied, and the exit code is 7; with --wait it is 6 when something is not ready
/// in time, and the message names what keeps it.
///
/// On a terminal every service has a line with its state, its age and what it waits for; elsewhere each state is a line
/// of stderr. With -o jsonl each result is a line of stdout as soon as it is reached; with --events as well, each event
/// is, and the last one holds the operation (`mesheryctl schema event`).
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern apply -f shop.yaml
  mesheryctl pattern apply -f shop.yaml --wait --timeout 2m
  mesheryctl pattern apply -f shop.yaml --atomic
  mesheryctl pattern apply -f shop.yaml --dry-run
  mesheryctl pattern apply -f base/ -R --kube-context staging,prod
  cat shop.yaml | mesheryctl pattern apply -f - -o json
  mesheryctl pattern apply shop cart")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Do not store the pattern.
    #[arg(long)]
    skip_save: bool,
    #[command(flatten)]
    carry: CarryArgs,
    /// Only show what would happen; without a value, `server`.
    #[arg(long, value_name = "WHERE", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "server")]
    dry_run: Option<dry_run::Where>,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    args.follow.settle(ctx)?;
    let common = DeployRequest { save: !args.skip_save, ..args.carry.put(args.target.request(ctx).await?) };
    let requests = args.target.requests(ctx, "apply", common).await?;
    match args.dry_run {
        Some(place) => dry_run::run(ctx, place, requests).await,
        None => target::carry_out(ctx, Verb::Apply, requests).await,
    }
}

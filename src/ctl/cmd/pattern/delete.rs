//! `pattern delete`.

use super::target::{self, Target, TargetArgs, Verb};
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Question;
use crate::wire::rest::DeployRequest;

/// Delete what a pattern applied, in reverse order, exactly those objects, and the stored pattern.
///
/// A name asks for consent; a file is consent enough. Objects that others made since under the same name stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern delete -f shop.yaml
  mesheryctl pattern delete shop --yes
  mesheryctl pattern delete shop --yes --keep-stored --kube-context staging")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Delete in the cluster only; the stored pattern stays.
    #[arg(long)]
    keep_stored: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let common = DeployRequest { save: !args.keep_stored, ..args.target.request(ctx) };
    let requests = match args.target.target(ctx, "delete").await? {
        Target::Known(name) => {
            let name = super::view::resolve(ctx, &name).await?;
            let text = format!("Delete everything that pattern `{name}` applied?");
            ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
            vec![DeployRequest { pattern_id: Some(name), ..common }]
        }
        // Files were applied in order; what a later one needs of an earlier one goes last.
        Target::Files(files) => files.into_iter().rev().map(|file| target::of_file(file, &common)).collect(),
    };
    target::carry_out(ctx, Verb::Delete, requests).await
}

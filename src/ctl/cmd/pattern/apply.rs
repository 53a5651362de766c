//! `pattern apply`.

use super::target::{self, Target, TargetArgs, Verb};
use super::view;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::wire::rest::DeployRequest;

/// Apply patterns: every object in order, idempotent, with a result of its own.
///
/// Objects are applied by server-side apply in the order of `dependsOn`, namespaces and CRDs before what needs them.
/// A second apply writes nothing and says `unchanged`. When some objects fail, those that depend on them are withheld,
/// the others are applied, and the exit code is 7.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern apply -f shop.yaml
  mesheryctl pattern apply -f base/ -R --kube-context staging
  cat shop.yaml | mesheryctl pattern apply -f - -o json
  mesheryctl pattern apply shop cart")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Do not store the pattern.
    #[arg(long)]
    skip_save: bool,
    /// Take over fields and objects that others own.
    #[arg(long)]
    force_conflicts: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let common = DeployRequest { force_conflicts: args.force_conflicts, ..args.target.request(ctx).await? };
    let requests = match args.target.target(ctx, "apply").await? {
        Target::Known(words) => {
            let records = view::each(&words, async |wanted: &str| view::find(ctx, wanted).await).await?;
            let of = |id: String| DeployRequest { pattern_id: Some(id), ..common.clone() };
            records.into_iter().map(|record| of(record.id.to_string())).collect()
        }
        Target::Files(files) => {
            let common = DeployRequest { save: !args.skip_save, ..common };
            files.into_iter().map(|file| file.into_request(&common)).collect()
        }
    };
    target::carry_out(ctx, Verb::Apply, requests).await
}

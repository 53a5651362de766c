//! `pattern apply`.

use super::carry::CarryArgs;
use super::target::{self, Target, TargetArgs, Verb};
use super::view;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::wire::rest::DeployRequest;

/// Apply patterns: every object in order, idempotent, with a result of its own.
///
/// Objects are applied by server-side apply in the order of `dependsOn`, namespaces and CRDs before what needs them.
/// A second apply writes nothing and says `unchanged`. Objects that left the pattern are deleted once the rest is
/// applied; the annotation `pattern.meshery.io/keep: "true"` spares one. When some objects fail, those that depend on
/// them are withheld, the others are applied, and the exit code is 7; with --wait it is 6 when something is not ready
/// in time, and the message names what keeps it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern apply -f shop.yaml
  mesheryctl pattern apply -f shop.yaml --wait --timeout 2m
  mesheryctl pattern apply -f shop.yaml --atomic
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
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let common = args.carry.put(args.target.request(ctx));
    let requests = match args.target.target(ctx, "apply").await? {
        Target::Known(words) => {
            let records = view::each(&words, async |wanted: &str| view::find(ctx, wanted).await).await?;
            let of = |id: String| DeployRequest { pattern_id: Some(id), ..common.clone() };
            records.into_iter().map(|record| of(record.id.to_string())).collect()
        }
        Target::Files(files) => {
            let common = DeployRequest { save: !args.skip_save, ..common };
            files.into_iter().map(|file| target::of_file(file, &common)).collect()
        }
    };
    target::carry_out(ctx, Verb::Apply, requests).await
}

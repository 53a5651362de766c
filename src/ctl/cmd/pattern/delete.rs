//! `pattern delete`.

use super::objects;
use crate::base::error::Result;
use crate::ctl::source::SourceArgs;
use crate::ctl::ui::Question;
use crate::ctl::{Ctl, complete, follow};
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
    source: SourceArgs,
    /// A stored or applied pattern, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", num_args = 0.., add = complete::patterns())]
    pattern: Vec<String>,
    /// Namespace for services that name none, as it was given to apply.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
    /// Delete in the cluster only; the stored pattern stays.
    #[arg(long)]
    keep_stored: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let requests = requests(ctx, &args).await?;
    let mut ended = Vec::with_capacity(requests.len());
    for request in requests {
        let accepted = ctx.client().await?.undeploy(&request).await?;
        let outcome = follow::follow(ctx, accepted.operation_id).await?;
        let stopped = outcome.1.is_some();
        ended.push(outcome);
        if stopped {
            break;
        }
    }
    objects::show(ctx, ended)
}

async fn requests(ctx: &Ctl, args: &Args) -> Result<Vec<DeployRequest>> {
    let base = DeployRequest {
        namespace: args.namespace.clone().or_else(|| ctx.settings.namespace().map(str::to_owned)),
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        save: !args.keep_stored,
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    };
    match (args.pattern.is_empty(), args.source.files.is_empty()) {
        (true, true) => Err(super::apply::nothing("delete")),
        (false, false) => Err(super::apply::both()),
        (false, true) => {
            let name = super::view::resolve(ctx, &args.pattern.join(" ")).await?;
            ctx.ui.confirm(Question {
                text: &format!("Delete everything that pattern `{name}` applied?"),
                flag: "--yes",
            })?;
            Ok(vec![DeployRequest { pattern_id: Some(name), ..base }])
        }
        (true, false) => {
            let mut loaded = args.source.load(ctx).await?;
            super::apply::check(&loaded)?;
            // Files were applied in order; what a later one needs of an earlier one goes last.
            loaded.reverse();
            let of = |source: crate::ctl::source::Loaded| DeployRequest {
                pattern_file: Some(source.text),
                source_name: Some(source.name),
                ..base.clone()
            };
            Ok(loaded.into_iter().map(of).collect())
        }
    }
}

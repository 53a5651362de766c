//! `app offboard`.

use super::{onboard, view};
use crate::base::error::Result;
use crate::ctl::cmd::pattern::import::{self, gather::GatherArgs};
use crate::ctl::cmd::pattern::target::{self, Verb};
use crate::ctl::ui::Question;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::DeployRequest;

/// Delete what an application applied, exactly those objects, and the stored application.
///
/// A name asks for consent; a source is consent enough.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl app offboard shop --yes
  mesheryctl app offboard -f compose.yaml
  mesheryctl app offboard shop --yes --keep-stored --kube-context staging")]
pub struct Args {
    /// Stored applications, by name or id, instead of -f.
    #[arg(value_name = "APP", num_args = 0.., conflicts_with = "files", add = complete::patterns())]
    app: Vec<String>,
    #[command(flatten)]
    gather: GatherArgs,
    /// Delete in the cluster only; the stored application stays.
    #[arg(long)]
    keep_stored: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let common = DeployRequest { save: !args.keep_stored, ..onboard::request(ctx, &args.gather) };
    let requests = if args.app.is_empty() {
        if args.gather.files.is_empty() {
            return Err(onboard::nothing("offboard"));
        }
        let reply = import::pattern(ctx, &args.gather, None).await?;
        vec![onboard::of_import(reply, &common)]
    } else {
        let records = view::find_all(ctx, &args.app).await?;
        if !ctx.ui.says_yes() {
            let names: Vec<String> = records.iter().map(|record| format!("`{}`", record.name)).collect();
            let noun = if names.len() == 1 { "application" } else { "applications" };
            let text = format!("Delete everything that {noun} {} applied?", names.join(", "));
            ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
        }
        records.into_iter().map(|record| DeployRequest { pattern_id: Some(record.name), ..common.clone() }).collect()
    };
    target::carry_out(ctx, Verb::Delete, requests).await
}

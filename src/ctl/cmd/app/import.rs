//! `app import`.

use super::MARK;
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::cmd::pattern::import::{self, gather::GatherArgs};
use crate::ctl::ui::Rendered;

/// Store an application made of manifests, a chart, a Compose file or a pattern, without applying it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl app import -f manifests/ --name shop
  mesheryctl app import -f compose.yaml -s \"Docker Compose\"
  mesheryctl app import -f ./chart -s \"Helm Chart\" -o name")]
pub struct Args {
    #[command(flatten)]
    gather: GatherArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let mut reply = import::pattern(ctx, &args.gather, None).await?;
    let id = import::save(ctx, &reply, &[MARK]).await?;
    reply.id = Some(id);
    let line = format!("application {} with {} stored as {id}", reply.name, text::count(reply.services, "service"));
    ctx.ui.print(&Rendered::one(&reply, line)?.names([reply.name.clone()]))
}

//! `adapter list`.

use crate::base::Result;
use crate::ctl::Ctl;

/// List the adapters that the plane knows, each with its state.
///
/// They are those that ADAPTER_URLS of the server names and those that were added. An answer a few seconds old counts;
/// `mesheryctl adapter ping` asks anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl adapter list\n  mesheryctl adapter list -o wide")]
pub struct Args {}

pub(crate) async fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let adapters = ctx.client().await?.adapters().await?;
    ctx.ui.print(&super::rows(&adapters)?)
}

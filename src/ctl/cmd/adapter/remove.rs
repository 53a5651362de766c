//! `adapter remove`.

use crate::base::Result;
use crate::ctl::cmd::change::Change;
use crate::ctl::{Ctl, complete};

/// Let the plane forget an adapter; the adapter itself runs on, and so does what it manages.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl adapter remove localhost:10000")]
pub struct Args {
    /// Address or name of the adapter.
    #[arg(value_name = "NAME", add = complete::adapters())]
    pub name: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    ctx.client().await?.remove_adapter(&args.name).await?;
    Change::new("adapter", &args.name, "removed").print(ctx)
}

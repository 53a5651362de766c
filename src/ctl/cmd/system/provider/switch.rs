//! `system provider switch`.

use super::set;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::system::restart;
use crate::ctl::complete;

/// Set the provider of a context, and restart its plane.
///
/// The restarted plane reads PROVIDER_BASE_URLS and PROVIDER anew. What it stores, and sessions at providers, stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider switch None
  mesheryctl system provider switch Team --force")]
pub struct Args {
    /// Name of the provider; None is the local one.
    #[arg(value_name = "NAME", add = complete::providers())]
    name: String,
    /// Do not ask the plane whether it offers the provider.
    #[arg(short = 'f', long)]
    force: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let (name, context) = set::set(ctx, &args.name, args.force).await?;
    ctx.ui.note(&format!("Context {context} has the provider {name} now."))?;
    restart::run(ctx, &restart::Args::default()).await
}

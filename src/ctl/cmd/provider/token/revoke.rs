//! `provider token revoke`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::provider::{DataArgs, desk};

/// End a session or token at once.
///
/// Planes refuse it as soon as they ask again, which they do every 30 seconds unless they were told otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider token revoke 3f2b91c0")]
pub struct Args {
    /// Id of the session, or the beginning of it.
    #[arg(value_name = "ID")]
    id: String,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let session = desk(ctx, &args.data).await?.revoke(args.id).await?;
    Change::new("token", &session.id.to_string(), "revoked").value(format!("it was of {}", session.user)).print(ctx)
}

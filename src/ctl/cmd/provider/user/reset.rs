//! `provider user reset`.

use super::Made;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::cmd::secret;

/// Give a user a new one-time code instead of their password, and end their sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider user reset ada
  mesheryctl provider user reset bot --password-stdin < password")]
pub struct Args {
    /// Name of the user.
    #[arg(value_name = "NAME")]
    name: String,
    /// Read a password from standard input, one line, instead of making a one-time code.
    #[arg(long)]
    password_stdin: bool,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let password = args.password_stdin.then(|| secret::from_stdin(ctx, "password")).transpose()?;
    let made = desk(ctx, &args.data).await?.reset(args.name, password).await?;
    Made::print(ctx, "reset; its sessions have ended", made)
}

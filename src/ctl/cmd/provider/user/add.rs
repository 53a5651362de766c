//! `provider user add`.

use super::Made;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::cmd::secret;
use crate::model::account::NewAccount;

/// Add a user.
///
/// Without a password, a one-time code is printed: the user logs in with it and chooses a password that nobody else
/// knows. The code holds for three days.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider user add ada --first-name Ada --last-name Lovelace --email ada@example.org
  mesheryctl provider user add bot --password-stdin < password")]
pub struct Args {
    /// Name to log in with.
    #[arg(value_name = "NAME")]
    name: String,
    /// Read a password from standard input, one line, instead of making a one-time code.
    #[arg(long)]
    password_stdin: bool,
    /// First name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    first_name: String,
    /// Last name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    last_name: String,
    /// Mail address.
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    email: String,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let password = args.password_stdin.then(|| secret::from_stdin(ctx, "password")).transpose()?;
    let new = NewAccount { name: args.name, first_name: args.first_name, last_name: args.last_name, email: args.email };
    let made = desk(ctx, &args.data).await?.add(new, password).await?;
    Made::print(ctx, "added", made)
}

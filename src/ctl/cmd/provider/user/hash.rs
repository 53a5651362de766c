//! `provider user hash`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::cmd::secret;
use crate::ctl::ui::Rendered;

/// Print the hash of a password, for the file of `serve provider --users`.
///
/// The password is read from standard input, one line.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider user hash < password")]
pub struct Args {
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

/// A hash.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    /// Argon2id, in PHC form.
    pub password_hash: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let password = secret::from_stdin(ctx, "password")?;
    let view = View { password_hash: desk(ctx, &args.data).await?.hash(password).await? };
    ctx.ui.print(&Rendered::one(&view, view.password_hash.clone())?.names([view.password_hash.clone()]))
}

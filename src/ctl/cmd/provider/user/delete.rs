//! `provider user delete`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::ui::Question;

/// Delete a user with all they keep at the provider; their sessions end.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider user delete ada
  mesheryctl provider user delete ada --yes")]
pub struct Args {
    /// Name of the user.
    #[arg(value_name = "NAME")]
    name: String,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let text = format!("Delete user `{}` and everything they keep at this provider?", args.name);
    ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
    let user = desk(ctx, &args.data).await?.delete(args.name).await?;
    Change::new("user", &user.name, "deleted").print(ctx)
}

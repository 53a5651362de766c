//! `provider token list`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::ui::{Column, Rendered};
use crate::model::account::AccountSession;

/// List sessions and tokens that have not ended; never the tokens themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider token list
  mesheryctl provider token list ada -o wide")]
pub struct Args {
    /// Only those of this user.
    #[arg(value_name = "USER")]
    user: Option<String>,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let rows = desk(ctx, &args.data).await?.tokens(args.user).await?;
    let columns = [
        Column::new("ID", |session: &AccountSession| session.id.to_string()[..8].to_owned()),
        Column::new("USER", |session: &AccountSession| session.user.clone()),
        Column::new("PURPOSE", |session: &AccountSession| session.purpose.clone()),
        Column::new("ENDS", |session: &AccountSession| session.expires_at.to_string()),
        Column::wide("BEGAN", |session: &AccountSession| session.created_at.to_string()),
        Column::wide("LAST USED", |session: &AccountSession| {
            session.last_used.map_or_else(|| "-".to_owned(), |time| time.to_string())
        }),
    ];
    let names: Vec<String> = rows.iter().map(|session| session.id.to_string()).collect();
    ctx.ui.print(&Rendered::list("tokens", &rows, &columns)?.names(names))
}

//! `provider user list`.

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk};
use crate::ctl::ui::{Column, Rendered};
use crate::model::account::Account;

/// List the users of a provider of this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider user list
  mesheryctl provider user list -o wide")]
pub struct Args {
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let rows = desk(ctx, &args.data).await?.list().await?;
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let columns = [
        Column::new("NAME", |user: &Account| user.name.clone()),
        Column::new("STATE", |user: &Account| user.state.word().to_owned()),
        Column::new("FULL NAME", |user: &Account| format!("{} {}", user.first_name, user.last_name).trim().to_owned()),
        Column::new("LAST LOGIN", |user: &Account| time(user.last_login)),
        Column::wide("EMAIL", |user: &Account| user.email.clone()),
        Column::wide("FROM FILE", |user: &Account| if user.from_file { "yes" } else { "no" }.to_owned()),
        Column::wide("CREATED", |user: &Account| user.created_at.to_string()),
    ];
    let names: Vec<String> = rows.iter().map(|user| user.name.clone()).collect();
    ctx.ui.print(&Rendered::list("users", &rows, &columns)?.names(names))
}

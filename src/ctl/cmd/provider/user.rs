//! `provider user`.

pub mod add;
pub mod delete;
pub mod hash;
pub mod list;
pub mod reset;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, OneTimeCode};
use crate::model::account::Account;

/// Users.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl provider user add ada --first-name Ada
  mesheryctl provider user list"
)]
pub enum Command {
    #[command(about = "Add a user, who chooses a password with a one-time code")]
    Add(add::Args),
    Delete(delete::Args),
    Hash(hash::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Reset(reset::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Add(args) => add::run(ctx, args).await,
            Command::Delete(args) => delete::run(ctx, args).await,
            Command::Hash(args) => hash::run(ctx, &args).await,
            Command::List(args) => list::run(ctx, &args).await,
            Command::Reset(args) => reset::run(ctx, args).await,
        }
    }
}

/// A user that was made or reset.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The user.
    pub user: Account,
    /// The one-time code, where no password was given; it is shown here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When the code ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_expires_at: Option<Timestamp>,
}

impl Made {
    fn print(ctx: &Ctl, done: &str, (user, code): (Account, Option<OneTimeCode>)) -> Result<()> {
        let (code, code_expires_at) = match code {
            Some(made) => (Some(made.code), Some(made.expires_at)),
            None => (None, None),
        };
        let name = &user.name;
        let text = match (&code, code_expires_at) {
            (Some(code), Some(end)) => {
                format!("user {name} {done}\none-time code: {code}\nvalid until: {end}")
            }
            _ => format!("user {name} {done}"),
        };
        if code.is_some() {
            ctx.ui.note("The one-time code is shown once. With it, the user logs in and chooses a password.")?;
        }
        let made = Self { user, code, code_expires_at };
        ctx.ui.print(&Rendered::one(&made, text)?.names([made.user.name.clone()]))
    }
}

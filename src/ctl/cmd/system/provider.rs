//! `system provider`.

pub mod list;
mod reset;
mod set;
mod switch;
pub mod view;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;

/// Providers: who knows the user and keeps what is theirs.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system provider list
  mesheryctl system provider set None"
)]
pub enum Command {
    #[command(visible_alias = "ls")]
    List(list::Args),
    Reset(reset::Args),
    Set(set::Args),
    Switch(switch::Args),
    #[command(about = "Show the provider of a context, and who is logged in")]
    View(view::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::List(args) => list::run(ctx, &args).await,
            Command::Reset(args) => reset::run(ctx, &args),
            Command::Set(args) => set::run(ctx, &args).await,
            Command::Switch(args) => switch::run(ctx, &args).await,
            Command::View(args) => view::run(ctx, &args).await,
        }
    }
}

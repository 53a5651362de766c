//! `system token`.

mod create;
mod delete;
pub mod list;
mod set;
pub mod view;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;

/// Token entries.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system token create ci --filepath /run/secrets/auth.json --set
  mesheryctl system token list"
)]
pub enum Command {
    Create(create::Args),
    Delete(delete::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Set(set::Args),
    View(view::Args),
}

impl Command {
    pub(crate) fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Create(args) => create::run(ctx, args),
            Command::Delete(args) => delete::run(ctx, &args),
            Command::List(args) => list::run(ctx, &args),
            Command::Set(args) => set::run(ctx, &args),
            Command::View(args) => view::run(ctx, &args),
        }
    }
}

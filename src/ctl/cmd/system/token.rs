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
    /// Add a token entry: a name for a token file.
    Create(create::Args),
    /// Remove a token entry; the token file stays.
    Delete(delete::Args),
    /// List the token entries.
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Give a context a token entry.
    Set(set::Args),
    /// Show a token entry and whether its file can be used; never the token itself.
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

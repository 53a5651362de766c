//! `provider token`.

pub mod create;
pub mod list;
pub mod revoke;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;

/// Tokens.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl provider token create ada --purpose ci --out ci.json
  mesheryctl provider token list"
)]
pub enum Command {
    Create(create::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Revoke(revoke::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Create(args) => create::run(ctx, args).await,
            Command::List(args) => list::run(ctx, args).await,
            Command::Revoke(args) => revoke::run(ctx, args).await,
        }
    }
}

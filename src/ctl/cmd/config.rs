//! `config`: the settled settings.

pub mod view;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;

/// Settings.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl config view --origin"
)]
pub enum Command {
    View(view::Args),
}

impl Command {
    pub(crate) fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::View(args) => view::run(ctx, &args),
        }
    }
}

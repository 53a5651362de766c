//! `perf schedule`: profiles that run at their time.

pub mod create;
pub mod delete;
pub mod list;
pub mod pause;

use clap::Subcommand;

use crate::base::error::Result;
use crate::ctl::Ctl;

/// Run profiles at their time. The plane's server does it: `mesheryctl system start` keeps one running.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl perf schedule create shop --cron '0 3 * * *' --time-zone Europe/Berlin
  mesheryctl perf schedule list
  mesheryctl perf schedule delete nightly --yes"
)]
pub enum Command {
    Create(create::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Pause(pause::Args),
    /// Turn a schedule on again.
    Resume(pause::ResumeArgs),
    Delete(delete::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Create(args) => create::run(ctx, args).await,
            Command::List(args) => list::run(ctx, &args).await,
            Command::Pause(args) => pause::set(ctx, &args.schedule, true).await,
            Command::Resume(args) => pause::set(ctx, &args.schedule, false).await,
            Command::Delete(args) => delete::run(ctx, &args).await,
        }
    }
}

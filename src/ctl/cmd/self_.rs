//! `self`: this program itself.

mod feed;
mod refresh;
pub mod rollback;
pub mod status;
pub mod uninstall;
pub mod update;

use clap::Subcommand;

use super::Outcome;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::release::Installed;

pub(in crate::ctl) use feed::own_channel;

/// This program: its version, updates and removal.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl self status
  mesheryctl self update
  mesheryctl self rollback"
)]
pub enum Command {
    Status(status::Args),
    #[command(about = "Replace this program by another release")]
    Update(update::Args),
    #[command(about = "Put back the program that the last update replaced")]
    Rollback(rollback::Args),
    #[command(about = "Remove this program and what belongs to it")]
    Uninstall(uninstall::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Status(args) => status::run(ctx, &args).await,
            Command::Update(args) => update::run(ctx, &args).await,
            Command::Rollback(args) => rollback::run(ctx, &args).await,
            Command::Uninstall(args) => uninstall::run(ctx, &args).await,
        }
        .map(Into::into)
    }
}

/// Version of this program.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Warns when the shell starts another program under this name.
fn warn_of_others(ctx: &Ctl, here: &Installed) -> Result<()> {
    match here.shadowed_by() {
        Some(other) => ctx.ui.warn(&format!(
            "PATH finds {} first, not {}; put {} before it in PATH, or remove the other",
            other.display(),
            here.path().display(),
            here.folder().display()
        )),
        None => Ok(()),
    }
}

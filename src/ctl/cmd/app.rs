//! `app`: applications. An application is a pattern that was made of something else, and is stored as one.

pub mod import;
pub mod list;
pub mod offboard;
pub mod onboard;
pub mod view;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::model::pattern::PatternRecord;

/// Import, apply, inspect and delete applications: patterns made of manifests, charts and Compose files.
#[derive(Debug, Subcommand)]
#[command(after_help = "EXAMPLES:
  mesheryctl app onboard -f compose.yaml
  mesheryctl app list
  mesheryctl app offboard shop --yes")]
pub enum Command {
    #[command(visible_alias = "apply", about = "Import an application and apply it")]
    Onboard(onboard::Args),
    #[command(visible_alias = "delete", about = "Delete what an application applied")]
    Offboard(offboard::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    Import(import::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Onboard(args) => onboard::run(ctx, args).await,
            Command::Offboard(args) => offboard::run(ctx, args).await,
            Command::List(args) => list::run(ctx, args).await,
            Command::View(args) => view::run(ctx, args).await,
            Command::Import(args) => import::run(ctx, args).await,
        }
    }
}

/// What marks a stored pattern as an application.
const MARK: (&str, &str) = (PatternRecord::STANDS_FOR, PatternRecord::APPLICATION);

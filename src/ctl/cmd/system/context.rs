//! `system context`.

mod create;
mod delete;
pub mod list;
mod switch;
pub mod view;

use clap::Subcommand;

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;

/// Contexts.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system context create staging --url https://meshery.example.org --platform kubernetes
  mesheryctl system context switch staging
  mesheryctl system context view --all"
)]
pub enum Command {
    Create(create::Args),
    Delete(delete::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    #[command(visible_alias = "use")]
    Switch(switch::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Create(args) => create::run(ctx, args),
            Command::Delete(args) => delete::run(ctx, &args).await,
            Command::List(args) => list::run(ctx, &args),
            Command::View(args) => view::run(ctx, &args),
            Command::Switch(args) => switch::run(ctx, &args).await,
        }
    }
}

/// A name that can stand in a file, a table and a command line without quotes. Names in older files may be others.
pub(in crate::ctl::cmd) fn check_name(kind: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let foreign = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    let fits = |c: char| plain(c) || foreign(c);
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::new(Code::UsageError, format!("`{}` cannot be the name of a {kind}", name.escape_debug()))
        .remedy("Use letters, digits, `.`, `_` and `-`."))
}

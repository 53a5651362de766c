//! `self rollback`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::{OWN, refresh, warn_of_others};
use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::release::install::Change;
use crate::release::owner::{self, Act};
use crate::release::{Installed, probe};

/// Put back the program that the last update replaced. The one in place now is kept in its stead, so that a second rollback
/// goes forward again.
///
/// Should the program in place not run at all, rename `mesheryctl.previous` beside it to `mesheryctl`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl self rollback --dry-run\n  mesheryctl self rollback")]
pub struct Args {
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was done or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// How it went.
    pub outcome: Outcome,
    /// Version that was in place.
    pub from: String,
    /// Version that comes back.
    pub to: String,
    /// The program's file.
    pub path: PathBuf,
    /// Where the other version is kept.
    pub previous: PathBuf,
}

/// How a rollback went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It can be done; --dry-run was given.
    Available,
    /// The version before is in place.
    RolledBack,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let here = Installed::here()?;
    if let Some(owner) = owner::of(here.path()).await {
        return Err(owner.refusal(here.path(), Act::Rollback));
    }
    if args.dry_run {
        here.check_writable()?;
        let to = kept(&here).await?;
        return print(ctx, &here, Outcome::Available, to);
    }
    let change = Change::begin(here.clone())?;
    let to = kept(&here).await?;
    change.swap(&here.previous())?;
    refresh::files(ctx, &here).await?;
    print(ctx, &here, Outcome::RolledBack, to)
}

/// The version of the predecessor, which is run once before anything relies on it.
async fn kept(here: &Installed) -> Result<String> {
    let previous = here.previous();
    if !previous.exists() {
        return Err(Error::new(Code::SelfPrevious, format!("there is no {}", previous.display())));
    }
    probe::version_of(&previous).await
}

fn print(ctx: &Ctl, here: &Installed, outcome: Outcome, to: String) -> Result<()> {
    let (path, previous) = (here.path().to_owned(), here.previous());
    let text = match outcome {
        Outcome::Available => format!("would put back mesheryctl {to} in place of {OWN} in {}", path.display()),
        Outcome::RolledBack => format!(
            "mesheryctl {to} is back in {}\nversion {OWN} is kept: another `mesheryctl self rollback` brings it back",
            path.display()
        ),
    };
    let view = View { outcome, from: OWN.to_owned(), to, path, previous };
    ctx.ui.print(&Rendered::one(&view, text)?.names([view.to.clone()]))?;
    warn_of_others(ctx, here)
}

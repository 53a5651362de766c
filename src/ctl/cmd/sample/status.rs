//! `sample status`.

use super::View;
use crate::base::error::Kind;
use crate::base::{Result, dirs, exit};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;

/// Show whether the practice cluster runs, and where.
///
/// The exit code is 0 when it runs and 3 when it does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl sample status\n  mesheryctl sample status -o json")]
pub struct Args {}

pub(crate) fn run(ctx: &Ctl, _args: &Args) -> Result<Outcome> {
    let home = ctx.settings.home()?;
    if let Some(running) = process::find(Role::Sample, &home)? {
        View::of(&running, dirs::practice_kubeconfig(&home)).print(ctx)?;
        return Ok(Outcome::GOOD);
    }
    View::stopped().print(ctx)?;
    Ok(Outcome::verdict(exit::code(Kind::Unreachable)))
}

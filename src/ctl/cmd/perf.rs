//! `perf`: what a mesh costs, and whether a service holds what it has to.

pub mod selftest;

use clap::Subcommand;

use super::Outcome;
use crate::base::Result;
use crate::ctl::Ctl;

/// Measure services and meshes; keep profiles, results and schedules.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl perf selftest"
)]
pub enum Command {
    /// Measure servers of known delay, and report the generator's own error.
    Selftest(selftest::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Selftest(args) => selftest::run(ctx, args).await,
        }
    }

    /// Whether it needs neither config file nor plane.
    pub(super) fn is_offline(&self) -> bool {
        matches!(self, Command::Selftest(_))
    }
}

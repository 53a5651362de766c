//! `perf`: measurements of performance and their results.

pub mod compare;
pub mod convert;
pub mod meshmark;
mod results;
pub mod show;

use clap::Subcommand;

use super::Outcome;
use crate::base::Result;
use crate::ctl::Ctl;

/// Measure what a service, or a mesh in front of it, does under load.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl perf compare before.json after.json --fail-on 'p99>+5%'
  mesheryctl perf convert result.json --to html --output-file report.html"
)]
pub enum Command {
    /// Compare results with a baseline.
    Compare(compare::Args),
    /// Convert a result into another format.
    Convert(convert::Args),
    /// Compute the MeshMark of a mesh from runs with and without it.
    Meshmark(meshmark::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Compare(args) => compare::run(ctx, &args),
            Command::Convert(args) => convert::run(ctx, &args),
            Command::Meshmark(args) => meshmark::run(ctx, &args),
        }
        .map(Into::into)
    }

    /// Whether it needs neither config file nor plane.
    pub(super) fn is_offline(&self) -> bool {
        matches!(self, Command::Compare(_) | Command::Convert(_) | Command::Meshmark(_))
    }
}

//! `perf`: what a mesh costs, and whether a service holds what it has to.

pub mod compare;
pub mod convert;
mod measured;
pub mod meshmark;
pub mod optimise;
pub mod outcome;
pub mod profile;
pub mod result;
mod results;
pub mod run;
pub mod schedule;
pub mod selftest;
pub mod show;
pub mod tune;
mod undecided;
mod workers;

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
  mesheryctl perf run --url http://localhost:8080 --rate 500 --duration 30s
  mesheryctl perf profile create shop --url http://localhost:8080 --rate 500
  mesheryctl perf run shop --threshold 'p99<20ms'
  mesheryctl perf result list"
)]
pub enum Command {
    // A description here would hide the longer one of a verb's arguments.
    #[command(alias = "apply")]
    Run(Box<run::Args>),
    #[command(visible_alias = "optimize")]
    Optimise(Box<optimise::Args>),
    Profile(Box<profile::Args>),
    Result(result::Args),
    /// Run profiles at their time.
    #[command(subcommand)]
    Schedule(schedule::Command),
    Compare(compare::Args),
    Convert(convert::Args),
    Meshmark(meshmark::Args),
    Selftest(selftest::Args),
    Tune(Box<tune::Args>),
    /// List profiles, or the results of one.
    #[command(hide = true)]
    List(LegacyList),
    /// Show a profile, or a result.
    #[command(hide = true)]
    View(LegacyView),
}

/// `perf list` of 2021.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl perf list")]
pub struct LegacyList {
    /// A profile whose results are wanted.
    #[arg(value_name = "PROFILE")]
    profile: Option<String>,
}

/// `perf view` of 2021.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl perf view shop")]
pub struct LegacyView {
    /// Name or id of a profile.
    #[arg(value_name = "PROFILE")]
    profile: String,
    /// Name of a test; its newest result is shown.
    #[arg(value_name = "TEST")]
    test: Option<String>,
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Selftest(args) => return selftest::run(ctx, args).await,
            Command::Run(args) => return run::run(ctx, *args).await,
            Command::Tune(args) => return tune::run(ctx, *args).await,
            Command::Optimise(args) => optimise::run(ctx, *args).await,
            Command::Profile(args) => profile::run(ctx, *args).await,
            Command::Result(args) => result::run(ctx, args).await,
            Command::Schedule(command) => command.run(ctx).await,
            Command::Compare(args) => compare::run(ctx, &args).await,
            Command::Convert(args) => convert::run(ctx, &args).await,
            Command::Meshmark(args) => meshmark::run(ctx, &args).await,
            Command::List(LegacyList { profile: Some(profile) }) => result::list::of_profile(ctx, &profile, None).await,
            Command::List(LegacyList { profile: None }) => profile::list::all(ctx, "", None).await,
            Command::View(LegacyView { profile, test: None }) => profile::view::show(ctx, &profile).await,
            Command::View(LegacyView { profile, test: Some(test) }) => result::view::newest(ctx, &profile, &test).await,
        }
        .map(Into::into)
    }

    /// Whether it can do without config file and plane.
    pub(super) fn is_offline(&self) -> bool {
        matches!(self, Command::Compare(_) | Command::Convert(_) | Command::Meshmark(_) | Command::Selftest(_))
    }
}

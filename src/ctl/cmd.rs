//! The commands: one file a verb, one enum a noun.

pub mod explain;
pub mod pattern;
pub mod serve;
pub mod version;

use clap::Subcommand;

use super::Ctl;
use crate::base::{Result, exit};

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome(u8);

impl Outcome {
    /// Done, verdict good.
    pub const GOOD: Outcome = Outcome(exit::OK);

    /// A verdict of a completed evaluation: one of the codes of `base::exit`.
    #[allow(dead_code, reason = "for verbs whose completed evaluation has a verdict")]
    pub fn verdict(code: u8) -> Self {
        Self(code)
    }

    /// The exit code.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::GOOD
    }
}

/// Every noun, and the verbs that have none.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show versions.
    Version(version::Args),
    /// Read what an error code means.
    Explain(explain::Args),
    /// Apply, inspect and delete service mesh patterns.
    #[command(subcommand, visible_alias = "design")]
    Pattern(pattern::Command),
    /// Run a long-running role in the foreground.
    #[command(subcommand)]
    Serve(serve::Command),
}

impl Command {
    /// Runs it.
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Version(args) => version::run(ctx, args).await.map(Into::into),
            Command::Explain(args) => explain::run(ctx, &args).map(Into::into),
            Command::Pattern(command) => command.run(ctx).await.map(Into::into),
            Command::Serve(command) => command.run(ctx).await.map(Into::into),
        }
    }

    /// Whether it needs neither config file nor plane, so that a broken file does not stop it.
    pub(super) fn is_offline(&self) -> bool {
        match self {
            Command::Explain(_) => true,
            Command::Version(args) => args.client,
            Command::Pattern(_) | Command::Serve(_) => false,
        }
    }

    /// Whether it is a long-running role, which gets a runtime with several threads.
    pub(super) fn is_role(&self) -> bool {
        matches!(self, Command::Serve(_))
    }
}

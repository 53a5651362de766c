//! The commands: one file a verb, one enum a noun.

pub mod adapter;
pub mod app;
pub mod change;
pub mod completion;
pub mod config;
pub mod docs;
pub mod explain;
pub mod help;
pub mod man;
pub mod operation;
pub mod pattern;
pub mod perf;
pub mod probe;
pub mod provider;
pub mod quickstart;
pub mod release;
pub mod sample;
pub mod schema;
mod secret;
pub mod self_;
pub mod serve;
pub mod system;
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
    /// Manage the plane and the contexts that reach it.
    #[command(subcommand)]
    System(system::Command),
    /// Apply, inspect and delete service mesh patterns.
    #[command(subcommand, visible_alias = "design")]
    Pattern(pattern::Command),
    Quickstart(quickstart::Args),
    /// Import, apply, inspect and delete applications: patterns made of manifests, charts and Compose files.
    #[command(subcommand, visible_alias = "application")]
    App(app::Command),
    /// Measure services and meshes; keep profiles, results and schedules.
    #[command(subcommand)]
    Perf(perf::Command),
    /// List, ask, add and remove the adapters that the plane knows.
    #[command(subcommand)]
    Adapter(adapter::Command),
    /// Show settings and where they come from.
    #[command(subcommand)]
    Config(config::Command),
    #[command(about = "Show versions")]
    Version(version::Args),
    /// List, look at and cancel operations.
    #[command(subcommand)]
    Operation(operation::Command),
    /// Start and stop the practice cluster.
    #[command(subcommand)]
    Sample(sample::Command),
    /// Update, roll back or remove this program.
    #[command(subcommand, name = "self")]
    Self_(self_::Command),
    /// Run a long-running role in the foreground.
    #[command(subcommand)]
    Serve(serve::Command),
    /// Ask a service whether it is healthy, as probes of containers do.
    #[command(subcommand)]
    Probe(probe::Command),
    /// Manage the users and tokens of a provider that this machine serves.
    #[command(subcommand)]
    Provider(provider::Command),
    Explain(explain::Args),
    Schema(schema::Args),
    Completion(completion::Args),
    Man(man::Args),
    Help(help::Args),
    #[command(name = "generate-docs", hide = true)]
    Docs(docs::Args),
    #[command(name = "generate-release", hide = true, about = "Make a release feed of a folder of archives")]
    Release(release::Args),
    /// Make a key pair that signs releases.
    #[command(name = "generate-release-key", hide = true)]
    ReleaseKey(release::KeyArgs),
}

impl Command {
    /// Runs it.
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::System(command) => return command.run(ctx).await,
            Command::Sample(command) => return command.run(ctx).await,
            Command::Self_(command) => return command.run(ctx).await,
            Command::Pattern(command) => return command.run(ctx).await,
            Command::Perf(command) => return command.run(ctx).await,
            Command::Adapter(command) => return command.run(ctx).await,
            Command::Quickstart(args) => quickstart::run(ctx, args).await,
            Command::App(command) => command.run(ctx).await,
            Command::Config(command) => command.run(ctx),
            Command::Version(args) => version::run(ctx, args).await,
            Command::Operation(command) => command.run(ctx).await,
            Command::Serve(command) => command.run(ctx).await,
            Command::Probe(command) => command.run(ctx).await,
            Command::Provider(command) => command.run(ctx).await,
            Command::Explain(args) => explain::run(ctx, &args),
            Command::Schema(args) => schema::run(ctx, &args),
            Command::Completion(args) => completion::run(ctx, &args),
            Command::Man(args) => man::run(ctx, &args),
            Command::Help(args) => help::run(ctx, &args),
            Command::Docs(args) => docs::run(ctx, &args),
            Command::Release(args) => release::run(ctx, &args),
            Command::ReleaseKey(args) => release::run_key(ctx, &args),
        }
        .map(Into::into)
    }

    /// Whether it needs neither config file nor plane, so that a broken file does not stop it.
    pub(super) fn is_offline(&self) -> bool {
        match self {
            Command::Version(args) => args.client,
            Command::System(command) => command.is_offline(),
            Command::Perf(command) => command.is_offline(),
            Command::Config(_)
            | Command::Adapter(_)
            | Command::Serve(_)
            | Command::Pattern(_)
            | Command::Quickstart(_)
            | Command::App(_)
            | Command::Operation(_)
            | Command::Sample(_) => false,
            _ => true,
        }
    }

    /// Whether it has the pictures among the forms of its output.
    pub(super) fn draws(&self) -> bool {
        matches!(self, Command::Pattern(pattern::Command::Graph(_)))
    }

    /// Whether it goes by what config.yaml says without ever writing that file.
    pub(super) fn reads_config(&self) -> bool {
        let writes = matches!(self, Command::System(command) if command.writes_config());
        !writes && !self.is_offline()
    }

    /// Whether a notice of a newer release may follow it: it is a short command of a person at work with a plane.
    pub(super) fn takes_notices(&self) -> bool {
        !self.is_offline() && !self.is_role()
    }

    /// Whether it is a long-running role, which gets a runtime with several threads.
    pub(super) fn is_role(&self) -> bool {
        matches!(self, Command::Serve(_))
    }
}

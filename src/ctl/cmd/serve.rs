//! `serve`: roles in the foreground.

mod adapter;
mod provider;
mod sample;
mod server;
mod worker;

use std::path::PathBuf;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::context::Note;
use crate::ctl::ui::Ui;
use crate::ctl::{Ctl, RoleContext};

pub use adapter::Args as AdapterArgs;
pub use provider::Args as ProviderArgs;
pub use sample::Args as SampleArgs;
pub use server::Args as ServerArgs;
pub use worker::Args as WorkerArgs;

/// What a role is told when it is started apart from the terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DetachedArgs {
    /// Leave the session of the terminal.
    #[arg(long, hide = true)]
    pub detached: bool,
    /// The log that standard output and error go to.
    #[arg(long, hide = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// Roles.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl serve server
  mesheryctl serve adapter istio
  mesheryctl serve sample --port 6443
  mesheryctl serve provider --name Team
  mesheryctl serve worker"
)]
pub enum Command {
    /// Run the management plane's server until it is stopped.
    Server(ServerArgs),
    /// Run the adapter of a mesh until it is stopped.
    Adapter(AdapterArgs),
    /// Run the practice cluster (an in-memory Kubernetes API) until it is stopped.
    Sample(SampleArgs),
    /// Run a remote provider for a team: users, their sessions, and what they keep.
    Provider(ProviderArgs),
    /// Run a worker of distributed measurements until it is stopped.
    Worker(WorkerArgs),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Server(args) => server::run(ctx, args).await,
            Command::Adapter(args) => adapter::run(ctx, args).await,
            Command::Sample(args) => sample::run(ctx, args).await,
            Command::Provider(args) => provider::run(ctx, args).await,
            Command::Worker(args) => worker::run(ctx, args).await,
        }
    }
}

/// Roles tidy up by themselves when a signal comes; that is their ordinary end.
fn role_context(ctx: &Ctl) -> Result<RoleContext> {
    let ui = Ui::new(ctx.settings.ui());
    Ok(RoleContext {
        home: ctx.settings.home()?,
        kubeconfig: ctx.settings.kubeconfig_list(),
        ca_file: ctx.settings.ca_file().map(Into::into),
        cancel: ctx.cancel.token(),
        note: Note::new(move |note| ui.note(note)),
    })
}

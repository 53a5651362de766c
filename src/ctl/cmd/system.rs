//! `system`: the plane and the contexts that reach it.

pub mod channel;
pub mod check;
pub mod context;
pub mod login;
pub mod logout;
pub mod logs;
pub(in crate::ctl::cmd) mod plane;
pub mod provider;
mod restart;
mod show;
pub mod start;
pub mod status;
pub mod stop;
pub mod token;

use clap::Subcommand;

use super::{Outcome, completion};
use crate::base::Result;
use crate::ctl::Ctl;

/// The plane's life, contexts, tokens, channels and providers.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system start
  mesheryctl system status
  mesheryctl system context list"
)]
pub enum Command {
    /// Start the plane's server apart from the terminal.
    Start(start::Args),
    /// Stop the plane's server.
    Stop(stop::Args),
    /// Stop the plane's server and start it again.
    Restart(restart::Args),
    /// Show whether the plane's server runs, and where.
    Status(status::Args),
    /// Log in at a provider that the plane offers.
    Login(login::Args),
    /// End the session at the provider.
    Logout(logout::Args),
    /// Show the log of the plane's server.
    Logs(logs::Args),
    /// Check everything the plane needs.
    Check(check::Args),
    /// Manage contexts: which plane commands talk to.
    #[command(subcommand)]
    Context(context::Command),
    /// Manage token entries: names for token files.
    #[command(subcommand)]
    Token(token::Command),
    /// View or set the release channel of a context.
    #[command(subcommand)]
    Channel(channel::Command),
    /// View, list, set or reset the provider of a context.
    #[command(subcommand)]
    Provider(provider::Command),
    /// Print a completion script; `mesheryctl completion` is the place since 2022.
    #[command(hide = true)]
    Completion(completion::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Start(args) => start::run(ctx, &args).await,
            Command::Stop(args) => stop::run(ctx, &args).await,
            Command::Restart(args) => restart::run(ctx, &args).await,
            Command::Status(args) => return status::run(ctx, &args).await,
            Command::Login(args) => login::run(ctx, &args).await,
            Command::Logout(args) => logout::run(ctx, &args).await,
            Command::Logs(args) => return logs::run(ctx, &args).await,
            Command::Check(args) => return check::run(ctx, &args).await,
            Command::Context(command) => command.run(ctx),
            Command::Token(command) => command.run(ctx),
            Command::Channel(command) => command.run(ctx),
            Command::Provider(command) => command.run(ctx).await,
            Command::Completion(args) => completion::run(ctx, &args),
        }
        .map(Into::into)
    }

    /// Whether it changes config.yaml, and makes the file where there is none.
    pub(super) fn writes_config(&self) -> bool {
        match self {
            Command::Context(command) => !matches!(command, context::Command::List(_) | context::Command::View(_)),
            Command::Token(command) => !matches!(command, token::Command::List(_) | token::Command::View(_)),
            Command::Channel(command) => matches!(command, channel::Command::Set(_)),
            Command::Provider(command) => {
                matches!(
                    command,
                    provider::Command::Set(_) | provider::Command::Switch(_) | provider::Command::Reset(_)
                )
            }
            _ => false,
        }
    }

    /// Whether it needs neither config file nor plane; `check` says itself what is wrong with the file.
    pub(super) fn is_offline(&self) -> bool {
        matches!(self, Command::Completion(_) | Command::Check(_))
    }
}

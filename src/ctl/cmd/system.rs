//! `system`: the plane and the contexts that reach it.

pub mod channel;
pub mod context;
pub mod provider;
pub mod token;

use clap::Subcommand;

use super::{Outcome, completion};
use crate::base::Result;
use crate::ctl::Ctl;

/// Contexts, tokens, channels and providers.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system context list
  mesheryctl system token view"
)]
pub enum Command {
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
            Command::Context(command) => command.run(ctx),
            Command::Token(command) => command.run(ctx),
            Command::Channel(command) => command.run(ctx),
            Command::Provider(command) => command.run(ctx).await,
            Command::Completion(args) => completion::run(ctx, &args),
        }
        .map(Into::into)
    }
}

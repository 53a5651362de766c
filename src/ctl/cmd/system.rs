//! `system`: the plane and the contexts that reach it.

pub mod channel;
pub mod chart;
pub mod check;
pub mod cluster_args;
pub mod config;
pub mod context;
pub mod dashboard;
mod flags;
pub mod image;
mod left;
pub(in crate::ctl::cmd) mod local;
pub mod login;
pub mod logout;
pub mod logs;
mod managed;
pub mod manifest;
mod own_image;
pub(in crate::ctl::cmd) mod plane;
pub mod provider;
mod reset;
mod restart;
mod show;
pub mod start;
pub mod status;
pub mod stop;
pub mod token;
pub mod update;

use clap::Subcommand;

pub(in crate::ctl::cmd) use own_image::bring_image;

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
    #[command(about = "Start the plane and wait until it serves")]
    Start(start::Args),
    #[command(about = "Stop the plane")]
    Stop(stop::Args),
    #[command(about = "End the plane's processes and start them again")]
    Restart(restart::Args),
    #[command(about = "Show the plane's components, and where the server answers")]
    Status(status::Args),
    Login(login::Args),
    #[command(about = "End the session at the provider")]
    Logout(logout::Args),
    Logs(logs::Args),
    Dashboard(dashboard::Args),
    #[command(about = "Bring the plane's components up to date")]
    Update(update::Args),
    Reset(reset::Args),
    #[command(about = "Print what a start brings to Docker or Kubernetes")]
    Manifest(manifest::Args),
    Chart(chart::Args),
    #[command(about = "Check everything the plane needs")]
    Check(check::Args),
    /// The program as its own container image.
    #[command(subcommand)]
    Image(image::Command),
    /// Give the plane the kubeconfig of a cluster.
    #[command(subcommand)]
    Config(config::Command),
    /// Manage contexts: which plane commands talk to.
    #[command(subcommand)]
    Context(context::Command),
    /// Manage token entries: names for token files.
    #[command(subcommand)]
    Token(token::Command),
    /// View, set or switch the release channel of a context.
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
            Command::Update(args) => return update::run(ctx, &args).await,
            Command::Dashboard(args) => dashboard::run(ctx, &args).await,
            Command::Reset(args) => reset::run(ctx, &args).await,
            Command::Manifest(args) => manifest::run(ctx, &args).await,
            Command::Chart(args) => chart::run(ctx, &args).await,
            Command::Check(args) => return check::run(ctx, &args).await,
            Command::Image(command) => command.run(ctx).await,
            Command::Config(command) => command.run(ctx).await,
            Command::Context(command) => command.run(ctx).await,
            Command::Token(command) => command.run(ctx),
            Command::Channel(command) => return command.run(ctx).await,
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
            Command::Channel(command) => !matches!(command, channel::Command::View(_)),
            Command::Start(args) => args.platform.is_some(),
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
        matches!(self, Command::Completion(_) | Command::Check(_) | Command::Image(_))
    }
}

//! `probe`: health checks for containers, in an image that has no shell and no other program.

mod grpc;
mod http;

use std::time::Duration;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;

/// How long a service may take when --timeout says nothing.
const LIMIT: Duration = Duration::from_secs(5);

/// Health of a service. The exit code is 0 when it is healthy and 3 when it is not.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl probe grpc localhost:10000
  mesheryctl probe http http://localhost:9081/healthz/ready"
)]
pub enum Command {
    #[command(about = "Ask by gRPC's health protocol, as an adapter answers it")]
    Grpc(grpc::Args),
    #[command(about = "Ask by HTTP GET, as a server's /healthz/ready answers it")]
    Http(http::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Grpc(args) => grpc::run(ctx, &args).await,
            Command::Http(args) => http::run(ctx, &args).await,
        }
    }
}

/// A service that is healthy; one that is not is an error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Probed {
    /// What was asked.
    pub target: String,
    /// Always true.
    pub healthy: bool,
    /// What it answered: `SERVING`, or the HTTP status.
    pub answer: String,
}

fn limit(ctx: &Ctl) -> Duration {
    ctx.settings.timeout().unwrap_or(LIMIT)
}

fn print(ctx: &Ctl, target: String, answer: String) -> Result<()> {
    let text = format!("{target} is healthy ({answer})");
    let names = [target.clone()];
    ctx.ui.print(&Rendered::one(&Probed { target, healthy: true, answer }, text)?.names(names))
}

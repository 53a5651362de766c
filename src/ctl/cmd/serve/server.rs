//! `serve server`.

use std::time::Duration;

use super::DetachedArgs;
use crate::base::Result;
use crate::ctl::{Ctl, settings};

/// Run the management plane's server until it is stopped.
///
/// It serves the REST API on loopback and wants the token of auth.json. After SIGTERM or Ctrl-C it takes no new work,
/// lets running operations end, and exits with code 0.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl serve server\n  mesheryctl serve server --port 9082")]
pub struct Args {
    /// Address to listen on.
    #[arg(long, visible_alias = "bind", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one. Without it, the port of the context's endpoint.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Further host names under which clients may address the server; repeatable.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Address of a remote provider that the server offers; repeatable. Without it, those of PROVIDER_BASE_URLS.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub provider_url: Vec<String>,
    /// The one provider that the server offers, by name or address; None leaves the local one only. Without it, PROVIDER.
    #[arg(long, value_name = "NAME")]
    pub only_provider: Option<String>,
    /// How long a session that its provider confirmed is taken for valid; a revoked one is refused after it at the latest.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = check_time)]
    pub session_check: Duration,
    /// How long running operations may take after the server was asked to stop.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub drain: Duration,
    /// What `start` verbs tell it.
    #[command(flatten)]
    pub detached: DetachedArgs,
}

fn check_time(text: &str) -> Result<Duration, String> {
    settings::duration(text, "--session-check").map_err(|error| error.message().to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    settings::duration(text, "--drain").map_err(|error| error.message().to_owned())
}

pub(crate) async fn run(ctx: &Ctl, mut args: Args) -> Result<()> {
    if args.port.is_none() {
        args.port = crate::ctl::cmd::system::local::port(&ctx.settings.context()?.endpoint);
    }
    let _guard = ctx.cancel.guard();
    (ctx.roles.server)(args, super::role_context(ctx)?).await
}

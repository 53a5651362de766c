//! `serve server`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::model::context::DEFAULT_PORT;

/// Run the management plane's server until it is stopped.
///
/// It serves the REST API on loopback and wants the token of auth.json. SIGTERM and Ctrl-C let running work finish;
/// the exit code is then 0.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl serve server\n  mesheryctl serve server --port 9082")]
pub struct Args {
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let _guard = ctx.cancel.guard();
    (ctx.roles.server)(args, super::role_context(ctx)?).await
}

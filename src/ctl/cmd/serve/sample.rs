//! `serve sample`.

use std::path::PathBuf;

use super::DetachedArgs;
use crate::base::Result;
use crate::ctl::Ctl;

/// Run the practice cluster (an in-memory Kubernetes API) until it is stopped.
///
/// Its kubeconfig is written to ~/.meshery/practice/kubeconfig.yaml while it runs, with the context `practice`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl serve sample\n  mesheryctl serve sample --port 6443")]
pub struct Args {
    /// Address to listen on.
    #[arg(long, visible_alias = "bind", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Where to write the kubeconfig, instead of the plane's own place for it.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,
    /// What `start` verbs tell it.
    #[command(flatten)]
    pub detached: DetachedArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let _guard = ctx.cancel.guard();
    (ctx.roles.sample)(args, super::role_context(ctx)?).await
}

//! `system restart`.

use super::plane::{self, State};
use super::{show, start, stop};
use crate::base::Result;
use crate::client::process::{self, Role};
use crate::ctl::Ctl;

/// Stop the plane's server and start it again, on the port it had.
///
/// --port holds for this run of the server: after a stop, `system start` takes the port of the context's endpoint again.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system restart\n  mesheryctl system restart --port 9082")]
pub struct Args {
    /// Port to listen on until it is stopped, instead of the one it had; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// End the old server at once.
    #[arg(long)]
    pub force: bool,
    /// Kept for old scripts: nothing is updated at a start.
    #[arg(long, hide_short_help = true)]
    pub skip_update: bool,
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", hide_short_help = true)]
    pub platform: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let plane = plane::local(ctx, args.platform.as_deref())?;
    let before = process::find(Role::Server, &plane.home)?;
    let port = args.port.or(before.map(|running| running.port));
    stop::down(&plane, args.force).await?;
    let (running, _) = start::up(ctx, &plane, port).await?;
    show::print(ctx, &plane::of_process(&plane.context, &running, State::Running))
}

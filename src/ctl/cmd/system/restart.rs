//! `system restart`.

use super::cluster_args::Place;
use super::flags::{self, flag};
use super::plane::{self, State};
use super::{local, managed, show, stop};
use crate::base::{Code, Error, Result};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::model::context::Platform;
use crate::platform;

/// End the plane's processes and start them again; data and settings stay.
///
/// On platform local, --port holds for this run of the server: after a stop, `system start` takes the port of the
/// context's endpoint again.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system restart\n  mesheryctl system restart --port 9082")]
pub struct Args {
    /// Port to listen on until it is stopped, instead of the one it had; 0 takes a free one (platform local).
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// End the old server at once (platform local).
    #[arg(long)]
    pub force: bool,
    /// Kept for old scripts: nothing is updated at a start.
    #[arg(long, hide_short_help = true)]
    pub skip_update: bool,
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", hide_short_help = true)]
    pub platform: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = plane::context(ctx, args.platform.as_deref())?;
    args.place.namespace_of(&context)?;
    if context.platform == Platform::Local {
        return here(ctx, args).await;
    }
    if let Some(port) = args.port {
        // The one thing that was asked beside a restart cannot be done: nothing is ended for it.
        return Err(Error::new(
            Code::PlatformUnsupported,
            format!("--port {port} cannot be changed by a restart on platform {}", context.platform),
        )
        .because("the port belongs to what a start brings there")
        .remedy(format!("Change it with `mesheryctl system start --port {port}`.")));
    }
    flags::warn_idle(ctx, context.platform, &[flag("--force", args.force, &[Platform::Local])])?;
    let plane = managed::plane_in(ctx, context, &args.place)?;
    let steps = ctx.ui.progress();
    let progress = managed::Shown::new(&steps);
    let started = platform::restart(&plane, &progress).await?;
    drop(progress);
    show::print(ctx, &started.status)
}

async fn here(ctx: &Ctl, args: &Args) -> Result<()> {
    let plane = plane::local(ctx, args.platform.as_deref())?;
    let before = process::find(Role::Server, &plane.home)?;
    let kept = before.map(|running| running.port);
    if let Some(other) = args.port.filter(|port| Some(*port) != kept) {
        // Once the old server has ended it is too late to find out that the new one cannot listen.
        local::free(other).await?;
    }
    let port = args.port.or(kept);
    stop::down(&plane, args.force).await?;
    let (running, _) = local::up(ctx, &plane, port).await?;
    show::print(ctx, &plane::of_process(&plane.context, &running, State::Running))
}

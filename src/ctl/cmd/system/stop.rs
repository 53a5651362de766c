//! `system stop`.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::plane::{self, Plane};
use crate::base::Result;
use crate::client::process::{self, Role, Stopped};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;

/// How long the server may take to end: its running operations have 10 s, cancelled ones 5 s more.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// Stop the plane's server: it finishes what runs, takes no new work, and ends.
///
/// Stopping a server that does not run changes nothing.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system stop\n  mesheryctl system stop --force")]
pub struct Args {
    /// End it at once; running operations are cut off and later called abandoned.
    #[arg(long)]
    pub force: bool,
    /// Kept for old scripts: on platform local there are no files to reset.
    #[arg(long, hide_short_help = true)]
    pub reset: bool,
    /// Kept for old scripts: on platform local there is no namespace to keep.
    #[arg(long, hide_short_help = true)]
    pub keep_namespace: bool,
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", hide_short_help = true)]
    pub platform: Option<String>,
}

/// What was stopped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// How it ended.
    pub outcome: Stopped,
    /// Process id, when one was running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let plane = plane::local(ctx, args.platform.as_deref())?;
    if args.reset {
        ctx.ui.note("--reset does nothing on platform local: there are no downloaded files to reset.")?;
    }
    let view = down(&plane, args.force).await?;
    let text = text(Role::Server, &view);
    if ctx.ui.is_quiet() && ctx.ui.format().is_table() {
        return Ok(());
    }
    ctx.ui.print(&Rendered::one(&view, text)?)
}

/// Brings the server down.
pub(super) async fn down(plane: &Plane, force: bool) -> Result<View> {
    let grace = if force { Duration::ZERO } else { GRACE };
    let (outcome, running) = process::stop(Role::Server, &plane.home, grace).await?;
    Ok(View { outcome, pid: running.map(|running| running.pid) })
}

/// Brings a role of a home down in its own time.
pub(in crate::ctl::cmd) async fn down_role(role: Role, home: &Path) -> Result<View> {
    let (outcome, running) = process::stop(role, home, GRACE).await?;
    Ok(View { outcome, pid: running.map(|running| running.pid) })
}

/// One sentence.
pub(in crate::ctl::cmd) fn text(role: Role, view: &View) -> String {
    let (title, pid) = (role.title(), view.pid.unwrap_or_default());
    match view.outcome {
        Stopped::NotRunning => format!("The {title} does not run."),
        Stopped::Stopped => format!("The {title} (process {pid}) has ended."),
        Stopped::Killed => format!("The {title} (process {pid}) was killed."),
    }
}

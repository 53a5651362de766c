//! `system stop`.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::cluster_args::Place;
use super::flags::{self, flag};
use super::plane::{self, Plane};
use super::{local, managed};
use crate::base::{Result, dirs};
use crate::client::process::{self, Role, Running, Stopped};
use crate::ctl::Ctl;
use crate::ctl::ui::{Question, Rendered};
use crate::model::context::{Context, Platform};
use crate::model::plane::Removed;
use crate::platform;

/// How long the server may take to end: its running operations have 10 s, cancelled ones 5 s more.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// Stop the plane: its server finishes what runs, takes no new work, and ends.
///
/// On docker and kubernetes exactly what was started is removed; data stays, unless --reset is given. Stopping a plane
/// that does not run changes nothing.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system stop
  mesheryctl system stop --force
  mesheryctl system stop --reset --yes")]
pub struct Args {
    /// End it at once; running operations are cut off and later called abandoned.
    #[arg(long)]
    pub force: bool,
    /// Remove the plane's data as well; on platform local it is moved to ~/.meshery/archive.
    #[arg(long)]
    pub reset: bool,
    /// Leave the namespace (kubernetes).
    #[arg(long)]
    pub keep_namespace: bool,
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", hide_short_help = true)]
    pub platform: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

/// What was stopped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// How it ended.
    pub outcome: Stopped,
    /// Process id, when one was running on platform local.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What is gone, such as `container/meshery-local-meshery`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// What was kept, such as a volume.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
}

impl View {
    /// A process that ended.
    pub(in crate::ctl::cmd) fn of_process(outcome: Stopped, running: Option<&Running>) -> Self {
        Self { outcome, pid: running.map(|running| running.pid), removed: Vec::new(), kept: Vec::new() }
    }

    fn of_platform(removed: Removed) -> Self {
        let outcome = if removed.removed.is_empty() { Stopped::NotRunning } else { Stopped::Stopped };
        Self { outcome, pid: None, removed: removed.removed, kept: removed.kept }
    }
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = plane::context(ctx, args.platform.as_deref())?;
    args.place.namespace_of(&context)?;
    if args.reset {
        consent_to_reset(ctx, &context)?;
    }
    let (view, text) = plane_of(ctx, context, args).await?;
    if ctx.ui.is_quiet() && ctx.ui.format().is_table() {
        return Ok(());
    }
    ctx.ui.print(&Rendered::one(&view, text)?)
}

/// Stops the plane of a context; what was done, and in words.
pub(super) async fn plane_of(ctx: &Ctl, context: Context, args: &Args) -> Result<(View, String)> {
    flags::warn_idle(ctx, context.platform, &[flag("--keep-namespace", args.keep_namespace, &[Platform::Kubernetes])])?;
    match context.platform {
        Platform::Local => here(ctx, context, args).await,
        Platform::Docker | Platform::Kubernetes => elsewhere(ctx, context, args).await,
    }
}

async fn here(ctx: &Ctl, context: Context, args: &Args) -> Result<(View, String)> {
    let plane = plane::local_of(ctx, context)?;
    let mut view = down(&plane, args.force).await?;
    if args.reset {
        view.removed.extend(archive(ctx, &plane.home)?);
    }
    let text = text(Role::Server, &view);
    Ok((view, text))
}

async fn elsewhere(ctx: &Ctl, context: Context, args: &Args) -> Result<(View, String)> {
    let how = platform::Stop { reset: args.reset, keep_namespace: args.keep_namespace, force: args.force };
    let plane = managed::plane_in(ctx, context, &args.place)?;
    let steps = ctx.ui.progress();
    let removed = platform::stop(&plane, how, &managed::Shown::new(&steps)).await?;
    let text = removed_text(&plane.context, &removed);
    Ok((View::of_platform(removed), text))
}

/// What a stop removed, a line each.
pub(super) fn removed_text(context: &Context, removed: &Removed) -> String {
    let Context { name, platform, .. } = context;
    if removed.removed.is_empty() {
        return format!("The plane of context {name} does not run on {platform}.");
    }
    let gone = removed.removed.iter().map(|thing| format!("{thing} removed"));
    let kept = removed.kept.iter().map(|thing| format!("{thing} kept"));
    gone.chain(kept).collect::<Vec<_>>().join("\n")
}

/// Asks before data goes.
pub(super) fn consent_to_reset(ctx: &Ctl, context: &Context) -> Result<()> {
    let text = format!("Remove the data of the plane of context {}?", context.name);
    ctx.ui.confirm(Question { text: &text, flag: "--yes" })
}

/// Moves the data of a local plane aside and says where it is.
pub(super) fn archive(ctx: &Ctl, home: &Path) -> Result<Option<String>> {
    let Some(target) = local::archive_data(home)? else {
        ctx.ui.note("There was no data to remove.")?;
        return Ok(None);
    };
    ctx.ui.note(&format!("The data was moved to {}.", target.display()))?;
    Ok(Some(dirs::data(home).display().to_string()))
}

/// Brings the server down.
pub(super) async fn down(plane: &Plane, force: bool) -> Result<View> {
    let grace = if force { Duration::ZERO } else { GRACE };
    let (outcome, running) = process::stop(Role::Server, &plane.home, grace).await?;
    Ok(View::of_process(outcome, running.as_ref()))
}

/// Brings a role of a home down in its own time.
pub(in crate::ctl::cmd) async fn down_role(role: Role, home: &Path) -> Result<View> {
    let (outcome, running) = process::stop(role, home, GRACE).await?;
    Ok(View::of_process(outcome, running.as_ref()))
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

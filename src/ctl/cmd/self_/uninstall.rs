//! `self uninstall`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Code, Error, Result, text};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::ui::{Question, Rendered};
use crate::model::context::Platform;
use crate::release::Installed;
use crate::release::install::Change;
use crate::release::owner::{self, Act};
use crate::release::removal::{Item, Plan};

/// Remove this program, its predecessor, its cache, and the completions and manual pages that install.sh put beside it.
///
/// Contexts, tokens, the database and logs stay, unless --purge is given. Of a folder only what this program made is removed.
/// Planes must be stopped first: afterwards nothing is there to stop them with.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl self uninstall --dry-run\n  mesheryctl self uninstall --yes")]
pub struct Args {
    /// List every path that would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove contexts, tokens, the database and logs too.
    #[arg(long)]
    purge: bool,
}

/// What was removed or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Whether it was removed; otherwise it would be.
    pub removed: bool,
    /// Every path, in the order of removal.
    pub paths: Vec<Item>,
    /// What stays.
    pub kept: Vec<PathBuf>,
    /// Processes of this machine that must be stopped first.
    pub running: Vec<Running>,
    /// Contexts of other platforms, whose planes may run.
    pub contexts: Vec<String>,
}

/// A process of this machine.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Running {
    /// What it is.
    pub role: &'static str,
    /// Process id.
    pub pid: u32,
    /// The command that stops it.
    pub stop_with: &'static str,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let here = Installed::here()?;
    if let Some(owner) = owner::of(here.path()).await {
        return Err(owner.refusal(here.path(), Act::Remove));
    }
    let home = ctx.settings.home().ok();
    let mut plan = Plan::look(&here, home.as_deref(), args.purge)?;
    let mut view = View {
        removed: false,
        paths: plan.items.clone(),
        kept: plan.kept.clone(),
        running: running(ctx)?,
        contexts: elsewhere(ctx),
    };
    if args.dry_run {
        return print(ctx, &view);
    }
    here.check_writable()?;
    stopped(&view)?;
    tell_of_contexts(ctx, &view)?;
    let count = text::count(plan.items.len(), "path");
    let what = if args.purge { "with all contexts, tokens and data" } else { "and keep contexts and data" };
    ctx.ui.confirm(Question {
        text: &format!("Remove mesheryctl from {} ({count}) {what}?", here.folder().display()),
        flag: "--yes (`mesheryctl self uninstall --dry-run` lists the paths)",
    })?;
    let change = Change::begin(here.clone())?;
    // Beginning puts right what an update left that was broken off.
    plan = Plan::look(&here, home.as_deref(), args.purge)?;
    plan.items.retain(|item| item.path != change.stage());
    plan.carry_out(change)?;
    view.removed = true;
    view.paths = plan.items;
    print(ctx, &view)
}

fn running(ctx: &Ctl) -> Result<Vec<Running>> {
    let Ok(home) = ctx.settings.home() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (role, stop_with) in [(Role::Server, "mesheryctl system stop"), (Role::Sample, "mesheryctl sample stop")] {
        if let Some(running) = process::find(role, &home)? {
            found.push(Running { role: role.title(), pid: running.pid, stop_with });
        }
    }
    Ok(found)
}

/// Contexts whose planes are containers or pods.
fn elsewhere(ctx: &Ctl) -> Vec<String> {
    let contexts = ctx.settings.config().contexts.iter();
    contexts.filter(|context| context.platform != Platform::Local).map(|context| context.name.clone()).collect()
}

fn stopped(view: &View) -> Result<()> {
    let Some(first) = view.running.first() else { return Ok(()) };
    let lines = view.running.iter().map(|running| format!("the {} runs, process {}", running.role, running.pid));
    let commands: Vec<String> = view.running.iter().map(|running| format!("`{}`", running.stop_with)).collect();
    Err(Error::new(Code::ServerRunning, format!("the {} of this machine runs", first.role))
        .because("afterwards nothing would be there to stop it with")
        .details(lines)
        .remedy(format!("Stop it first with {}.", commands.join(" and "))))
}

fn tell_of_contexts(ctx: &Ctl, view: &View) -> Result<()> {
    if view.contexts.is_empty() {
        return Ok(());
    }
    ctx.ui.warn(&format!(
        "planes of {} may run on; stop them first with `mesheryctl system stop --context NAME`",
        view.contexts.join(", ")
    ))
}

fn print(ctx: &Ctl, view: &View) -> Result<()> {
    let mut lines = vec![if view.removed { "removed:".to_owned() } else { "would remove:".to_owned() }];
    lines.extend(view.paths.iter().map(|item| format!("  {} ({})", item.path.display(), item.part.word())));
    if !view.kept.is_empty() {
        lines.push(if view.removed { "kept:".to_owned() } else { "would keep:".to_owned() });
        lines.extend(view.kept.iter().map(|path| format!("  {}", path.display())));
    }
    if !view.removed {
        let running = view.running.iter();
        lines.extend(running.map(|one| format!("first stop the {}: {}", one.role, one.stop_with)));
    }
    let names: Vec<String> = view.paths.iter().map(|item| item.path.display().to_string()).collect();
    ctx.ui.print(&Rendered::one(view, lines.join("\n"))?.names(names))
}

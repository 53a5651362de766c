//! `system check`.

mod adapters;
mod clusters;
mod fix;
mod machine;
mod server;

use crate::base::{Result, exit, text};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered, Tone};
pub use crate::model::check::{Check, Verdict};
use crate::model::context::{Context, Platform};
use crate::platform;

use super::managed;

/// Check everything the plane needs: this machine, its platform, the server, adapters and clusters.
///
/// Every check is made, also after one has failed. The exit code is 1 when one has failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system check
  mesheryctl system check --preflight -o json
  mesheryctl system check -p kubernetes
  mesheryctl system check --adapter istio
  mesheryctl system check --fix")]
pub struct Args {
    /// Check only what a start needs.
    #[arg(long, visible_alias = "pre")]
    pub preflight: bool,
    /// Check only the adapters.
    #[arg(long, visible_alias = "components", conflicts_with = "preflight")]
    pub adapters: bool,
    /// Check only this adapter, by name, mesh or address; repeatable.
    #[arg(long, value_name = "NAME", conflicts_with = "preflight")]
    pub adapter: Vec<String>,
    /// Check what a start on another platform needs, before the context moves there: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", value_parser = crate::ctl::cli::platform_parser())]
    pub platform: Option<Platform>,
    /// Mend what can be mended without risk: modes of private files, records of processes that are gone, missing folders.
    #[arg(long)]
    pub fix: bool,
}

/// Every check that was asked for, in order; later ones are made also when earlier ones failed.
async fn all(ctx: &Ctl, args: &Args) -> Vec<Check> {
    if args.adapters || !args.adapter.is_empty() {
        return adapters::named(ctx, &args.adapter).await;
    }
    let mut checks = machine::all(ctx);
    match ctx.settings.context() {
        Ok(own) => {
            let platform = args.platform.unwrap_or(own.platform);
            // Where the context's plane is not, only the way there can be looked at.
            let preflight = args.preflight || platform != own.platform;
            checks.extend(of_context(ctx, Context { platform, ..own }, preflight).await);
        }
        Err(error) => checks.push(Check::fail("context", &error)),
    }
    checks
}

async fn of_context(ctx: &Ctl, context: Context, preflight: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if context.platform != Platform::Local {
        match managed::plane(ctx, context.clone()) {
            Ok(plane) => checks.extend(platform::checks(&plane, preflight).await),
            Err(error) => checks.push(Check::fail("platform", &error)),
        }
    }
    checks.extend(server::all(ctx, &context, preflight).await);
    checks
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let mut checks = all(ctx, args).await;
    if args.fix && fix::all(ctx, &checks)? {
        let before = checks;
        checks = all(ctx, args).await;
        fix::mark(&before, &mut checks);
    }
    let sign = |check: &Check| {
        let tone = match check.result {
            Verdict::Pass => Tone::Good,
            Verdict::Warn => Tone::Warning,
            Verdict::Fail => Tone::Bad,
        };
        ctx.ui.sign(tone).to_owned()
    };
    let columns = [
        Column::new("", sign),
        Column::new("CHECK", |check: &Check| check.id.clone()),
        Column::new("FOUND", |check: &Check| check.message.clone()),
        Column::wide("CAUSE", |check: &Check| check.cause.clone().unwrap_or_default()),
    ];
    let names: Vec<String> = checks.iter().map(|check| check.id.clone()).collect();
    ctx.ui.print(&Rendered::list("checks", &checks, &columns)?.names(names))?;
    let failed: Vec<&Check> = checks.iter().filter(|check| check.result == Verdict::Fail).collect();
    if ctx.ui.format().is_table() {
        for check in checks.iter().filter(|check| check.result != Verdict::Pass) {
            let cause = check.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            ctx.ui.note(&format!("{}: {}{cause}", check.id, check.message))?;
            if let Some(remedy) = &check.remedy {
                ctx.ui.note(&format!("  fix: {remedy}"))?;
            }
        }
    }
    if failed.is_empty() {
        return Ok(Outcome::GOOD);
    }
    ctx.ui.note(&format!("{} failed.", text::count(failed.len(), "check")))?;
    Ok(Outcome::verdict(exit::FAILED))
}

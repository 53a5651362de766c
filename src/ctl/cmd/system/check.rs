//! `system check`.

mod items;

use crate::base::{Result, exit, text};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered, Tone};
pub use crate::model::check::{Check, Verdict};

/// Check everything the plane needs: files, database, port, server, kubeconfig, clusters.
///
/// Every check is made, also after one has failed. The exit code is 1 when one has failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system check\n  mesheryctl system check --preflight -o json")]
pub struct Args {
    /// Check only what a start needs.
    #[arg(long, visible_alias = "pre")]
    pub preflight: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let checks = items::all(ctx, args.preflight).await;
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

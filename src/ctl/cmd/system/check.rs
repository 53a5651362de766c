//! `system check`.

mod items;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Error, Result, exit, text};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered, Tone};

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

/// Verdict of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Odd, but work is possible.
    Warn,
    /// Not as it should be.
    Fail,
}

/// One check.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// Stable id; a cluster's is `cluster/CONTEXT`.
    pub id: String,
    /// Verdict.
    pub result: Verdict,
    /// What was found.
    pub message: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn pass(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), result: Verdict::Pass, message: message.into(), cause: None, remedy: None }
    }

    fn warn(id: impl Into<String>, message: impl Into<String>, remedy: &str) -> Self {
        Self { result: Verdict::Warn, remedy: Some(remedy.to_owned()), ..Self::pass(id, message) }
    }

    fn fail(id: impl Into<String>, error: &Error) -> Self {
        let report = error.report();
        let message =
            report.place.map_or_else(|| report.message.clone(), |place| format!("{place}: {}", report.message));
        Self {
            id: id.into(),
            result: Verdict::Fail,
            message,
            cause: report.probable_cause,
            remedy: report.suggested_remediation,
        }
    }

    fn of(id: &str, outcome: Result<String>) -> Self {
        outcome.map_or_else(|error| Self::fail(id, &error), |message| Self::pass(id, message))
    }
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

//! `perf schedule pause` and `perf schedule resume`.

use crate::base::error::Result;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::performance::ScheduleBody;

/// Turn a schedule off; it stays, and runs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl perf schedule pause nightly")]
pub struct Args {
    /// Name of the schedule, its id, or the beginning of it.
    #[arg(value_name = "SCHEDULE", add = complete::schedules())]
    pub(super) schedule: String,
}

/// Turn a schedule on again.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl perf schedule resume nightly")]
pub struct ResumeArgs {
    /// Name of the schedule, its id, or the beginning of it.
    #[arg(value_name = "SCHEDULE", add = complete::schedules())]
    pub(super) schedule: String,
}

pub(super) async fn set(ctx: &Ctl, wanted: &str, paused: bool) -> Result<()> {
    let client = ctx.client().await?;
    let found = client.schedule(wanted).await?;
    let body = ScheduleBody { id: Some(found.id), paused: Some(paused), ..ScheduleBody::default() };
    let schedule = client.save_schedule(&body).await?;
    let next = schedule.next_run.map(|next| format!("; next run at {next}")).unwrap_or_default();
    let text = format!("schedule {} {}{next}", schedule.name, if paused { "paused" } else { "resumed" });
    ctx.ui.print(&Rendered::one(&schedule, text)?.names([schedule.id.to_string()]))
}

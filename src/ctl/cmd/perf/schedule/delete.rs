//! `perf schedule delete`.

use crate::base::error::Result;
use crate::ctl::cmd::change::Change;
use crate::ctl::ui::Question;
use crate::ctl::{Ctl, complete};

/// Delete a schedule; its profile stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl perf schedule delete nightly --yes")]
pub struct Args {
    /// Name of the schedule, its id, or the beginning of it.
    #[arg(value_name = "SCHEDULE", add = complete::schedules())]
    schedule: String,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let client = ctx.client().await?;
    let found = client.schedule(&args.schedule).await?;
    ctx.ui.confirm(Question { text: &format!("Delete the schedule `{}`?", found.name), flag: "--yes" })?;
    client.delete_schedule(found.id).await?;
    Change::new("schedule", &found.name, "deleted").print(ctx)
}

//! `perf schedule list`.

use std::collections::HashMap;

use crate::base::clock::{self, Timestamp};
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::performance::profile::{Missed, RunOutcome, Schedule};

/// List schedules.
///
/// OUTCOME tells what came of the last run: breached or undecided where its profile has a threshold that does not hold, or of
/// which that cannot be said. `perf result view RESULT` shows the figures.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf schedule list
  mesheryctl perf schedule list -o json")]
pub struct Args {}

pub(super) async fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let client = ctx.client().await?;
    let (rows, profiles) = futures_util::future::try_join(client.schedules(), client.perf_profiles("")).await?;
    let profiles: HashMap<_, _> = profiles.into_iter().map(|profile| (profile.id, profile.name)).collect();
    let now = ctx.now();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let columns = [
        Column::new("NAME", |one: &Schedule| one.name.clone()),
        Column::new("ID", |one: &Schedule| one.id.to_string()),
        Column::new("PROFILE", |one: &Schedule| profiles.get(&one.profile_id).cloned().unwrap_or_default()),
        Column::new("CRON", |one: &Schedule| one.cron_expression.clone()),
        Column::new("TIME ZONE", |one: &Schedule| one.time_zone.clone()),
        Column::new("NEXT", |one: &Schedule| if one.paused { "paused".to_owned() } else { time(one.next_run) }),
        Column::new("LAST", move |one: &Schedule| {
            one.last_run.map_or_else(|| "never".to_owned(), |at| clock::age(at, now))
        }),
        Column::new("OUTCOME", |one: &Schedule| one.last_outcome.map_or("-", RunOutcome::name).to_owned()),
        Column::wide("RESULT", |one: &Schedule| one.last_result.map(|id| id.to_string()).unwrap_or_default()),
        Column::wide("MISSED", |one: &Schedule| if one.missed == Missed::Once { "once" } else { "skip" }.to_owned()),
    ];
    let names: Vec<String> = rows.iter().map(|one| one.name.clone()).collect();
    ctx.ui.print(&Rendered::list("schedules", &rows, &columns)?.names(names))
}

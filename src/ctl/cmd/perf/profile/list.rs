//! `perf profile list`.

use crate::base::clock;
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::performance::profile::Profile;

/// List profiles.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile list
  mesheryctl perf profile list --search shop -o json")]
pub struct Args {
    /// Only profiles whose name holds this text.
    #[arg(long, value_name = "TEXT")]
    pub(super) search: Option<String>,
}

/// Lists the profiles whose name holds `search`.
pub(in super::super) async fn all(ctx: &Ctl, search: &str) -> Result<()> {
    let rows = ctx.client().await?.perf_profiles(search).await?;
    let now = ctx.now();
    let columns = [
        Column::new("NAME", |profile: &Profile| profile.name.clone()),
        Column::new("ID", |profile: &Profile| profile.id.to_string()),
        Column::new("RESULTS", |profile: &Profile| profile.total_results.to_string()),
        Column::new("LOAD-GENERATOR", |profile: &Profile| profile.plan.generator.name().to_owned()),
        Column::new("LAST-RUN", move |profile: &Profile| {
            profile.last_run.map_or_else(|| "never".to_owned(), |at| clock::age(at, now))
        }),
        Column::wide("TARGETS", |profile: &Profile| {
            profile.plan.targets.iter().map(|target| target.url.as_str()).collect::<Vec<_>>().join(",")
        }),
        Column::wide("THRESHOLDS", |profile: &Profile| profile.thresholds.join(",")),
    ];
    let names: Vec<String> = rows.iter().map(|profile| profile.name.clone()).collect();
    ctx.ui.print(&Rendered::list("performance profiles", &rows, &columns)?.names(names))?;
    if ctx.ui.format().is_table() && !rows.is_empty() {
        ctx.ui.note(&text::count(rows.len(), "profile"))?;
    }
    Ok(())
}

//! `perf profile list`.

use super::shown;
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

/// Profiles of a page, where one is asked for.
const PAGE: usize = 25;

/// Lists the profiles whose name holds `search`: all of them, or those of a page, counted from 1.
pub(in super::super) async fn all(ctx: &Ctl, search: &str, page: Option<u32>) -> Result<()> {
    let found = ctx.client().await?.perf_profiles(search).await?;
    let total = found.len();
    let (skip, most) = page.map_or((0, total), |page| ((page.max(1) as usize - 1).saturating_mul(PAGE), PAGE));
    let rows: Vec<Profile> = found.iter().skip(skip).take(most).map(shown).collect();
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
        let of = if rows.len() < total { format!("{} of ", rows.len()) } else { String::new() };
        ctx.ui.note(&format!("{of}{}", text::count(total, "profile")))?;
    }
    Ok(())
}

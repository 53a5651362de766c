//! `perf profile view`.

use super::super::run::plan::rows;
use super::{find_profile, shown};
use crate::base::clock;
use crate::base::error::Result;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::model::performance::profile::Profile;

/// Show a profile with its whole plan. Users, passwords, cookies and headers that authorise are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile view shop
  mesheryctl perf profile view shop -o json")]
pub struct Args {
    /// Whole name of the profile, its id, or the beginning of it.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    pub(super) profile: String,
}

/// Shows the profile that is named.
pub(in super::super) async fn show(ctx: &Ctl, wanted: &str) -> Result<()> {
    let profile = shown(&find_profile(ctx, wanted).await?);
    let mut lines = vec![("profile", profile.name.clone()), ("id", profile.id.to_string())];
    lines.extend(rows(&profile.plan).into_iter().filter(|(name, _)| *name != "name"));
    lines.push(("thresholds", profile.thresholds.join(", ")));
    lines.push(("results", profile.total_results.to_string()));
    let last = profile.last_run.map(|at| format!("{} ago", clock::age(at, ctx.now())));
    lines.push(("last run", last.unwrap_or_else(|| "never".to_owned())));
    let said = lines.iter().filter(|(_, value)| !value.is_empty());
    let text = said.map(|(name, value)| format!("{name:<12} {value}")).collect::<Vec<_>>().join("\n");
    ctx.ui.print(&Rendered::one(&profile, text)?.names([profile.name.clone()]))
}

/// Says what happened to a profile.
pub(super) fn changed(ctx: &Ctl, profile: &Profile, action: &str) -> Result<()> {
    let text = format!("profile {} {action}", profile.name);
    ctx.ui.print(&Rendered::one(&shown(profile), text)?.names([profile.name.clone()]))
}

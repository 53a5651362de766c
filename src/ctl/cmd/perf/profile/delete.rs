//! `perf profile delete`.

use super::{find_profile, shown};
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::ui::{Column, Question, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::performance::profile::Profile;

/// Delete profiles and their schedules; results stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile delete shop --yes")]
pub struct Args {
    /// Whole names of profiles, their ids, or the beginnings of ids.
    #[arg(value_name = "PROFILE", required = true, add = complete::perf_profiles())]
    profile: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let mut found: Vec<Profile> = Vec::new();
    for wanted in &args.profile {
        let profile = find_profile(ctx, wanted).await?;
        if !found.contains(&profile) {
            found.push(profile);
        }
    }
    let names: Vec<String> = found.iter().map(|profile| format!("`{}`", profile.name)).collect();
    let text = format!("Delete {} {}?", text::count(found.len(), "profile"), names.join(", "));
    ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
    let client = ctx.client().await?;
    for profile in &found {
        client.delete_perf_profile(profile.id).await?;
    }
    let columns = [
        Column::new("PROFILE", |profile: &Profile| profile.name.clone()),
        Column::new("RESULT", |_: &Profile| "deleted".to_owned()),
    ];
    let found: Vec<Profile> = found.iter().map(shown).collect();
    let names: Vec<String> = found.iter().map(|profile| profile.name.clone()).collect();
    ctx.ui.print(&Rendered::list("profiles", &found, &columns)?.names(names))
}

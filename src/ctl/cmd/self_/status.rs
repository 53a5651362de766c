//! `self status`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::feed::{self, FeedArgs};
use super::{OWN, warn_of_others};
use crate::base::{Result, clock};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::release::known::{self, Known};
use crate::release::owner::{self, Owner};
use crate::release::{Channel, Feed, Installed, Keys, probe, targets};

/// Show this program's file, version, feed and predecessor.
///
/// No request is made: what is known of newer releases is what the feed said last.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl self status\n  mesheryctl self status -o json")]
pub struct Args {
    #[command(flatten)]
    feed: FeedArgs,
}

/// This program.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Its version.
    pub version: String,
    /// Its file.
    pub path: PathBuf,
    /// Kind of machine it was built for.
    pub target: String,
    /// Channel of the build.
    pub channel: Channel,
    /// Address of the release feed.
    pub feed: String,
    /// First bytes of the keys that must have signed a release.
    pub keys: Vec<String>,
    /// Package manager that owns the program; absent when `self` may change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// Command that brings a newer version.
    pub update_with: String,
    /// Version that `self rollback` would bring back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Newest release the feed named, when it is newer than this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// When the feed was last asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<clock::Timestamp>,
    /// Another program of this name that PATH finds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadowed_by: Option<PathBuf>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let here = Installed::here()?;
    let feed = args.feed.open(ctx)?;
    let keys = Keys::choose(args.feed.releases_key.as_deref())?;
    let owner = owner::of(here.path()).await;
    let previous = here.previous();
    let previous = if previous.exists() { probe::version_of(&previous).await.ok() } else { None };
    let view = view(&here, &feed, &keys, owner, previous);
    ctx.ui.print(&rendered(&view)?)?;
    warn_of_others(ctx, &here)
}

fn view(here: &Installed, feed: &Feed, keys: &Keys, owner: Option<Owner>, previous: Option<String>) -> View {
    let channel = feed::own_channel();
    let known = known::path().map(|path| Known::of(&path, feed.address(), channel)).unwrap_or_default();
    View {
        version: OWN.to_owned(),
        path: here.path().to_owned(),
        target: targets().swap_remove(0),
        channel,
        feed: feed.address().to_owned(),
        keys: keys.fingerprints(),
        update_with: owner.as_ref().map_or_else(|| "mesheryctl self update".to_owned(), |owner| owner.update.clone()),
        managed_by: owner.map(|owner| owner.manager),
        previous,
        newest: known.later_than(OWN).map(str::to_owned),
        asked_at: known.asked_at,
        shadowed_by: here.shadowed_by(),
    }
}

fn rendered(view: &View) -> Result<Rendered> {
    let mut rows = vec![
        ("version", view.version.clone()),
        ("path", view.path.display().to_string()),
        ("target", view.target.clone()),
        ("channel", view.channel.to_string()),
        ("feed", view.feed.clone()),
        ("keys", view.keys.join(", ")),
        ("managed by", view.managed_by.clone().unwrap_or_else(|| "nobody else".to_owned())),
        ("update with", view.update_with.clone()),
        ("previous", view.previous.clone().unwrap_or_else(|| "-".to_owned())),
    ];
    let asked = view.asked_at.map(|at| format!("asked {} ago", clock::age(at, clock::now())));
    rows.push((
        "newer",
        match (&view.newest, asked) {
            (Some(newest), Some(asked)) => format!("{newest} ({asked})"),
            (Some(newest), None) => newest.clone(),
            (None, Some(asked)) => format!("none known ({asked})"),
            (None, None) => "not asked".to_owned(),
        },
    ));
    let columns = [
        Column::new("FACT", |row: &(&str, String)| row.0.to_owned()),
        Column::new("VALUE", |row: &(&str, String)| row.1.clone()),
    ];
    Ok(Rendered::table(view, &rows, &columns)?.names([view.version.clone()]))
}

//! `self update`.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use schemars::JsonSchema;
use serde::Serialize;

use super::feed::{self, FeedArgs};
use super::{OWN, refresh, warn_of_others};
use crate::base::{Code, Error, Result};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::ui::{Rendered, Tone};
use crate::release::install::Change;
use crate::release::owner::{self, Act};
use crate::release::{Archive, Channel, Feed, Installed, Manifest, PROGRAM, Release, is_later, probe, targets, unpack};

/// Replace this program by another release: by default the newest of its channel.
///
/// The manifest and the archive must be signed by the feed's key, the archive must have the SHA-256 that the manifest names,
/// and the new program is run once and must report the promised version. Only then it takes the place of this one, in one
/// step; this one is kept as `mesheryctl.previous` beside it, and `mesheryctl self rollback` brings it back.
///
/// Without --version the program is never replaced by an older one. A program that a package manager installed is left to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl self update
  mesheryctl self update --check -o json
  mesheryctl self update --version 0.1.0
  mesheryctl self update --from https://releases.example.org/mesheryctl --key release.pub")]
pub struct Args {
    /// Channel to look in, instead of the one this build is of: stable or edge.
    #[arg(long, value_name = "CHANNEL", value_parser = channel_parser())]
    channel: Option<Channel>,
    /// Version to install, older ones too.
    #[arg(long, value_name = "X", conflicts_with = "channel")]
    version: Option<String>,
    /// Only ask the feed and tell what there is.
    #[arg(long)]
    check: bool,
    /// Say what would be done, and download nothing.
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    #[command(flatten)]
    feed: FeedArgs,
}

fn channel_parser() -> impl TypedValueParser<Value = Channel> {
    PossibleValuesParser::new(Channel::NAMES).try_map(|name| name.parse::<Channel>())
}

/// What was done or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// How it went.
    pub outcome: Outcome,
    /// Version that is or was in place.
    pub from: String,
    /// Version that was chosen; the one in place when nothing is newer.
    pub to: String,
    /// Channel that was looked in; absent when a version was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The program's file.
    pub path: PathBuf,
    /// Where the program that was replaced is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PathBuf>,
    /// The archive it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// Where the release's notes stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_url: Option<String>,
}

/// How an update went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing newer is there, or the named version is in place.
    Unchanged,
    /// A newer or the named version is there; --check or --dry-run was given.
    Available,
    /// It is in place now.
    Updated,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let here = Installed::here()?;
    if !args.check {
        if let Some(owner) = owner::of(here.path()).await {
            return Err(owner.refusal(here.path(), Act::Update));
        }
        here.check_writable()?;
    }
    let feed = args.feed.open(ctx)?;
    let channel = args.channel.unwrap_or_else(feed::own_channel);
    let manifest = feed.manifest().await?;
    feed::remember(&feed, feed::own_channel(), &manifest);
    let mut view = View {
        outcome: Outcome::Unchanged,
        from: OWN.to_owned(),
        to: OWN.to_owned(),
        channel: args.version.is_none().then_some(channel),
        path: here.path().to_owned(),
        previous: None,
        archive: None,
        notes_url: None,
    };
    let Some(release) = choose(&manifest, args.version.as_deref(), channel)? else {
        let text = unchanged(&manifest, args.version.as_deref(), channel);
        return print(ctx, &view, text, &here);
    };
    let archive = release.archive(&targets())?;
    view.outcome = Outcome::Available;
    release.version.clone_into(&mut view.to);
    view.archive = Some(archive.clone());
    view.notes_url.clone_from(&release.notes_url);
    if args.check || args.dry_run {
        let text = available(&view, archive, args.dry_run.then_some(&here));
        return print(ctx, &view, text, &here);
    }
    replace(ctx, &feed, release, archive, here.clone()).await?;
    view.outcome = Outcome::Updated;
    view.previous = Some(here.previous());
    let text = format!(
        "mesheryctl {OWN} was replaced by {} in {}\nthe one before is kept: `mesheryctl self rollback` brings it back",
        view.to,
        here.path().display()
    );
    print(ctx, &view, text, &here)?;
    tell_of_running(ctx)
}

/// The release to install; none when the program is what is wanted already.
fn choose<'m>(manifest: &'m Manifest, version: Option<&str>, channel: Channel) -> Result<Option<&'m Release>> {
    if let Some(version) = version {
        return Ok(Some(manifest.named(version)?).filter(|release| release.version != OWN));
    }
    let newest = manifest.newest(channel, &targets()).ok_or_else(|| {
        let kinds = targets().join(" or ");
        Error::new(Code::ReleaseUnknown, format!("the feed has no release of channel {channel} for {kinds}"))
            .remedy("Look in the other channel with --channel, or name another feed with --releases-url.")
    })?;
    Ok(Some(newest).filter(|release| is_later(&release.version, OWN)))
}

fn unchanged(manifest: &Manifest, version: Option<&str>, channel: Channel) -> String {
    let newest = manifest.newest(channel, &targets()).map_or(OWN, |release| release.version.as_str());
    match version {
        Some(_) => format!("mesheryctl is version {OWN} already"),
        None if newest == OWN => format!("mesheryctl {OWN} is the newest release of channel {channel}"),
        None => format!(
            "mesheryctl {OWN} is newer than {newest}, the newest release of channel {channel}; \
             `mesheryctl self update --version {newest}` goes back to it"
        ),
    }
}

fn available(view: &View, archive: &Archive, dry_run: Option<&Installed>) -> String {
    let text = match dry_run {
        None => format!("mesheryctl {} is there; this is {OWN}\n`mesheryctl self update` takes it", view.to),
        Some(here) => format!(
            "would download {} ({})\nwould replace mesheryctl {OWN} in {} by {}\nwould keep it as {}",
            archive.url,
            size(archive.size),
            here.path().display(),
            view.to,
            here.previous().display()
        ),
    };
    match &view.notes_url {
        Some(url) => format!("{text}\nnotes: {url}"),
        None => text,
    }
}

fn print(ctx: &Ctl, view: &View, text: String, here: &Installed) -> Result<()> {
    ctx.ui.print(&Rendered::one(view, text)?.names([view.to.clone()]))?;
    warn_of_others(ctx, here)
}

/// Downloads, checks, tries and swaps. Until the swap nothing but a folder of our own beside the program is written.
async fn replace(ctx: &Ctl, feed: &Feed, release: &Release, archive: &Archive, here: Installed) -> Result<()> {
    let change = Change::begin(here)?;
    let progress = ctx.ui.progress();
    let step = progress.step(PROGRAM);
    let whole = size(archive.size);
    step.state(format!("downloading {} ({whole})", archive.name));
    let is_animated = ctx.ui.is_animated();
    let mut tell = |there: u64| {
        if is_animated {
            step.state(format!("downloading {} ({} of {whole})", archive.name, size(there)));
        }
    };
    let path = feed.fetch(archive, change.stage(), &mut tell).await?;
    step.state("checking");
    let incoming = unpacked(&change, path).await?;
    let reported = probe::version_of(&incoming).await?;
    if reported != release.version {
        return Err(Error::new(
            Code::ReleaseBroken,
            format!("{} holds version {reported}, not {}", archive.name, release.version),
        ));
    }
    change.swap(&incoming)?;
    step.end(Tone::Good, format!("{} is in place", release.version));
    refresh::files(ctx, change.installed()).await
}

/// The program out of the archive, fit to take its place.
async fn unpacked(change: &Change, archive: PathBuf) -> Result<PathBuf> {
    let folder = change.stage().join("content");
    let incoming = unpack(archive, folder).await?;
    change.prepare(&incoming)?;
    Ok(incoming)
}

/// A server goes on with the program it was started from.
fn tell_of_running(ctx: &Ctl) -> Result<()> {
    let Ok(home) = ctx.settings.home() else { return Ok(()) };
    match running(&home, Role::Server) {
        Some(pid) => ctx.ui.note(&format!(
            "The server, process {pid}, still runs {OWN}; `mesheryctl system restart` takes the new version."
        )),
        None => Ok(()),
    }
}

fn running(home: &Path, role: Role) -> Option<u32> {
    process::find(role, home).ok().flatten().map(|running| running.pid)
}

/// `12.3 MiB`.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        MIB.. => format!("{:.1} MiB", bytes as f64 / MIB as f64),
        KIB.. => format!("{:.1} KiB", bytes as f64 / KIB as f64),
        _ => format!("{bytes} bytes"),
    }
}

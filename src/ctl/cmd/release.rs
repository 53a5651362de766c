//! `generate-release` and `generate-release-key` (hidden): for those who keep a release feed.

use std::path::PathBuf;

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::release::publish::{self, Publish, Published};
use crate::release::{Channel, Keys};

/// Sign the archives of a folder and write manifest.json, its signature and SHA256SUMS there.
///
/// Releases that an earlier manifest in the folder names are kept. See docs/releases.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl generate-release dist --signing-key release.key")]
pub struct Args {
    /// Folder with archives mesheryctl-VERSION-TARGET.tar.gz.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// File of the private key.
    #[arg(long, value_name = "FILE")]
    signing_key: PathBuf,
    /// Channel of the releases: stable or edge; by default edge for versions with a suffix.
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Address of the notes, with {version} in it.
    #[arg(long, value_name = "URL")]
    notes_url: Option<String>,
    /// Folder address of the archives, with {version} in it, when they do not stand beside the manifest.
    #[arg(long, value_name = "URL")]
    archives_url: Option<String>,
    /// Take a version back; repeatable.
    #[arg(long, value_name = "VERSION=REASON")]
    withdraw: Vec<String>,
}

/// Make a key pair that signs releases: the private half in FILE, the public one in FILE.pub.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl generate-release-key release.key")]
pub struct KeyArgs {
    /// File to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let usage = |message: String| Error::new(Code::UsageError, message);
    let channel = args.channel.as_deref().map(str::parse::<Channel>).transpose();
    let withdraw = args.withdraw.iter().map(|text| {
        let (version, reason) = text.split_once('=').filter(|(_, reason)| !reason.is_empty())?;
        Some((version.to_owned(), reason.to_owned()))
    });
    let how = Publish {
        pair: publish::read_pair(&args.signing_key)?,
        channel: channel.map_err(|reason| usage(format!("--channel is wrong: {reason}")))?,
        notes_url: args.notes_url.clone(),
        archives_url: args.archives_url.clone(),
        withdraw: withdraw
            .collect::<Option<_>>()
            .ok_or_else(|| usage("--withdraw wants VERSION=REASON, such as 0.2.0='loses data'".to_owned()))?,
    };
    let rows = publish::publish(&args.dir, &how)?;
    let columns = [
        Column::new("VERSION", |row: &Published| row.version.clone()),
        Column::new("CHANNEL", |row: &Published| row.channel.to_string()),
        Column::new("ARCHIVE", |row: &Published| row.name.clone()),
        Column::new("SIZE", |row: &Published| row.size.to_string()),
        Column::wide("SHA256", |row: &Published| row.sha256.clone()),
    ];
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    ctx.ui.print(&Rendered::list("archives", &rows, &columns)?.names(names))
}

pub(crate) fn run_key(ctx: &Ctl, args: &KeyArgs) -> Result<()> {
    let public = publish::new_pair(&args.file)?;
    let keys = Keys::of_file(&public)?;
    ctx.ui.note(&format!(
        "{} signs; keep it secret. {} is its public half ({}…).",
        args.file.display(),
        public.display(),
        keys.fingerprints().join(", ")
    ))
}

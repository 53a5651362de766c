//! `perf profile export`.

use std::path::PathBuf;

use super::super::results;
use super::super::run::plan::rows;
use super::find_profile;
use crate::base::error::Result;
use crate::ctl::ui::Tone;
use crate::ctl::{Ctl, complete};
use crate::model::performance::profile::Profile;
use crate::perf::redact;
use crate::perf::smp::{self, Written};

/// Write a profile as a test file of the Service Mesh Performance specification, which `perf run -f` and other programs read.
///
/// What the format has no place for and decides which requests are sent, such as a rate that changes, is refused. What this
/// program adds, such as a warm-up or thresholds, is left out and told on stderr. The file holds headers, cookies and
/// addresses as the profile has them, with what authorises.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf profile export shop
  mesheryctl perf profile export shop test.yaml
  mesheryctl perf run -f test.yaml --dry-run")]
pub struct Args {
    /// Whole name of the profile, its id, or the beginning of it.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    profile: String,
    /// File to write, which is replaced; standard output without it, or with -.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let file = args.file.as_deref().filter(|file| file.as_os_str() != "-");
    if let Some(file) = file {
        results::check("FILE", file)?;
    }
    let profile = find_profile(ctx, &args.profile).await?;
    let Written { text, lost } = smp::write(&profile.plan)?;
    tell_losses(ctx, &profile, &lost)?;
    if file.is_some() && redact::plan(&profile.plan) != profile.plan {
        ctx.ui.warn("the file holds what authorises: a user, a password, a cookie or a header of the profile")?;
    }
    results::write(ctx, text.as_bytes(), file)
}

/// Names what the file has no place for, with its value.
fn tell_losses(ctx: &Ctl, profile: &Profile, lost: &[&str]) -> Result<()> {
    let values = rows(&profile.plan);
    let value = |name: &&str| values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let mut told: Vec<String> = lost.iter().map(|name| format!("{name} ({})", value(name))).collect();
    if !profile.thresholds.is_empty() {
        told.push(format!("thresholds ({})", profile.thresholds.join(", ")));
    }
    if told.is_empty() {
        return Ok(());
    }
    let sign = ctx.ui.sign(Tone::Faint);
    ctx.ui.note(&format!("{sign} A test file has no place for {}; give a run of it the flags.", told.join(", ")))
}

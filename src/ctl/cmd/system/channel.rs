//! `system channel`.

mod set;
pub mod view;

use clap::Subcommand;

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;

/// Release channels.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system channel view --all
  mesheryctl system channel set edge"
)]
pub enum Command {
    /// Set the release channel and version of a context.
    #[command(visible_alias = "switch")]
    Set(set::Args),
    /// Show the release channel and version of a context.
    View(view::Args),
}

impl Command {
    pub(crate) fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Set(args) => set::run(ctx, &args),
            Command::View(args) => view::run(ctx, &args),
        }
    }
}

/// Reads `stable`, `edge`, `stable-v0.6.0`, `edge-latest`, `v0.6.0` as channel and version.
fn parse(text: &str) -> Result<(String, String)> {
    let (channel, release) = match text.split_once('-') {
        Some((channel @ ("stable" | "edge"), release)) => (channel, release),
        _ if text == "stable" || text == "edge" => (text, "latest"),
        _ if is_tag(text) => ("stable", text),
        _ => return Err(wrong(text)),
    };
    check_release(channel, release)?;
    Ok((channel.to_owned(), release.to_owned()))
}

/// Whether the version exists in principle: `latest`, or a tag on the stable channel. Nothing is looked up.
pub(super) fn check_release(channel: &str, release: &str) -> Result<()> {
    if release == "latest" || (channel == "stable" && is_tag(release)) {
        return Ok(());
    }
    if channel == "edge" && is_tag(release) {
        return Err(wrong(&format!("edge-{release}")).because("the edge channel has only `latest`"));
    }
    Err(wrong(release))
}

fn wrong(text: &str) -> Error {
    Error::new(Code::UsageError, format!("`{text}` is not a release channel or version"))
        .remedy("Use stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.")
}

/// `v1.2.3`, with an optional `-rc.1` or the like.
fn is_tag(text: &str) -> bool {
    let Some(version) = text.strip_prefix('v') else { return false };
    let (numbers, suffix) = version.split_once('-').unwrap_or((version, "x"));
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_suffix = !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    parts.len() == 3 && parts.iter().all(is_number) && is_suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_in_every_spelling() {
        let read = |text| parse(text).map(|(channel, release)| format!("{channel}/{release}"));
        assert_eq!(read("stable").unwrap(), "stable/latest");
        assert_eq!(read("edge-latest").unwrap(), "edge/latest");
        assert_eq!(read("stable-v0.6.0-rc.1").unwrap(), "stable/v0.6.0-rc.1");
        assert_eq!(read("v0.5.60").unwrap(), "stable/v0.5.60");
        for text in ["edge-v0.6.0", "beta", "stable-", "v1", "0.6.0", "stable-0.6.0"] {
            assert_eq!(read(text).unwrap_err().code(), Code::UsageError, "{text}");
        }
    }
}

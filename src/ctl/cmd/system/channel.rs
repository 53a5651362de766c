//! `system channel`.

mod set;
mod switch;
pub mod view;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use crate::base::{Code, Error, Result, env};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::cmd::system::update;
use crate::ctl::config::{self, Edit, Field};
use crate::model::context::{Context, Platform};
use crate::release::{Feed, Keys, feed};

/// Limit for the look into a feed.
const LIMIT: Duration = Duration::from_secs(5);

/// Release channels.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system channel view --all
  mesheryctl system channel set edge
  mesheryctl system channel switch stable"
)]
pub enum Command {
    Set(set::Args),
    #[command(about = "Set them, and bring the running plane to them")]
    Switch(switch::Args),
    View(view::Args),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Set(args) => set::run(ctx, &args).await,
            Command::Switch(args) => return switch::run(ctx, &args).await,
            Command::View(args) => view::run(ctx, &args),
        }
        .map(Into::into)
    }
}

/// A channel and a version of it.
struct Choice {
    channel: String,
    release: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.channel, self.release)
    }
}

impl Choice {
    /// Reads `stable`, `edge`, `stable-v0.6.0`, `edge-latest`, `v0.6.0`.
    fn parse(text: &str) -> Result<Self> {
        let (channel, release) = match text.split_once('-') {
            Some((channel @ ("stable" | "edge"), release)) => (channel, release),
            _ if text == "stable" || text == "edge" => (text, "latest"),
            _ if is_tag(text) => ("stable", text),
            _ => return Err(wrong(text)),
        };
        check_release(channel, release)?;
        Ok(Self { channel: channel.to_owned(), release: release.to_owned() })
    }

    /// Writes it to the chosen context of config.yaml; the context's name.
    fn set(&self, ctx: &Ctl) -> Result<String> {
        let context = ctx.settings.context_name()?.to_owned();
        config::update(&ctx.settings.config_path()?, |config| {
            config.find(&context)?;
            let set = |field, value: &str| Edit::SetField(context.clone(), field, value.to_owned());
            Ok((vec![set(Field::Channel, &self.channel), set(Field::Version, &self.release)], ()))
        })?;
        Ok(context)
    }
}

/// A pinned version must be in the feed that the user set. Without one, or when it does not answer, nothing is looked up:
/// choosing a version never needs the internet.
async fn check_known(ctx: &Ctl, choice: &Choice) -> Result<()> {
    let Some(address) = feed::chosen().filter(|_| choice.release != "latest") else { return Ok(()) };
    let key = env::get(env::MESHERY_RELEASES_KEY).map(PathBuf::from);
    let feed = Feed::open(&address, Keys::choose(key.as_deref())?, LIMIT)?.with_ca_file(ctx.settings.ca_file());
    match feed.manifest().await {
        Ok(manifest) => manifest.named(&choice.release).map(|_| ()),
        Err(error) => ctx.ui.warn(&format!("whether {} was released is not known: {error}", choice.release)),
    }
}

/// Says so where a context of this machine is set to a release that its plane cannot be of.
fn note_release(ctx: &Ctl, name: &str, choice: &Choice) -> Result<()> {
    let known = ctx.settings.config().find(name)?;
    let context = Context { channel: choice.channel.clone(), version: choice.release.clone(), ..known.clone() };
    let is_here = context.platform == Platform::Local && !switch::is_elsewhere(&context);
    match update::has_release(&context) {
        Err(error) if is_here => {
            let fix = error.report().suggested_remediation.unwrap_or_default();
            ctx.ui.warn(&format!("{error}. {fix}"))
        }
        _ => Ok(()),
    }
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
        let read = |text| Choice::parse(text).map(|choice| choice.to_string());
        assert_eq!(read("stable").unwrap(), "stable-latest");
        assert_eq!(read("edge-latest").unwrap(), "edge-latest");
        assert_eq!(read("stable-v0.6.0-rc.1").unwrap(), "stable-v0.6.0-rc.1");
        assert_eq!(read("v0.5.60").unwrap(), "stable-v0.5.60");
        for text in ["edge-v0.6.0", "beta", "stable-", "v1", "0.6.0", "stable-0.6.0"] {
            assert_eq!(read(text).unwrap_err().code(), Code::UsageError, "{text}");
        }
    }
}

//! Which feed is asked, and by which key its releases are judged.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::release::feed::DEFAULT_URL;
use crate::release::known::{self, Known};
use crate::release::{Channel, Feed, Keys, Manifest};

/// Limit for the manifest, where the user set none.
const LIMIT: Duration = Duration::from_secs(30);

/// Flags of verbs that ask a feed.
#[derive(Debug, clap::Args)]
pub struct FeedArgs {
    /// Release feed: an https address or a folder, instead of the built-in one.
    #[arg(long, visible_alias = "from", value_name = "URL")]
    pub releases_url: Option<String>,
    /// Public key of that feed, instead of the built-in one: a file of 32 bytes or 64 hexadecimal digits.
    #[arg(long, visible_alias = "key", value_name = "FILE")]
    pub releases_key: Option<PathBuf>,
}

impl FeedArgs {
    /// The address that is meant.
    pub fn address(&self) -> &str {
        self.releases_url.as_deref().unwrap_or(DEFAULT_URL)
    }

    /// The feed that is meant.
    pub fn open(&self, ctx: &Ctl) -> Result<Feed> {
        let keys = Keys::choose(self.releases_key.as_deref())?;
        let limit = ctx.settings.timeout().unwrap_or(LIMIT);
        Ok(Feed::open(self.address(), keys, limit)?.with_ca_file(ctx.settings.ca_file()))
    }
}

/// The channel that this build is of.
pub fn own_channel() -> Channel {
    crate::model::version::Version::current().release_channel.parse().unwrap_or_default()
}

/// Keeps what a feed offers for verbs that make no request. A cache that cannot be written is no reason to stop.
pub fn remember(feed: &Feed, channel: Channel, manifest: &Manifest) {
    let write = || {
        let path = known::path()?;
        let mut known = Known::of(&path, feed.address(), channel);
        known.learn(manifest);
        known.write(&path)
    };
    if let Err(error) = write() {
        tracing::debug!("the cache of releases is not written: {error}");
    }
}

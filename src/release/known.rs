//! What a feed last said, kept in the cache folder: for the daily notice, and for verbs that make no request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Channel, Manifest, is_later, targets};
use crate::base::clock::{self, Timestamp};
use crate::base::{Result, dirs};

/// How long an answer holds, and how often a notice may be shown.
const PERIOD: Duration = Duration::from_hours(24);

/// What is known of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The feed's address.
    pub feed: String,
    /// The channel that was looked at.
    pub channel: Channel,
    /// When the feed was last asked, whether or not it answered.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// When a notice was last shown.
    #[serde(default)]
    pub told_at: Option<Timestamp>,
    /// The newest release for this kind of machine.
    #[serde(default)]
    pub newest: Option<String>,
}

/// Name of the file.
pub const NAME: &str = "releases.json";

/// The file.
pub fn path() -> Result<PathBuf> {
    Ok(dirs::cache()?.join(NAME))
}

impl Known {
    /// Nothing yet.
    pub fn nothing(feed: &str, channel: Channel) -> Self {
        Self { feed: feed.to_owned(), channel, ..Self::default() }
    }

    /// Reads the file; one that is missing or unreadable is nothing.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// What the file says of this feed and channel.
    pub fn of(path: &Path, feed: &str, channel: Channel) -> Self {
        Self::read(path)
            .filter(|known| known.feed == feed && known.channel == channel)
            .unwrap_or_else(|| Self::nothing(feed, channel))
    }

    /// Writes the file in one step.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| crate::base::Error::internal("the cache is no JSON").because(error))?;
        dirs::write_atomic(path, &text, 0o600)
    }

    /// Takes in what the feed offers now.
    pub fn learn(&mut self, manifest: &Manifest) {
        self.asked_at = Some(clock::now());
        self.newest = manifest.newest(self.channel, &targets()).map(|release| release.version.clone());
    }

    /// Whether the feed may be asked again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        is_over(self.asked_at, now)
    }

    /// The version to tell of, when there is a later one than `own` and it was not told within a day.
    pub fn news(&self, own: &str, now: Timestamp) -> Option<&str> {
        self.later_than(own).filter(|_| is_over(self.told_at, now))
    }

    /// The newest version, when it is later than `own`.
    pub fn later_than(&self, own: &str) -> Option<&str> {
        self.newest.as_deref().filter(|newest| is_later(newest, own))
    }
}

/// Whether a period has passed since then; a moment in the future, of a clock that was wrong, counts as passed.
fn is_over(since: Option<Timestamp>, now: Timestamp) -> bool {
    let Some(since) = since else { return true };
    let passed = now.duration_since(since);
    passed.is_negative() || passed.unsigned_abs() >= PERIOD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_asked_and_told_of_once_a_day() {
        let now = clock::now();
        let hours = |hours: i64| now.checked_sub(jiff::SignedDuration::from_hours(hours)).ok();
        let mut known = Known::nothing("f", Channel::Stable);
        assert!(known.is_due(now));
        known.asked_at = hours(23);
        assert!(!known.is_due(now));
        for passed in [24, -1] {
            known.asked_at = hours(passed);
            assert!(known.is_due(now), "{passed} hours");
        }
        assert_eq!(known.news("0.1.0", now), None);
        known.newest = Some("0.2.0".to_owned());
        assert_eq!((known.news("0.1.0", now), known.news("0.2.0", now)), (Some("0.2.0"), None));
        known.told_at = hours(1);
        assert_eq!((known.news("0.1.0", now), known.later_than("0.1.0")), (None, Some("0.2.0")));
    }

    #[test]
    fn what_is_kept_is_of_one_feed_and_channel_and_garbage_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache").join("releases.json");
        let known = Known { newest: Some("1.0.0".to_owned()), ..Known::nothing("f", Channel::Edge) };
        known.write(&path).unwrap();
        assert_eq!(Known::of(&path, "f", Channel::Edge), known);
        assert_eq!(Known::of(&path, "f", Channel::Stable).newest, None);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Known::read(&path), None);
    }
}

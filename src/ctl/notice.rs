//! The notice of a newer release: for people at a terminal, once a day, and only where the user allowed the request.
//!
//! The feed is asked while the command runs. A feed that is down, slow or broken is never told of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Ctl;
use super::cmd::self_;
use crate::base::clock;
use crate::base::env;
use crate::release::feed::{self, DEFAULT_URL};
use crate::release::known::{self, Known};
use crate::release::{Feed, Keys};

/// Limit for the request.
const LIMIT: Duration = Duration::from_secs(1);
/// How much longer than its work a command may take for the answer.
const GRACE: Duration = Duration::from_millis(200);

/// What is known of newer releases while a command runs.
pub(super) struct Notice {
    path: PathBuf,
    known: Known,
    asked: Option<JoinHandle<Option<Known>>>,
}

/// The feed that may be asked though no command wants it: one the user set, or the built-in one by express consent.
fn allowed() -> Option<String> {
    if env::is_on(env::MESHERY_NO_UPDATE_CHECK) {
        return None;
    }
    feed::chosen().or_else(|| env::is_on(env::MESHERY_UPDATE_CHECK).then(|| DEFAULT_URL.to_owned()))
}

impl Notice {
    /// Looks into the cache, and asks the feed when it was not asked within a day. Needs a runtime.
    pub(super) fn begin(ctx: &Ctl) -> Option<Self> {
        if !ctx.ui.takes_notices() {
            return None;
        }
        let key = env::get(env::MESHERY_RELEASES_KEY).map(PathBuf::from);
        let keys = Keys::choose(key.as_deref()).ok()?;
        let feed = Feed::open(&allowed()?, keys, LIMIT).ok()?.with_ca_file(ctx.settings.ca_file());
        let path = known::path().ok()?;
        let mut known = Known::of(&path, feed.address(), self_::own_channel());
        let mut asked = None;
        if known.is_due(clock::now()) {
            // Written at once, so that other commands of this moment do not ask as well. Where nothing can be kept,
            // every command would ask: then none does.
            known.asked_at = Some(clock::now());
            known.write(&path).ok()?;
            asked = Some(tokio::spawn(ask(feed, path.clone(), known.clone())));
        }
        Some(Self { path, known, asked })
    }

    /// Takes in the answer, and tells the news where there is some.
    pub(super) async fn end(mut self, ctx: &Ctl) {
        if let Some(mut asked) = self.asked.take() {
            match tokio::time::timeout(GRACE, &mut asked).await {
                Ok(Ok(Some(known))) => self.known = known,
                Ok(_) => {}
                Err(_) => asked.abort(),
            }
        }
        let own = env!("CARGO_PKG_VERSION");
        let Some(newest) = self.known.news(own, clock::now()) else { return };
        let note = format!(
            "mesheryctl {newest} is there (this is {own}): `mesheryctl self update` takes it. \
             MESHERY_NO_UPDATE_CHECK=1 turns this notice off."
        );
        if ctx.ui.note(&note).is_ok() {
            self.known.told_at = Some(clock::now());
            keep(&self.known, &self.path);
        }
    }
}

/// Asks the feed and keeps what it says; none when it gives no good answer.
async fn ask(feed: Feed, path: PathBuf, mut known: Known) -> Option<Known> {
    match feed.manifest().await {
        Ok(manifest) => known.learn(&manifest),
        Err(error) => {
            tracing::debug!("the release feed gives no answer: {error}");
            return None;
        }
    }
    keep(&known, &path);
    Some(known)
}

fn keep(known: &Known, path: &Path) {
    if let Err(error) = known.write(path) {
        tracing::debug!("the cache of releases is not written: {error}");
    }
}

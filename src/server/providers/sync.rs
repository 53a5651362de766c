//! What users save here goes to their provider as well. The plane's database comes first: a change is recorded there
//! before its sender hears that it is stored, and stays recorded until the provider has it. Tokens are not recorded:
//! a change is sent with a session that holds, now or when its user is next seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Providers, Session};
use crate::base::{Code, Result, clock};
use crate::model::pattern::PatternRecord;
use crate::model::preference::Preferences;
use crate::server::{Sender, Shared, State};
use crate::store::patterns::NewPattern;
use crate::store::provider_sync::{Change, Owner, Pending};
use crate::wire::provider::{FEATURES, feature};
use crate::wire::rest::exchange::ApplicationRecord;
use crate::wire::rest::session::{SyncItem, SyncReport};

/// Changes read at once.
const BATCH: u64 = 50;
/// Sessions that changes are sent with in the background.
const LIVE: usize = 1_024;
/// How often changes that failed are tried again.
const RETRY_EVERY: Duration = Duration::from_secs(30);
/// How long a command that is about to end waits for the provider.
const BEFORE_THE_END: Duration = Duration::from_secs(3);

/// Sessions that are in use, by their owner.
#[derive(Default)]
pub(super) struct Sync {
    live: Mutex<HashMap<Owner, Arc<Session>>>,
    /// Changes go to a provider one after the other.
    turn: tokio::sync::Mutex<()>,
}

impl Sync {
    pub(super) fn lives(&self, session: &Arc<Session>) {
        let mut live = self.lock();
        if live.len() >= LIVE {
            let now = clock::now();
            live.retain(|_, session| !session.token.is_expired(now));
        }
        if live.len() < LIVE || live.contains_key(&session.owner()) {
            live.insert(session.owner(), session.clone());
        }
    }

    pub(super) fn forget(&self, session: &Session) {
        self.lock().remove(&session.owner());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, Arc<Session>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores a pattern, and records it for the sender's provider.
pub async fn save_pattern(state: &Shared, sender: &Sender, new: NewPattern) -> Result<PatternRecord> {
    let owner = sender.session().map(|session| session.user.user_id.clone());
    let record = state.store.patterns().save(NewPattern { owner, ..new }).await?;
    let body = if record.is_application() { json!(ApplicationRecord::from(record.clone())) } else { json!(record) };
    changed(state, sender, feature_of(&record), record.id.to_string(), Some(body)).await?;
    Ok(record)
}

/// Deletes a pattern, and records that for the sender's provider.
pub async fn delete_pattern(state: &Shared, sender: &Sender, id: Uuid) -> Result<Option<PatternRecord>> {
    let deleted = state.store.patterns().delete(id).await?;
    if let Some(record) = &deleted {
        changed(state, sender, feature_of(record), record.id.to_string(), None).await?;
    }
    Ok(deleted)
}

/// Stores preferences, and records them for the sender's provider.
pub async fn save_preferences(state: &Shared, sender: &Sender, preferences: &Preferences) -> Result<()> {
    state.store.preferences().set(preferences).await?;
    changed(state, sender, feature::PREFERENCES, String::new(), Some(json!(preferences))).await
}

fn feature_of(record: &PatternRecord) -> &'static str {
    if record.is_application() { feature::APPLICATIONS } else { feature::PATTERNS }
}

async fn changed(state: &Shared, sender: &Sender, feature: &str, object: String, body: Option<Value>) -> Result<()> {
    let Some(session) = sender.session() else { return Ok(()) };
    let change = Change { feature: feature.to_owned(), object, body };
    state.store.provider_sync().queue(&session.owner(), &change).await?;
    let (state, session) = (state.clone(), session.clone());
    let in_process = state.settings.in_process;
    let work = async move { state.providers.send(&session).await };
    if in_process {
        // What is not sent by then is sent by the next server or command.
        let _ = tokio::time::timeout(BEFORE_THE_END, work).await;
    } else {
        tokio::spawn(work);
    }
    Ok(())
}

/// What the sender's provider does not have yet.
pub async fn report(state: &Shared, sender: &Sender) -> Result<SyncReport> {
    let Some(session) = sender.session() else {
        return Ok(SyncReport { provider: crate::model::provider::LOCAL.to_owned(), waiting: Vec::new() });
    };
    let waiting = state.store.provider_sync().waiting(&session.owner()).await?;
    let item = |pending: Pending| SyncItem {
        feature: pending.change.feature,
        object: pending.change.object,
        deleted: pending.change.body.is_none(),
        since: pending.created_at,
        attempts: pending.attempts,
        error: pending.error,
    };
    Ok(SyncReport { provider: session.provider.clone(), waiting: waiting.into_iter().map(item).collect() })
}

/// Tries again from time to time, as long as the server lives.
pub(in crate::server) async fn retry(state: Weak<State>) {
    loop {
        tokio::time::sleep(RETRY_EVERY).await;
        let Some(state) = state.upgrade() else { return };
        let now = clock::now();
        let live: Vec<Arc<Session>> = state.providers.sync.lock().values().cloned().collect();
        for session in live.iter().filter(|session| !session.token.is_expired(now)) {
            state.providers.send(session).await;
        }
    }
}

impl Providers {
    /// Sends what is due. What fails stays recorded with its reason.
    async fn send(&self, session: &Session) {
        if let Err(error) = self.send_due(session).await {
            tracing::warn!(%error, "changes for a provider could not be read or marked");
        }
    }

    async fn send_due(&self, session: &Session) -> Result<()> {
        let _turn = self.sync.turn.lock().await;
        let owner = session.owner();
        loop {
            let due = self.store.provider_sync().due(&owner, clock::now(), BATCH).await?;
            if due.is_empty() {
                return Ok(());
            }
            for pending in due {
                let Err(error) = self.send_one(session, &owner, &pending).await else { continue };
                tracing::info!(%error, feature = pending.change.feature, "a change did not reach the provider");
                self.store.provider_sync().put_off(&pending, clock::now(), &error.to_string()).await?;
                // The others would fail as this one did.
                if matches!(error.code(), Code::ProviderUnreachable | Code::AuthSession) {
                    return Ok(());
                }
            }
        }
    }

    async fn send_one(&self, session: &Session, owner: &Owner, pending: &Pending) -> Result<()> {
        let (change, sync) = (&pending.change, self.store.provider_sync());
        let Some(endpoint) = session.remote.properties(&self.store).await.endpoint(&change.feature).map(str::to_owned)
        else {
            return self.without_feature(session, pending).await;
        };
        match &change.body {
            Some(body) if change.feature == feature::PREFERENCES => {
                session.remote.put(&session.token, &endpoint, body).await?;
            }
            Some(body) => {
                let remote = sync.remote_id(owner, &change.feature, &change.object).await?;
                let sent = wrapped(&change.feature, body, remote.as_deref());
                let got = session.remote.save(&session.token, &endpoint, &sent).await?;
                if let Some(got) = got.filter(|got| *got != change.object && Some(got) != remote.as_ref()) {
                    sync.set_remote_id(owner, pending, Some(got)).await?;
                }
            }
            None => {
                let remote = sync.remote_id(owner, &change.feature, &change.object).await?;
                let id = remote.unwrap_or_else(|| change.object.clone());
                session.remote.delete(&session.token, &endpoint, &id).await?;
                sync.set_remote_id(owner, pending, None).await?;
            }
        }
        sync.taken(pending.id).await
    }

    /// A provider that does not keep such objects is not to get them; one that did not say so yet may be asked later.
    async fn without_feature(&self, session: &Session, pending: &Pending) -> Result<()> {
        use crate::model::provider::Status;
        if session.remote.remembered().status == Some(Status::Online) {
            return self.store.provider_sync().taken(pending.id).await;
        }
        Err(crate::base::Error::new(
            Code::ProviderUnreachable,
            format!("the provider at {} has not said yet what it keeps", session.remote.address()),
        ))
    }
}

/// The body that providers expect: the object under the feature's key, with the provider's own id where it has one.
fn wrapped(feature: &str, body: &Value, remote: Option<&str>) -> Value {
    let mut object = body.clone();
    if let (Some(remote), Some(fields)) = (remote, object.as_object_mut()) {
        fields.insert("id".to_owned(), json!(remote));
    }
    let known = FEATURES.iter().find(|known| known.name == feature);
    match known.and_then(|known| known.envelopes.first()) {
        Some(key) => json!({*key: object, "save": true}),
        None => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_travel_under_the_key_of_their_feature() {
        let body = json!({"id": "1", "name": "shop"});
        let sent = wrapped(feature::PATTERNS, &body, None);
        assert_eq!(sent, json!({"pattern_data": {"id": "1", "name": "shop"}, "save": true}));
        assert_eq!(wrapped(feature::APPLICATIONS, &body, Some("77"))["application_data"]["id"], "77");
        assert_eq!(wrapped("environments", &body, None), body);
    }
}

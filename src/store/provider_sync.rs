//! Remote providers as the plane knows them: what they last said of themselves, and changes of users' objects that they
//! are still to get. A change stays until the provider took it; a newer one of the same object stands for the older.

mod known;
mod outbox;
mod remote_ids;

use sea_orm::entity::prelude::*;
use serde_json::Value;

use super::{Store, json};
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::provider::Provider;

pub use outbox::{Change, Pending};

/// Whose objects at which provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Address of the provider.
    pub provider: String,
    /// The user's id there.
    pub user: String,
}

/// The tables.
pub struct ProviderSync<'a>(pub(super) &'a Store);

impl ProviderSync<'_> {
    /// What a provider last said of itself.
    pub async fn known(&self, url: &str) -> Result<Option<Provider>> {
        let row = known::Entity::find_by_id(url).one(&self.0.read).await;
        let row = row.map_err(|error| self.0.failed("read the known providers", &error))?;
        row.map(|row| json::read(&row.body, "known_providers")).transpose()
    }

    /// Keeps what a provider says of itself, for times when it does not answer.
    pub async fn remember(&self, url: &str, provider: &Provider) -> Result<()> {
        let done = known::put(&self.0.write, url, json::write(provider)?).await;
        done.map_err(|error| self.0.failed("store a known provider", &error))
    }

    /// Records a change that the provider is to get; changes of the same object that it did not get are replaced.
    pub async fn queue(&self, owner: &Owner, change: &Change) -> Result<()> {
        let what = "record a change for the provider";
        let body = change.body.as_ref().map(json::write::<Value>).transpose()?;
        let transaction = self.0.begin(what).await?;
        let done = outbox::replace(&transaction, owner, change, body).await;
        done.map_err(|error| self.0.failed(what, &error))?;
        self.0.commit(what, transaction).await
    }

    /// Changes that are due, oldest first; `now` leaves out those whose next try is later.
    pub async fn due(&self, owner: &Owner, now: Timestamp, limit: u64) -> Result<Vec<Pending>> {
        let rows = outbox::due(&self.0.read, owner, now, limit).await;
        let rows = rows.map_err(|error| self.0.failed("read the changes for the provider", &error))?;
        rows.into_iter().map(outbox::pending).collect()
    }

    /// Every change that the provider does not have yet, oldest first.
    pub async fn waiting(&self, owner: &Owner) -> Result<Vec<Pending>> {
        self.due(owner, Timestamp::MAX, u64::from(u32::MAX)).await
    }

    /// The provider took a change.
    pub async fn taken(&self, id: i64) -> Result<()> {
        let done = outbox::Entity::delete_by_id(id).exec(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store what the provider has", &error))
    }

    /// The provider did not take a change; it is tried again later, after a longer time each time.
    pub async fn put_off(&self, pending: &Pending, now: Timestamp, error: &str) -> Result<()> {
        let done = outbox::put_off(&self.0.write, pending, now, error).await;
        done.map_err(|error| self.0.failed("store what the provider refused", &error))
    }

    /// The provider's own id of an object, where it differs from ours.
    pub async fn remote_id(&self, owner: &Owner, feature: &str, object: &str) -> Result<Option<String>> {
        let found = remote_ids::find(&self.0.read, owner, feature, object).await;
        found.map_err(|error| self.0.failed("read the provider's id of an object", &error))
    }

    /// Keeps the provider's own id of an object; `None` forgets it.
    pub async fn set_remote_id(&self, owner: &Owner, change: &Pending, remote: Option<String>) -> Result<()> {
        let done = remote_ids::put(&self.0.write, owner, change, remote).await;
        done.map_err(|error| self.0.failed("store the provider's id of an object", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;
    use crate::base::clock;
    use serde_json::json;

    fn owner(user: &str) -> Owner {
        Owner { provider: "http://p".into(), user: user.into() }
    }

    fn change(object: &str, body: Option<Value>) -> Change {
        Change { feature: "persist-meshery-patterns".into(), object: object.into(), body }
    }

    #[tokio::test]
    async fn a_newer_change_stands_for_the_older_and_users_are_kept_apart() {
        let (_dir, store) = store().await;
        let (sync, ada) = (store.provider_sync(), owner("ada"));
        sync.queue(&ada, &change("a", Some(json!({"v": 1})))).await.unwrap();
        sync.queue(&ada, &change("b", Some(json!({"v": 1})))).await.unwrap();
        let sent = sync.due(&ada, clock::now(), 10).await.unwrap().remove(0);
        sync.queue(&ada, &change("a", None)).await.unwrap();
        sync.queue(&owner("bob"), &change("a", Some(json!({"v": 3})))).await.unwrap();
        // The older change was on its way when the newer came: that it arrived does not take the newer away.
        sync.taken(sent.id).await.unwrap();
        let left = sync.waiting(&ada).await.unwrap();
        let shown: Vec<_> = left.iter().map(|item| (item.change.object.as_str(), item.change.body.is_some())).collect();
        assert_eq!(shown, [("b", true), ("a", false)]);
        assert_eq!(sync.waiting(&owner("bob")).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_was_refused_waits_longer_each_time_and_keeps_its_reason() {
        let (_dir, store) = store().await;
        let (sync, ada) = (store.provider_sync(), owner("ada"));
        sync.queue(&ada, &change("a", Some(json!({})))).await.unwrap();
        let now = clock::now();
        let mut waits = Vec::new();
        for _ in 0..3 {
            let item = sync.waiting(&ada).await.unwrap().remove(0);
            sync.put_off(&item, now, "it is down").await.unwrap();
            assert!(sync.due(&ada, now, 10).await.unwrap().is_empty());
            let item = sync.waiting(&ada).await.unwrap().remove(0);
            assert_eq!(item.error.as_deref(), Some("it is down"));
            waits.push(item.next_at.duration_since(now).as_secs());
        }
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    }

    #[tokio::test]
    async fn providers_and_their_ids_are_remembered() {
        let (_dir, store) = store().await;
        let (sync, ada) = (store.provider_sync(), owner("ada"));
        assert_eq!(sync.known("http://p").await.unwrap(), None);
        for name in ["Team", "Crew"] {
            let provider: Provider = serde_json::from_value(json!({"provider_name": name})).unwrap();
            sync.remember("http://p", &provider).await.unwrap();
            assert_eq!(sync.known("http://p").await.unwrap().unwrap().provider_name, name);
        }
        sync.queue(&ada, &change("a", None)).await.unwrap();
        let item = sync.waiting(&ada).await.unwrap().remove(0);
        let id = async || sync.remote_id(&ada, &item.change.feature, "a").await.unwrap();
        assert_eq!(id().await, None);
        sync.set_remote_id(&ada, &item, Some("77".into())).await.unwrap();
        assert_eq!(id().await.as_deref(), Some("77"));
        sync.set_remote_id(&ada, &item, None).await.unwrap();
        assert_eq!(id().await, None);
    }
}

//! Adapters that users added: where they are. What they say of themselves is asked, not stored.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder, TryInsertResult};

use super::Store;
use crate::base::{Result, clock};
use crate::model::adapter::Location;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "adapters")]
pub struct Model {
    /// `host:port`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub location: String,
    /// Microseconds since 1970.
    pub added_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The table.
pub struct AdapterStore<'a>(pub(super) &'a Store);

impl AdapterStore<'_> {
    /// All, in the order they were added.
    pub async fn list(&self) -> Result<Vec<Location>> {
        let rows = Entity::find().order_by_asc(Column::AddedAt).order_by_asc(Column::Location).all(&self.0.read).await;
        let rows = rows.map_err(|error| self.0.failed("list adapters", &error))?;
        rows.iter().map(|row| Location::parse(&row.location)).collect()
    }

    /// Adds one; whether it was not there before.
    pub async fn add(&self, location: &Location) -> Result<bool> {
        let row = ActiveModel { location: Set(location.to_string()), added_at: Set(clock::now().as_microsecond()) };
        let done = Entity::insert(row).on_conflict_do_nothing().exec_without_returning(&self.0.write).await;
        match done.map_err(|error| self.0.failed("store an adapter", &error))? {
            TryInsertResult::Inserted(rows) => Ok(rows > 0),
            TryInsertResult::Conflicted | TryInsertResult::Empty => Ok(false),
        }
    }

    /// Removes one; whether it was there.
    pub async fn remove(&self, location: &Location) -> Result<bool> {
        let done = Entity::delete_by_id(location.to_string()).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("remove an adapter", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    #[tokio::test]
    async fn adapters_are_added_once_kept_in_order_and_removed() {
        let (_dir, store) = store().await;
        let (a, b) = (Location::new("meshery-linkerd", 10001), Location::new("::1", 10000));
        assert!(store.adapters().add(&a).await.unwrap());
        assert!(store.adapters().add(&b).await.unwrap());
        assert!(!store.adapters().add(&a).await.unwrap(), "it is there already");
        assert_eq!(store.adapters().list().await.unwrap(), [a.clone(), b.clone()]);
        assert!(store.adapters().remove(&a).await.unwrap());
        assert!(!store.adapters().remove(&a).await.unwrap());
        assert_eq!(store.adapters().list().await.unwrap(), [b]);
    }
}

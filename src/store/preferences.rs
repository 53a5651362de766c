//! Preferences: one row.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::{Store, json};
use crate::base::Result;
use crate::model::preference::Preferences;

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "preferences")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The preferences as JSON.
    pub body: String,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const ROW: i64 = 1;

/// The table.
pub struct PreferenceStore<'a>(pub(super) &'a Store);

impl PreferenceStore<'_> {
    /// The preferences; defaults when none were stored.
    pub async fn get(&self) -> Result<Preferences> {
        let row = Entity::find_by_id(ROW).one(&self.0.read).await;
        match row.map_err(|error| self.0.failed("read preferences", &error))? {
            Some(row) => json::read(&row.body, "preferences"),
            None => Ok(Preferences::default()),
        }
    }

    /// Replaces the preferences.
    pub async fn set(&self, preferences: &Preferences) -> Result<()> {
        let row = ActiveModel { id: Set(ROW), body: Set(json::write(preferences)?) };
        let conflict = OnConflict::column(Column::Id).update_column(Column::Body).to_owned();
        let done = Entity::insert(row).on_conflict(conflict).exec_without_returning(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store preferences", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    #[tokio::test]
    async fn preferences_have_defaults_and_are_replaced() {
        let (_dir, store) = store().await;
        assert_eq!(store.preferences().get().await.unwrap(), Preferences::default());
        for contexts in [vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]] {
            let wanted = Preferences { selected_contexts: contexts, ..Preferences::default() };
            store.preferences().set(&wanted).await.unwrap();
            assert_eq!(store.preferences().get().await.unwrap(), wanted);
        }
    }
}

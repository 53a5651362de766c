//! What providers call objects, where they do not take our ids.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::{Owner, Pending};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_objects")]
pub struct Model {
    /// Address of the provider.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// The user's id at the provider.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Feature.
    #[sea_orm(primary_key, auto_increment = false)]
    pub feature: String,
    /// Our id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub object: String,
    /// Theirs.
    pub remote_id: String,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn key(owner: &Owner, feature: &str, object: &str) -> (String, String, String, String) {
    (owner.provider.clone(), owner.user.clone(), feature.to_owned(), object.to_owned())
}

pub(super) async fn find<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    feature: &str,
    object: &str,
) -> Result<Option<String>, DbErr> {
    let row = Entity::find_by_id(key(owner, feature, object)).one(connection).await?;
    Ok(row.map(|row| row.remote_id))
}

pub(super) async fn put<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    change: &Pending,
    remote: Option<String>,
) -> Result<(), DbErr> {
    let key = key(owner, &change.change.feature, &change.change.object);
    let Some(remote) = remote else {
        return Entity::delete_by_id(key).exec(connection).await.map(drop);
    };
    let row = ActiveModel {
        provider: Set(key.0),
        user_id: Set(key.1),
        feature: Set(key.2),
        object: Set(key.3),
        remote_id: Set(remote),
    };
    let columns = [Column::Provider, Column::UserId, Column::Feature, Column::Object];
    let conflict = OnConflict::columns(columns).update_column(Column::RemoteId).to_owned();
    Entity::insert(row).on_conflict(conflict).exec_without_returning(connection).await.map(drop)
}

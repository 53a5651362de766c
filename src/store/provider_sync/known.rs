//! What providers last said of themselves.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::base::clock;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "known_providers")]
pub struct Model {
    /// Address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub url: String,
    /// What it said, as JSON.
    pub body: String,
    /// Microseconds since 1970.
    pub seen_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn put<C: ConnectionTrait>(connection: &C, url: &str, body: String) -> Result<(), DbErr> {
    let row = ActiveModel { url: Set(url.to_owned()), body: Set(body), seen_at: Set(clock::now().as_microsecond()) };
    let conflict = OnConflict::column(Column::Url).update_columns([Column::Body, Column::SeenAt]).to_owned();
    Entity::insert(row).on_conflict(conflict).exec_without_returning(connection).await.map(drop)
}

//! Changes that providers are still to get.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::NotSet, ActiveValue::Set, QueryOrder, QuerySelect};
use serde_json::Value;

use super::{Owner, json};
use crate::base::Result;
use crate::base::clock::{self, Timestamp};

/// Seconds until the second try; each further one waits twice as long.
const FIRST_WAIT: i64 = 5;
/// Seconds that are waited at most.
const LONGEST_WAIT: i64 = 3_600;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_outbox")]
pub struct Model {
    /// Position; never used twice.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Address of the provider.
    pub provider: String,
    /// The user's id at the provider.
    pub user_id: String,
    /// Feature.
    pub feature: String,
    /// Id of the object.
    pub object: String,
    /// The object as JSON; none when it was deleted.
    pub body: Option<String>,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Tries so far.
    pub attempts: i64,
    /// Microseconds since 1970 before which it is not tried.
    pub next_at: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A change of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Feature the object belongs to.
    pub feature: String,
    /// Id of the object.
    pub object: String,
    /// What it is now; `None` when it was deleted.
    pub body: Option<Value>,
}

/// A change that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Position.
    pub id: i64,
    /// The change.
    pub change: Change,
    /// When it was made.
    pub created_at: Timestamp,
    /// Tries so far.
    pub attempts: i64,
    /// When it is tried next, at the earliest.
    pub next_at: Timestamp,
    /// Why the last try failed.
    pub error: Option<String>,
}

pub(super) async fn replace<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    change: &Change,
    body: Option<String>,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Provider.eq(owner.provider.as_str()))
        .filter(Column::UserId.eq(owner.user.as_str()))
        .filter(Column::Feature.eq(change.feature.as_str()))
        .filter(Column::Object.eq(change.object.as_str()))
        .exec(connection)
        .await?;
    let now = clock::now().as_microsecond();
    let row = ActiveModel {
        id: NotSet,
        provider: Set(owner.provider.clone()),
        user_id: Set(owner.user.clone()),
        feature: Set(change.feature.clone()),
        object: Set(change.object.clone()),
        body: Set(body),
        created_at: Set(now),
        attempts: Set(0),
        next_at: Set(now),
        error: Set(None),
    };
    Entity::insert(row).exec_without_returning(connection).await.map(drop)
}

pub(super) async fn due<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Provider.eq(owner.provider.as_str()))
        .filter(Column::UserId.eq(owner.user.as_str()))
        .filter(Column::NextAt.lte(now.as_microsecond()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(connection)
        .await
}

pub(super) async fn put_off<C: ConnectionTrait>(
    connection: &C,
    pending: &Pending,
    now: Timestamp,
    error: &str,
) -> Result<(), DbErr> {
    let doubled = FIRST_WAIT.saturating_mul(1 << pending.attempts.clamp(0, 20));
    let next = now.as_microsecond().saturating_add(doubled.min(LONGEST_WAIT) * 1_000_000);
    let row = ActiveModel {
        attempts: Set(pending.attempts + 1),
        next_at: Set(next),
        error: Set(Some(error.to_owned())),
        ..Default::default()
    };
    Entity::update_many().set(row).filter(Column::Id.eq(pending.id)).exec(connection).await.map(drop)
}

pub(super) fn pending(row: Model) -> Result<Pending> {
    Ok(Pending {
        id: row.id,
        change: Change {
            feature: row.feature,
            object: row.object,
            body: row.body.map(|body| json::read(&body, "provider_outbox")).transpose()?,
        },
        created_at: json::time(row.created_at),
        attempts: row.attempts,
        next_at: json::time(row.next_at),
        error: row.error,
    })
}

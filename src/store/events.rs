//! The event log: append-only, numbered, trimmed from its old end.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::NotSet, ActiveValue::Set, Condition, ConnectionTrait, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::page::Page;
use super::{Store, json};
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::event::Event;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// Position in the log; never used twice.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// UUID of the operation.
    pub operation_id: Option<String>,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Severity word.
    pub severity: String,
    /// Area.
    pub category: String,
    /// What was done.
    pub action: String,
    /// One sentence.
    pub summary: String,
    /// More.
    pub details: String,
    /// The same for programs, as JSON.
    pub payload: Option<String>,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How much of the log is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Events at most.
    pub count: u64,
    /// Nothing older than this.
    pub since: Timestamp,
}

/// The table.
pub struct Events<'a>(pub(super) &'a Store);

impl Events<'_> {
    /// Events after position `after`, oldest first; of one operation, or of all.
    pub async fn after(&self, after: i64, operation: Option<Uuid>, limit: u64) -> Result<Vec<Event>> {
        let mut select = Entity::find().filter(Column::Id.gt(after));
        if let Some(id) = operation {
            select = select.filter(Column::OperationId.eq(id.to_string()));
        }
        let rows = select.order_by_asc(Column::Id).limit(limit).all(&self.0.read).await;
        let rows = rows.map_err(|error| self.0.failed("read events", &error))?;
        rows.into_iter().map(event).collect()
    }

    /// One page, newest first, and the number of events in all pages.
    pub async fn list(&self, page: Page) -> Result<(Vec<Event>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list events", error);
        let total = Entity::find().count(&self.0.read).await.map_err(|error| fail(&error))?;
        let rows = Entity::find()
            .order_by_desc(Column::Id)
            .offset(page.limit().map(|_| page.offset().min(i64::MAX as u64)))
            .limit(page.limit())
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        Ok((rows.into_iter().map(event).collect::<Result<_>>()?, total))
    }

    /// Position of the newest event; 0 when there is none.
    pub async fn last(&self) -> Result<i64> {
        let last = Entity::find().select_only().column(Column::Id).order_by_desc(Column::Id).into_tuple::<i64>();
        let last = last.one(&self.0.read).await.map_err(|error| self.0.failed("read events", &error))?;
        Ok(last.unwrap_or(0))
    }

    /// Appends events in one step; their `id` fields are set to the positions they got.
    pub async fn append(&self, events: &mut [Event]) -> Result<()> {
        let what = "store events";
        let transaction = self.0.begin(what).await?;
        append(self.0, &transaction, events).await?;
        self.0.commit(what, transaction).await
    }

    /// Drops what is older or more than wanted; events of running operations stay. Tells how many went.
    pub async fn trim(&self, keep: Keep) -> Result<u64> {
        let what = "trim the event log";
        let boundary = Entity::find()
            .select_only()
            .column(Column::Id)
            .order_by_desc(Column::Id)
            .offset(keep.count)
            .limit(1)
            .into_tuple::<i64>()
            .one(&self.0.read)
            .await
            .map_err(|error| self.0.failed(what, &error))?;
        let surplus = Condition::any()
            .add(Column::Id.lte(boundary.unwrap_or(0)))
            .add(Column::CreatedAt.lt(keep.since.as_microsecond()));
        let free = Condition::any()
            .add(Column::OperationId.is_null())
            .add(Column::OperationId.not_in_subquery(super::operations::running_ids()));
        let deleted = Entity::delete_many().filter(surplus).filter(free).exec(&self.0.write).await;
        deleted.map(|done| done.rows_affected).map_err(|error| self.0.failed(what, &error))
    }
}

/// Appends within a transaction of the caller.
pub(super) async fn append(store: &Store, connection: &impl ConnectionTrait, events: &mut [Event]) -> Result<()> {
    for event in events {
        let row = row(event)?.insert(connection).await;
        event.id = row.map_err(|error| store.failed("store events", &error))?.id;
    }
    Ok(())
}

fn row(event: &Event) -> Result<ActiveModel> {
    Ok(ActiveModel {
        id: NotSet,
        operation_id: Set(event.operation_id.map(|id| id.to_string())),
        created_at: Set(event.created_at.as_microsecond()),
        severity: Set(json::word(&event.severity)?),
        category: Set(event.category.clone()),
        action: Set(event.action.clone()),
        summary: Set(event.summary.clone()),
        details: Set(event.details.clone()),
        payload: Set(event.payload.as_ref().map(json::write).transpose()?),
    })
}

fn event(row: Model) -> Result<Event> {
    Ok(Event {
        id: row.id,
        operation_id: row.operation_id.map(|id| json::id(&id, "events")).transpose()?,
        created_at: json::time(row.created_at),
        severity: json::from_word(&row.severity, "events")?,
        category: row.category,
        action: row.action,
        summary: row.summary,
        details: row.details,
        payload: row.payload.map(|payload| json::read(&payload, "events")).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;
    use crate::base::clock;
    use crate::model::event::{Payload, Severity};

    fn sample(operation: Option<Uuid>) -> Event {
        Event {
            id: 0,
            operation_id: operation,
            created_at: clock::now(),
            severity: Severity::Warning,
            category: "pattern".into(),
            action: "apply".into(),
            summary: "s".into(),
            details: "d".into(),
            payload: Some(Payload::Started { objects: 3 }),
        }
    }

    #[tokio::test]
    async fn events_are_numbered_read_by_operation_and_never_renumbered() {
        let (_dir, store) = store().await;
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut log = [sample(Some(a)), sample(Some(b)), sample(Some(a)), sample(None)];
        store.events().append(&mut log).await.unwrap();
        assert_eq!(store.events().after(0, Some(a), 10).await.unwrap(), [log[0].clone(), log[2].clone()]);
        assert_eq!(store.events().after(log[1].id, None, 1).await.unwrap(), [log[2].clone()]);
        let (page, total) = store.events().list(Page { number: 1, size: 3 }).await.unwrap();
        assert_eq!((page, total), (vec![log[0].clone()], 4));
        let everything = Keep { count: 0, since: Timestamp::UNIX_EPOCH };
        assert_eq!(store.events().trim(everything).await.unwrap(), 4);
        let mut next = [sample(None)];
        store.events().append(&mut next).await.unwrap();
        assert!(next[0].id > log[3].id, "positions are not used twice");
        assert_eq!(store.events().last().await.unwrap(), next[0].id);
    }

    #[tokio::test]
    async fn trimming_keeps_the_newest_by_count_and_drops_the_old_by_age() {
        let (_dir, store) = store().await;
        let mut log: Vec<Event> = (0..5).map(|_| sample(None)).collect();
        log[3].created_at = Timestamp::from_second(1_000).unwrap();
        store.events().append(&mut log).await.unwrap();
        let keep = Keep { count: 3, since: Timestamp::from_second(2_000).unwrap() };
        assert_eq!(store.events().trim(keep).await.unwrap(), 3);
        let left: Vec<i64> = store.events().after(0, None, 10).await.unwrap().iter().map(|event| event.id).collect();
        assert_eq!(left, [log[2].id, log[4].id]);
    }
}

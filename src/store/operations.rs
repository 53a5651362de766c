//! Operations, and who runs them.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::page::Page;
use super::{Store, events, json};
use crate::base::clock::Timestamp;
use crate::base::process::Identity;
use crate::base::{Result, clock};
use crate::model::event::Event;
use crate::model::operation::{Operation, OperationStatus};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Kind word.
    pub kind: String,
    /// What it works on.
    pub subject: String,
    /// Status word.
    pub status: String,
    /// The process that runs it.
    pub owner: String,
    /// 1 when somebody asked it to stop.
    pub cancel_requested: i64,
    /// Microseconds since 1970.
    pub started_at: i64,
    /// Microseconds since 1970.
    pub ended_at: Option<i64>,
    /// The whole operation as JSON.
    pub body: String,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const RUNNING: &str = "running";

/// The table.
pub struct Operations<'a>(pub(super) &'a Store);

impl Operations<'_> {
    /// Adds an operation that `owner` runs.
    pub async fn begin(&self, operation: &Operation, owner: &Identity) -> Result<()> {
        let row = ActiveModel {
            id: Set(operation.id.to_string()),
            kind: Set(json::word(&operation.kind)?),
            subject: Set(operation.subject.clone()),
            status: Set(json::word(&operation.status)?),
            owner: Set(owner.to_string()),
            cancel_requested: Set(0),
            started_at: Set(operation.started_at.as_microsecond()),
            ended_at: Set(operation.ended_at.map(Timestamp::as_microsecond)),
            body: Set(json::write(operation)?),
        };
        let done = Entity::insert(row).exec_without_returning(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store an operation", &error))
    }

    /// Stores how operations stand now together with the events that tell it, in one step.
    pub async fn record(&self, operations: &[Operation], log: &mut [Event]) -> Result<()> {
        let what = "store an operation";
        let transaction = self.0.begin(what).await?;
        events::append(self.0, &transaction, log).await?;
        for operation in operations {
            let row = ActiveModel {
                id: Set(operation.id.to_string()),
                status: Set(json::word(&operation.status)?),
                ended_at: Set(operation.ended_at.map(Timestamp::as_microsecond)),
                body: Set(json::write(operation)?),
                ..Default::default()
            };
            let updated = Entity::update_many().set(row).filter(Column::Id.eq(operation.id.to_string()));
            updated.exec(&transaction).await.map_err(|error| self.0.failed(what, &error))?;
        }
        self.0.commit(what, transaction).await
    }

    /// The operation of that id.
    pub async fn get(&self, id: Uuid) -> Result<Option<Operation>> {
        let row = Entity::find_by_id(id.to_string()).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read an operation", &error))?.map(|row| operation(&row)).transpose()
    }

    /// One page, newest first, and the number of operations in all pages.
    pub async fn list(&self, page: Page) -> Result<(Vec<Operation>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list operations", error);
        let total = Entity::find().count(&self.0.read).await.map_err(|error| fail(&error))?;
        let rows = Entity::find()
            .order_by_desc(Column::StartedAt)
            .order_by_desc(Column::Id)
            .offset(page.limit().map(|_| page.offset().min(i64::MAX as u64)))
            .limit(page.limit())
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        Ok((rows.iter().map(operation).collect::<Result<_>>()?, total))
    }

    /// The newest operations on a subject, newest first.
    pub async fn of_subject(&self, subject: &str, limit: u64) -> Result<Vec<Operation>> {
        let rows = Entity::find()
            .filter(Column::Subject.eq(subject))
            .order_by_desc(Column::StartedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.0.read)
            .await
            .map_err(|error| self.0.failed("list the operations on a pattern", &error))?;
        rows.iter().map(operation).collect()
    }

    /// Asks the owner of a running operation to stop it; whether it was running.
    pub async fn request_cancel(&self, id: Uuid) -> Result<bool> {
        let done = Entity::update_many()
            .col_expr(Column::CancelRequested, Expr::value(1))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::Status.eq(RUNNING))
            .exec(&self.0.write)
            .await;
        let done = done.map_err(|error| self.0.failed("cancel an operation", &error))?;
        Ok(done.rows_affected > 0)
    }

    /// Running operations of `owner` that were asked to stop.
    pub async fn cancel_requests(&self, owner: &Identity) -> Result<Vec<Uuid>> {
        let ids: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Status.eq(RUNNING))
            .filter(Column::CancelRequested.ne(0))
            .filter(Column::Owner.eq(owner.to_string()))
            .into_tuple()
            .all(&self.0.read)
            .await
            .map_err(|error| self.0.failed("read operations", &error))?;
        ids.iter().map(|id| json::id(id, "operations")).collect()
    }

    /// Operations that still count as running although the process that ran them is gone.
    pub async fn orphans(&self) -> Result<Vec<Operation>> {
        let rows = Entity::find().filter(Column::Status.eq(RUNNING)).all(&self.0.read).await;
        let rows = rows.map_err(|error| self.0.failed("read operations", &error))?;
        let dead = |row: &&Model| !row.owner.parse::<Identity>().is_ok_and(|owner| owner.is_alive());
        rows.iter().filter(dead).map(operation).collect()
    }

    /// Drops the oldest ended operations beyond `count`. Tells how many went.
    pub async fn trim(&self, count: u64) -> Result<u64> {
        let what = "trim the operations";
        let boundary = Entity::find()
            .select_only()
            .column(Column::StartedAt)
            .order_by_desc(Column::StartedAt)
            .offset(count)
            .limit(1)
            .into_tuple::<i64>()
            .one(&self.0.read)
            .await
            .map_err(|error| self.0.failed(what, &error))?;
        let Some(boundary) = boundary else { return Ok(0) };
        let surplus = Entity::delete_many().filter(Column::StartedAt.lte(boundary)).filter(Column::Status.ne(RUNNING));
        let done = surplus.exec(&self.0.write).await.map_err(|error| self.0.failed(what, &error))?;
        Ok(done.rows_affected)
    }
}

/// Ids of running operations, for use in other statements.
pub(super) fn running_ids() -> SelectStatement {
    Query::select().column(Column::Id).from(Entity).and_where(Column::Status.eq(RUNNING)).take()
}

fn operation(row: &Model) -> Result<Operation> {
    json::read(&row.body, "operations")
}

/// The operation as it stands after its process died.
pub fn abandoned(mut operation: Operation) -> Operation {
    operation.status = OperationStatus::Abandoned;
    operation.ended_at = Some(clock::now());
    operation
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;
    use crate::base::id;
    use crate::model::operation::OperationKind;

    fn running(subject: &str) -> Operation {
        Operation {
            id: id::new(),
            kind: OperationKind::PatternApply,
            subject: subject.into(),
            status: OperationStatus::Running,
            contexts: vec!["kind".into()],
            started_at: clock::now(),
            ended_at: None,
            results: vec![],
            warnings: vec![],
            failures: vec![],
            error: None,
        }
    }

    #[tokio::test]
    async fn operations_of_dead_owners_are_orphans_and_those_of_living_ones_are_not() {
        let (_dir, store) = store().await;
        let (mine, theirs) = (running("mine"), running("theirs"));
        store.operations().begin(&mine, &Identity::current()).await.unwrap();
        let dead = Identity { pid: Identity::current().pid, started: "before the last boot".into() };
        store.operations().begin(&theirs, &dead).await.unwrap();
        let orphans = store.operations().orphans().await.unwrap();
        assert_eq!(orphans, std::slice::from_ref(&theirs));
        store.operations().record(&[abandoned(theirs.clone())], &mut []).await.unwrap();
        assert_eq!(store.operations().get(theirs.id).await.unwrap().unwrap().status, OperationStatus::Abandoned);
        assert!(store.operations().orphans().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_request_to_cancel_reaches_the_owner_of_a_running_operation_only() {
        let (_dir, store) = store().await;
        let (operation, owner) = (running("a"), Identity::current());
        store.operations().begin(&operation, &owner).await.unwrap();
        assert!(store.operations().cancel_requests(&owner).await.unwrap().is_empty());
        assert!(store.operations().request_cancel(operation.id).await.unwrap());
        assert_eq!(store.operations().cancel_requests(&owner).await.unwrap(), [operation.id]);
        let other = Identity { pid: 1, started: "x".into() };
        assert!(store.operations().cancel_requests(&other).await.unwrap().is_empty());
        store.operations().record(&[abandoned(operation.clone())], &mut []).await.unwrap();
        assert!(!store.operations().request_cancel(operation.id).await.unwrap(), "it has ended");
    }

    #[tokio::test]
    async fn lists_are_newest_first_and_trimming_spares_the_running() {
        let (_dir, store) = store().await;
        let owner = Identity::current();
        let all: Vec<Operation> = (0..4)
            .map(|second| Operation {
                started_at: clock::Timestamp::from_second(1_000 + second).unwrap(),
                ..running(&second.to_string())
            })
            .collect();
        for operation in &all {
            store.operations().begin(operation, &owner).await.unwrap();
        }
        let ended: Vec<Operation> = all[1..].iter().cloned().map(abandoned).collect();
        store.operations().record(&ended, &mut []).await.unwrap();
        let (page, total) = store.operations().list(Page { number: 0, size: 2 }).await.unwrap();
        assert_eq!((page[0].subject.as_str(), page[1].subject.as_str(), total), ("3", "2", 4));
        assert_eq!(store.operations().trim(2).await.unwrap(), 1);
        let (left, _) = store.operations().list(Page::ALL).await.unwrap();
        assert_eq!(left.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(), ["3", "2", "0"]);
    }
}

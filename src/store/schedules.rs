//! Schedules of performance profiles.

use sea_orm::entity::prelude::*;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    Condition, Order, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::order::{self, Direction};
use super::page::Page;
use super::{Store, json};
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::performance::profile::Schedule;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "perf_schedules")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name.
    pub name: String,
    /// Cron expression.
    pub cron_expression: String,
    /// IANA name.
    pub time_zone: String,
    /// Policy word.
    pub missed: String,
    /// The profile; none until one names the schedule, as clients of 2021 do it.
    pub profile_id: Option<String>,
    /// 1 when it is off.
    pub paused: i64,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
    /// Microseconds since 1970.
    pub last_run: Option<i64>,
    /// Microseconds since 1970.
    pub next_run: Option<i64>,
    /// The result of the last run; none until it has begun.
    pub last_result: Option<String>,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The table.
pub struct Schedules<'a>(pub(super) &'a Store);

impl Schedules<'_> {
    /// One page, by name, newest first, or as `order` says, and the number of schedules in all pages.
    pub async fn list(&self, page: Page, search: &str, order_text: &str) -> Result<(Vec<Schedule>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list schedules", error);
        let select = Entity::find().filter(order::contains(Column::Name, search));
        let total = select.clone().count(&self.0.read).await.map_err(|error| fail(&error))?;
        let (column, direction) = ordered(order_text);
        let rows = select
            .order_by(column, direction.order())
            .order_by(Column::Id, Order::Asc)
            .offset(page.limit().map(|_| page.offset().min(i64::MAX as u64)))
            .limit(page.limit())
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        Ok((rows.iter().map(schedule).collect::<Result<_>>()?, total))
    }

    /// The schedule of that id.
    pub async fn get(&self, id: Uuid) -> Result<Option<Schedule>> {
        let row = Entity::find_by_id(id.to_string()).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read a schedule", &error))?.as_ref().map(schedule).transpose()
    }

    /// Stores a schedule in place of the one of its id, or as a new one. When that one ran last, and with which result,
    /// stays: a run may have begun since `new` was read.
    pub async fn save(&self, new: &Schedule) -> Result<()> {
        let what = "store a schedule";
        let transaction = self.0.begin(what).await?;
        let fail = |error: &DbErr| self.0.failed(what, error);
        let known = Entity::find_by_id(new.id.to_string()).count(&transaction).await.map_err(|error| fail(&error))?;
        let row = row(new)?;
        let saved = if known > 0 {
            ActiveModel { last_run: NotSet, last_result: NotSet, ..row }.update(&transaction).await
        } else {
            row.insert(&transaction).await
        };
        saved.map_err(|error| fail(&error))?;
        self.0.commit(what, transaction).await
    }

    /// Makes a schedule that of a profile; whether there is one of that id.
    pub async fn bind(&self, id: Uuid, profile: Uuid) -> Result<bool> {
        let done = Entity::update_many()
            .col_expr(Column::ProfileId, Expr::value(profile.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&self.0.write)
            .await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("change a schedule", &error))
    }

    /// Schedules that are due at `now`, earliest first.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Schedule>> {
        let rows = Entity::find()
            .filter(active())
            .filter(Column::NextRun.lte(now.as_microsecond()))
            .order_by_asc(Column::NextRun)
            .all(&self.0.read)
            .await
            .map_err(|error| self.0.failed("read schedules", &error))?;
        rows.iter().map(schedule).collect()
    }

    /// When the next schedule is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let next = Entity::find()
            .select_only()
            .column(Column::NextRun)
            .filter(active())
            .order_by_asc(Column::NextRun)
            .into_tuple::<i64>()
            .one(&self.0.read)
            .await
            .map_err(|error| self.0.failed("read schedules", &error))?;
        Ok(next.map(json::time))
    }

    /// Moves a due schedule on to its next time, and notes that it ran where it does. Whether this call did it: of
    /// several servers on one database only one does.
    pub async fn claim(&self, due: &Schedule, next: Option<Timestamp>, ran: Option<Timestamp>) -> Result<bool> {
        let Some(was) = due.next_run else { return Ok(false) };
        let mut update = Entity::update_many()
            .col_expr(Column::NextRun, Expr::value(next.map(Timestamp::as_microsecond)))
            .filter(Column::Id.eq(due.id.to_string()))
            .filter(Column::NextRun.eq(was.as_microsecond()));
        if let Some(ran) = ran {
            update = update
                .col_expr(Column::LastRun, Expr::value(ran.as_microsecond()))
                .col_expr(Column::LastResult, Expr::value(Option::<String>::None));
        }
        let done = update.exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("change a schedule", &error))
    }

    /// Notes the result of a run that has begun.
    pub async fn begun(&self, id: Uuid, result: Uuid) -> Result<()> {
        let done = Entity::update_many()
            .col_expr(Column::LastResult, Expr::value(result.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&self.0.write)
            .await;
        done.map(drop).map_err(|error| self.0.failed("change a schedule", &error))
    }

    /// Deletes a schedule; whether it was there.
    pub async fn delete(&self, id: Uuid) -> Result<bool> {
        let done = Entity::delete_by_id(id.to_string()).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("delete a schedule", &error))
    }
}

fn active() -> Condition {
    Condition::all().add(Column::Paused.eq(0)).add(Column::NextRun.is_not_null()).add(Column::ProfileId.is_not_null())
}

fn ordered(text: &str) -> (Column, Direction) {
    let default = (Column::UpdatedAt, Direction::Descending);
    let Some((column, direction)) = order::parse(text) else { return default };
    match column {
        "name" => (Column::Name, direction),
        "next_run" | "nextRun" => (Column::NextRun, direction),
        "created_at" | "createdAt" => (Column::CreatedAt, direction),
        "updated_at" | "updatedAt" => (Column::UpdatedAt, direction),
        _ => default,
    }
}

fn row(schedule: &Schedule) -> Result<ActiveModel> {
    Ok(ActiveModel {
        id: Set(schedule.id.to_string()),
        name: Set(schedule.name.clone()),
        cron_expression: Set(schedule.cron_expression.clone()),
        time_zone: Set(schedule.time_zone.clone()),
        missed: Set(json::word(&schedule.missed)?),
        profile_id: Set((!schedule.profile_id.is_nil()).then(|| schedule.profile_id.to_string())),
        paused: Set(schedule.paused.into()),
        created_at: Set(schedule.created_at.as_microsecond()),
        updated_at: Set(schedule.updated_at.as_microsecond()),
        last_run: Set(schedule.last_run.map(Timestamp::as_microsecond)),
        next_run: Set(schedule.next_run.map(Timestamp::as_microsecond)),
        last_result: Set(schedule.last_result.map(|id| id.to_string())),
    })
}

fn schedule(row: &Model) -> Result<Schedule> {
    Ok(Schedule {
        id: json::id(&row.id, "perf_schedules")?,
        name: row.name.clone(),
        profile_id: row.profile_id.as_deref().map_or(Ok(Uuid::nil()), |id| json::id(id, "perf_schedules"))?,
        cron_expression: row.cron_expression.clone(),
        time_zone: row.time_zone.clone(),
        missed: json::read(&format!("\"{}\"", row.missed), "perf_schedules")?,
        paused: row.paused != 0,
        last_run: row.last_run.map(json::time),
        next_run: row.next_run.map(json::time),
        last_result: row.last_result.as_deref().map(|id| json::id(id, "perf_schedules")).transpose()?,
        last_outcome: None,
        created_at: json::time(row.created_at),
        updated_at: json::time(row.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;
    use crate::base::{clock, id};
    use crate::model::performance::profile::Missed;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn due_at(second: i64, profile_id: Uuid) -> Schedule {
        Schedule {
            id: id::new(),
            name: format!("at {second}"),
            profile_id,
            cron_expression: "* * * * *".into(),
            time_zone: "UTC".into(),
            missed: Missed::Once,
            paused: false,
            last_run: None,
            next_run: Some(at(second)),
            last_result: None,
            last_outcome: None,
            created_at: clock::now(),
            updated_at: clock::now(),
        }
    }

    #[tokio::test]
    async fn a_due_schedule_is_claimed_once_and_only_when_it_is_on_and_has_a_profile() {
        let (_dir, store) = store().await;
        let (first, without) = (due_at(10, id::new()), due_at(5, Uuid::nil()));
        let paused = Schedule { paused: true, ..due_at(6, id::new()) };
        for schedule in [&first, &without, &paused] {
            store.schedules().save(schedule).await.unwrap();
        }
        assert_eq!(store.schedules().get(first.id).await.unwrap().unwrap(), first);
        assert!(store.schedules().due(at(9)).await.unwrap().is_empty());
        assert_eq!(store.schedules().next_due().await.unwrap(), Some(at(10)));
        let due = store.schedules().due(at(11)).await.unwrap().remove(0);
        assert!(store.schedules().claim(&due, Some(at(70)), Some(at(11))).await.unwrap());
        assert!(!store.schedules().claim(&due, Some(at(70)), Some(at(11))).await.unwrap(), "somebody has it");
        let after = store.schedules().get(first.id).await.unwrap().unwrap();
        assert_eq!((after.last_run, after.next_run, after.last_result), (Some(at(11)), Some(at(70)), None));
        let result = id::new();
        store.schedules().begun(first.id, result).await.unwrap();
        let due = store.schedules().get(first.id).await.unwrap().unwrap();
        assert_eq!(due.last_result, Some(result));
        store.schedules().save(&Schedule { name: "edited".into(), ..first.clone() }).await.unwrap();
        let edited = store.schedules().get(first.id).await.unwrap().unwrap();
        assert_eq!((edited.name.as_str(), edited.last_run, edited.last_result), ("edited", Some(at(11)), Some(result)));
        store.schedules().save(&due).await.unwrap();
        assert!(store.schedules().claim(&due, Some(at(130)), Some(at(71))).await.unwrap());
        let again = store.schedules().get(first.id).await.unwrap().unwrap();
        assert_eq!(again.last_result, None, "the run that is due has none yet");
        assert!(store.schedules().bind(without.id, id::new()).await.unwrap());
        assert_eq!(store.schedules().next_due().await.unwrap(), Some(at(5)));
        assert!(store.schedules().delete(paused.id).await.unwrap());
        assert_eq!(store.schedules().list(Page::ALL, "", "").await.unwrap().1, 2);
    }
}

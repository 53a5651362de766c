//! Results of measurements. A row is there from the moment a measurement begins, and its intervals are added as they
//! end, so that what was measured survives whatever ends the process.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, Condition, Order, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use super::order::{self, Direction};
use super::page::Page;
use super::{Store, json};
use crate::base::clock::Timestamp;
use crate::base::{Result, clock};
use crate::model::performance::result::{Interval, PerfResult};
use crate::model::performance::summary::{ResultState, Summary};
use crate::perf::summary;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "perf_results")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name of the test.
    pub name: String,
    /// State word.
    pub state: String,
    /// The summary as JSON.
    pub summary: String,
    /// The result in the shape of old clients, as JSON.
    pub runner_results: String,
    /// Metrics of the far side as JSON.
    pub server_metrics: String,
    /// The whole result as JSON.
    pub body: String,
    /// The profile.
    pub profile_id: Option<String>,
    /// Name of the mesh.
    pub mesh: Option<String>,
    /// Microseconds since 1970.
    pub started_at: i64,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Intervals of measurements that have not ended.
pub mod interval {
    use sea_orm::entity::prelude::*;

    /// A row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "perf_intervals")]
    pub struct Model {
        /// The result it belongs to.
        #[sea_orm(primary_key, auto_increment = false)]
        pub result_id: String,
        /// Position, from 0.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// The interval as JSON.
        pub body: String,
    }

    /// Relations: none.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A result with what is kept beside it.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The result.
    pub result: &'a PerfResult,
    /// How far it is.
    pub state: ResultState,
    /// The same in the shape of old clients.
    pub runner_results: &'a Value,
}

/// A result as lists have it: everything but the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// Name of the test.
    pub name: String,
    /// How far it is.
    pub state: ResultState,
    /// Its figures.
    pub summary: Summary,
    /// The result in the shape of old clients.
    pub runner_results: Value,
    /// Metrics of the far side.
    pub server_metrics: Value,
    /// The profile.
    pub profile_id: Option<Uuid>,
    /// Name of the mesh.
    pub mesh: Option<String>,
    /// When the measurement began.
    pub started_at: Timestamp,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a list of results holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Which page.
    pub page: Page,
    /// Part of the test's name, in any case; empty for all.
    pub search: &'a str,
    /// Order as clients write it; newest first otherwise.
    pub order: &'a str,
    /// Results of one profile only.
    pub profile: Option<Uuid>,
    /// Results that began at this moment or later.
    pub from: Option<Timestamp>,
    /// Results that began before this moment.
    pub to: Option<Timestamp>,
}

/// The table.
pub struct Results<'a>(pub(super) &'a Store);

impl Results<'_> {
    /// Stores a result in place of the one of its id, or as a new one. One that is not running any more has its
    /// intervals in itself.
    pub async fn save(&self, kept: Kept<'_>) -> Result<()> {
        let what = "store a result";
        let transaction = self.0.begin(what).await?;
        let fail = |error: &DbErr| self.0.failed(what, error);
        let id = kept.result.id.to_string();
        let known = Entity::find_by_id(&id)
            .select_only()
            .column(Column::CreatedAt)
            .into_tuple::<i64>()
            .one(&transaction)
            .await
            .map_err(|error| fail(&error))?;
        let row = row(kept, known)?;
        if known.is_some() {
            row.update(&transaction).await.map_err(|error| fail(&error))?;
        } else {
            row.insert(&transaction).await.map_err(|error| fail(&error))?;
        }
        if kept.state != ResultState::Running {
            let ended = interval::Entity::delete_many().filter(interval::Column::ResultId.eq(&id));
            ended.exec(&transaction).await.map_err(|error| fail(&error))?;
        }
        self.0.commit(what, transaction).await
    }

    /// Adds intervals of a running measurement; `first` is the position of the first of them. Lists show the figures of
    /// `so_far` from then on.
    pub async fn append(&self, id: Uuid, first: usize, intervals: &[Interval], so_far: &PerfResult) -> Result<()> {
        let what = "store intervals of a measurement";
        let fail = |error: &DbErr| self.0.failed(what, error);
        let rows = intervals.iter().zip(first..).map(|(interval, number)| {
            Ok(interval::ActiveModel {
                result_id: Set(id.to_string()),
                number: Set(i64::try_from(number).unwrap_or(i64::MAX)),
                body: Set(json::write(interval)?),
            })
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = self.0.begin(what).await?;
        let added = interval::Entity::insert_many(rows).exec_without_returning(&transaction).await;
        added.map_err(|error| fail(&error))?;
        let figures = Entity::update_many()
            .col_expr(Column::Summary, Expr::value(json::write(&summary::brief(so_far))?))
            .col_expr(Column::UpdatedAt, Expr::value(clock::now().as_microsecond()))
            .filter(Column::Id.eq(id.to_string()));
        figures.exec(&transaction).await.map_err(|error| fail(&error))?;
        self.0.commit(what, transaction).await
    }

    /// Intervals of a running measurement, in order.
    pub async fn intervals(&self, id: Uuid) -> Result<Vec<Interval>> {
        let rows = interval::Entity::find()
            .filter(interval::Column::ResultId.eq(id.to_string()))
            .order_by_asc(interval::Column::Number)
            .all(&self.0.read)
            .await
            .map_err(|error| self.0.failed("read intervals of a measurement", &error))?;
        rows.iter().map(|row| json::read(&row.body, "perf_intervals")).collect()
    }

    /// The whole result of that id, and how far it is.
    pub async fn get(&self, id: Uuid) -> Result<Option<(PerfResult, ResultState)>> {
        let row = Entity::find_by_id(id.to_string()).one(&self.0.read).await;
        let Some(row) = row.map_err(|error| self.0.failed("read a result", &error))? else { return Ok(None) };
        Ok(Some((json::read(&row.body, "perf_results")?, state(&row.state)?)))
    }

    /// What lists have of the result of that id.
    pub async fn listed(&self, id: Uuid) -> Result<Option<Listed>> {
        let row = listing().filter(Column::Id.eq(id.to_string())).into_tuple().one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read a result", &error))?.map(listed).transpose()
    }

    /// One page and the number of results in all pages.
    pub async fn list(&self, filter: &Filter<'_>) -> Result<(Vec<Listed>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list results", error);
        let condition = condition(filter);
        let total = Entity::find().filter(condition.clone()).count(&self.0.read).await.map_err(|error| fail(&error))?;
        let (column, direction) = ordered(filter.order);
        let rows = listing()
            .filter(condition)
            .order_by(column, direction.order())
            .order_by(Column::Id, Order::Desc)
            .offset(filter.page.limit().map(|_| filter.page.offset().min(i64::MAX as u64)))
            .limit(filter.page.limit())
            .into_tuple()
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        Ok((rows.into_iter().map(listed).collect::<Result<_>>()?, total))
    }

    /// Ids of results whose measurement had not ended when it was stored last.
    pub async fn running(&self) -> Result<Vec<Uuid>> {
        let ids: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::State.eq(ResultState::Running.name()))
            .into_tuple()
            .all(&self.0.read)
            .await
            .map_err(|error| self.0.failed("list results", &error))?;
        ids.iter().map(|id| json::id(id, "perf_results")).collect()
    }

    /// Deletes a result; whether it was there.
    pub async fn delete(&self, id: Uuid) -> Result<bool> {
        let done = Entity::delete_by_id(id.to_string()).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("delete a result", &error))
    }
}

fn row(kept: Kept<'_>, created_at: Option<i64>) -> Result<ActiveModel> {
    let Kept { result, state, runner_results } = kept;
    let now = clock::now().as_microsecond();
    Ok(ActiveModel {
        id: Set(result.id.to_string()),
        name: Set(result.name.clone()),
        state: Set(state.name().to_owned()),
        summary: Set(json::write(&summary::brief(result))?),
        runner_results: Set(json::write(runner_results)?),
        server_metrics: Set(json::write(&result.server_metrics)?),
        body: Set(json::write(result)?),
        profile_id: Set(result.profile_id.map(|id| id.to_string())),
        mesh: Set(result.plan.mesh.clone()),
        started_at: Set(result.started_at.as_microsecond()),
        created_at: Set(created_at.unwrap_or(now)),
        updated_at: Set(now),
    })
}

fn condition(filter: &Filter<'_>) -> Condition {
    order::contains(Column::Name, filter.search)
        .add_option(filter.profile.map(|id| Column::ProfileId.eq(id.to_string())))
        .add_option(filter.from.map(|from| Column::StartedAt.gte(from.as_microsecond())))
        .add_option(filter.to.map(|to| Column::StartedAt.lt(to.as_microsecond())))
}

fn ordered(text: &str) -> (Column, Direction) {
    let default = (Column::StartedAt, Direction::Descending);
    let Some((column, direction)) = order::parse(text) else { return default };
    match column {
        "name" => (Column::Name, direction),
        "mesh" => (Column::Mesh, direction),
        "test_start_time" | "testStartTime" => (Column::StartedAt, direction),
        "created_at" | "createdAt" => (Column::CreatedAt, direction),
        "updated_at" | "updatedAt" => (Column::UpdatedAt, direction),
        _ => default,
    }
}

/// Columns of [`Listed`], in its order.
type Columns = (String, String, String, String, String, String, Option<String>, Option<String>, i64, i64, i64);

/// Every column but the body, which may be large.
fn listing() -> Select<Entity> {
    Entity::find().select_only().columns([
        Column::Id,
        Column::Name,
        Column::State,
        Column::Summary,
        Column::RunnerResults,
        Column::ServerMetrics,
        Column::ProfileId,
        Column::Mesh,
        Column::StartedAt,
        Column::CreatedAt,
        Column::UpdatedAt,
    ])
}

fn listed(row: Columns) -> Result<Listed> {
    let (id, name, word, summary, runner, metrics, profile, mesh, started_at, created_at, updated_at) = row;
    Ok(Listed {
        id: json::id(&id, "perf_results")?,
        name,
        state: state(&word)?,
        summary: json::read(&summary, "perf_results")?,
        runner_results: json::read(&runner, "perf_results")?,
        server_metrics: json::read(&metrics, "perf_results")?,
        profile_id: profile.map(|id| json::id(&id, "perf_results")).transpose()?,
        mesh,
        started_at: json::time(started_at),
        created_at: json::time(created_at),
        updated_at: json::time(updated_at),
    })
}

fn state(word: &str) -> Result<ResultState> {
    json::read(&format!("\"{word}\""), "perf_results")
}

#[cfg(test)]
mod tests {
    use super::super::profiles::tests::new;
    use super::super::testing::store;
    use super::*;
    use crate::base::id;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::plan::Plan;
    use crate::perf::partial;

    fn interval(start: f64) -> Interval {
        let mut response = Histogram::new();
        response.record_ns(1_500_000);
        let (sent, succeeded, response) = (1, 1, response.into());
        Interval { start_seconds: start, length_seconds: 1.0, sent, succeeded, failed: 0, dropped: 0, response }
    }

    fn result(name: &str, second: i64) -> PerfResult {
        let plan = Plan { name: name.to_owned(), ..Plan::default() };
        partial::assemble(id::new(), &plan, Timestamp::from_second(second).unwrap(), vec![interval(0.0)])
    }

    #[tokio::test]
    async fn intervals_of_a_running_measurement_are_there_until_the_result_is_whole() {
        let (_dir, store) = store().await;
        let result = result("shop", 1_000);
        let runner = serde_json::json!({"ActualQPS": 1});
        let kept = |state| Kept { result: &result, state, runner_results: &runner };
        store.results().save(kept(ResultState::Running)).await.unwrap();
        let so_far = |parts| {
            partial::assemble(result.id, &result.plan, result.started_at, (0..parts).map(|_| interval(0.0)).collect())
        };
        store.results().append(result.id, 0, &[interval(0.0), interval(1.0)], &so_far(2)).await.unwrap();
        store.results().append(result.id, 2, &[interval(2.0)], &so_far(3)).await.unwrap();
        assert_eq!(store.results().listed(result.id).await.unwrap().unwrap().summary.sent, 3);
        let stored = store.results().intervals(result.id).await.unwrap();
        assert_eq!(stored.iter().map(|one| one.start_seconds).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
        assert_eq!(store.results().running().await.unwrap(), [result.id]);
        store.results().save(kept(ResultState::Complete)).await.unwrap();
        assert!(store.results().intervals(result.id).await.unwrap().is_empty());
        assert!(store.results().running().await.unwrap().is_empty());
        let (read, state) = store.results().get(result.id).await.unwrap().unwrap();
        assert_eq!(
            (serde_json::to_string(&read).unwrap(), state),
            (serde_json::to_string(&result).unwrap(), ResultState::Complete)
        );
        assert!(store.results().delete(result.id).await.unwrap());
        assert!(store.results().get(result.id).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn lists_are_filtered_by_profile_name_and_time_and_tell_profiles_their_history() {
        let (_dir, store) = store().await;
        let profile = store.profiles().save(&new("p")).await.unwrap();
        for (name, second, owner) in [("one", 10, Some(profile.id)), ("two", 20, Some(profile.id)), ("three", 30, None)]
        {
            let result = PerfResult { profile_id: owner, ..result(name, second) };
            let kept = Kept { result: &result, state: ResultState::Complete, runner_results: &Value::Null };
            store.results().save(kept).await.unwrap();
        }
        let names = async |filter: Filter<'_>| {
            let (found, total) = store.results().list(&filter).await.unwrap();
            (found.into_iter().map(|one| one.name).collect::<Vec<_>>().join(" "), total)
        };
        assert_eq!(names(Filter::default()).await, ("three two one".into(), 3));
        assert_eq!(
            names(Filter { profile: Some(profile.id), order: "name asc", ..Filter::default() }).await.0,
            "one two"
        );
        assert_eq!(
            names(Filter { search: "T", page: Page { number: 1, size: 1 }, ..Filter::default() }).await,
            ("two".into(), 2)
        );
        let at = |second| Timestamp::from_second(second).ok();
        assert_eq!(names(Filter { from: at(20), to: at(30), ..Filter::default() }).await.0, "two");
        let known = store.profiles().find("p").await.unwrap().unwrap();
        assert_eq!((known.total_results, known.last_run), (2, at(20)));
    }
}

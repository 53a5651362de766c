//! Performance profiles.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Order, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::order::{self, Direction};
use super::page::Page;
use super::{Store, json, results, schedules};
use crate::base::{Code, Error, Result, clock};
use crate::model::performance::profile::Profile;

/// Profiles whose history is read by one query: SQLite takes so many parameters and more.
const AT_ONCE: usize = 500;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "perf_profiles")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name.
    #[sea_orm(unique)]
    pub name: String,
    /// The profile as JSON, without what other tables know.
    pub body: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a list of profiles holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Which page.
    pub page: Page,
    /// Part of the name, in any case; empty for all.
    pub search: &'a str,
    /// Order as clients write it: `name`, `created_at` or `updated_at`, a blank, `asc` or `desc`.
    pub order: &'a str,
}

/// The table.
pub struct Profiles<'a>(pub(super) &'a Store);

impl Profiles<'_> {
    /// One page and the number of profiles in all pages.
    pub async fn list(&self, filter: &Filter<'_>) -> Result<(Vec<Profile>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list performance profiles", error);
        let select = Entity::find().filter(order::contains(Column::Name, filter.search));
        let total = select.clone().count(&self.0.read).await.map_err(|error| fail(&error))?;
        let (column, direction) = ordered(filter.order);
        let rows = select
            .order_by(column, direction.order())
            .order_by(Column::Id, Order::Asc)
            .offset(filter.page.limit().map(|_| filter.page.offset().min(i64::MAX as u64)))
            .limit(filter.page.limit())
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        let profiles = rows.iter().map(profile).collect::<Result<Vec<_>>>()?;
        Ok((self.with_history(profiles).await?, total))
    }

    /// The profile of that id or, when no id fits, of exactly that name.
    pub async fn find(&self, id_or_name: &str) -> Result<Option<Profile>> {
        let fail = |error: &DbErr| self.0.failed("read a performance profile", error);
        let by_id = match Uuid::parse_str(id_or_name) {
            Ok(id) => Entity::find_by_id(id.to_string()).one(&self.0.read).await.map_err(|error| fail(&error))?,
            Err(_) => None,
        };
        let row = match by_id {
            Some(row) => Some(row),
            None => Entity::find()
                .filter(Column::Name.eq(id_or_name))
                .one(&self.0.read)
                .await
                .map_err(|error| fail(&error))?,
        };
        let Some(row) = row else { return Ok(None) };
        Ok(self.with_history(vec![profile(&row)?]).await?.pop())
    }

    /// Every name, sorted.
    pub async fn names(&self) -> Result<Vec<String>> {
        let names = Entity::find().select_only().column(Column::Name).order_by_asc(Column::Name).into_tuple();
        names.all(&self.0.read).await.map_err(|error| self.0.failed("list performance profiles", &error))
    }

    /// Stores a profile under its id; a new row where there is none of that id.
    ///
    /// # Errors
    /// [`Code::PerfProfileExists`] when another profile has the name.
    pub async fn save(&self, new: &Profile) -> Result<Profile> {
        let what = "store a performance profile";
        let transaction = self.0.begin(what).await?;
        let fail = |error: &DbErr| self.0.failed(what, error);
        let namesake = Entity::find().filter(Column::Name.eq(new.name.as_str())).one(&transaction).await;
        if let Some(namesake) = namesake.map_err(|error| fail(&error))?
            && namesake.id != new.id.to_string()
        {
            return Err(Error::new(Code::PerfProfileExists, format!("there is a profile `{}` already", new.name))
                .detail(format!("its id is {}", namesake.id)));
        }
        let known = Entity::find_by_id(new.id.to_string()).one(&transaction).await.map_err(|error| fail(&error))?;
        let now = clock::now().as_microsecond();
        let is_new = known.is_none();
        let row = ActiveModel {
            id: Set(new.id.to_string()),
            name: Set(new.name.clone()),
            body: Set(json::write(new)?),
            created_at: Set(known.map_or(now, |row| row.created_at)),
            updated_at: Set(now),
        };
        let saved = if is_new { row.insert(&transaction).await } else { row.update(&transaction).await };
        let saved = saved.map_err(|error| fail(&error))?;
        self.0.commit(what, transaction).await?;
        let saved = self.with_history(vec![profile(&saved)?]).await?.pop();
        saved.ok_or_else(|| Error::internal("a profile that was stored is gone"))
    }

    /// Deletes a profile and its schedules; results stay. Whether it was there.
    pub async fn delete(&self, id: Uuid) -> Result<bool> {
        let what = "delete a performance profile";
        let transaction = self.0.begin(what).await?;
        let fail = |error: &DbErr| self.0.failed(what, error);
        schedules::Entity::delete_many()
            .filter(schedules::Column::ProfileId.eq(id.to_string()))
            .exec(&transaction)
            .await
            .map_err(|error| fail(&error))?;
        let done = Entity::delete_by_id(id.to_string()).exec(&transaction).await.map_err(|error| fail(&error))?;
        self.0.commit(what, transaction).await?;
        Ok(done.rows_affected > 0)
    }

    /// With what results and schedules say of each.
    async fn with_history(&self, mut profiles: Vec<Profile>) -> Result<Vec<Profile>> {
        for some in profiles.chunks_mut(AT_ONCE) {
            self.add_history(some).await?;
        }
        Ok(profiles)
    }

    async fn add_history(&self, profiles: &mut [Profile]) -> Result<()> {
        let ids: Vec<String> = profiles.iter().map(|profile| profile.id.to_string()).collect();
        let fail = |error: &DbErr| self.0.failed("read the history of performance profiles", error);
        let runs: Vec<(Option<String>, i64, Option<i64>)> = results::Entity::find()
            .select_only()
            .column(results::Column::ProfileId)
            .column_as(results::Column::Id.count(), "count")
            .column_as(results::Column::StartedAt.max(), "last")
            .filter(results::Column::ProfileId.is_in(ids.clone()))
            .group_by(results::Column::ProfileId)
            .into_tuple()
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        let runs: HashMap<String, (i64, Option<i64>)> =
            runs.into_iter().filter_map(|(id, count, last)| Some((id?, (count, last)))).collect();
        let plans = schedules::Entity::find()
            .filter(schedules::Column::ProfileId.is_in(ids))
            .order_by_desc(schedules::Column::CreatedAt)
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        for profile in profiles {
            let id = profile.id.to_string();
            let (count, last) = runs.get(&id).copied().unwrap_or_default();
            profile.total_results = u64::try_from(count).unwrap_or_default();
            profile.last_run = last.map(json::time);
            let first = plans.iter().rfind(|schedule| schedule.profile_id.as_deref() == Some(&id));
            profile.schedule_id = first.map(|schedule| json::id(&schedule.id, "perf_schedules")).transpose()?;
        }
        Ok(())
    }
}

fn ordered(text: &str) -> (Column, Direction) {
    let default = (Column::UpdatedAt, Direction::Descending);
    let Some((column, direction)) = order::parse(text) else { return default };
    match column {
        "name" => (Column::Name, direction),
        "created_at" | "createdAt" => (Column::CreatedAt, direction),
        "updated_at" | "updatedAt" => (Column::UpdatedAt, direction),
        _ => default,
    }
}

fn profile(row: &Model) -> Result<Profile> {
    let stored: Profile = json::read(&row.body, "perf_profiles")?;
    Ok(Profile { created_at: json::time(row.created_at), updated_at: json::time(row.updated_at), ..stored })
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::store;
    use super::*;
    use crate::base::id;
    use crate::model::performance::plan::Plan;

    pub(in crate::store) fn new(name: &str) -> Profile {
        Profile {
            id: id::new(),
            name: name.to_owned(),
            plan: Plan::default(),
            thresholds: vec!["p99<20ms".to_owned()],
            schedule_id: None,
            last_run: None,
            total_results: 0,
            metadata: BTreeMap::new(),
            created_at: clock::now(),
            updated_at: clock::now(),
        }
    }

    #[tokio::test]
    async fn a_name_belongs_to_one_profile_and_is_found_exactly() {
        let (_dir, store) = store().await;
        let saved = store.profiles().save(&new("test-2")).await.unwrap();
        assert!(store.profiles().find("test").await.unwrap().is_none(), "a part of a name is no name");
        assert_eq!(store.profiles().find("test-2").await.unwrap().unwrap(), saved);
        let taken = store.profiles().save(&new("test-2")).await.unwrap_err();
        assert_eq!(taken.code(), Code::PerfProfileExists);
        let renamed = Profile { name: "other".into(), ..saved.clone() };
        let renamed = store.profiles().save(&renamed).await.unwrap();
        assert_eq!((renamed.id, renamed.created_at), (saved.id, saved.created_at));
        assert_eq!(store.profiles().names().await.unwrap(), ["other"]);
        assert!(store.profiles().delete(saved.id).await.unwrap());
        assert!(!store.profiles().delete(saved.id).await.unwrap());
    }

    #[tokio::test]
    async fn lists_are_searched_ordered_and_paged() {
        let (_dir, store) = store().await;
        for name in ["b_1", "a_1", "c%1"] {
            store.profiles().save(&new(name)).await.unwrap();
        }
        let names = async |search, order, page| {
            let filter = Filter { page, search, order };
            let (profiles, total) = store.profiles().list(&filter).await.unwrap();
            (profiles.into_iter().map(|profile| profile.name).collect::<Vec<_>>().join(" "), total)
        };
        assert_eq!(names("", "name asc", Page::ALL).await, ("a_1 b_1 c%1".to_owned(), 3));
        assert_eq!(names("_1", "name desc", Page { number: 1, size: 1 }).await, ("a_1".to_owned(), 2));
        assert_eq!(names("", "bogus asc", Page::ALL).await.0, "c%1 a_1 b_1");
    }
}

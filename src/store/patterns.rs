//! Stored patterns.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Order, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::order::{self, Direction};
use super::page::Page;
use super::{Store, json};
use crate::base::{Result, clock};
use crate::model::pattern::PatternRecord;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "patterns")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name.
    #[sea_orm(unique)]
    pub name: String,
    /// The file.
    pub pattern_file: String,
    /// Owner.
    pub user_id: Option<String>,
    /// Where it came from, as JSON.
    pub location: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Columns a list can be ordered by; nothing else reaches the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderBy {
    /// Name.
    Name,
    /// Time of the first save.
    CreatedAt,
    /// Time of the last save.
    UpdatedAt,
}

impl OrderBy {
    /// Reads `COLUMN asc` or `COLUMN desc`; anything else is `None`, and the caller's default holds.
    pub fn parse(text: &str) -> Option<(Self, Direction)> {
        let (column, direction) = order::parse(text)?;
        let column = match column {
            "name" => OrderBy::Name,
            "created_at" | "createdAt" => OrderBy::CreatedAt,
            "updated_at" | "updatedAt" => OrderBy::UpdatedAt,
            _ => return None,
        };
        Some((column, direction))
    }

    fn column(self) -> Column {
        match self {
            OrderBy::Name => Column::Name,
            OrderBy::CreatedAt => Column::CreatedAt,
            OrderBy::UpdatedAt => Column::UpdatedAt,
        }
    }
}

/// What a list of patterns holds.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// Which page.
    pub page: Page,
    /// Part of the name, in any case; empty for all.
    pub search: &'a str,
    /// Order.
    pub order: (OrderBy, Direction),
}

impl Default for Filter<'_> {
    fn default() -> Self {
        Self { page: Page::default(), search: "", order: (OrderBy::UpdatedAt, Direction::Descending) }
    }
}

/// What to store.
#[derive(Debug, Clone, Default)]
pub struct NewPattern {
    /// The record to replace; without it, the record of that name, else a new one.
    pub id: Option<Uuid>,
    /// Name.
    pub name: String,
    /// The file.
    pub pattern_file: String,
    /// Where it came from.
    pub location: BTreeMap<String, String>,
    /// The user who saves it, where that is known; without one the record keeps its owner.
    pub owner: Option<String>,
}

/// The table.
pub struct Patterns<'a>(pub(super) &'a Store);

impl Patterns<'_> {
    /// One page and the number of rows in all pages.
    pub async fn list(&self, filter: &Filter<'_>) -> Result<(Vec<PatternRecord>, u64)> {
        let fail = |error: &DbErr| self.0.failed("list patterns", error);
        let select = Entity::find().filter(order::contains(Column::Name, filter.search));
        let total = select.clone().count(&self.0.read).await.map_err(|error| fail(&error))?;
        let rows = select
            .order_by(filter.order.0.column(), filter.order.1.order())
            .order_by(Column::Id, Order::Asc)
            .offset(filter.page.limit().map(|_| filter.page.offset().min(i64::MAX as u64)))
            .limit(filter.page.limit())
            .all(&self.0.read)
            .await
            .map_err(|error| fail(&error))?;
        Ok((rows.into_iter().map(record).collect::<Result<_>>()?, total))
    }

    /// The pattern of that id.
    pub async fn get(&self, id: Uuid) -> Result<Option<PatternRecord>> {
        let row = Entity::find_by_id(id.to_string()).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read a pattern", &error))?.map(record).transpose()
    }

    /// The pattern of that name.
    pub async fn by_name(&self, name: &str) -> Result<Option<PatternRecord>> {
        let row = Entity::find().filter(Column::Name.eq(name)).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read a pattern", &error))?.map(record).transpose()
    }

    /// The pattern of that id or, when no id fits, of that name.
    pub async fn find(&self, id_or_name: &str) -> Result<Option<PatternRecord>> {
        if let Ok(id) = Uuid::parse_str(id_or_name)
            && let Some(found) = self.get(id).await?
        {
            return Ok(Some(found));
        }
        self.by_name(id_or_name).await
    }

    /// Every name, sorted.
    pub async fn names(&self) -> Result<Vec<String>> {
        let names = Entity::find().select_only().column(Column::Name).order_by_asc(Column::Name).into_tuple();
        names.all(&self.0.read).await.map_err(|error| self.0.failed("list patterns", &error))
    }

    /// Stores a pattern: replaces the record of its id, else of its name, else adds one.
    pub async fn save(&self, new: NewPattern) -> Result<PatternRecord> {
        let what = "store a pattern";
        let transaction = self.0.begin(what).await?;
        let known = match new.id {
            Some(id) => Entity::find_by_id(id.to_string()).one(&transaction).await,
            None => Entity::find().filter(Column::Name.eq(new.name.as_str())).one(&transaction).await,
        };
        let known = known.map_err(|error| self.0.failed(what, &error))?;
        let now = clock::now().as_microsecond();
        let location = json::write(&new.location)?;
        let saved = if let Some(row) = known {
            let mut row: ActiveModel = row.into();
            (row.name, row.pattern_file) = (Set(new.name), Set(new.pattern_file));
            (row.location, row.updated_at) = (Set(location), Set(now));
            if new.owner.is_some() {
                row.user_id = Set(new.owner);
            }
            row.update(&transaction).await
        } else {
            let row = ActiveModel {
                id: Set(fresh(new.id).to_string()),
                name: Set(new.name),
                pattern_file: Set(new.pattern_file),
                user_id: Set(new.owner),
                location: Set(location),
                created_at: Set(now),
                updated_at: Set(now),
            };
            row.insert(&transaction).await
        };
        let saved = saved.map_err(|error| self.0.failed(what, &error))?;
        self.0.commit(what, transaction).await?;
        record(saved)
    }

    /// Deletes a pattern; what it was, or nothing when there was none.
    pub async fn delete(&self, id: Uuid) -> Result<Option<PatternRecord>> {
        let what = "delete a pattern";
        let transaction = self.0.begin(what).await?;
        let row = Entity::find_by_id(id.to_string()).one(&transaction).await;
        let row = row.map_err(|error| self.0.failed(what, &error))?;
        if row.is_some() {
            let deleted = Entity::delete_by_id(id.to_string()).exec(&transaction).await;
            deleted.map_err(|error| self.0.failed(what, &error))?;
        }
        self.0.commit(what, transaction).await?;
        row.map(record).transpose()
    }
}

/// The id that was asked for, or a new one.
///
/// New ones are random: people tell patterns apart by the beginning of the id, and ids that grow with time begin alike.
fn fresh(asked: Option<Uuid>) -> Uuid {
    asked.unwrap_or_else(Uuid::new_v4)
}

fn record(row: Model) -> Result<PatternRecord> {
    Ok(PatternRecord {
        id: json::id(&row.id, "patterns")?,
        name: row.name,
        pattern_file: row.pattern_file,
        user_id: row.user_id,
        location: json::read(&row.location, "patterns")?,
        created_at: json::time(row.created_at),
        updated_at: json::time(row.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    fn new(name: &str, file: &str) -> NewPattern {
        NewPattern { name: name.into(), pattern_file: file.into(), ..NewPattern::default() }
    }

    #[tokio::test]
    async fn a_second_save_under_the_name_replaces_the_record_and_keeps_its_id() {
        let (_dir, store) = store().await;
        let first = store.patterns().save(new("shop", "name: shop\n")).await.unwrap();
        let second = store.patterns().save(new("shop", "name: shop # 2\n")).await.unwrap();
        assert_eq!((second.id, second.created_at), (first.id, first.created_at));
        assert_eq!(store.patterns().get(first.id).await.unwrap().unwrap().pattern_file, "name: shop # 2\n");
        assert_eq!(store.patterns().find("shop").await.unwrap().unwrap().id, first.id);
        assert_eq!(store.patterns().find(&first.id.to_string()).await.unwrap().unwrap().name, "shop");
        assert_eq!(store.patterns().delete(first.id).await.unwrap().unwrap().id, first.id);
        assert_eq!(store.patterns().delete(first.id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_id_renames_and_a_taken_name_is_refused() {
        let (_dir, store) = store().await;
        let a = store.patterns().save(new("a", "")).await.unwrap();
        store.patterns().save(new("b", "")).await.unwrap();
        let renamed = store.patterns().save(NewPattern { id: Some(a.id), ..new("c", "") }).await.unwrap();
        assert_eq!((renamed.id, renamed.name.as_str()), (a.id, "c"));
        let taken = store.patterns().save(NewPattern { id: Some(a.id), ..new("b", "") }).await.unwrap_err();
        assert!(taken.to_string().contains("UNIQUE"), "{taken}");
        assert_eq!(store.patterns().names().await.unwrap(), ["b", "c"]);
    }

    #[tokio::test]
    async fn lists_search_order_and_page() {
        let (_dir, store) = store().await;
        for name in ["Alpha", "beta", "gamma_1", "gammaX1", "100%"] {
            store.patterns().save(new(name, "")).await.unwrap();
        }
        let names = async |filter: Filter<'_>| {
            let (rows, total) = store.patterns().list(&filter).await.unwrap();
            (rows.into_iter().map(|row| row.name).collect::<Vec<_>>(), total)
        };
        let by_name = (OrderBy::Name, Direction::Ascending);
        let page = Page { number: 1, size: 2 };
        assert_eq!(names(Filter { page, order: by_name, ..Filter::default() }).await.0, ["beta", "gammaX1"]);
        assert_eq!(names(Filter { search: "ALPH", ..Filter::default() }).await, (vec!["Alpha".to_owned()], 1));
        assert_eq!(names(Filter { search: "a_1", ..Filter::default() }).await.0, ["gamma_1"], "_ is no wildcard");
        assert_eq!(names(Filter { search: "%", ..Filter::default() }).await.0, ["100%"], "% is no wildcard");
        assert_eq!(names(Filter { page: Page::ALL, ..Filter::default() }).await.1, 5);
        let far = Page { number: u64::MAX, size: u64::MAX };
        assert_eq!(names(Filter { page: far, ..Filter::default() }).await, (vec![], 5));
    }

    #[test]
    fn only_known_columns_order_a_list() {
        assert_eq!(OrderBy::parse("updated_at desc"), Some((OrderBy::UpdatedAt, Direction::Descending)));
        assert_eq!(OrderBy::parse("name ASC"), Some((OrderBy::Name, Direction::Ascending)));
        for wrong in ["", "name", "name asc; drop table patterns", "pattern_file asc", "name up", "(select 1) asc"] {
            assert_eq!(OrderBy::parse(wrong), None, "{wrong}");
        }
    }
}

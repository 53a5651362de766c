//! What users keep at the provider: objects of any sort, each seen by its user only.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{self, Expr, Func, LikeExpr, OnConflict};
use sea_orm::{ActiveValue::Set, Order, QueryOrder, QuerySelect};
use serde_json::Value;

use super::super::Store;
use super::super::order::Direction;
use super::super::page::Page;
use super::super::patterns::OrderBy;
use super::json;
use crate::base::Result;
use crate::base::clock::{self, Timestamp};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "objects")]
pub struct Model {
    /// UUID of the user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Sort of object.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection: String,
    /// Id within the collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name, for search and order; empty where it has none.
    pub name: String,
    /// Id of the object it belongs to; empty where to none.
    pub parent: String,
    /// The object as JSON.
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

/// Whose objects of which sort.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    /// The user.
    pub user: Uuid,
    /// Sort of object.
    pub collection: &'a str,
}

/// Which objects of a shelf.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which page.
    pub page: Page,
    /// Part of the name, in any case; empty for all.
    pub search: &'a str,
    /// Order.
    pub order: (OrderBy, Direction),
    /// Id of the object they belong to; `None` for all.
    pub parent: Option<&'a str>,
}

/// An object to keep.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Id within the collection; an object of that id is replaced.
    pub id: String,
    /// Name; may be empty.
    pub name: String,
    /// Id of the object it belongs to; may be empty.
    pub parent: String,
    /// The object.
    pub body: Value,
}

/// A kept object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Id within the collection.
    pub id: String,
    /// The object as it was sent.
    pub body: Value,
    /// When it was first kept.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The table.
pub struct Objects<'a>(pub(super) &'a Store);

impl Objects<'_> {
    /// One page and the number of objects in all pages.
    pub async fn list(&self, shelf: Shelf<'_>, wanted: Wanted<'_>) -> Result<(Vec<Object>, u64)> {
        let fail = |error: DbErr| self.0.failed("list objects", &error);
        let mut select = of(shelf);
        if let Some(parent) = wanted.parent {
            select = select.filter(Column::Parent.eq(parent));
        }
        if !wanted.search.is_empty() {
            select = select.filter(named_like(wanted.search));
        }
        let total = select.clone().count(&self.0.read).await.map_err(fail)?;
        let column = match wanted.order.0 {
            OrderBy::Name => Column::Name,
            OrderBy::CreatedAt => Column::CreatedAt,
            OrderBy::UpdatedAt => Column::UpdatedAt,
        };
        let direction = if wanted.order.1 == Direction::Ascending { Order::Asc } else { Order::Desc };
        let rows = select
            .order_by(column, direction)
            .order_by(Column::Id, Order::Asc)
            .offset(wanted.page.limit().map(|_| wanted.page.offset().min(i64::MAX as u64)))
            .limit(wanted.page.limit())
            .all(&self.0.read)
            .await
            .map_err(fail)?;
        Ok((rows.into_iter().map(object).collect::<Result<_>>()?, total))
    }

    /// One object.
    pub async fn get(&self, shelf: Shelf<'_>, id: &str) -> Result<Option<Object>> {
        let row = of(shelf).filter(Column::Id.eq(id)).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read an object", &error))?.map(object).transpose()
    }

    /// Keeps an object; one of its id is replaced.
    pub async fn save(&self, shelf: Shelf<'_>, new: NewObject) -> Result<()> {
        let now = clock::now().as_microsecond();
        let row = ActiveModel {
            user_id: Set(shelf.user.to_string()),
            collection: Set(shelf.collection.to_owned()),
            id: Set(new.id),
            name: Set(new.name),
            parent: Set(new.parent),
            body: Set(json::write(&new.body)?),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let conflict = OnConflict::columns([Column::UserId, Column::Collection, Column::Id])
            .update_columns([Column::Name, Column::Parent, Column::Body, Column::UpdatedAt])
            .to_owned();
        let done = Entity::insert(row).on_conflict(conflict).exec_without_returning(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store an object", &error))
    }

    /// Deletes an object; whether there was one.
    pub async fn delete(&self, shelf: Shelf<'_>, id: &str) -> Result<bool> {
        let done = Entity::delete_many()
            .filter(Column::UserId.eq(shelf.user.to_string()))
            .filter(Column::Collection.eq(shelf.collection))
            .filter(Column::Id.eq(id))
            .exec(&self.0.write)
            .await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("delete an object", &error))
    }
}

fn of(shelf: Shelf<'_>) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(shelf.user.to_string())).filter(Column::Collection.eq(shelf.collection))
}

/// `lower(name) LIKE %search%` with the wildcards in `search` taken literally.
fn named_like(search: &str) -> sea_query::SimpleExpr {
    let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let name = Expr::expr(Func::lower(Expr::col(Column::Name)));
    sea_query::ExprTrait::like(name, LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}

fn object(row: Model) -> Result<Object> {
    Ok(Object {
        body: json::read(&row.body, "objects")?,
        id: row.id,
        created_at: json::time(row.created_at),
        updated_at: json::time(row.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::accounts;
    use super::super::users::Secret;
    use super::*;
    use crate::model::account::NewAccount;
    use serde_json::json;

    const ALL: Wanted<'static> =
        Wanted { page: Page::ALL, search: "", order: (OrderBy::Name, Direction::Ascending), parent: None };

    fn new(id: &str, name: &str, parent: &str) -> NewObject {
        NewObject { id: id.into(), name: name.into(), parent: parent.into(), body: json!({"name": name}) }
    }

    #[tokio::test]
    async fn each_user_sees_their_own_objects_of_each_sort() {
        let (_dir, accounts) = accounts().await;
        let make = async |name: &str| {
            let new = NewAccount { name: name.into(), ..NewAccount::default() };
            accounts.users().create(&new, Secret::None).await.unwrap().id
        };
        let (ada, bob) = (make("ada").await, make("bob").await);
        let objects = accounts.objects();
        let shelf = |user, collection| Shelf { user, collection };
        for (id, name, parent) in [("1", "Shop", "p"), ("2", "cart", ""), ("3", "shop_2", "p")] {
            objects.save(shelf(ada, "patterns"), new(id, name, parent)).await.unwrap();
        }
        objects.save(shelf(bob, "patterns"), new("1", "bob's", "")).await.unwrap();
        objects.save(shelf(ada, "filters"), new("1", "filter", "")).await.unwrap();
        let ids = async |shelf: Shelf<'static>, wanted: Wanted<'static>| {
            let (rows, total) = objects.list(shelf, wanted).await.unwrap();
            (rows.into_iter().map(|row| row.id).collect::<Vec<_>>(), total)
        };
        let patterns = Shelf { user: ada, collection: "patterns" };
        assert_eq!(ids(patterns, ALL).await.0, ["1", "2", "3"]);
        assert_eq!(ids(patterns, Wanted { search: "SHOP", ..ALL }).await.0, ["1", "3"]);
        assert_eq!(ids(patterns, Wanted { search: "p_2", ..ALL }).await.0, ["3"]);
        assert_eq!(ids(patterns, Wanted { parent: Some("p"), ..ALL }).await.1, 2);
        let second = Page { number: 1, size: 2 };
        assert_eq!(ids(patterns, Wanted { page: second, ..ALL }).await, (vec!["3".to_owned()], 3));
        assert_eq!(ids(Shelf { user: bob, collection: "patterns" }, ALL).await.1, 1);
        assert!(objects.delete(patterns, "1").await.unwrap() && !objects.delete(patterns, "1").await.unwrap());
        assert!(objects.get(shelf(bob, "patterns"), "1").await.unwrap().is_some(), "others keep theirs");
    }

    #[tokio::test]
    async fn saving_again_replaces_and_keeps_the_first_time() {
        let (_dir, accounts) = accounts().await;
        let ada = NewAccount { name: "ada".into(), ..NewAccount::default() };
        let user = accounts.users().create(&ada, Secret::None).await.unwrap().id;
        let shelf = Shelf { user, collection: "patterns" };
        accounts.objects().save(shelf, new("1", "one", "")).await.unwrap();
        let first = accounts.objects().get(shelf, "1").await.unwrap().unwrap();
        accounts.objects().save(shelf, new("1", "two", "")).await.unwrap();
        let second = accounts.objects().get(shelf, "1").await.unwrap().unwrap();
        assert_eq!((second.created_at, &second.body["name"]), (first.created_at, &json!("two")));
        assert!(second.updated_at >= first.updated_at);
    }
}

//! Revisions of applied patterns, by cluster.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use serde_json::Value;

use super::{Store, json};
use crate::base::{Result, clock};
use crate::model::operation::OperationStatus;
use crate::model::revision::Revision;

/// Revisions kept of each pattern in each cluster.
pub const KEPT: u64 = 10;

const TABLE: &str = "revisions";

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revisions")]
pub struct Model {
    /// The cluster's own id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: String,
    /// Pattern name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub pattern: String,
    /// Number, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// Context it was applied through.
    pub context: String,
    /// What brought it.
    pub cause: String,
    /// How its last apply ended.
    pub status: String,
    /// SHA-256 of the objects.
    pub digest: String,
    /// What it was made from, as JSON.
    pub source: String,
    /// Its objects as they were sent, as JSON.
    pub objects: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What to keep of an apply.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// The cluster's own id.
    pub cluster_id: String,
    /// Pattern name.
    pub pattern: String,
    /// Context it is applied through.
    pub context: String,
    /// What brings it.
    pub cause: String,
    /// SHA-256 of the objects.
    pub digest: String,
    /// What it is made from.
    pub source: Value,
    /// Its objects as they are sent.
    pub objects: Vec<Value>,
}

/// A revision with its content.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What lists show.
    pub revision: Revision,
    /// What it was made from.
    pub source: Value,
    /// Its objects as they were sent.
    pub objects: Vec<Value>,
}

/// The table.
pub struct Revisions<'a>(pub(super) &'a Store);

impl Revisions<'_> {
    /// Begins a revision and returns its number: a new one, or the newest again when its objects are the same.
    pub async fn begin(&self, new: NewRevision) -> Result<i64> {
        let what = "write the revisions";
        let transaction = self.0.begin(what).await?;
        let fail = |error: DbErr| self.0.failed(what, &error);
        let newest = of(&new.cluster_id, &new.pattern).one(&transaction).await.map_err(fail)?;
        let now = clock::now().as_microsecond();
        let status = Set(json::word(&OperationStatus::Running)?);
        if let Some(newest) = newest.as_ref().filter(|row| row.digest == new.digest) {
            let number = newest.number;
            let row = ActiveModel {
                status,
                context: Set(new.context),
                source: Set(json::write(&new.source)?),
                updated_at: Set(now),
                ..newest.clone().into()
            };
            row.update(&transaction).await.map_err(fail)?;
            self.0.commit(what, transaction).await?;
            return Ok(number);
        }
        let number = newest.map_or(0, |row| row.number) + 1;
        let row = ActiveModel {
            number: Set(number),
            status,
            source: Set(json::write(&new.source)?),
            objects: Set(json::write(&new.objects)?),
            created_at: Set(now),
            updated_at: Set(now),
            cluster_id: Set(new.cluster_id.clone()),
            pattern: Set(new.pattern.clone()),
            context: Set(new.context),
            cause: Set(new.cause),
            digest: Set(new.digest),
        };
        row.insert(&transaction).await.map_err(fail)?;
        let old = of(&new.cluster_id, &new.pattern).offset(KEPT).limit(u64::from(u32::MAX));
        for row in old.all(&transaction).await.map_err(fail)? {
            row.delete(&transaction).await.map_err(fail)?;
        }
        self.0.commit(what, transaction).await?;
        Ok(number)
    }

    /// Records how the apply of a revision ended.
    pub async fn end(&self, cluster_id: &str, pattern: &str, number: i64, status: OperationStatus) -> Result<()> {
        let row = ActiveModel {
            cluster_id: Set(cluster_id.to_owned()),
            pattern: Set(pattern.to_owned()),
            number: Set(number),
            status: Set(json::word(&status)?),
            updated_at: Set(clock::now().as_microsecond()),
            ..ActiveModel::new()
        };
        let done = row.update(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("write the revisions", &error))
    }

    /// Revisions of a pattern in one cluster, newest first.
    pub async fn list(&self, cluster_id: &str, pattern: &str) -> Result<Vec<Stored>> {
        let rows = of(cluster_id, pattern).all(&self.0.read).await;
        let rows = rows.map_err(|error| self.0.failed("read the revisions", &error))?;
        rows.into_iter().enumerate().map(|(index, row)| stored(row, index == 0)).collect()
    }

    /// The newest revision of a pattern in one cluster.
    pub async fn newest(&self, cluster_id: &str, pattern: &str) -> Result<Option<Stored>> {
        let row = of(cluster_id, pattern).one(&self.0.read).await;
        let row = row.map_err(|error| self.0.failed("read the revisions", &error))?;
        row.map(|row| stored(row, true)).transpose()
    }

    /// Forgets every revision of a pattern in one cluster.
    pub async fn forget(&self, cluster_id: &str, pattern: &str) -> Result<()> {
        let done = Entity::delete_many()
            .filter(Column::ClusterId.eq(cluster_id))
            .filter(Column::Pattern.eq(pattern))
            .exec(&self.0.write)
            .await;
        done.map(drop).map_err(|error| self.0.failed("write the revisions", &error))
    }

    /// Forgets one revision, such as one whose apply was taken back.
    pub async fn remove(&self, cluster_id: &str, pattern: &str, number: i64) -> Result<()> {
        let key = (cluster_id.to_owned(), pattern.to_owned(), number);
        let done = Entity::delete_by_id(key).exec(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("write the revisions", &error))
    }

    /// Ids of the clusters that have revisions of a pattern, each with the context it was applied through last.
    pub async fn clusters(&self, pattern: &str) -> Result<Vec<(String, String)>> {
        let rows: Result<Vec<(String, String)>, DbErr> = Entity::find()
            .select_only()
            .column(Column::ClusterId)
            .column(Column::Context)
            .filter(Column::Pattern.eq(pattern))
            .order_by_desc(Column::UpdatedAt)
            .into_tuple()
            .all(&self.0.read)
            .await;
        let mut found: Vec<(String, String)> = Vec::new();
        for (cluster, context) in rows.map_err(|error| self.0.failed("read the revisions", &error))? {
            if !found.iter().any(|(known, _)| *known == cluster) {
                found.push((cluster, context));
            }
        }
        Ok(found)
    }
}

fn of(cluster_id: &str, pattern: &str) -> Select<Entity> {
    Entity::find()
        .filter(Column::ClusterId.eq(cluster_id))
        .filter(Column::Pattern.eq(pattern))
        .order_by_desc(Column::Number)
}

fn stored(row: Model, current: bool) -> Result<Stored> {
    let objects: Vec<Value> = json::read(&row.objects, TABLE)?;
    let revision = Revision {
        pattern: row.pattern,
        context: row.context,
        number: row.number,
        cause: row.cause,
        status: json::from_word(&row.status, TABLE)?,
        digest: row.digest,
        objects: objects.len(),
        created_at: json::time(row.created_at),
        updated_at: json::time(row.updated_at),
        current,
    };
    Ok(Stored { revision, source: json::read(&row.source, TABLE)?, objects })
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;
    use serde_json::json;

    fn new(digest: &str) -> NewRevision {
        NewRevision {
            cluster_id: "c".into(),
            pattern: "shop".into(),
            context: "kind".into(),
            cause: "apply".into(),
            digest: digest.into(),
            source: json!({"text": digest}),
            objects: vec![json!({"kind": digest})],
        }
    }

    #[tokio::test]
    async fn the_same_objects_are_the_same_revision_and_others_a_new_one() {
        let (_dir, store) = store().await;
        let revisions = store.revisions();
        assert_eq!(revisions.begin(new("a")).await.unwrap(), 1);
        assert_eq!(revisions.begin(new("a")).await.unwrap(), 1);
        assert_eq!(revisions.begin(new("b")).await.unwrap(), 2);
        assert_eq!(revisions.begin(new("a")).await.unwrap(), 3, "back to the first is a step of its own");
        revisions.end("c", "shop", 3, OperationStatus::Succeeded).await.unwrap();
        let list = revisions.list("c", "shop").await.unwrap();
        let shown: Vec<_> = list.iter().map(|one| (one.revision.number, one.revision.current)).collect();
        assert_eq!(shown, [(3, true), (2, false), (1, false)]);
        assert_eq!(list[0].revision.status, OperationStatus::Succeeded);
        assert_eq!((list[1].objects[0]["kind"].as_str(), list[1].source["text"].as_str()), (Some("b"), Some("b")));
        assert_eq!(revisions.clusters("shop").await.unwrap(), [("c".to_owned(), "kind".to_owned())]);
    }

    #[tokio::test]
    async fn old_revisions_go_and_numbers_never_come_again() {
        let (_dir, store) = store().await;
        for number in 0..15 {
            store.revisions().begin(new(&number.to_string())).await.unwrap();
        }
        let list = store.revisions().list("c", "shop").await.unwrap();
        assert_eq!((list.len() as u64, list[0].revision.number, list[9].revision.number), (KEPT, 15, 6));
        store.revisions().remove("c", "shop", 15).await.unwrap();
        assert_eq!(store.revisions().list("c", "shop").await.unwrap()[0].revision.number, 14);
        store.revisions().forget("c", "shop").await.unwrap();
        assert!(store.revisions().list("c", "shop").await.unwrap().is_empty());
    }
}

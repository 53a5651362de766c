//! The inventory: which objects a pattern brought into which cluster.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, QueryOrder};

use super::{Store, json};
use crate::base::clock::Timestamp;
use crate::base::{Result, clock};
use crate::model::kubernetes::{GroupVersionKind, ObjectRef};
use crate::model::pattern::InventoryItem;
use crate::wire::rest::AppliedSet;

/// Applied sets.
pub mod set {
    use sea_orm::entity::prelude::*;

    /// A row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "applied_sets")]
    pub struct Model {
        /// The cluster's own id, not a context name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub cluster_id: String,
        /// Pattern name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub pattern: String,
        /// Context of the last apply.
        pub context: String,
        /// Number of applies.
        pub generation: i64,
        /// Microseconds since 1970.
        pub updated_at: i64,
    }

    /// Relations: none that queries use.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Objects of applied sets. The version is no part of the identity: `apps/v1beta1` and `apps/v1` are one object.
pub mod item {
    use sea_orm::entity::prelude::*;

    /// A row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "inventory_items")]
    pub struct Model {
        /// The cluster's own id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub cluster_id: String,
        /// Pattern name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub pattern: String,
        /// API group; empty for core.
        #[sea_orm(primary_key, auto_increment = false)]
        pub api_group: String,
        /// Kind.
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        /// Namespace; empty for cluster-scoped kinds.
        #[sea_orm(primary_key, auto_increment = false)]
        pub namespace: String,
        /// Name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// `apiVersion` it was applied with last.
        pub api_version: String,
        /// Key of the service.
        pub service: String,
        /// Position in the order of application.
        pub position: i64,
        /// Generation that wrote it last.
        pub generation: i64,
        /// Uid in the cluster.
        pub uid: Option<String>,
    }

    /// Relations: none that queries use.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An applied set with what the API does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The cluster's own id.
    pub cluster_id: String,
    /// When it was applied last.
    pub updated_at: Timestamp,
    /// The set.
    pub set: AppliedSet,
}

/// The tables.
pub struct Inventory<'a>(pub(super) &'a Store);

impl Inventory<'_> {
    /// What is applied of a pattern in a cluster, in the order of application.
    pub async fn get(&self, cluster_id: &str, pattern: &str) -> Result<Option<AppliedSet>> {
        let what = "read the inventory";
        let key = (cluster_id.to_owned(), pattern.to_owned());
        let set = set::Entity::find_by_id(key).one(&self.0.read).await;
        let Some(set) = set.map_err(|error| self.0.failed(what, &error))? else { return Ok(None) };
        let items = items(&self.0.read, cluster_id, pattern).await.map_err(|error| self.0.failed(what, &error))?;
        Ok(Some(applied(set, items)))
    }

    /// Begins an apply: the set exists from now on, with the generation returned, and objects that it did not hold
    /// are in it before the cluster hears of them, so that a crash in between loses none.
    pub async fn begin(&self, key: Key<'_>, context: &str, items: &[InventoryItem]) -> Result<i64> {
        let what = "write the inventory";
        let transaction = self.0.begin(what).await?;
        let known =
            set::Entity::find_by_id((key.cluster_id.to_owned(), key.pattern.to_owned())).one(&transaction).await;
        let known = known.map_err(|error| self.0.failed(what, &error))?;
        let generation = known.as_ref().map_or(0, |set| set.generation) + 1;
        let row = set::ActiveModel {
            cluster_id: Set(key.cluster_id.to_owned()),
            pattern: Set(key.pattern.to_owned()),
            context: Set(context.to_owned()),
            generation: Set(generation),
            updated_at: Set(clock::now().as_microsecond()),
        };
        let written = match known {
            Some(_) => row.update(&transaction).await.map(drop),
            None => row.insert(&transaction).await.map(drop),
        };
        written.map_err(|error| self.0.failed(what, &error))?;
        let items: Vec<InventoryItem> =
            items.iter().map(|item| InventoryItem { generation, uid: None, ..item.clone() }).collect();
        let keep = OnConflict::columns(IDENTITY).do_nothing().to_owned();
        insert(&transaction, key, &items, &keep).await.map_err(|error| self.0.failed(what, &error))?;
        self.0.commit(what, transaction).await?;
        Ok(generation)
    }

    /// Adds objects to a set that was begun, or replaces what is known of them, and takes others out.
    pub async fn settle(&self, key: Key<'_>, items: &[InventoryItem], gone: &[ObjectRef]) -> Result<()> {
        let what = "write the inventory";
        if items.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let transaction = self.0.begin(what).await?;
        let values = [
            item::Column::ApiVersion,
            item::Column::Service,
            item::Column::Position,
            item::Column::Generation,
            item::Column::Uid,
        ];
        let replace = OnConflict::columns(IDENTITY).update_columns(values).to_owned();
        insert(&transaction, key, items, &replace).await.map_err(|error| self.0.failed(what, &error))?;
        for object in gone {
            let done = one(key, object).exec(&transaction).await;
            done.map_err(|error| self.0.failed(what, &error))?;
        }
        self.0.commit(what, transaction).await
    }

    /// Every set, by pattern name and context.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let what = "read the inventory";
        let sets = set::Entity::find().order_by_asc(set::Column::Pattern).order_by_asc(set::Column::Context);
        let sets = sets.all(&self.0.read).await.map_err(|error| self.0.failed(what, &error))?;
        let mut listed = Vec::with_capacity(sets.len());
        for set in sets {
            let items = items(&self.0.read, &set.cluster_id, &set.pattern).await;
            let items = items.map_err(|error| self.0.failed(what, &error))?;
            let (cluster_id, updated_at) = (set.cluster_id.clone(), json::time(set.updated_at));
            listed.push(Listed { cluster_id, updated_at, set: applied(set, items) });
        }
        Ok(listed)
    }

    /// Forgets a set and its objects.
    pub async fn forget(&self, cluster_id: &str, pattern: &str) -> Result<()> {
        let key = (cluster_id.to_owned(), pattern.to_owned());
        let done = set::Entity::delete_by_id(key).exec(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("write the inventory", &error))
    }
}

/// Which set: the cluster's own id, not a context name, and the pattern's name.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The cluster's own id.
    pub cluster_id: &'a str,
    /// Pattern name.
    pub pattern: &'a str,
}

/// Columns that tell one object of a set from the others.
const IDENTITY: [item::Column; 6] = [
    item::Column::ClusterId,
    item::Column::Pattern,
    item::Column::ApiGroup,
    item::Column::Kind,
    item::Column::Namespace,
    item::Column::Name,
];

/// Rows of one statement; a row has eleven values, and SQLite takes some 32,000 in one statement.
const ROWS: usize = 1_000;

async fn insert(
    db: &impl ConnectionTrait,
    key: Key<'_>,
    items: &[InventoryItem],
    conflict: &OnConflict,
) -> Result<(), DbErr> {
    for chunk in items.chunks(ROWS) {
        let rows = chunk.iter().map(|item| row(key, item));
        let insert = item::Entity::insert_many(rows).on_conflict(conflict.clone());
        insert.exec_without_returning(db).await?;
    }
    Ok(())
}

fn one(key: Key<'_>, object: &ObjectRef) -> sea_orm::DeleteMany<item::Entity> {
    item::Entity::delete_many()
        .filter(item::Column::ClusterId.eq(key.cluster_id))
        .filter(item::Column::Pattern.eq(key.pattern))
        .filter(item::Column::ApiGroup.eq(object.gvk().group))
        .filter(item::Column::Kind.eq(object.kind.as_str()))
        .filter(item::Column::Namespace.eq(object.namespace.clone().unwrap_or_default()))
        .filter(item::Column::Name.eq(object.name.as_str()))
}

async fn items(db: &impl ConnectionTrait, cluster_id: &str, pattern: &str) -> Result<Vec<item::Model>, DbErr> {
    item::Entity::find()
        .filter(item::Column::ClusterId.eq(cluster_id))
        .filter(item::Column::Pattern.eq(pattern))
        .order_by_asc(item::Column::Position)
        .order_by_asc(item::Column::Service)
        .all(db)
        .await
}

fn row(key: Key<'_>, item: &InventoryItem) -> item::ActiveModel {
    let object = &item.object;
    item::ActiveModel {
        cluster_id: Set(key.cluster_id.to_owned()),
        pattern: Set(key.pattern.to_owned()),
        api_group: Set(GroupVersionKind::parse(&object.api_version, &object.kind).group),
        kind: Set(object.kind.clone()),
        namespace: Set(object.namespace.clone().unwrap_or_default()),
        name: Set(object.name.clone()),
        api_version: Set(object.api_version.clone()),
        service: Set(item.service.clone()),
        position: Set(i64::from(item.position)),
        generation: Set(item.generation),
        uid: Set(item.uid.clone()),
    }
}

fn applied(set: set::Model, items: Vec<item::Model>) -> AppliedSet {
    let items = items.into_iter().map(|row| InventoryItem {
        service: row.service,
        object: ObjectRef {
            api_version: row.api_version,
            kind: row.kind,
            namespace: (!row.namespace.is_empty()).then_some(row.namespace),
            name: row.name,
        },
        position: u32::try_from(row.position).unwrap_or(u32::MAX),
        generation: row.generation,
        uid: row.uid,
    });
    AppliedSet { pattern: set.pattern, context: set.context, generation: set.generation, items: items.collect() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    fn object(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectRef {
        ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        }
    }

    fn item(position: u32, generation: i64, object: ObjectRef) -> InventoryItem {
        InventoryItem { service: object.name.clone(), object, position, generation, uid: Some("u".into()) }
    }

    fn key(cluster_id: &str) -> Key<'_> {
        Key { cluster_id, pattern: "shop" }
    }

    #[tokio::test]
    async fn a_set_grows_by_generation_and_holds_each_object_once() {
        let (_dir, store) = store().await;
        let inventory = store.inventory();
        assert_eq!(inventory.get("c1", "shop").await.unwrap(), None);
        let namespace = object("v1", "Namespace", None, "shop");
        let old = item(1, 1, object("apps/v1beta1", "Deployment", Some("shop"), "web"));
        assert_eq!(inventory.begin(key("c1"), "kind", std::slice::from_ref(&old)).await.unwrap(), 1);
        let begun = inventory.get("c1", "shop").await.unwrap().unwrap();
        assert_eq!((begun.items.len(), begun.items[0].uid.as_deref()), (1, None), "known before the cluster has it");
        inventory.settle(key("c1"), &[old.clone(), item(0, 1, namespace.clone())], &[]).await.unwrap();
        assert_eq!(inventory.begin(key("c1"), "other", &[old]).await.unwrap(), 2);
        let kept = inventory.get("c1", "shop").await.unwrap().unwrap();
        assert_eq!((kept.items[1].generation, kept.items[1].uid.as_deref()), (1, Some("u")), "what is known stays");
        let new = item(1, 2, object("apps/v1", "Deployment", Some("shop"), "web"));
        inventory.settle(key("c1"), &[new], &[]).await.unwrap();
        let set = inventory.get("c1", "shop").await.unwrap().unwrap();
        assert_eq!((set.generation, set.context.as_str(), set.items.len()), (2, "other", 2));
        assert_eq!(set.items[0].object, namespace);
        assert_eq!((set.items[1].object.api_version.as_str(), set.items[1].generation), ("apps/v1", 2));
        assert_eq!(inventory.get("c2", "shop").await.unwrap(), None, "another cluster knows nothing of it");
    }

    #[tokio::test]
    async fn removing_and_forgetting_take_out_exactly_what_was_named() {
        let (_dir, store) = store().await;
        let inventory = store.inventory();
        let secret = |namespace: &str, name: &str| object("v1", "Secret", Some(namespace), name);
        for cluster in ["c1", "c2"] {
            inventory.begin(key(cluster), cluster, &[]).await.unwrap();
            let items = [item(0, 1, secret("x", "a")), item(0, 1, secret("x", "b"))];
            inventory.settle(key(cluster), &items, &[]).await.unwrap();
        }
        inventory.settle(key("c1"), &[], &[secret("x", "a"), secret("y", "b")]).await.unwrap();
        assert_eq!(inventory.get("c1", "shop").await.unwrap().unwrap().items[0].object.name, "b");
        inventory.forget("c2", "shop").await.unwrap();
        let left = inventory.list().await.unwrap();
        assert_eq!((left.len(), left[0].cluster_id.as_str(), left[0].set.items.len()), (1, "c1", 1));
        let orphan = inventory.settle(key("c2"), &[item(0, 1, secret("x", "z"))], &[]).await;
        assert!(orphan.is_err(), "an object needs a set that was begun");
    }

    #[tokio::test]
    async fn thousands_of_objects_are_one_transaction() {
        let (_dir, store) = store().await;
        let items: Vec<InventoryItem> =
            (0..2_500).map(|number| item(0, 1, object("v1", "ConfigMap", Some("x"), &format!("c{number}")))).collect();
        store.inventory().begin(key("c1"), "kind", &items).await.unwrap();
        store.inventory().settle(key("c1"), &items, &[]).await.unwrap();
        assert_eq!(store.inventory().get("c1", "shop").await.unwrap().unwrap().items.len(), 2_500);
    }
}

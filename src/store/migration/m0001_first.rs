//! Patterns, operations, events, preferences, inventory.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(patterns()).await?;
        manager.create_table(operations()).await?;
        manager.create_table(events()).await?;
        manager.create_table(preferences()).await?;
        manager.create_table(applied_sets()).await?;
        manager.create_table(inventory_items()).await?;
        manager.create_index(index("events", "operation_id")).await?;
        manager.create_index(index("events", "created_at")).await?;
        manager.create_index(index("operations", "started_at")).await?;
        manager.create_index(index("operations", "status")).await
    }
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().take()
}

fn optional_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().null().take()
}

fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().take()
}

fn id() -> ColumnDef {
    ColumnDef::new(Alias::new("id")).text().not_null().primary_key().take()
}

fn number() -> ColumnDef {
    ColumnDef::new(Alias::new("id")).integer().not_null().auto_increment().primary_key().take()
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).if_not_exists().take()
}

fn index(table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(format!("{table}_{column}"))
        .table(Alias::new(table))
        .col(Alias::new(column))
        .if_not_exists()
        .take()
}

fn patterns() -> TableCreateStatement {
    table("patterns")
        .col(id())
        .col(text("name").unique_key())
        .col(text("pattern_file"))
        .col(optional_text("user_id"))
        .col(text("location"))
        .col(integer("created_at"))
        .col(integer("updated_at"))
        .take()
}

fn operations() -> TableCreateStatement {
    table("operations")
        .col(id())
        .col(text("kind"))
        .col(text("subject"))
        .col(text("status"))
        .col(text("owner"))
        .col(integer("cancel_requested").default(0))
        .col(integer("started_at"))
        .col(ColumnDef::new(Alias::new("ended_at")).big_integer().null())
        .col(text("body"))
        .take()
}

fn events() -> TableCreateStatement {
    table("events")
        .col(number())
        .col(optional_text("operation_id"))
        .col(integer("created_at"))
        .col(text("severity"))
        .col(text("category"))
        .col(text("action"))
        .col(text("summary"))
        .col(text("details"))
        .col(optional_text("payload"))
        .take()
}

fn preferences() -> TableCreateStatement {
    table("preferences").col(number()).col(text("body")).take()
}

fn applied_sets() -> TableCreateStatement {
    table("applied_sets")
        .col(text("cluster_id"))
        .col(text("pattern"))
        .col(text("context"))
        .col(integer("generation"))
        .col(integer("updated_at"))
        .primary_key(Index::create().col(Alias::new("cluster_id")).col(Alias::new("pattern")))
        .take()
}

fn inventory_items() -> TableCreateStatement {
    let key = ["cluster_id", "pattern", "api_group", "kind", "namespace", "name"];
    let mut primary = Index::create();
    for column in key {
        primary.col(Alias::new(column));
    }
    let mut table = table("inventory_items");
    for column in key {
        table.col(text(column));
    }
    table
        .col(text("api_version"))
        .col(text("service"))
        .col(integer("position"))
        .col(integer("generation"))
        .col(optional_text("uid"))
        .primary_key(&mut primary)
        .foreign_key(
            ForeignKey::create()
                .from_tbl(Alias::new("inventory_items"))
                .from_col(Alias::new("cluster_id"))
                .from_col(Alias::new("pattern"))
                .to_tbl(Alias::new("applied_sets"))
                .to_col(Alias::new("cluster_id"))
                .to_col(Alias::new("pattern"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

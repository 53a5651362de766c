//! Remote providers: what they said of themselves, what they are still to get, and what they call what they have.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_providers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(known_providers()).await?;
        manager.create_table(outbox()).await?;
        manager.create_table(remote_objects()).await
    }
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().take()
}

fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().take()
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).if_not_exists().take()
}

fn known_providers() -> TableCreateStatement {
    table("known_providers").col(text("url").primary_key()).col(text("body")).col(integer("seen_at")).take()
}

fn outbox() -> TableCreateStatement {
    let mut table = table("provider_outbox");
    table.col(ColumnDef::new(Alias::new("id")).integer().not_null().auto_increment().primary_key());
    for column in ["provider", "user_id", "feature", "object"] {
        table.col(text(column));
    }
    table
        .col(ColumnDef::new(Alias::new("body")).text().null())
        .col(integer("created_at"))
        .col(integer("attempts"))
        .col(integer("next_at"))
        .col(ColumnDef::new(Alias::new("error")).text().null())
        .take()
}

fn remote_objects() -> TableCreateStatement {
    let mut primary = Index::create();
    let mut table = table("provider_objects");
    for column in ["provider", "user_id", "feature", "object"] {
        primary.col(Alias::new(column));
        table.col(text(column));
    }
    table.col(text("remote_id")).primary_key(&mut primary).take()
}

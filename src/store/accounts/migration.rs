//! Numbered migrations of a provider's database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "p0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager.create_table(sessions()).await?;
        manager.create_table(access_tokens()).await?;
        manager.create_table(objects()).await
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

fn optional_integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().null().take()
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).if_not_exists().take()
}

/// What belongs to a row of another table goes with it.
fn belongs(from: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(Alias::new(from), Alias::new(column))
        .to(Alias::new(to), Alias::new("id"))
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

fn users() -> TableCreateStatement {
    table("users")
        .col(text("id").primary_key())
        .col(text("name"))
        .col(text("name_key").unique_key())
        .col(text("first_name"))
        .col(text("last_name"))
        .col(text("email"))
        .col(optional_text("password"))
        .col(optional_text("code"))
        .col(optional_integer("code_expires_at"))
        .col(integer("disabled"))
        .col(integer("from_file"))
        .col(integer("created_at"))
        .col(optional_integer("last_login"))
        .take()
}

fn sessions() -> TableCreateStatement {
    table("sessions")
        .col(text("id").primary_key())
        .col(text("user_id"))
        .col(text("purpose"))
        .col(optional_text("refresh").unique_key())
        .col(integer("created_at"))
        .col(integer("expires_at"))
        .col(optional_integer("last_used"))
        .foreign_key(&mut belongs("sessions", "user_id", "users"))
        .take()
}

fn access_tokens() -> TableCreateStatement {
    table("access_tokens")
        .col(text("hash").primary_key())
        .col(text("session_id"))
        .col(integer("expires_at"))
        .foreign_key(&mut belongs("access_tokens", "session_id", "sessions"))
        .take()
}

fn objects() -> TableCreateStatement {
    let mut primary = Index::create();
    let mut table = table("objects");
    for column in ["user_id", "collection", "id"] {
        primary.col(Alias::new(column));
        table.col(text(column));
    }
    table
        .col(text("name"))
        .col(text("parent"))
        .col(text("body"))
        .col(integer("created_at"))
        .col(integer("updated_at"))
        .primary_key(&mut primary)
        .foreign_key(&mut belongs("objects", "user_id", "users"))
        .take()
}

//! Revisions: what each apply brought, so that it can be shown, compared and applied again.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_revisions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(revisions()).await
    }
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().take()
}

fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().take()
}

fn revisions() -> TableCreateStatement {
    let mut primary = Index::create();
    for column in ["cluster_id", "pattern", "number"] {
        primary.col(Alias::new(column));
    }
    let mut table = Table::create().table(Alias::new("revisions")).if_not_exists().take();
    for column in ["cluster_id", "pattern", "context", "cause", "status", "digest", "source", "objects"] {
        table.col(text(column));
    }
    for column in ["number", "created_at", "updated_at"] {
        table.col(integer(column));
    }
    table.primary_key(&mut primary).take()
}

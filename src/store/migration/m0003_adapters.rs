//! Adapters that users added.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_adapters"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("adapters"))
                    .if_not_exists()
                    .col(ColumnDef::new(Alias::new("location")).text().not_null().primary_key())
                    .col(ColumnDef::new(Alias::new("added_at")).big_integer().not_null())
                    .take(),
            )
            .await
    }
}

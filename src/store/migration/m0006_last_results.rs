//! Schedules know the result of their last run.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_last_results"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(Alias::new("last_result")).text().null().take();
        manager.alter_table(Table::alter().table(Alias::new("perf_schedules")).add_column(column).take()).await
    }
}

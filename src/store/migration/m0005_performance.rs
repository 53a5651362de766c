//! Performance profiles, results with the intervals of running measurements, schedules.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_performance"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(profiles()).await?;
        manager.create_table(results()).await?;
        manager.create_table(intervals()).await?;
        manager.create_table(schedules()).await?;
        manager.create_index(index("perf_results", "profile_id")).await?;
        manager.create_index(index("perf_results", "started_at")).await?;
        manager.create_index(index("perf_results", "state")).await?;
        manager.create_index(index("perf_schedules", "next_run")).await
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
    let id = ColumnDef::new(Alias::new("id")).text().not_null().primary_key().take();
    Table::create().table(Alias::new(name)).if_not_exists().col(id).take()
}

fn index(table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(format!("{table}_{column}"))
        .table(Alias::new(table))
        .col(Alias::new(column))
        .if_not_exists()
        .take()
}

fn profiles() -> TableCreateStatement {
    table("perf_profiles")
        .col(text("name").unique_key().take())
        .col(text("body"))
        .col(integer("created_at"))
        .col(integer("updated_at"))
        .take()
}

fn results() -> TableCreateStatement {
    let mut table = table("perf_results");
    for column in ["name", "state", "summary", "runner_results", "server_metrics", "body"] {
        table.col(text(column));
    }
    for column in ["profile_id", "mesh"] {
        table.col(optional_text(column));
    }
    for column in ["started_at", "created_at", "updated_at"] {
        table.col(integer(column));
    }
    table.take()
}

fn intervals() -> TableCreateStatement {
    let (result, number) = (Alias::new("result_id"), Alias::new("number"));
    Table::create()
        .table(Alias::new("perf_intervals"))
        .if_not_exists()
        .col(text("result_id"))
        .col(integer("number"))
        .col(text("body"))
        .primary_key(Index::create().col(result.clone()).col(number))
        .foreign_key(
            ForeignKey::create()
                .from_tbl(Alias::new("perf_intervals"))
                .from_col(result)
                .to_tbl(Alias::new("perf_results"))
                .to_col(Alias::new("id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn schedules() -> TableCreateStatement {
    let mut table = table("perf_schedules");
    for column in ["name", "cron_expression", "time_zone", "missed"] {
        table.col(text(column));
    }
    table.col(optional_text("profile_id"));
    for column in ["paused", "created_at", "updated_at"] {
        table.col(integer(column));
    }
    for column in ["last_run", "next_run"] {
        table.col(optional_integer(column));
    }
    table.take()
}

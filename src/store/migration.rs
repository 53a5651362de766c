//! Numbered migrations. A migration that was released is never changed; the next change is a new file.

mod m0001_first;
mod m0002_revisions;
mod m0003_adapters;
mod m0004_providers;
mod m0005_performance;
mod m0006_last_results;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::Migration),
            Box::new(m0002_revisions::Migration),
            Box::new(m0003_adapters::Migration),
            Box::new(m0004_providers::Migration),
            Box::new(m0005_performance::Migration),
            Box::new(m0006_last_results::Migration),
        ]
    }
}

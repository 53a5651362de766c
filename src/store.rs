//! Rank 4: the plane's database. SeaORM over SQLite; every table has one file here that knows it.
//!
//! Several processes may have the database open at once. Reads see the last committed state and never wait for
//! writers (WAL); within a process all writes pass through one connection, across processes SQLite's own lock
//! orders them, with a wait of [`BUSY`]. A write is committed with `synchronous = FULL`: what a caller was told is
//! stored survives not only a killed process but a power cut, which WAL's usual NORMAL does not promise.

pub mod accounts;
pub mod adapters;
pub mod events;
pub mod inventory;
mod json;
mod migration;
mod open;
pub mod operations;
pub mod order;
pub mod page;
pub mod patterns;
pub mod preferences;
pub mod profiles;
pub mod provider_sync;
pub mod results;
pub mod revisions;
pub mod schedules;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::base::{Code, Error, Result};

/// How long a write waits for writers of other processes.
pub const BUSY: Duration = Duration::from_secs(5);

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    read: DatabaseConnection,
    write: DatabaseConnection,
}

impl Store {
    /// Opens the database file, creates it (mode 0600, folder 0700) and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        let (read, write) = open::open::<migration::Migrator>(path).await?;
        Ok(Self { path: path.to_owned(), read, write })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stored patterns.
    pub fn patterns(&self) -> patterns::Patterns<'_> {
        patterns::Patterns(self)
    }

    /// Operations.
    pub fn operations(&self) -> operations::Operations<'_> {
        operations::Operations(self)
    }

    /// The event log.
    pub fn events(&self) -> events::Events<'_> {
        events::Events(self)
    }

    /// Preferences.
    pub fn preferences(&self) -> preferences::PreferenceStore<'_> {
        preferences::PreferenceStore(self)
    }

    /// Adapters that users added.
    pub fn adapters(&self) -> adapters::AdapterStore<'_> {
        adapters::AdapterStore(self)
    }

    /// What is applied where.
    pub fn inventory(&self) -> inventory::Inventory<'_> {
        inventory::Inventory(self)
    }

    /// What each apply brought.
    pub fn revisions(&self) -> revisions::Revisions<'_> {
        revisions::Revisions(self)
    }

    /// Performance profiles.
    pub fn profiles(&self) -> profiles::Profiles<'_> {
        profiles::Profiles(self)
    }

    /// Results of measurements.
    pub fn results(&self) -> results::Results<'_> {
        results::Results(self)
    }

    /// Schedules of performance profiles.
    pub fn schedules(&self) -> schedules::Schedules<'_> {
        schedules::Schedules(self)
    }

    /// What is known of remote providers, and what they do not have yet.
    pub fn provider_sync(&self) -> provider_sync::ProviderSync<'_> {
        provider_sync::ProviderSync(self)
    }

    /// SQLite's own check of the file; faults in its words, none when it is sound.
    pub async fn check(&self) -> Result<Vec<String>> {
        open::integrity(&self.read).await.map_err(|error| self.failed("check the database", &error))
    }

    /// Ends all connections, after moving the log into the file where nobody else needs it.
    pub async fn close(self) {
        // A failure here loses nothing: the write-ahead log is read again at the next opening.
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }

    /// A transaction that holds the write lock from its beginning, so that it cannot fail half way for want of it.
    async fn begin(&self, what: &str) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.map_err(|error| self.failed(what, &error))
    }

    async fn commit(&self, what: &str, transaction: DatabaseTransaction) -> Result<()> {
        transaction.commit().await.map_err(|error| self.failed(what, &error))
    }

    fn failed(&self, what: &str, error: &DbErr) -> Error {
        failed(&self.path, what, error)
    }
}

fn failed(path: &Path, what: &str, error: &DbErr) -> Error {
    let text = error.to_string();
    let failed = Error::new(Code::StoreFailed, format!("cannot {what} in {}", path.display())).because(&text);
    if text.contains("locked") {
        return failed.remedy(format!(
            "Another process has held the database for more than {} s; see `mesheryctl system status`.",
            BUSY.as_secs()
        ));
    }
    if text.contains("disk is full") {
        return failed.remedy("Free some space on that file system.");
    }
    failed
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A fresh database in a folder that goes with the returned guard.
    pub(crate) async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data").join("meshery.db")).await.unwrap();
        (dir, store)
    }
}

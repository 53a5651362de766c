//! The database of a provider: users, their sessions, and what they keep there. A file of its own, apart from a plane's.
//!
//! Passwords are here as hashes made elsewhere, tokens as SHA-256 digests: who reads the file learns neither.

mod migration;
pub mod objects;
pub mod sessions;
pub mod users;

use std::path::Path;

use super::{Store, json, open};
use crate::base::Result;

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts(Store);

impl Accounts {
    /// Opens the database file, creates it (mode 0600, folder 0700) and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        let (read, write) = open::open::<migration::Migrator>(path).await?;
        Ok(Self(Store { path: path.to_owned(), read, write }))
    }

    /// Users.
    pub fn users(&self) -> users::Users<'_> {
        users::Users(&self.0)
    }

    /// Sessions and their tokens.
    pub fn sessions(&self) -> sessions::Sessions<'_> {
        sessions::Sessions(&self.0)
    }

    /// What users keep.
    pub fn objects(&self) -> objects::Objects<'_> {
        objects::Objects(&self.0)
    }

    /// Ends all connections.
    pub async fn close(self) {
        self.0.close().await;
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A fresh database in a folder that goes with the returned guard.
    pub(crate) async fn accounts() -> (tempfile::TempDir, Accounts) {
        let dir = tempfile::tempdir().unwrap();
        let accounts = Accounts::open(&dir.path().join("provider.db")).await.unwrap();
        (dir, accounts)
    }
}

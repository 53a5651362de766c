//! Opening the file: modes, pragmas, migrations.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

use super::{BUSY, failed};
use crate::base::{Code, Error, Result, dirs};

/// The connections for reading and for writing, on a file whose tables are up to date.
pub(super) async fn open<M: MigratorTrait>(path: &Path) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let _lock = lock(path).await?;
    create_file(path)?;
    let write = connect(path, 1, false).await.map_err(|error| failed(path, "open the database", &error))?;
    migrate::<M>(path, &write).await?;
    let read = connect(path, 2, true).await.map_err(|error| failed(path, "open the database", &error))?;
    Ok((read, write))
}

/// Two processes that create the file at the same moment do it one after the other.
async fn lock(path: &Path) -> Result<dirs::Lock> {
    let lock = path.with_extension("lock");
    tokio::task::spawn_blocking(move || dirs::Lock::wait(&lock))
        .await
        .map_err(|error| Error::internal("the lock of the database was not taken").because(error))?
}

fn create_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop).map_err(|error| {
        Error::new(Code::StoreFailed, format!("cannot open the database {}", path.display())).because(error)
    })
}

async fn connect(path: &Path, connections: u32, reader: bool) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let file = path.to_owned();
    options.max_connections(connections).min_connections(0).acquire_timeout(BUSY * 6).sqlx_logging(false);
    options.idle_timeout(None).max_lifetime(None).connect_lazy(reader);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .in_memory(false)
            .shared_cache(false)
            .filename(&file)
            .create_if_missing(false)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL");
        if reader { sqlite.pragma("query_only", "ON") } else { sqlite }
    });
    Database::connect(options).await
}

async fn migrate<M: MigratorTrait>(path: &Path, write: &DatabaseConnection) -> Result<()> {
    M::up(write, None).await.map_err(|error| {
        let text = error.to_string();
        let error = failed(path, "bring the tables up to date", &error);
        if text.contains("missing") {
            return error.remedy("A newer mesheryctl made this database: use that version, or another MESHERY_HOME.");
        }
        error
    })
}

pub(super) async fn integrity(read: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let rows = read
        .query_all_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "PRAGMA quick_check(20)"))
        .await?;
    let texts: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    Ok(texts.into_iter().filter(|text| text != "ok").collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::super::*;

    #[tokio::test]
    async fn the_file_and_its_folder_are_private_and_the_check_finds_it_sound() {
        let (dir, store) = store().await;
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&dir.path().join("data")), 0o700);
            for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
                let path = entry.unwrap().path();
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meshery.db");
        std::fs::write(&path, "these are my notes, not a database at all").unwrap();
        let error = Store::open(&path).await.unwrap_err();
        assert_eq!(error.code(), Code::StoreFailed);
        assert!(error.to_string().contains("meshery.db"), "{error}");
        assert!(std::fs::read_to_string(&path).unwrap().contains("my notes"));
    }

    #[tokio::test]
    async fn many_openers_at_once_all_get_the_same_tables() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data").join("meshery.db");
        let opened: Vec<_> = (0..6)
            .map(|_| {
                tokio::spawn({
                    let path = path.clone();
                    async move { Store::open(&path).await }
                })
            })
            .collect();
        for task in opened {
            task.await.unwrap().unwrap();
        }
    }
}

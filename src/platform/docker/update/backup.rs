//! The server's data while another image is tried: a newer server may change its form, and the old one could then not
//! read it any more.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::session::Session;
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::docker::container::Found;
use crate::docker::files::{self, Entry};
use crate::plane::container::{HOME, USER};

/// The folder with data, below the home folder.
const DATA: &str = "data";
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

fn path(session: &Session<'_>) -> PathBuf {
    dirs::run(&session.plane.home).join(format!("docker-{}-data.tar", session.instance))
}

/// The file while it is written.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("tar.new")
}

fn fault(path: &Path, error: std::io::Error) -> Error {
    Error::new(Code::ConfigWrite, format!("the plane's data cannot be kept in {}", path.display())).because(error)
}

/// Copies the data of a stopped server into a file of this machine, which appears when it is complete.
pub(super) async fn keep(session: &Session<'_>, old: &Found) -> Result<()> {
    let path = path(session);
    let from = format!("{HOME}/{DATA}");
    let Some(mut data) = session.engine.download(&old.id, &old.name, &from).await? else { return forget(session) };
    let unfinished = unfinished(&path);
    dirs::create_private(&dirs::run(&session.plane.home))?;
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&unfinished).await.map_err(|error| fault(&unfinished, error))?;
    while let Some(chunk) = data.next().await {
        file.write_all(&chunk?).await.map_err(|error| fault(&unfinished, error))?;
    }
    file.sync_all().await.map_err(|error| fault(&unfinished, error))?;
    tokio::fs::rename(&unfinished, &path).await.map_err(|error| fault(&path, error))
}

/// Puts the data back onto the volume of a stopped server.
pub(super) async fn restore(session: &Session<'_>, old: &Found) -> Result<()> {
    let path = path(session);
    let file = match tokio::fs::File::open(&path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(dirs::read_error(&path, &error)),
    };
    // What the newer server had begun to write beside the database does not belong to the older one.
    let name = dirs::database(Path::new("")).display().to_string();
    let empty = |end: &str| Entry { path: format!("{name}{end}"), content: Vec::new(), mode: 0o600, owner: USER };
    let journals = Bytes::from(files::archive(&[empty("-wal"), empty("-shm")])?);
    session.engine.upload(&old.id, &old.name, HOME, stream::iter([Ok(journals)])).await?;
    let data = stream::unfold(file, |mut file| async move {
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some((Ok(Bytes::from(chunk)), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    session.engine.upload(&old.id, &old.name, HOME, data).await
}

/// Removes the file.
pub(super) fn forget(session: &Session<'_>) -> Result<()> {
    let path = path(session);
    for path in [&unfinished(&path), &path] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(path, error)),
            _ => {}
        }
    }
    Ok(())
}

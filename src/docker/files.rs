//! Files into and out of a container, which may be stopped or not yet started.

use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::connect::Engine;
use super::fault;
use crate::base::error::{Error, Result};

/// A file to be put into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the folder it is put into.
    pub path: String,
    /// Content.
    pub content: Vec<u8>,
    /// Mode.
    pub mode: u32,
    /// User and group.
    pub owner: u64,
}

/// The files as a tar archive.
///
/// # Errors
/// An internal fault, for a path that does not fit into an archive.
pub fn archive(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let fault = |error: std::io::Error| Error::internal("files cannot be put into an archive").because(error);
    for entry in entries {
        let content = entry.content.as_slice();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner);
        header.set_gid(entry.owner);
        header.set_mtime(0);
        builder.append_data(&mut header, &entry.path, content).map_err(fault)?;
    }
    builder.into_inner().map_err(fault)
}

impl Engine {
    /// Puts the content of a tar archive into a folder of a container.
    pub async fn upload(
        &self,
        id: &str,
        name: &str,
        folder: &str,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        let sent = self.client.upload_to_container(id, Some(options), bollard::body_try_stream(archive)).await;
        sent.map_err(|error| self.fault(&format!("files cannot be put into container {name}"), &error))
    }

    /// A folder or file of a container as a tar archive; `None` when it is not there.
    pub async fn download(
        &self,
        id: &str,
        name: &str,
        path: &str,
    ) -> Result<Option<impl Stream<Item = Result<Bytes>> + Unpin + use<>>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut stream = Box::pin(self.client.download_from_container(id, Some(options)));
        let what = format!("{path} of container {name} cannot be read");
        let first = match stream.next().await {
            Some(Err(error)) if fault::is_not_found(&error) => return Ok(None),
            Some(Err(error)) => return Err(self.fault(&what, &error)),
            Some(Ok(first)) => Some(first),
            None => None,
        };
        let engine = self.clone();
        let rest = stream.map_err(move |error| engine.fault(&what, &error));
        Ok(Some(Box::pin(futures_util::stream::iter(first.map(Ok)).chain(rest))))
    }
}

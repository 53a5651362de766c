//! The files as one tar: the same files give the same bytes, whatever the time and the machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::files::{Content, Entry, FileSystem};
use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, id};
use crate::oci::artifact::Descriptor;

/// Bytes read of a file at once.
const CHUNK: usize = 1 << 20;

/// Hashes and counts what is written to it.
#[derive(Default)]
pub struct Digest {
    hash: Sha256,
    size: u64,
}

impl Digest {
    /// `sha256:…` of what was written, and its length.
    pub fn end(self) -> (String, u64) {
        (format!("sha256:{}", id::hex(&self.hash.finalize())), self.size)
    }
}

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Digest and size of the tar.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(files: &FileSystem) -> Result<(String, u64)> {
    let mut digest = Digest::default();
    write(files, &mut digest)?;
    Ok(digest.end())
}

/// Writes the tar.
///
/// # Errors
/// A file that cannot be read or that changes meanwhile; an `out` that refuses.
pub fn write(files: &FileSystem, out: &mut dyn Write) -> Result<()> {
    for (path, entry) in &files.0 {
        put(path, entry, out)?;
    }
    out.write_all(&[0; 1024]).map_err(|error| refused(&error))
}

/// Writes the tar that is known by its digest.
///
/// # Errors
/// As [`write`], and when a file is no longer what it was when the digest was taken.
pub fn write_known(files: &FileSystem, known: &Descriptor, out: &mut dyn Write) -> Result<()> {
    let mut both = Both { out, digest: Digest::default() };
    write(files, &mut both)?;
    if both.digest.end() == (known.digest.clone(), known.size) {
        return Ok(());
    }
    Err(Error::new(Code::ImageImpossible, "a file of the image changed while it was read")
        .remedy("Run the command again."))
}

/// Writes on and hashes.
struct Both<'o> {
    out: &'o mut dyn Write,
    digest: Digest,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.write(&bytes[..written])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn put(path: &str, entry: &Entry, out: &mut dyn Write) -> Result<()> {
    match &entry.content {
        Content::Folder => {
            out.write_all(header(&format!("{path}/"), entry, 0)?.as_bytes()).map_err(|error| refused(&error))
        }
        Content::Text(text) => {
            out.write_all(header(path, entry, text.len() as u64)?.as_bytes()).map_err(|error| refused(&error))?;
            out.write_all(text.as_bytes()).map_err(|error| refused(&error))?;
            pad(text.len() as u64, out)
        }
        Content::Copy(source) => copy(path, entry, source, out),
    }
}

fn copy(path: &str, entry: &Entry, source: &Path, out: &mut dyn Write) -> Result<()> {
    let fail = |error: io::Error| dirs::read_error(source, &error);
    let mut file = File::open(source).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    out.write_all(header(path, entry, size)?.as_bytes()).map_err(|error| refused(&error))?;
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let read = file.read(&mut chunk[..most]).map_err(fail)?;
        if read == 0 {
            return Err(Error::new(
                Code::FileUnreadable,
                format!("{} became shorter while it was read", source.display()),
            ));
        }
        out.write_all(&chunk[..read]).map_err(|error| refused(&error))?;
        left -= read as u64;
    }
    pad(size, out)
}

/// Fills the last block of a file.
fn pad(size: u64, out: &mut dyn Write) -> Result<()> {
    let rest = usize::try_from(size % 512).unwrap_or_default();
    if rest == 0 {
        return Ok(());
    }
    out.write_all(&[0; 512][rest..]).map_err(|error| refused(&error))
}

pub(super) fn header(path: &str, entry: &Entry, size: u64) -> Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path).map_err(|error| Error::internal(format!("`{path}` cannot stand in a tar")).because(error))?;
    header.set_size(size);
    header.set_mode(entry.mode);
    header.set_uid(entry.owner.into());
    header.set_gid(entry.owner.into());
    header.set_mtime(0);
    header.set_entry_type(if entry.content == Content::Folder { EntryType::Directory } else { EntryType::Regular });
    header.set_cksum();
    Ok(header)
}

pub(super) fn refused(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(Code::OutputClosed, "the reader of the image went away");
    }
    Error::new(Code::OutputFailed, "the image cannot be written").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_file_that_changes_meanwhile_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("program");
        let entry = Entry { content: Content::Copy(source.clone()), mode: 0o755, owner: 0 };
        let files = FileSystem(BTreeMap::from([("program".to_owned(), entry)]));
        std::fs::write(&source, "one").unwrap();
        let (digest, size) = digest(&files).unwrap();
        let known = Descriptor { digest, size, ..Descriptor::default() };
        assert!(write_known(&files, &known, &mut Vec::new()).is_ok());
        for other in ["two", "a longer one"] {
            std::fs::write(&source, other).unwrap();
            let error = write_known(&files, &known, &mut Vec::new()).unwrap_err();
            assert!(error.message().contains("changed while it was read"), "{error}");
        }
    }

    #[test]
    fn the_tar_is_read_back_with_modes_and_owners() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("program");
        std::fs::write(&source, vec![7; 513]).unwrap();
        let entry = |content, mode, owner| Entry { content, mode, owner };
        let files = FileSystem(BTreeMap::from([
            ("a".to_owned(), entry(Content::Folder, 0o700, 65532)),
            ("a/program".to_owned(), entry(Content::Copy(source), 0o755, 0)),
            ("a/text".to_owned(), entry(Content::Text("hello".to_owned()), 0o644, 0)),
        ]));
        let mut bytes = Vec::new();
        write(&files, &mut bytes).unwrap();
        assert_eq!(digest(&files).unwrap().1, bytes.len() as u64);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                let header = entry.header();
                (
                    entry.path().unwrap().display().to_string(),
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                    content.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("a/".to_owned(), 0o700, 65532, 0),
                ("a/program".to_owned(), 0o755, 0, 513),
                ("a/text".to_owned(), 0o644, 0, 5)
            ]
        );
    }
}

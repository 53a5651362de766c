//! Archives: tar, gzipped or not, looked into and unpacked into a folder of their own that goes away.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, id};

/// Largest content of an archive: what claims more is a mistake or worse.
const LIMIT: u64 = 512 << 20;

/// A folder that is deleted when it is dropped.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Makes one that only this user may read.
    ///
    /// # Errors
    /// When the folder for temporary files refuses.
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("mesheryctl-{}", id::short()));
        dirs::create_private(&path)?;
        Ok(Self(path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be deleted is the system's to clean up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether bytes begin like a gzip stream or a tar archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || bytes.get(257..262) == Some(b"ustar")
}

/// Unpacks an archive. Entries that lead out of the folder, links and devices are refused.
///
/// # Errors
/// [`Code::FileUnreadable`] for what is no archive, [`Code::SourceTooLarge`].
pub fn unpack(path: &Path, into: &Path) -> Result<()> {
    let mut file = File::open(path).map_err(|error| dirs::read_error(path, &error))?;
    let mut head = [0; 2];
    let begins = file.read(&mut head).map_err(|error| dirs::read_error(path, &error))?;
    let file = File::open(path).map_err(|error| dirs::read_error(path, &error))?;
    let content: Box<dyn Read> =
        if head[..begins] == [0x1f, 0x8b] { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut archive = tar::Archive::new(content.take(LIMIT));
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    let broken = |error: std::io::Error| {
        Error::new(Code::FileUnreadable, format!("{} cannot be unpacked", path.display())).because(error)
    };
    let mut total = 0;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_dir() {
            continue;
        }
        total += entry.size();
        if total > LIMIT {
            return Err(Error::new(
                Code::SourceTooLarge,
                format!("{} holds more than {} MiB", path.display(), LIMIT >> 20),
            ));
        }
        if !entry.unpack_in(into).map_err(broken)? {
            let name = entry.path().map(|path| path.display().to_string()).unwrap_or_default();
            return Err(Error::new(Code::FileUnreadable, format!("{} cannot be unpacked", path.display()))
                .because(format!("its entry {name} leads out of the archive")));
        }
    }
    Ok(())
}

/// The folder that matters in an unpacked archive: the only folder where nothing else is, else the top.
pub fn top(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).map_err(|error| dirs::read_error(folder, &error))?;
    let entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    Ok(match entries.as_slice() {
        [only] if only.is_dir() => only.clone(),
        _ => folder.to_owned(),
    })
}

/// A tar archive of files, each time the same for the same files.
///
/// # Errors
/// [`Code::Internal`] for a path that tar cannot hold.
pub fn pack(files: &[(String, Vec<u8>)], gzip: bool) -> Result<Vec<u8>> {
    let broken = |error: std::io::Error| Error::internal("an archive cannot be written").because(error);
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, path, content.as_slice()).map_err(broken)?;
    }
    let bytes = archive.into_inner().map_err(broken)?;
    if !gzip {
        return Ok(bytes);
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &bytes).map_err(broken)?;
    encoder.finish().map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_and_nothing_leads_out() {
        let files = [("shop/a.yaml".to_owned(), b"a".to_vec()), ("shop/deep/b".to_owned(), vec![0, 1, 2])];
        for gzip in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x");
            let bytes = pack(&files, gzip).unwrap();
            assert!(is_archive(&bytes));
            assert_eq!(bytes, pack(&files, gzip).unwrap());
            std::fs::write(&path, &bytes).unwrap();
            let out = Temporary::new().unwrap();
            unpack(&path, out.path()).unwrap();
            let top = top(out.path()).unwrap();
            assert_eq!(std::fs::read(top.join("deep/b")).unwrap(), [0, 1, 2]);
            let kept = out.path().to_owned();
            drop(out);
            assert!(!kept.exists());
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.as_mut_bytes()[..8].copy_from_slice(b"../evil\0");
        header.set_cksum();
        let mut archive = tar::Builder::new(Vec::new());
        archive.append(&header, &b"x"[..]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evil.tar");
        std::fs::write(&path, archive.into_inner().unwrap()).unwrap();
        assert!(unpack(&path, &dir.path().join("out")).is_err() || !dir.path().join("evil").exists());
    }
}

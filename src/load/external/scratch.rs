//! A private folder for one run: what must not stand in an argument is handed over in its files.

use std::path::{Path, PathBuf};

use crate::base::{Error, Result, dirs, id};

/// A folder that only this user can enter, removed with all it holds when dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("mesheryctl-load-{}", id::short()));
        dirs::create_private(&path)?;
        Ok(Self(path))
    }

    /// Where a file of the folder is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file of the folder.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        dirs::write_atomic(&path, content, 0o600)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's own folder for such files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A path as an argument.
///
/// # Errors
/// One that is not UTF-8.
pub(super) fn argument(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| Error::internal(format!("{} is not UTF-8", path.display())))
}

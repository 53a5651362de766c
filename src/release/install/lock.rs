//! One change of a program at a time, for every user of the machine.

use std::fs::{File, TryLockError};

use super::Installed;
use crate::base::{Code, Error, Result, dirs};

/// The lock, held until dropped or until the process dies.
#[derive(Debug)]
pub(super) enum FolderLock {
    Folder { _held: File },
    Beside { _held: dirs::Lock },
}

impl FolderLock {
    /// Locks the folder itself, which leaves nothing behind; a file beside the program where folders cannot be locked.
    pub(super) fn take(installed: &Installed) -> Result<Self> {
        let busy =
            || Error::new(Code::SelfBusy, format!("{} is being changed by another command", installed.path.display()));
        if let Ok(folder) = File::open(installed.folder()) {
            match folder.try_lock() {
                Ok(()) => return Ok(Self::Folder { _held: folder }),
                Err(TryLockError::WouldBlock) => return Err(busy()),
                Err(TryLockError::Error(_)) => {}
            }
        }
        let held = dirs::Lock::take(&installed.lock_file())?.ok_or_else(busy)?;
        Ok(Self::Beside { _held: held })
    }
}

//! What quickstart started and where it applied its pattern, kept so that --cleanup takes back exactly that.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::base::process::Identity;
use crate::client::process::Running;

/// The record, `run/quickstart.json` below the home.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// The server, when quickstart started it.
    pub(super) server: Option<Process>,
    /// The practice cluster, when quickstart started it.
    pub(super) practice: Option<Process>,
    /// Contexts the pattern was applied to.
    pub(super) kube_contexts: Vec<String>,
    /// Whether the stored pattern is quickstart's.
    pub(super) stored: bool,
}

/// A process, told from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: u32,
    start_mark: String,
}

impl From<&Running> for Process {
    fn from(running: &Running) -> Self {
        Self { pid: running.pid, start_mark: running.start_mark.clone() }
    }
}

impl Process {
    /// Whether it is that running one.
    pub(super) fn is(&self, running: &Running) -> bool {
        running.identity() == Identity { pid: self.pid, started: self.start_mark.clone() }
    }
}

impl Record {
    /// The record of a home; an empty one when there is none.
    pub(super) fn read(home: &Path) -> Result<Self> {
        let path = file(home);
        let Some(text) = dirs::read_optional(&path)? else { return Ok(Self::default()) };
        serde_json::from_str(&text).map_err(|error| {
            Error::new(Code::ConfigParse, format!("{} is not what quickstart writes", path.display()))
                .because(error)
                .remedy(
                    "Delete the file; stop what still runs with `mesheryctl system stop` and `mesheryctl sample stop`.",
                )
        })
    }

    /// Keeps it; an empty record is no file.
    pub(super) fn write(&self, home: &Path) -> Result<()> {
        let path = file(home);
        if *self == Self::default() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::new(Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error))
                }
                _ => Ok(()),
            };
        }
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::internal("the record of quickstart cannot be written as JSON").because(error))?;
        dirs::write_atomic(&path, &text, 0o600)
    }
}

fn file(home: &Path) -> PathBuf {
    dirs::run(home).join("quickstart.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_an_empty_one_is_no_file() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Record::read(home.path()).unwrap(), Record::default());
        let running = Running::here("127.0.0.1:1".parse().unwrap(), None);
        let record = Record { server: Some((&running).into()), kube_contexts: vec!["a".into()], ..Record::default() };
        record.write(home.path()).unwrap();
        let read = Record::read(home.path()).unwrap();
        assert!(read == record && read.server.unwrap().is(&running));
        Record::default().write(home.path()).unwrap();
        assert!(!file(home.path()).exists());
        std::fs::write(file(home.path()), "{").unwrap();
        assert_eq!(Record::read(home.path()).unwrap_err().code(), Code::ConfigParse);
    }
}

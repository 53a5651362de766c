//! What this machine remembers of a plane that it started: which cluster, which namespace, and who it is.
//!
//! It is written before anything is created in the cluster, so that a command that was broken off is completed in the
//! right place. When nothing is left there it only tells how the plane was wanted; a stop with a reset removes it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Code, Error, Result, dirs};
use crate::plane::kubernetes::{Load, Wishes};
use crate::plane::spec;

/// One plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Tells this plane from others of the same name.
    pub id: String,
    /// Kubernetes context.
    pub kube_context: String,
    /// Kubeconfig files it was found in, separated as in PATH.
    #[serde(default)]
    pub kubeconfig: Option<String>,
    /// Identity of the cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// File that holds the plane's token.
    pub token_file: PathBuf,
    /// Address outside of port-forwards, when one answered.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// How the plane was wanted.
    #[serde(default)]
    pub wishes: Wishes,
    /// How its image reaches the nodes from this machine, where the user chose it.
    #[serde(default)]
    pub load: Option<Load>,
    /// Whether no start has succeeded yet with these wishes.
    #[serde(default)]
    pub unfinished: bool,
    /// Whether nothing of it is in the cluster: it is only known how it was wanted.
    #[serde(default)]
    pub stopped: bool,
}

impl Record {
    /// The record of a context's plane; one that cannot be read is an error, because a plane may stand behind it.
    pub(super) fn read(home: &Path, context: &str) -> Result<Option<Self>> {
        let path = path(home, context);
        let Some(text) = dirs::read_optional(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Error::new(Code::FileUnreadable, format!("{} is not the record of a plane", path.display()))
                .because(error)
                .remedy("Move the file away; `mesheryctl system status` then looks at the current Kubernetes context.")
        })
    }

    /// Keeps it.
    pub(super) fn write(&self, home: &Path, context: &str) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::internal("the record of a plane cannot be written as JSON").because(error))?;
        dirs::write_atomic(&path(home, context), &text, 0o600)
    }

    /// Forgets a plane of which nothing is left.
    pub(super) fn remove(home: &Path, context: &str) -> Result<()> {
        let path = path(home, context);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new(Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error))
            }
            _ => Ok(()),
        }
    }
}

fn path(home: &Path, context: &str) -> PathBuf {
    home.join("planes").join(format!("{}.json", spec::instance(context)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_and_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let record = Record {
            id: "i".into(),
            kube_context: "kit".into(),
            kubeconfig: None,
            cluster: "c".into(),
            namespace: "meshery".into(),
            token_file: "/t".into(),
            endpoint: None,
            wishes: Wishes::default(),
            load: Some(Load::Containerd(None)),
            unfinished: false,
            stopped: false,
        };
        assert_eq!(Record::read(home.path(), "Team A").unwrap(), None);
        record.write(home.path(), "Team A").unwrap();
        assert_eq!(Record::read(home.path(), "Team A").unwrap(), Some(record));
        assert_eq!(Record::read(home.path(), "team-a").unwrap(), None, "another context");
        std::fs::write(path(home.path(), "x"), "{").unwrap();
        assert_eq!(Record::read(home.path(), "x").unwrap_err().code(), Code::FileUnreadable);
        Record::remove(home.path(), "Team A").unwrap();
        Record::remove(home.path(), "Team A").unwrap();
        assert_eq!(Record::read(home.path(), "Team A").unwrap(), None);
    }
}

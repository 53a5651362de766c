//! The files of the image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::elf::Executable;
use crate::base::env;
use crate::base::error::{Code, Error, Result};

/// User and group that the program runs as; no account of a usual system has the number.
pub const USER: u32 = 65532;
/// Where the program is, below the root.
pub const PROGRAM: &str = "usr/local/bin/mesheryctl";
/// Where the certificate authorities are, below the root.
pub const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Folder of the plane's data; a volume that is mounted there takes over its owner.
pub const DATA: &str = "/var/lib/meshery";

/// Where systems keep their certificate authorities: Debian, Fedora, OpenSUSE, Alpine.
const STORES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file whose bytes are those of a file of this machine.
    Copy(PathBuf),
    /// A file with these bytes.
    Text(String),
}

/// One file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub content: Content,
    /// Its mode.
    pub mode: u32,
    /// Its user and group.
    pub owner: u32,
}

/// Everything in the image: paths below the root without a leading slash, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem(pub BTreeMap<String, Entry>);

impl FileSystem {
    /// What a program needs: itself, loader and shared objects, certificate authorities, its user, folders to write to.
    ///
    /// # Errors
    /// [`Code::ImageImpossible`] when no certificate authorities are found.
    pub fn of_program(program: &Path, executable: &Executable) -> Result<Self> {
        let mut files = Self(BTreeMap::new());
        files.put(PROGRAM, Content::Copy(program.to_owned()), 0o755);
        for object in &executable.needs {
            let place = object.strip_prefix("/").unwrap_or(object).display().to_string();
            files.put(&place, Content::Copy(object.clone()), 0o755);
        }
        files.put(AUTHORITIES, Content::Copy(authorities()?), 0o644);
        let passwd =
            format!("root:x:0:0:root:/root:/sbin/nologin\nmeshery:x:{USER}:{USER}:Meshery:{DATA}:/sbin/nologin\n");
        files.put("etc/passwd", Content::Text(passwd), 0o644);
        files.put("etc/group", Content::Text(format!("root:x:0:\nmeshery:x:{USER}:\n")), 0o644);
        files.put("etc/nsswitch.conf", Content::Text("hosts: files dns\n".to_owned()), 0o644);
        files.folder("tmp", 0o1777, 0);
        files.folder(DATA.trim_start_matches('/'), 0o700, USER);
        Ok(files)
    }

    fn put(&mut self, path: &str, content: Content, mode: u32) {
        self.parents(path);
        self.0.insert(path.to_owned(), Entry { content, mode, owner: 0 });
    }

    fn folder(&mut self, path: &str, mode: u32, owner: u32) {
        self.parents(path);
        self.0.insert(path.to_owned(), Entry { content: Content::Folder, mode, owner });
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            let parent = Entry { content: Content::Folder, mode: 0o755, owner: 0 };
            self.0.entry(path[..at].to_owned()).or_insert(parent);
        }
    }
}

/// The certificate authorities of this machine: the file that SSL_CERT_FILE names, else the system's own.
fn authorities() -> Result<PathBuf> {
    let named = env::get(env::SSL_CERT_FILE).map(PathBuf::from);
    let known = named.into_iter().chain(STORES.iter().map(PathBuf::from));
    known.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::new(Code::ImageImpossible, "an image needs certificate authorities, and this machine has none")
            .because(format!("neither SSL_CERT_FILE nor {} is a file", STORES.join(", ")))
            .remedy("Install the package ca-certificates, or name a PEM file with SSL_CERT_FILE.")
    })
}

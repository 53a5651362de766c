//! The files of the image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::needs::Need;
use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env};

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
    pub fn of_program(program: &Path, needs: &[Need], authorities: &Path) -> Self {
        let mut files = Self(BTreeMap::new());
        files.put(PROGRAM, Content::Copy(program.to_owned()), 0o755);
        for Need { source, place } in needs {
            let place = place.strip_prefix("/").unwrap_or(place).display().to_string();
            files.put(&place, Content::Copy(source.clone()), 0o755);
        }
        files.put(AUTHORITIES, Content::Copy(authorities.to_owned()), 0o644);
        let passwd =
            format!("root:x:0:0:root:/root:/sbin/nologin\nmeshery:x:{USER}:{USER}:Meshery:{DATA}:/sbin/nologin\n");
        files.put("etc/passwd", Content::Text(passwd), 0o644);
        files.put("etc/group", Content::Text(format!("root:x:0:\nmeshery:x:{USER}:\n")), 0o644);
        files.put("etc/nsswitch.conf", Content::Text("hosts: files dns\n".to_owned()), 0o644);
        files.folder("tmp", 0o1777, 0);
        files.folder(DATA.trim_start_matches('/'), 0o700, USER);
        files
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
///
/// # Errors
/// [`Code::ImageImpossible`] when there are none.
pub fn authorities() -> Result<PathBuf> {
    if let Some(named) = env::get(env::SSL_CERT_FILE).map(PathBuf::from) {
        return certificates(&named).map(|()| named);
    }
    let known = STORES.iter().map(Path::new).find(|path| path.is_file()).ok_or_else(|| {
        without_authorities().because(format!("SSL_CERT_FILE is not set, and none of {} is there", STORES.join(", ")))
    })?;
    certificates(known).map(|()| known.to_owned())
}

fn without_authorities() -> Error {
    Error::new(Code::ImageImpossible, "an image needs certificate authorities, and this machine gives none")
        .remedy("Install the package ca-certificates, or name a PEM file with SSL_CERT_FILE.")
}

/// Whether a file holds PEM certificates.
fn certificates(path: &Path) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|error| without_authorities().because(dirs::read_error(path, &error)))?;
    if CertificateDer::pem_slice_iter(&bytes).next().is_some_and(|first| first.is_ok()) {
        return Ok(());
    }
    Err(without_authorities().because(format!("{} holds no PEM certificate", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_stands_before_what_is_in_it() {
        let need = Need { source: "/x/libz.so.1".into(), place: "/lib/odd/libz.so.1".into() };
        let files = FileSystem::of_program(Path::new("/x/mesheryctl"), &[need], Path::new("/x/ca.pem"));
        let mut seen = std::collections::BTreeSet::new();
        for (path, entry) in &files.0 {
            if let Some((parent, _)) = path.rsplit_once('/') {
                assert!(seen.contains(parent), "{path} comes before its folder");
            }
            if entry.content == Content::Folder {
                seen.insert(path.as_str());
            }
        }
        assert!(files.0.contains_key("lib/odd/libz.so.1") && files.0.contains_key(PROGRAM));
        let entry = |path: &str| files.0.get(path).map(|entry| (entry.mode, entry.owner)).unwrap();
        assert_eq!(
            (entry("tmp"), entry("var/lib/meshery"), entry("var/lib")),
            ((0o1777, 0), (0o700, USER), (0o755, 0))
        );
    }

    #[test]
    fn files_without_a_certificate_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let refused = |path: &Path| certificates(path).unwrap_err().to_string();
        assert!(refused(&path).contains("cannot read"), "{}", refused(&path));
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
        assert!(refused(&path).contains("holds no PEM certificate"));
        std::fs::write(&path, "\0-----BEGIN CERTIFICATE-----\0").unwrap();
        assert!(refused(&path).contains("holds no PEM certificate"), "a program that knows how they begin");
        let authority = rcgen::generate_simple_self_signed(["authority.test".to_owned()]).unwrap();
        std::fs::write(&path, format!("# root\n{}", authority.cert.pem())).unwrap();
        certificates(&path).unwrap();
    }
}

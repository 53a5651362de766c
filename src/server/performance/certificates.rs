//! Certificates of authorities that clients send as text: kept in files of the plane which are named after their content,
//! so that no name comes from a client, and the same certificates are one file.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use crate::base::{Code, Error, Result, dirs, id};
use crate::model::performance::plan::Plan;
use crate::store::Store;
use crate::store::page::Page;
use crate::store::profiles::Filter;

/// The most that is kept as one file, in bytes: a bundle of every public authority is smaller.
const LARGEST: usize = 1 << 20;
/// What nothing names is kept for so long all the same: a measurement that waits for its turn may still read it.
const KEEP_FOR: Duration = Duration::from_hours(24 * 7);

/// Whether a plan's authority is the certificates themselves, and not the path of their file.
pub(super) fn is_content(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN ")
}

/// Puts the path of a file of the plane in the place of certificates that stand in the plan.
///
/// # Errors
/// [`Code::RequestInvalid`] when there is no certificate in them, or too much of them.
pub(super) fn keep(home: &Path, plan: &mut Plan) -> Result<()> {
    let Some(text) = plan.tls.ca.as_deref().filter(|text| is_content(text)) else { return Ok(()) };
    let fault = |cause: &str| {
        Error::new(Code::RequestInvalid, "the certificates of the authority cannot be used").because(cause)
    };
    if text.len() > LARGEST {
        return Err(fault(&format!("they have more than {LARGEST} bytes")));
    }
    if !matches!(CertificateDer::pem_slice_iter(text.as_bytes()).next(), Some(Ok(_))) {
        return Err(fault("the text holds no certificate in PEM form"));
    }
    let name = id::hex(&Sha256::digest(text.as_bytes()));
    let path = folder(home).join(format!("{name}.pem"));
    // Written also where it is there already: its age says when it was used last.
    dirs::write_atomic(&path, text.as_bytes(), 0o600)?;
    let path = path.to_str().ok_or_else(|| Error::internal(format!("{} is not UTF-8", path.display())))?;
    plan.tls.ca = Some(path.to_owned());
    Ok(())
}

fn folder(home: &Path) -> PathBuf {
    dirs::data(home).join("certificates")
}

/// Removes files that no profile names and nobody sent for a week.
///
/// # Errors
/// Those of the store. What cannot be removed is told in the log.
pub(in crate::server) async fn trim(home: &Path, store: &Store) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder(home)) else { return Ok(()) };
    let (profiles, _) = store.profiles().list(&Filter { page: Page::ALL, ..Filter::default() }).await?;
    let named: Vec<&Path> = profiles.iter().filter_map(|one| one.plan.tls.ca.as_deref()).map(Path::new).collect();
    for path in entries.filter_map(std::result::Result::ok).map(|entry| entry.path()) {
        if is_old(&path)
            && !named.contains(&path.as_path())
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::warn!(%error, path = %path.display(), "certificates that nobody needs were not removed");
        }
    }
    Ok(())
}

fn is_old(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|found| found.modified());
    changed.is_ok_and(|changed| SystemTime::now().duration_since(changed).is_ok_and(|age| age > KEEP_FOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Tls;

    fn with_ca(ca: String) -> Plan {
        Plan { tls: Tls { ca: Some(ca), ..Tls::default() }, ..Plan::default() }
    }

    fn authority() -> String {
        rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap().cert.pem()
    }

    #[test]
    fn content_becomes_a_private_file_of_its_own_name_and_a_path_stays() {
        let home = tempfile::tempdir().unwrap();
        let text = authority();
        let (mut first, mut second) = (with_ca(text.clone()), with_ca(text.clone()));
        keep(home.path(), &mut first).unwrap();
        keep(home.path(), &mut second).unwrap();
        assert_eq!(first.tls.ca, second.tls.ca);
        let path = PathBuf::from(first.tls.ca.unwrap());
        assert!(path.starts_with(folder(home.path())));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let mut named = with_ca("/etc/ca.pem".to_owned());
        keep(home.path(), &mut named).unwrap();
        assert_eq!(named.tls.ca.as_deref(), Some("/etc/ca.pem"));
    }

    #[test]
    fn what_is_no_certificate_is_not_kept() {
        let home = tempfile::tempdir().unwrap();
        let large = authority() + &"#".repeat(LARGEST);
        for text in ["-----BEGIN CERTIFICATE-----\nnothing\n".to_owned(), large] {
            let error = keep(home.path(), &mut with_ca(text)).unwrap_err();
            assert_eq!(error.code(), Code::RequestInvalid);
        }
        assert!(!folder(home.path()).exists());
    }

    #[tokio::test]
    async fn only_old_files_that_no_profile_names_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("meshery.db")).await.unwrap();
        let mut plan = with_ca(authority());
        keep(home.path(), &mut plan).unwrap();
        let path = PathBuf::from(plan.tls.ca.unwrap());
        trim(home.path(), &store).await.unwrap();
        assert!(path.exists(), "it is young");
        let past = SystemTime::now() - KEEP_FOR * 2;
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
        trim(home.path(), &store).await.unwrap();
        assert!(!path.exists());
    }
}

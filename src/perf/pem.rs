//! Certificates and keys of a plan: what came with it, else the files that it names.

use std::borrow::Cow;
use std::{fs, io};

use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::{Contents, Tls};

/// What a file of a plan holds: `held` where that came with the plan.
///
/// # Errors
/// The file cannot be read.
pub fn read<'h>(path: &str, held: Option<&'h [u8]>) -> io::Result<Cow<'h, [u8]>> {
    held.map_or_else(|| fs::read(path).map(Cow::Owned), |held| Ok(Cow::Borrowed(held)))
}

/// What all files of a plan hold, for workers, which cannot read the files of this machine.
///
/// # Errors
/// [`Code::PerfPlan`] for the first one that cannot be read.
pub fn contents(tls: &Tls) -> Result<Contents> {
    let known = &tls.contents;
    Ok(Contents {
        ca: held(tls.ca.as_deref(), known.ca.as_deref())?,
        cert: held(tls.cert.as_deref(), known.cert.as_deref())?,
        key: held(tls.key.as_deref(), known.key.as_deref())?,
    })
}

fn held(path: Option<&str>, known: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let Some(path) = path else { return Ok(None) };
    let bytes = read(path, known).map_err(|problem| {
        Error::new(Code::PerfPlan, format!("workers cannot be sent the file {path}, which cannot be read"))
            .because(problem)
    })?;
    Ok(Some(bytes.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_with_the_plan_goes_before_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem").display().to_string();
        std::fs::write(&path, "of the file").unwrap();
        let mut tls = Tls { ca: Some(path), ..Tls::default() };
        assert_eq!(contents(&tls).unwrap().ca.as_deref(), Some(&b"of the file"[..]));
        tls.contents.ca = Some(b"of the plan".to_vec());
        let held = contents(&tls).unwrap();
        assert_eq!((held.ca.as_deref(), held.key), (Some(&b"of the plan"[..]), None));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let tls = Tls { key: Some("/nowhere/key.pem".to_owned()), ..Tls::default() };
        let error = contents(&tls).unwrap_err();
        assert_eq!(error.code(), Code::PerfPlan);
        assert!(error.message().contains("/nowhere/key.pem"), "{error}");
    }

    #[test]
    fn contents_are_neither_written_nor_shown() {
        let mut plan = crate::model::performance::plan::Plan::default();
        plan.tls.contents.key = Some(b"hunter2".to_vec());
        let bytes = format!("{:?}", b"hunter2");
        for text in [serde_json::to_string(&plan).unwrap(), format!("{plan:?}")] {
            assert!(!text.contains("hunter2") && !text.contains(bytes.trim_matches(['[', ']'])), "{text}");
        }
        assert_eq!(crate::perf::redact::plan(&plan).tls.contents, Contents::default());
    }
}

//! Writing a result to files in many formats.

use std::path::PathBuf;

use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::perf::results;
use crate::model::performance::result::PerfResult;
use crate::perf::format::{self, Format};
use crate::perf::threshold::Verdict;

/// Where a result goes, and in which form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Export {
    path: PathBuf,
    format: Format,
}

impl Export {
    /// Reads `[FORMAT=]FILE`; without a format the file's end says which.
    ///
    /// # Errors
    /// A format there is not, or an end that says nothing.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Some((name, file)) = text.split_once('=') {
            return Ok(Self { path: file.into(), format: Format::parse(name)? });
        }
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        let format = Format::of_file(text).ok_or_else(|| {
            Error::new(Code::UsageError, format!("the end of `{text}` says nothing about its format"))
                .detail(format!("formats are {}", names.join(", ")))
                .remedy("Write it as FORMAT=FILE.")
        })?;
        Ok(Self { path: text.into(), format })
    }

    /// Refuses, before anything is measured, what could not be written after it. Nothing stays on the disk.
    ///
    /// # Errors
    /// See [`results::check`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.path.as_os_str() == "-" { Ok(()) } else { results::check("--export", &self.path) }
    }

    /// Writes a result; `-` is standard output. A file appears whole or not at all.
    ///
    /// # Errors
    /// The result does not fit the format, or the file cannot be written.
    pub(crate) fn write(&self, ctx: &Ctl, result: &PerfResult, verdicts: &[Verdict]) -> Result<()> {
        let bytes = format::write_judged(result, verdicts, self.format)?;
        if self.path.as_os_str() == "-" {
            return ctx.ui.bytes(&bytes);
        }
        results::put(&self.path, &bytes)?;
        ctx.ui.note(&format!("{} written to {}", self.format.name(), self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_named_or_said_by_the_end() {
        assert_eq!(Export::parse("a/report.html").unwrap().format, Format::Html);
        assert_eq!(Export::parse("fortio=x.json").unwrap(), Export { path: "x.json".into(), format: Format::Fortio });
        assert_eq!(Export::parse("csv=-").unwrap().path, PathBuf::from("-"));
        assert!(Export::parse("report").is_err() && Export::parse("word=x").is_err());
    }

    #[test]
    fn what_cannot_be_written_is_refused_and_a_check_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let check = |name: &str| Export::parse(&format!("json={}", dir.path().join(name).display())).unwrap().check();
        check("new.json").unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        std::fs::write(dir.path().join("old.json"), "kept").unwrap();
        check("old.json").unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("old.json")).unwrap(), "kept");
        for (name, cause) in [("", "is a folder"), ("missing/x.json", "no folder"), ("old.json/x.json", "no folder")] {
            let error = check(name).unwrap_err();
            assert!(format!("{error} {:?}", error.report()).contains(cause), "{name}: {error:?}");
            assert_eq!(error.code(), Code::UsageError);
        }
    }
}

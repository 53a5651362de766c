//! Writing a result to files in many formats.

use std::path::PathBuf;

use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::perf::results;
use crate::model::performance::result::PerfResult;
use crate::perf::format::{self, Format};

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

    /// Whether it goes to standard output.
    fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// The file of one of several runs: with its number before the end, `report-2.html` for `report.html`. What is
    /// appended to takes them all.
    fn numbered(&self, number: usize) -> Self {
        if results::is_appended(&self.path) {
            return self.clone();
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let end = self.path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
        Self { path: self.path.with_file_name(format!("{stem}-{number}{end}")), ..self.clone() }
    }

    /// Refuses, before anything is measured, what could not be written after it. Nothing stays on the disk.
    ///
    /// # Errors
    /// See [`results::check`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_stdout() { Ok(()) } else { results::check("--export", &self.path) }
    }

    /// Writes a result; `-` is standard output. A file appears whole or not at all. What the format cannot mark or hold is
    /// told on stderr.
    ///
    /// # Errors
    /// The result does not fit the format, or the file cannot be written.
    pub(crate) fn write(&self, ctx: &Ctl, result: &PerfResult) -> Result<()> {
        let bytes = format::write(result, self.format)?;
        results::tell_limits(ctx, result, self.format)?;
        if self.is_stdout() {
            return ctx.ui.document(&bytes);
        }
        results::put(&self.path, &bytes)?;
        ctx.ui.note(&format!("{} written to {}", self.format.name(), self.path.display()))
    }
}

/// The files of each of several runs: as they are named for one, with the run's number in their names for more.
///
/// # Errors
/// Those of [`distinct`]; standard output would hold several results.
pub(crate) fn of_runs(exports: Vec<Export>, runs: usize) -> Result<Vec<Vec<Export>>> {
    distinct(&exports)?;
    if runs == 1 {
        return Ok(vec![exports]);
    }
    if exports.iter().any(Export::is_stdout) {
        return Err(Error::new(Code::UsageError, format!("--export - would write {runs} results one after the other"))
            .remedy("Name a file: each client's result gets a file with its number. `-o json` lists all on standard output."));
    }
    Ok((1..=runs).map(|number| exports.iter().map(|export| export.numbered(number)).collect()).collect())
}

/// Refuses exports of which one would replace the other.
///
/// # Errors
/// [`Code::UsageError`] names the file.
pub(crate) fn distinct(exports: &[Export]) -> Result<()> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for Export { path, .. } in exports.iter().filter(|export| !results::is_appended(&export.path)) {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if seen.contains(&whole) {
            return Err(Error::new(Code::UsageError, format!("two results would be written to {}", path.display()))
                .because("the second would replace the first, or follow it as another document")
                .remedy("Give each of them a file of its own."));
        }
        seen.push(whole);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(texts: &[&str]) -> Vec<Export> {
        texts.iter().map(|text| Export::parse(text).unwrap()).collect()
    }

    #[test]
    fn several_runs_get_a_file_each() {
        let files = |texts: &[&str], runs: usize| -> Vec<Vec<String>> {
            let of_runs = of_runs(exports(texts), runs).unwrap().into_iter();
            of_runs.map(|run| run.iter().map(|export| export.path.display().to_string()).collect()).collect()
        };
        assert_eq!(files(&["a/report.html", "csv=x"], 1), [["a/report.html", "x"]]);
        assert_eq!(files(&["a/report.html", "csv=x"], 2), [["a/report-1.html", "x-1"], ["a/report-2.html", "x-2"]]);
    }

    #[test]
    fn what_would_replace_another_result_is_refused() {
        for (texts, runs, named) in [
            (&["a.json", "fortio=./a.json"][..], 1, "a.json"),
            (&["json=-", "csv=-"], 1, "-"),
            (&["json=-"], 2, "--export -"),
            (&["a.json", "fortio=a.json"], 2, "a.json"),
        ] {
            let error = of_runs(exports(texts), runs).unwrap_err();
            assert!(error.code() == Code::UsageError && error.message().contains(named), "{texts:?}: {error}");
        }
        assert!(of_runs(exports(&["json=-"]), 1).is_ok());
    }

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

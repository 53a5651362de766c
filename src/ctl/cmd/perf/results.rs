//! Result files on the command line.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::profile::is_beginning_of_id;
use super::result::find;
use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env, text};
use crate::ctl::Ctl;
use crate::ctl::ui::Tone;
use crate::model::performance::result::PerfResult;
use crate::perf::format::{self, Format};

/// The largest file that is read: far above what a run of a day gives.
const MOST: u64 = 512 * 1024 * 1024;

/// The result that is meant: a file's, `-` being standard input, or where no file has that name the plane's of that id or
/// beginning of an id. Files are read in `from`, or where that is not named in what their content says.
///
/// # Errors
/// It cannot be read, is no result, or there is none.
pub async fn read(ctx: &Ctl, wanted: &str, from: Option<Format>) -> Result<PerfResult> {
    if from.is_none() && is_beginning_of_id(wanted) && !Path::new(wanted).exists() {
        return Ok(find(ctx, wanted).await?.result);
    }
    read_file(wanted, from)
}

fn read_file(file: &str, from: Option<Format>) -> Result<PerfResult> {
    let (bytes, name) = (bytes(file)?, if file == "-" { "stdin" } else { file });
    match from {
        Some(format) => format::read_as(&bytes, name, format),
        None => format::read(&bytes, name),
    }
}

/// Values of a flag that names a format: those of which `is_meant` says so.
pub fn formats(is_meant: fn(Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let named = |format: Format| PossibleValue::new(format.name()).help(format.meaning());
    let meant = Format::ALL.into_iter().filter(move |format| is_meant(*format));
    PossibleValuesParser::new(meant.map(named)).try_map(|name| Format::parse(&name))
}

/// As [`read`]; what the format of the file lost is told on stderr, for verbs that do not show the result's warnings.
///
/// # Errors
/// See [`read`].
pub async fn read_telling(ctx: &Ctl, wanted: &str, from: Option<Format>) -> Result<PerfResult> {
    let result = read(ctx, wanted, from).await?;
    for warning in result.warnings.iter().filter(|warning| warning.starts_with("read from ")) {
        ctx.ui.note(&format!("{} {wanted}: {warning}", ctx.ui.sign(Tone::Faint)))?;
    }
    Ok(result)
}

/// As [`read_telling`], of several in their order.
///
/// # Errors
/// See [`read`].
pub async fn read_all(ctx: &Ctl, wanted: &[String]) -> Result<Vec<PerfResult>> {
    let mut read = Vec::with_capacity(wanted.len());
    for one in wanted {
        read.push(read_telling(ctx, one, None).await?);
    }
    Ok(read)
}

fn bytes(file: &str) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(MOST + 1).read_to_end(&mut content))
    };
    read.map_err(|error| dirs::read_error(Path::new(file), &error))?;
    if content.len() as u64 > MOST {
        return Err(Error::new(Code::SourceTooLarge, format!("{file} is larger than {}", text::bytes(MOST))));
    }
    Ok(content)
}

/// Refuses, before anything is done, a file that could not be written after it. Nothing stays on the disk.
///
/// # Errors
/// [`Code::UsageError`] names `flag`: the file is a folder, its folder is not there, or neither may be written.
pub fn check(flag: &str, path: &Path) -> Result<()> {
    let refuse = |cause: &dyn std::fmt::Display, remedy: &str| {
        Err(Error::new(Code::UsageError, format!("{flag} cannot write {}", path.display()))
            .because(cause)
            .remedy(remedy))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return refuse(&"it is a folder", "Name a file in it.");
    }
    if !folder.is_dir() {
        return refuse(&format!("there is no folder {}", folder.display()), "Make the folder, or name another file.");
    }
    let opened = if path.exists() {
        OpenOptions::new().append(true).open(path).map(drop)
    } else {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.and_then(|_| std::fs::remove_file(path))
    };
    opened.or_else(|error| refuse(&error, "Check the permissions, or name another file."))
}

/// Whether what is written to a file is added to it: the step summary of a GitHub workflow, because other steps write
/// there too.
pub fn is_appended(path: &Path) -> bool {
    env::get(env::GITHUB_STEP_SUMMARY).is_some_and(|summary| Path::new(&summary) == path)
}

/// Writes to a file; one that is not appended to is replaced.
///
/// # Errors
/// [`Code::OutputFailed`]: it cannot be written.
pub fn put(path: &Path, content: &[u8]) -> Result<()> {
    let written = if is_appended(path) {
        let opened = OpenOptions::new().append(true).create(true).open(path);
        opened.and_then(|mut file| file.write_all(content))
    } else {
        dirs::write_over(path, content)
    };
    written
        .map_err(|error| Error::new(Code::OutputFailed, format!("{} cannot be written", path.display())).because(error))
}

/// Tells on stderr what a reader of the result in `format` may take for fact and must not, and what the format has no place
/// for.
///
/// # Errors
/// stderr cannot be written.
pub fn tell_limits(ctx: &Ctl, result: &PerfResult, format: Format) -> Result<()> {
    if let Some(caution) = format.caution(result) {
        ctx.ui.warn(&caution)?;
    }
    match format.losses() {
        Some(losses) => ctx.ui.note(&format!("{} {} {losses}.", ctx.ui.sign(Tone::Faint), format.name())),
        None => Ok(()),
    }
}

/// Writes to a file, or to stdout where none is named.
///
/// # Errors
/// It cannot be written, or a terminal would be driven by bytes that are no text.
pub fn write(ctx: &Ctl, content: &[u8], file: Option<&Path>) -> Result<()> {
    match file {
        Some(path) => {
            put(path, content)?;
            ctx.ui.note(&format!("Written to {}.", path.display()))
        }
        None if ctx.ui.has_terminal() && std::str::from_utf8(content).is_err() => {
            Err(Error::new(Code::UsageError, "a terminal cannot show this format")
                .remedy("Write it to a file with --output-file."))
        }
        None => ctx.ui.document(content),
    }
}

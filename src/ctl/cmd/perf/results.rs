//! Result files on the command line.

use std::io::Read;
use std::path::Path;

use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, text};
use crate::ctl::Ctl;
use crate::ctl::ui::Tone;
use crate::model::performance::result::PerfResult;
use crate::perf::format;

/// The largest file that is read: far above what a run of a day gives.
const MOST: u64 = 512 * 1024 * 1024;

/// Reads a result; `-` is standard input. What its format lost is told on stderr.
///
/// # Errors
/// It cannot be read, or is no result.
pub fn read(ctx: &Ctl, file: &str) -> Result<PerfResult> {
    let result = format::read(&bytes(file)?, if file == "-" { "stdin" } else { file })?;
    for warning in result.warnings.iter().filter(|warning| warning.starts_with("read from ")) {
        ctx.ui.note(&format!("{} {file}: {warning}", ctx.ui.sign(Tone::Faint)))?;
    }
    Ok(result)
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

/// Writes to a file, or to stdout where none is named.
///
/// # Errors
/// It cannot be written, or a terminal would be driven by bytes that are no text.
pub fn write(ctx: &Ctl, content: &[u8], file: Option<&Path>) -> Result<()> {
    match file {
        Some(path) => {
            dirs::write_atomic(path, content, 0o644)?;
            ctx.ui.note(&format!("Written to {}.", path.display()))
        }
        None if ctx.ui.has_terminal() && std::str::from_utf8(content).is_err() => {
            Err(Error::new(Code::UsageError, "a terminal cannot show this format")
                .remedy("Write it to a file with --output-file."))
        }
        None => ctx.ui.bytes(content),
    }
}

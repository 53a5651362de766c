//! `man`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::{Code, Error, Result};
use crate::ctl::{Ctl, cli};

/// Write the manual pages, one for each command.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl man --dir ~/.local/share/man/man1")]
pub struct Args {
    /// Folder to write to; it is created where it is missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let count = write(&args.dir)?;
    ctx.ui.note(&format!("{count} pages written to {}", args.dir.display()))
}

/// A page tells of every option; clap_mangen leaves out the text of those that `-h` does not show.
fn fully_described(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(fully_described)
}

/// Writes the pages and tells how many.
pub fn write(dir: &Path) -> Result<usize> {
    let failed = |error: std::io::Error| {
        Error::new(Code::OutputFailed, format!("cannot write manual pages to {}", dir.display())).because(error)
    };
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(fully_described(cli::command()), dir).map_err(failed)?;
    let pages = fs::read_dir(dir).map_err(failed)?;
    Ok(pages.filter_map(Result::ok).filter(|page| page.path().extension().is_some_and(|end| end == "1")).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_description_on_its_page() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        for page in fs::read_dir(dir.path()).unwrap() {
            let path = page.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for pair in lines.windows(3).filter(|lines| lines[0] == ".TP") {
                assert!(!pair[2].trim().is_empty() && pair[2] != ".TP", "{}: {}", path.display(), pair[1]);
            }
        }
    }
}

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

/// Writes the pages and tells how many.
pub fn write(dir: &Path) -> Result<usize> {
    let failed = |error: std::io::Error| {
        Error::new(Code::OutputFailed, format!("cannot write manual pages to {}", dir.display())).because(error)
    };
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(cli::command(), dir).map_err(failed)?;
    let pages = fs::read_dir(dir).map_err(failed)?;
    Ok(pages.filter_map(Result::ok).filter(|page| page.path().extension().is_some_and(|end| end == "1")).count())
}

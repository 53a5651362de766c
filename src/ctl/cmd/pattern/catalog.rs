//! `pattern catalog`: the patterns of folders and the bundled samples.

pub mod list;
pub mod view;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::base::error::Result;
use crate::base::{dirs, env};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::pattern::catalog::{self, Entry};

/// List and show the patterns of folders on this machine, and the bundled samples.
#[derive(Debug, Subcommand)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern catalog list
  mesheryctl pattern catalog view shop > shop.yaml")]
pub enum Command {
    #[command(visible_alias = "ls", about = "List the patterns of the catalogue")]
    List(list::Args),
    View(view::Args),
}

impl Command {
    pub(super) fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::List(args) => list::run(ctx, &args),
            Command::View(args) => view::run(ctx, &args),
        }
    }
}

/// Where the catalogue is.
#[derive(Debug, Clone, clap::Args)]
pub struct CatalogArgs {
    /// Folder of patterns, instead of those of MESHERY_CATALOG and the bundled samples; repeatable.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Vec<PathBuf>,
}

impl CatalogArgs {
    /// Every pattern of the catalogue, by name. Files that are no pattern are other people's.
    pub(super) fn entries(&self, ctx: &Ctl) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let folders = env::get(env::MESHERY_CATALOG).map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
        for folder in self.dir.iter().chain(folders.iter().flatten().filter(|_| self.dir.is_empty())) {
            collect(ctx, folder, &mut entries)?;
        }
        if self.dir.is_empty() {
            entries.extend(catalog::bundled());
        }
        entries.sort_by(|a, b| (&a.name, &a.file).cmp(&(&b.name, &b.file)));
        Ok(entries)
    }
}

fn collect(ctx: &Ctl, folder: &Path, entries: &mut Vec<Entry>) -> Result<()> {
    let list = std::fs::read_dir(folder).map_err(|error| dirs::read_error(folder, &error))?;
    for entry in list {
        let path = entry.map_err(|error| dirs::read_error(folder, &error))?.path();
        let is_dir = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir());
        if is_dir {
            collect(ctx, &path, entries)?;
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json") {
            let Ok(text) = std::fs::read_to_string(&path) else {
                ctx.ui.warn(&format!("{} cannot be read", path.display()))?;
                continue;
            };
            entries.extend(catalog::entry(&path.display().to_string(), &text).ok());
        }
    }
    Ok(())
}

/// Shows a list of entries.
pub(super) fn show(ctx: &Ctl, entries: &[Entry]) -> Result<()> {
    let columns = [
        Column::new("NAME", |entry: &Entry| entry.name.clone()),
        Column::new("CATEGORY", |entry: &Entry| entry.category.clone()),
        Column::new("KINDS", |entry: &Entry| shortened(&entry.kinds)),
        Column::new("FILE", |entry: &Entry| entry.file.clone()),
        Column::wide("DESCRIPTION", |entry: &Entry| entry.description.clone()),
        Column::wide("PREREQUISITE", |entry: &Entry| entry.prerequisite.clone()),
    ];
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    ctx.ui.print(&Rendered::list("patterns", entries, &columns)?.names(names))
}

fn shortened(kinds: &[String]) -> String {
    match kinds {
        [first, second, third, rest @ ..] if !rest.is_empty() => format!("{first},{second},{third},+{}", rest.len()),
        all => all.join(","),
    }
}

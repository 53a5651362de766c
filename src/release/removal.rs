//! Everything that belongs to the program on this machine, and its removal. The program's file goes last, so that a removal
//! that was broken off can be run again.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::known::NAME as CACHED;
use super::layout::{Layout, remove_file};
use super::{Installed, PROGRAM, install};
use crate::base::{Code, Error, Result, dirs, env};

/// What of the home folder is the program's; whatever else lies there is somebody else's.
const DATA: &[&str] = &[
    "config.yaml",
    ".config.yaml.lock",
    "auth.json",
    ".auth.json.lock",
    "kubeconfig.yaml",
    "data",
    "run",
    "practice",
    "logs",
    "cache",
];

/// What a path is to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The program, its predecessor, and links to it in PATH.
    Program,
    /// Completions and manual pages.
    Files,
    /// What can be fetched again.
    Cache,
    /// Contexts, tokens, the database and logs.
    Data,
}

impl Part {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Part::Program => "program",
            Part::Files => "files",
            Part::Cache => "cache",
            Part::Data => "data",
        }
    }
}

/// A path that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Item {
    /// The path.
    pub path: PathBuf,
    /// What it is.
    pub part: Part,
}

/// What would be removed, in that order, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Everything that is there, the program last.
    pub items: Vec<Item>,
    /// What stays: data, where it is not to go, and what is not the program's.
    pub kept: Vec<PathBuf>,
    /// Folders that go when nothing else is in them, innermost first.
    folders: Vec<PathBuf>,
}

impl Plan {
    /// Looks at what is there. `home` is the folder of contexts and data, which go with `purge` only.
    pub fn look(installed: &Installed, home: Option<&Path>, purge: bool) -> Result<Self> {
        let layout = Layout::of(installed)?;
        let mut plan = Self { items: Vec::new(), kept: Vec::new(), folders: Vec::new() };
        let shared = home.is_some_and(is_shared);
        if shared && purge {
            let home = home.unwrap_or(Path::new("/")).display();
            return Err(Error::new(Code::UsageError, format!("{home} holds more than mesheryctl's data"))
                .because("MESHERY_HOME is a user's home folder, or one around it")
                .remedy("Remove config.yaml, auth.json, data/ and run/ in it by hand, and leave --purge out."));
        }
        plan.data(home, purge)?;
        let cache = dirs::cache()?;
        plan.add(Part::Cache, [if shared { cache.join(CACHED) } else { cache }]);
        plan.add(Part::Program, installed.companions());
        plan.add(Part::Program, links(installed));
        if let Some(layout) = &layout {
            plan.add(Part::Files, layout.files());
            plan.folders.extend(layout.folders());
        }
        plan.add(Part::Program, [installed.path().to_owned()]);
        Ok(plan)
    }

    fn add(&mut self, part: Part, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            let is_new = !self.items.iter().any(|item| path.starts_with(&item.path));
            if is_new && fs::symlink_metadata(&path).is_ok() {
                self.items.push(Item { path, part });
            }
        }
    }

    fn data(&mut self, home: Option<&Path>, purge: bool) -> Result<()> {
        let logs = dirs::logs()?;
        if !purge {
            let there = home.map(Path::to_owned).into_iter().chain([logs]).filter(|path| path.exists());
            self.kept.extend(there);
            return Ok(());
        }
        if let Some(home) = home {
            let entries = fs::read_dir(home).map(|entries| entries.filter_map(Result::ok)).into_iter().flatten();
            for entry in entries {
                if entry.file_name().to_str().is_some_and(|name| DATA.contains(&name)) {
                    self.add(Part::Data, [entry.path()]);
                } else {
                    self.kept.push(entry.path());
                }
            }
            self.items.sort_by(|left, right| left.path.cmp(&right.path));
            self.folders.push(home.to_owned());
        }
        self.folders.extend(logs.parent().map(Path::to_owned));
        self.add(Part::Data, [logs]);
        Ok(())
    }

    /// Removes it. `change` is the right to do so.
    pub fn carry_out(&self, change: install::Change) -> Result<()> {
        for item in &self.items {
            remove(&item.path)?;
        }
        drop(change);
        for folder in &self.folders {
            // One that holds something else stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<()> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|file| file.is_dir());
    if !is_folder {
        return remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::SelfWrite, format!("cannot remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

/// Whether a home folder of the program is the user's own, or around it.
fn is_shared(home: &Path) -> bool {
    let resolved = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    dirs::user_home().is_some_and(|user| resolved(&user).starts_with(resolved(home)))
}

/// Symbolic links in PATH that lead to the program.
fn links(installed: &Installed) -> Vec<PathBuf> {
    let folders = env::get(env::PATH).unwrap_or_default();
    let is_link = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|file| file.is_symlink())
            && fs::canonicalize(path).is_ok_and(|target| target == installed.path())
    };
    std::env::split_paths(&folders).map(|folder| folder.join(PROGRAM)).filter(is_link).collect()
}

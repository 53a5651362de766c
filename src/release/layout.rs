//! Completions and manual pages that install.sh put below one prefix, and the list it keeps of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Installed, PROGRAM};
use crate::base::{Code, Error, Result, dirs};

/// Where the list stands below the prefix.
const LIST: &str = "share/mesheryctl/install-manifest";
/// Folder of manual pages below the prefix.
const PAGES: &str = "share/man/man1";
/// Shells with a completion script, and its place below the prefix.
pub const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/mesheryctl"),
    ("zsh", "share/zsh/site-functions/_mesheryctl"),
    ("fish", "share/fish/vendor_completions.d/mesheryctl.fish"),
];

/// What install.sh placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    prefix: PathBuf,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Layout {
    /// The layout that the program is part of, when install.sh placed it.
    pub fn of(installed: &Installed) -> Result<Option<Self>> {
        let folder = installed.folder();
        let (Some(prefix), true) = (folder.parent(), folder.ends_with("bin")) else { return Ok(None) };
        let Some(list) = dirs::read_optional(&prefix.join(LIST))? else { return Ok(None) };
        let layout = Self::parse(prefix, &list);
        let is_ours = layout.files.iter().any(|file| prefix.join(file) == installed.path());
        Ok(is_ours.then_some(layout))
    }

    /// A list that somebody has edited still reaches nothing outside the prefix.
    fn parse(prefix: &Path, list: &str) -> Self {
        let of = |sort: &str| {
            let entries = list.lines().filter_map(|line| line.strip_prefix(sort)?.strip_prefix(' '));
            entries.filter(|entry| is_inside(entry)).map(str::to_owned).collect()
        };
        Self { prefix: prefix.to_owned(), files: of("file"), folders: of("dir") }
    }

    /// The folder below which everything is.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Its files but the program, the list last.
    pub fn files(&self) -> Vec<PathBuf> {
        let is_other = |file: &&String| *file != LIST && *file != &format!("bin/{PROGRAM}");
        let mut files: Vec<PathBuf> = self.files.iter().filter(is_other).map(|file| self.prefix.join(file)).collect();
        files.push(self.prefix.join(LIST));
        files
    }

    /// Folders it made, innermost first; they may hold what is not ours.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.folders.iter().rev().map(|folder| self.prefix.join(folder)).collect()
    }

    /// Shells whose completion script was placed.
    pub fn shells(&self) -> Vec<&'static str> {
        COMPLETIONS.iter().filter(|(_, file)| self.files.contains(*file)).map(|(shell, _)| *shell).collect()
    }

    /// Whether manual pages were placed.
    pub fn has_pages(&self) -> bool {
        self.files.iter().any(|file| is_page(file))
    }

    /// Replaces the completion scripts (shell and content) and the pages (file name and content) by those of the program
    /// that is in place now; pages of commands that are gone go too. How many files were written.
    pub fn refresh(&self, scripts: &[(&str, Vec<u8>)], pages: &[(String, Vec<u8>)]) -> Result<usize> {
        let script = |(shell, content): &(&str, Vec<u8>)| {
            let (_, file) = COMPLETIONS.iter().find(|(known, _)| known == shell)?;
            Some(((*file).to_owned(), content.clone()))
        };
        let page = |(name, content): &(String, Vec<u8>)| (format!("{PAGES}/{name}"), content.clone());
        let fresh: Vec<(String, Vec<u8>)> = scripts
            .iter()
            .filter_map(script)
            .chain(pages.iter().map(page))
            .filter(|(file, _)| is_inside(file))
            .collect();
        let names: BTreeSet<String> = fresh.iter().map(|(file, _)| file.clone()).collect();
        let is_stale = |file: &&String| !pages.is_empty() && is_page(file) && !names.contains(*file);
        let stale: Vec<&String> = self.files.iter().filter(is_stale).collect();
        // The list names the old files and the new ones until all is done, so that nothing is forgotten in between.
        self.list(self.files.union(&names))?;
        for (file, content) in &fresh {
            dirs::write_atomic(&self.prefix.join(file), content, 0o644)?;
        }
        for file in &stale {
            remove_file(&self.prefix.join(file))?;
        }
        self.list(self.files.union(&names).filter(|file| !stale.contains(file)))?;
        Ok(fresh.len())
    }

    fn list<'a>(&self, files: impl Iterator<Item = &'a String>) -> Result<()> {
        let folders = self.folders.iter().map(|folder| format!("dir {folder}\n"));
        let text: String = folders.chain(files.map(|file| format!("file {file}\n"))).collect();
        dirs::write_atomic(&self.prefix.join(LIST), text.as_bytes(), 0o644)
    }
}

fn is_page(file: &str) -> bool {
    file.strip_prefix(PAGES).is_some_and(|name| name.starts_with('/') && name.ends_with(".1"))
}

fn is_inside(entry: &str) -> bool {
    !entry.is_empty() && !entry.starts_with('/') && !entry.split('/').any(|part| part.is_empty() || part == "..")
}

/// Removes a file that may not be there.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::SelfWrite, format!("cannot remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "dir share/fish\ndir .\nfile bin/mesheryctl\nfile share/fish/vendor_completions.d/mesheryctl.fish\n\
                        file share/man/man1/mesheryctl.1\nfile share/man/man1/mesheryctl-gone.1\n\
                        file share/mesheryctl/install-manifest\nfile ../../etc/passwd\nfile /etc/passwd\nfile a//b\n";

    #[test]
    fn the_list_reaches_nothing_outside_the_prefix() {
        let layout = Layout::parse(Path::new("/p"), TEXT);
        let files: Vec<String> = layout.files().iter().map(|file| file.display().to_string()).collect();
        assert_eq!(
            files,
            [
                "/p/share/fish/vendor_completions.d/mesheryctl.fish",
                "/p/share/man/man1/mesheryctl-gone.1",
                "/p/share/man/man1/mesheryctl.1",
                "/p/share/mesheryctl/install-manifest"
            ]
        );
        assert_eq!(layout.folders(), [Path::new("/p/share/fish"), Path::new("/p/.")]);
        assert_eq!((layout.shells(), layout.has_pages()), (vec!["fish"], true));
    }

    #[test]
    fn a_refresh_replaces_adds_and_removes_and_keeps_the_list_true() {
        let dir = tempfile::tempdir().unwrap();
        let at = |file: &str| dir.path().join(file);
        for file in ["share/man/man1/mesheryctl-gone.1", "share/fish/vendor_completions.d/mesheryctl.fish"] {
            dirs::write_atomic(&at(file), b"old", 0o644).unwrap();
        }
        let layout = Layout::parse(dir.path(), TEXT);
        let pages = [("mesheryctl.1".to_owned(), b"new".to_vec()), ("mesheryctl-more.1".to_owned(), b"new".to_vec())];
        assert_eq!(layout.refresh(&[("fish", b"new".to_vec())], &pages).unwrap(), 3);
        assert!(!at("share/man/man1/mesheryctl-gone.1").exists());
        assert_eq!(std::fs::read(at("share/fish/vendor_completions.d/mesheryctl.fish")).unwrap(), b"new");
        let again = Layout::parse(dir.path(), &std::fs::read_to_string(at(LIST)).unwrap());
        assert!(again.files.contains("share/man/man1/mesheryctl-more.1"));
        assert!(!again.files.contains("share/man/man1/mesheryctl-gone.1"));
        assert_eq!(again.folders, layout.folders);
    }
}

//! A private world for one test: home, current folder and a clean environment.

use std::fs;
use std::path::{Path, PathBuf};

use super::ctl::Run;

/// Folders of one test; gone when it is dropped.
pub struct Env {
    root: tempfile::TempDir,
}

impl Env {
    /// Empty home and current folder.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        Self { root }
    }

    /// With a config.yaml.
    pub fn with_config(text: &str) -> Self {
        let env = Self::new();
        env.write("home/.meshery/config.yaml", text);
        env
    }

    /// With contexts `local` (current), `staging` and `prod`, and a token entry `ci`.
    pub fn with_contexts() -> Self {
        let env = Self::new();
        env.ctl(["system", "context", "create", "staging", "--url", "https://staging.example.org"]).ok();
        env.ctl(["system", "context", "create", "prod", "-p", "kubernetes"]).ok();
        env.ctl(["system", "token", "create", "ci"]).ok();
        env
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// config.yaml of the private home.
    pub fn config(&self) -> PathBuf {
        self.path("home/.meshery/config.yaml")
    }

    /// Writes a file, with its folders.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Every file below the root, as paths from it.
    pub fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.root(), self.root(), &mut found);
        found.sort();
        found
    }

    /// A run of the program in this world.
    pub fn ctl<I: IntoIterator<Item = S>, S: Into<std::ffi::OsString>>(&self, args: I) -> Run<'_> {
        Run::new(self, args.into_iter().map(Into::into).collect())
    }
}

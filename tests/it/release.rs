//! Releases of the program: updates, rollbacks, removal, notices and channels, against a feed on loopback.
//!
//! The program in place is the real one under test. The releases of the feed are doubles: shell scripts that report a version.

mod channel;
mod faults;
mod notice;
mod owners;
mod publish;
mod uninstall;
mod update;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::ctl::{PROGRAM, Run};
use crate::support::env::Env;
use crate::support::feed::Feed;

/// A private home with the program in `~/.local/bin`, and a feed.
struct World {
    env: Env,
    feed: Feed,
    bin: PathBuf,
}

impl World {
    fn new() -> Self {
        Self::at("home/.local/bin")
    }

    /// With the program in another folder.
    fn at(folder: &str) -> Self {
        let env = Env::new();
        let bin = env.path(folder);
        fs::create_dir_all(&bin).unwrap();
        place(&bin.join("mesheryctl"));
        let feed = Feed::start(&env);
        Self { env, feed, bin }
    }

    fn program(&self) -> PathBuf {
        self.bin.join("mesheryctl")
    }

    fn previous(&self) -> PathBuf {
        self.bin.join("mesheryctl.previous")
    }

    /// The program in place, in a shell that finds it first and knows the feed.
    fn ctl(&self, args: &[&str]) -> Run<'_> {
        self.env
            .ctl(args.iter().copied())
            .program(self.program())
            .var("PATH", format!("{}:/usr/bin:/bin", self.bin.display()))
            .var("MESHERY_RELEASES_URL", &self.feed.url)
            .var("MESHERY_RELEASES_KEY", &self.feed.key)
    }

    /// The version that the program in place reports, asked as an update asks.
    fn version(&self) -> String {
        version_of(&self.program())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.bin).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Nothing was changed: the real program is in place, and nothing else is there.
    fn is_untouched(&self) -> bool {
        self.names() == ["mesheryctl"] && is_real(&self.program())
    }
}

/// Puts the real program somewhere; a second name for it, where the file system can.
fn place(path: &Path) {
    if fs::hard_link(PROGRAM, path).is_err() {
        fs::copy(PROGRAM, path).unwrap();
    }
}

/// Whether a file is the real program.
fn is_real(path: &Path) -> bool {
    let (left, right) = (fs::metadata(PROGRAM).unwrap(), fs::metadata(path).unwrap());
    left.ino() == right.ino() || left.len() == right.len()
}

fn version_of(program: &Path) -> String {
    let output = std::process::Command::new(program).args(["version", "--client", "-o", "json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    value["client"]["build"].as_str().unwrap().to_owned()
}

fn write_program(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

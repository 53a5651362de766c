//! Processes of this machine, told apart from later ones that got the same number.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::env;

/// One process in one boot of the machine: its number and when it began, in the words of the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// Start mark: on Linux the boot and the start in clock ticks, elsewhere the start time as `ps` prints it.
    pub started: String,
}

impl Identity {
    /// The process of that number, when there is one that is not a zombie.
    pub fn of(pid: u32) -> Option<Self> {
        started(pid).map(|started| Self { pid, started })
    }

    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or_default() }
    }

    /// Whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

impl FromStr for Identity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pid, started) = text.split_once(' ').ok_or_else(|| format!("`{text}` is not a process identity"))?;
        let pid = pid.parse().map_err(|error| format!("`{pid}` is not a process id: {error}"))?;
        Ok(Self { pid, started: started.to_owned() })
    }
}

#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold blanks; the rest begins after the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let ticks = fields.nth(18)?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}:{ticks}", boot.trim()))
}

#[cfg(not(target_os = "linux"))]
fn started(pid: u32) -> Option<String> {
    let output =
        std::process::Command::new("ps").args(["-o", "stat=,lstart=", "-p", &pid.to_string()]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout);
    let (state, started) = line.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

/// The first file in PATH that has one of these names and can be run.
pub fn in_path(names: &[&str]) -> Option<PathBuf> {
    let folders = env::get(env::PATH)?;
    std::env::split_paths(&folders)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|path| is_program(path))
}

/// Whether a file is there that can be run.
pub fn is_program(path: &Path) -> bool {
    let Ok(file) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.is_file() && file.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_is_reaped_or_a_zombie_and_a_namesake_is_not_it() {
        let own = Identity::current();
        assert!(own.is_alive());
        assert!(!Identity { pid: own.pid, started: "another time".into() }.is_alive());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let theirs = Identity::of(child.id()).unwrap();
        assert!(theirs.is_alive());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!theirs.is_alive());
    }

    #[test]
    fn an_identity_survives_being_text() {
        let own = Identity::current();
        assert_eq!(own.to_string().parse::<Identity>().unwrap(), own);
        assert!("nothing".parse::<Identity>().is_err());
    }
}

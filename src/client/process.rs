//! Processes of the local plane: the server and the practice cluster, started apart from the terminal.
//!
//! Each role leaves `run/ROLE.json` while it listens and holds `run/ROLE.lock`, so there is one of it for a home. A file
//! whose process is gone (killed, or the machine went down) is recognised by the process's start mark and removed.

pub mod holder;
mod spawn;
mod stop;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::process::Identity;
use crate::base::{Code, Error, Result, clock, dirs, id};

pub use spawn::{Launch, last_lines, start};
pub use stop::{Stopped, stop};

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The management plane's server.
    Server,
    /// The practice cluster.
    Sample,
}

impl Role {
    /// Name of its files and of its `serve` verb.
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Sample => "sample",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Sample => "practice cluster",
        }
    }

    /// Where its log goes when it is started apart from the terminal.
    pub fn log(self) -> Result<PathBuf> {
        Ok(dirs::logs()?.join(format!("{}.log", self.name())))
    }

    fn file(self, home: &Path) -> PathBuf {
        dirs::run(home).join(format!("{}.json", self.name()))
    }

    fn lock_file(self, home: &Path) -> PathBuf {
        dirs::run(home).join(format!("{}.lock", self.name()))
    }
}

/// What a running process says of itself in `run/ROLE.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// Process id.
    pub pid: u32,
    /// Start mark, which tells the process from a later one with the same id.
    pub start_mark: String,
    /// Address it listens on.
    pub address: SocketAddr,
    /// Port it listens on.
    pub port: u16,
    /// Version of the program.
    pub version: String,
    /// When it began to listen.
    pub started_at: Timestamp,
    /// Its log, when it was started apart from the terminal.
    #[serde(default)]
    pub log: Option<PathBuf>,
}

impl Running {
    /// This process, listening on `address`.
    pub fn here(address: SocketAddr, log: Option<PathBuf>) -> Self {
        let Identity { pid, started } = Identity::current();
        Self {
            pid,
            start_mark: started,
            address,
            port: address.port(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: clock::now(),
            log,
        }
    }

    /// The process, to look whether it is still there.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, started: self.start_mark.clone() }
    }

    /// The address under which it is reached from this machine.
    pub fn reachable(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let loopback: std::net::IpAddr = if address.is_ipv4() {
                std::net::Ipv4Addr::LOCALHOST.into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            };
            address.set_ip(loopback);
        }
        address
    }

    /// The endpoint of that address.
    pub fn endpoint(&self) -> String {
        let address = self.reachable();
        if address.ip() == std::net::Ipv4Addr::LOCALHOST {
            return format!("http://localhost:{}", address.port());
        }
        format!("http://{address}")
    }
}

/// Tells a home from others on this machine without naming it.
pub fn home_id(home: &Path) -> Uuid {
    let path = std::fs::canonicalize(home).or_else(|_| std::path::absolute(home)).unwrap_or_else(|_| home.to_owned());
    id::stable("home", &path.to_string_lossy())
}

/// The running process of a role; a file left behind by one that is gone counts as none.
pub fn find(role: Role, home: &Path) -> Result<Option<Running>> {
    Ok(read(role, home)?.filter(|running| running.identity().is_alive()))
}

/// Whether a process that is gone left a record behind.
pub fn is_stale(role: Role, home: &Path) -> Result<bool> {
    Ok(read(role, home)?.is_some_and(|running| !running.identity().is_alive()))
}

/// Removes what a process that is gone left behind; what it said of itself, when there was something.
pub fn clean(role: Role, home: &Path) -> Result<Option<Running>> {
    let stale = read(role, home)?.filter(|running| !running.identity().is_alive());
    if let Some(stale) = &stale {
        withdraw(role, home, stale)?;
    }
    Ok(stale)
}

fn read(role: Role, home: &Path) -> Result<Option<Running>> {
    // What cannot be read as such was not written by a process of ours that is alive: files are replaced in one step.
    Ok(dirs::read_optional(&role.file(home))?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The right to be the one process of a role on a home; held until dropped or until the process dies.
#[derive(Debug)]
pub struct Claim {
    role: Role,
    home: PathBuf,
    announced: Option<Running>,
    _lock: dirs::Lock,
}

/// Whether a process has the right, or is just taking it.
pub fn is_claimed(role: Role, home: &Path) -> Result<bool> {
    Ok(dirs::Lock::take(&role.lock_file(home))?.is_none())
}

impl Claim {
    /// Takes the right, or names who has it.
    pub fn take(role: Role, home: &Path) -> Result<Self> {
        // Others take the lock for a blink to see whether it is free; a server that has it stays.
        for _ in 0..10 {
            if let Some(lock) = dirs::Lock::take(&role.lock_file(home))? {
                return Ok(Self { role, home: home.to_owned(), announced: None, _lock: lock });
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let who = find(role, home)?.map_or_else(
            || "by a process that is just starting".to_owned(),
            |running| format!("by process {} on {}", running.pid, running.endpoint()),
        );
        Err(Error::new(Code::ServerRunning, format!("the {} of {} runs already", role.title(), home.display()))
            .because(format!("it is held {who}")))
    }

    /// Tells others of this home where the process listens.
    pub fn announce(&mut self, running: Running) -> Result<()> {
        let text = serde_json::to_vec_pretty(&running)
            .map_err(|error| Error::internal("the run file cannot be written as JSON").because(error))?;
        dirs::write_atomic(&self.role.file(&self.home), &text, 0o600)?;
        self.announced = Some(running);
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(running) = &self.announced {
            // A file that stays is recognised as stale by the next one who looks.
            let _ = withdraw(self.role, &self.home, running);
        }
    }
}

/// Removes the run file if it still speaks of that process.
fn withdraw(role: Role, home: &Path, running: &Running) -> Result<()> {
    if read(role, home)?.is_none_or(|now| now.identity() != running.identity()) {
        return Ok(());
    }
    let path = role.file(home);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_claim_at_a_time_and_its_file_goes_with_it() {
        let home = tempfile::tempdir().unwrap();
        let mut claim = Claim::take(Role::Server, home.path()).unwrap();
        claim.announce(Running::here("127.0.0.1:4711".parse().unwrap(), None)).unwrap();
        let refused = Claim::take(Role::Server, home.path()).unwrap_err();
        assert_eq!(refused.code(), Code::ServerRunning);
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        assert!(Claim::take(Role::Sample, home.path()).is_ok(), "another role is another claim");
        assert_eq!(find(Role::Server, home.path()).unwrap().unwrap().endpoint(), "http://localhost:4711");
        drop(claim);
        assert_eq!(find(Role::Server, home.path()).unwrap(), None);
        Claim::take(Role::Server, home.path()).unwrap();
    }

    #[test]
    fn a_file_of_a_dead_process_is_stale_and_one_that_is_garbage_is_none() {
        let home = tempfile::tempdir().unwrap();
        let dead = Running { start_mark: "earlier".into(), ..Running::here("127.0.0.1:1".parse().unwrap(), None) };
        let path = Role::Server.file(home.path());
        dirs::write_atomic(&path, &serde_json::to_vec(&dead).unwrap(), 0o600).unwrap();
        assert_eq!(find(Role::Server, home.path()).unwrap(), None);
        assert_eq!(clean(Role::Server, home.path()).unwrap(), Some(dead));
        assert!(!path.exists());
        dirs::write_atomic(&path, b"{", 0o600).unwrap();
        assert_eq!(find(Role::Server, home.path()).unwrap(), None);
    }

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        let running = Running::here("0.0.0.0:80".parse().unwrap(), None);
        assert_eq!(running.reachable(), "127.0.0.1:80".parse().unwrap());
        assert_eq!(Running::here("[::]:80".parse().unwrap(), None).endpoint(), "http://[::1]:80");
    }
}

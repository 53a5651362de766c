//! Ending a role.

use std::path::Path;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Role, Running, clean, find, withdraw};
use crate::base::process::Identity;
use crate::base::{Code, Error, Result};

/// How long the system may take to remove a killed process.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How often an ending process is looked at.
const POLL: Duration = Duration::from_millis(20);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// None was running.
    NotRunning,
    /// It ended when asked.
    Stopped,
    /// It had to be killed.
    Killed,
}

/// Asks the process of a role to end, waits for `grace`, then kills it. Only a process whose start mark fits is
/// touched, so that a stranger with the same number is safe. `grace` zero kills at once.
pub async fn stop(role: Role, home: &Path, grace: Duration) -> Result<(Stopped, Option<Running>)> {
    let Some(running) = find(role, home)? else {
        clean(role, home)?;
        return Ok((Stopped::NotRunning, None));
    };
    let process = running.identity();
    if !grace.is_zero() {
        signal(&process, Ask::End)?;
        if gone_within(&process, grace).await {
            withdraw(role, home, &running)?;
            return Ok((Stopped::Stopped, Some(running)));
        }
    }
    signal(&process, Ask::Vanish)?;
    if !gone_within(&process, KILL_LIMIT).await {
        let title = role.title();
        return Err(Error::new(Code::ServerStop, format!("the {title} (process {}) does not end", running.pid)));
    }
    withdraw(role, home, &running)?;
    Ok((Stopped::Killed, Some(running)))
}

async fn gone_within(process: &Identity, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while process.is_alive() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

/// What a process is asked.
#[derive(Clone, Copy)]
enum Ask {
    /// To end by itself.
    End,
    /// Nothing: the system removes it.
    Vanish,
}

#[cfg(unix)]
fn signal(process: &Identity, ask: Ask) -> Result<()> {
    let pid = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid.filter(|_| process.is_alive()) else { return Ok(()) };
    let signal = match ask {
        Ask::End => rustix::process::Signal::TERM,
        Ask::Vanish => rustix::process::Signal::KILL,
    };
    match rustix::process::kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            Err(Error::new(Code::ServerStop, format!("process {} cannot be signalled", process.pid)).because(error))
        }
    }
}

#[cfg(not(unix))]
fn signal(process: &Identity, ask: Ask) -> Result<()> {
    let mut command = std::process::Command::new("taskkill");
    command.args(["/PID", &process.pid.to_string()]);
    if matches!(ask, Ask::Vanish) {
        command.arg("/F");
    }
    let done = command.output().map(drop);
    done.map_err(|error| {
        Error::new(Code::ServerStop, format!("process {} cannot be ended", process.pid)).because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::dirs;
    use std::process::{Child, Command, Stdio};

    fn announce(home: &Path, child: &Child) {
        let process = Identity::of(child.id()).unwrap();
        let running = Running {
            pid: process.pid,
            start_mark: process.started,
            ..Running::here("127.0.0.1:1".parse().unwrap(), None)
        };
        dirs::write_atomic(&Role::Server.file(home), &serde_json::to_vec(&running).unwrap(), 0o600).unwrap();
    }

    fn shell(script: &str) -> Child {
        Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[tokio::test]
    async fn a_process_ends_when_asked_and_a_second_stop_finds_none() {
        let home = tempfile::tempdir().unwrap();
        let mut child = shell("exec sleep 60");
        announce(home.path(), &child);
        let (how, running) = stop(Role::Server, home.path(), Duration::from_secs(5)).await.unwrap();
        assert_eq!((how, running.unwrap().pid), (Stopped::Stopped, child.id()));
        child.wait().unwrap();
        assert_eq!(stop(Role::Server, home.path(), Duration::from_secs(5)).await.unwrap().0, Stopped::NotRunning);
        assert!(!Role::Server.file(home.path()).exists());
    }

    #[tokio::test]
    async fn a_deaf_process_is_killed_and_a_stranger_is_spared() {
        let home = tempfile::tempdir().unwrap();
        let mut child = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        announce(home.path(), &child);
        let (how, _) = stop(Role::Server, home.path(), Duration::from_millis(200)).await.unwrap();
        assert_eq!(how, Stopped::Killed);
        child.wait().unwrap();
        let own = Running { start_mark: "another".into(), ..Running::here("127.0.0.1:1".parse().unwrap(), None) };
        dirs::write_atomic(&Role::Server.file(home.path()), &serde_json::to_vec(&own).unwrap(), 0o600).unwrap();
        assert_eq!(stop(Role::Server, home.path(), Duration::ZERO).await.unwrap().0, Stopped::NotRunning);
    }
}

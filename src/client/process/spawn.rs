//! Starting a role apart from the terminal, and waiting until it serves.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Role, Running, find, is_claimed};
use crate::base::{Code, Error, Result, dirs};
use crate::client::probe::{Probe, probe};
use crate::wire::rest::Phase;

/// How often a starting process is looked at.
const POLL: Duration = Duration::from_millis(10);
/// Lines of the log that an error shows.
const SHOWN: usize = 12;
/// A log larger than this is put aside before the next start.
const LOG_LIMIT: u64 = 10 << 20;

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Which role.
    pub role: Role,
    /// Home of the plane.
    pub home: PathBuf,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that differ from this process's own.
    pub environment: Vec<(OsString, OsString)>,
    /// Where its output goes.
    pub log: PathBuf,
    /// How long it may take until it serves.
    pub limit: Duration,
}

/// A child that is ended when waiting for it is given up.
struct Guarded(Option<Child>);

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a process that outlives this one; returns when it serves. The child makes a session of its own
/// (`--detached`), so that closing the terminal does not end it.
pub async fn start(launch: &Launch) -> Result<Running> {
    dirs::create_private(&launch.home)?;
    let from = rotate(&launch.log)?;
    let mut child = Guarded(Some(spawn(launch)?));
    let deadline = Instant::now() + launch.limit;
    loop {
        if let Some(status) = child.0.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            // Another start was faster: its server is the one that was asked for.
            if !is_claimed(launch.role, &launch.home)? {
                return Err(failed(launch, from, &format!("its process ended with {status}")));
            }
            child.0 = None;
        }
        let own = child.0.as_ref().map(Child::id);
        let running = find(launch.role, &launch.home)?;
        if let Some(running) = running.filter(|running| own.is_none_or(|pid| pid == running.pid))
            && serves(launch.role, &running).await
        {
            child.0 = None;
            return Ok(running);
        }
        if Instant::now() >= deadline {
            let limit = launch.limit.as_secs();
            return Err(failed(launch, from, &format!("it was not ready within {limit} s and was ended")));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether the process takes work.
async fn serves(role: Role, running: &Running) -> bool {
    match role {
        Role::Server => {
            let answer = probe(running.reachable(), Duration::from_secs(1)).await;
            matches!(answer, Probe::Ours(report) if report.phase == Phase::Ready && report.pid == running.pid)
        }
        // The practice cluster has nothing to open: it serves when it says where it listens.
        Role::Sample => true,
    }
}

fn spawn(launch: &Launch) -> Result<Child> {
    let log = open_log(&launch.log)?;
    let errors = log.try_clone().map_err(|error| dirs::read_error(&launch.log, &error))?;
    Command::new(&launch.program)
        .args(&launch.arguments)
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&launch.home)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|error| {
            Error::new(Code::ServerStart, format!("{} cannot be run", launch.program.display())).because(error)
        })
}

fn open_log(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| {
        Error::new(Code::ServerStart, format!("cannot write the log {}", path.display())).because(error)
    })
}

/// Puts a large log aside as `NAME.old`; returns where the part of the coming process begins.
fn rotate(log: &Path) -> Result<u64> {
    if let Some(dir) = log.parent() {
        dirs::create_private(dir)?;
    }
    let length = std::fs::metadata(log).map_or(0, |file| file.len());
    if length <= LOG_LIMIT {
        return Ok(length);
    }
    let old = log.with_extension("log.old");
    std::fs::rename(log, &old)
        .map_err(|error| Error::new(Code::ConfigWrite, format!("cannot rename {}", log.display())).because(error))?;
    Ok(0)
}

fn failed(launch: &Launch, from: u64, what: &str) -> Error {
    let lines = last_lines(&launch.log, SHOWN, from).unwrap_or_default();
    Error::new(Code::ServerStart, format!("the {} did not start: {what}", launch.role.title()))
        .details(lines)
        .remedy(format!("Its log is {}.", launch.log.display()))
}

/// The last lines of a file, of what stands behind position `from`.
pub fn last_lines(path: &Path, count: usize, from: u64) -> Result<Vec<String>> {
    const WINDOW: u64 = 256 << 10;
    let fail = |error: std::io::Error| dirs::read_error(path, &error);
    let mut file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    let mut start = from.min(length);
    // Lines are looked for from the end, in a window that grows until it holds enough of them.
    let mut window = WINDOW;
    loop {
        let begin = start.max(length.saturating_sub(window));
        file.seek(SeekFrom::Start(begin)).map_err(fail)?;
        let mut bytes = Vec::new();
        file.by_ref().take(length - begin).read_to_end(&mut bytes).map_err(fail)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        if begin == start || lines.len() > count {
            let keep = lines.len().saturating_sub(count);
            return Ok(lines[keep..].iter().map(|line| (*line).to_owned()).collect());
        }
        window = window.saturating_mul(4);
        start = from.min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(home: &Path, program: &str, arguments: &[&str], limit: Duration) -> Launch {
        Launch {
            role: Role::Server,
            home: home.to_owned(),
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
            log: home.join("logs").join("server.log"),
            limit,
        }
    }

    #[tokio::test]
    async fn a_child_that_ends_gives_its_last_words() {
        let home = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo before; echo the disk is on fire >&2; exit 3"];
        let error = start(&launch(home.path(), "/bin/sh", &arguments, Duration::from_secs(10))).await.unwrap_err();
        assert_eq!(error.code(), Code::ServerStart);
        assert!(error.message().contains("exit status: 3"), "{error}");
        assert_eq!(error.report().details, ["before", "the disk is on fire"]);
        assert!(error.report().suggested_remediation.unwrap().contains("server.log"));
    }

    #[tokio::test]
    async fn a_child_that_never_serves_is_ended() {
        let home = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo $$; exec sleep 60"];
        let error = start(&launch(home.path(), "/bin/sh", &arguments, Duration::from_millis(300))).await.unwrap_err();
        let pid: u32 = error.report().details[0].parse().unwrap();
        assert_eq!(crate::base::process::Identity::of(pid), None, "it is gone");
    }

    #[test]
    fn last_lines_are_those_behind_a_position() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree\nfour").unwrap();
        assert_eq!(last_lines(&path, 2, 0).unwrap(), ["three", "four"]);
        assert_eq!(last_lines(&path, 9, 8).unwrap(), ["three", "four"]);
        assert_eq!(last_lines(&path, 9, 999).unwrap(), Vec::<String>::new());
        let long: Vec<String> = (0..60_000).map(|line| format!("line {line}\n")).collect();
        std::fs::write(&path, long.concat()).unwrap();
        assert_eq!(last_lines(&path, 50_000, 0).unwrap().first().unwrap(), "line 10000");
    }
}

//! External programs: found, asked for their version, run within a limit, and ended with all they started.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result, clock, env, process};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::Ending;
use crate::perf::control::Control;

/// What is read of a program's output; more is nobody's report.
const OUTPUT: u64 = 64 << 20;
/// Longest wait for a program to say its version.
const VERSION: Duration = Duration::from_secs(10);
/// After it was asked to end, a program gets so long for its report.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the reins are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a program's own words in an error.
const LINES: usize = 12;

/// A program that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its version, in its own words.
    pub version: String,
}

/// What a program did.
#[derive(Debug)]
pub(super) struct Finished {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Why it was asked to end before its time, when it was.
    pub stopped: Option<Ending>,
    /// When it was started.
    pub started: Timestamp,
}

/// Finds the program of the plan's generator: where `variable` says, else the first of `names` on PATH.
///
/// # Errors
/// [`Code::GeneratorMissing`] says where it was looked for.
pub(super) fn find(plan: &Plan, variable: &str, names: &[&str]) -> Result<PathBuf> {
    let missing = |message: String| Error::new(Code::GeneratorMissing, message);
    let generator = plan.generator.name();
    if let Some(named) = env::get(variable) {
        let path = PathBuf::from(&named);
        return if process::is_program(&path) {
            Ok(path)
        } else {
            Err(missing(format!("{variable} names `{named}`, which is no program")))
        };
    }
    process::in_path(names).ok_or_else(|| {
        let path = env::get(env::PATH).unwrap_or_default();
        missing(format!("the load generator {generator} is not where the measurement runs"))
            .because(format!(
                "no folder of its PATH ({path}) holds `{}`, and {variable} is not set there",
                names.join("` or `")
            ))
            .remedy(format!(
                "Install {generator}, or set {variable} to its path, or use --load-generator native. A running plane \
                 keeps the environment it was started with: `mesheryctl system restart` gives it a new one."
            ))
    })
}

/// Asks a program for its version; its exit code is not looked at, because some that say it fail.
///
/// # Errors
/// [`Code::GeneratorFailed`] when it cannot be run or says nothing.
pub(super) async fn version(plan: &Plan, path: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let failed = || failed(plan, &format!("{} does not say its version", path.display()));
    let output = match tokio::time::timeout(VERSION, command.output()).await {
        Err(_) => return Err(failed().because("it did not end in time")),
        Ok(Err(error)) => return Err(failed().because(error)),
        Ok(Ok(output)) => output,
    };
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if text.trim().is_empty() { Err(failed().because("it said nothing")) } else { Ok(text) }
}

/// The error of a generator that failed.
pub(super) fn failed(plan: &Plan, message: &str) -> Error {
    Error::new(Code::GeneratorFailed, format!("{}: {message}", plan.generator.name()))
}

/// Runs a prepared command to its end. When it is stopped, or takes longer than `limit`, it is interrupted and gets a
/// moment for its report; a group of its own ends with it.
///
/// # Errors
/// [`Code::GeneratorFailed`] with its own words, when it cannot be started, fails, or takes too long.
pub(super) async fn run(plan: &Plan, mut command: Command, limit: Duration, control: &Control) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = clock::now();
    let mut group = Group::spawn(plan, command)?;
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let reading = async { tokio::join!(read(stdout), read(stderr)) };
    let waiting = async {
        let end = supervise(&mut group, limit, control).await;
        // What it started and left behind would hold the pipes open that are read.
        group.kill();
        end
    };
    let ((stdout, stderr), end) = tokio::join!(reading, waiting);
    let end = end.map_err(|error| failed(plan, "it cannot be waited for").because(error))?;
    let words = |error: Error| error.details(last_lines(&stderr, &stdout));
    if end.is_overdue {
        return Err(words(failed(plan, &format!("it did not end within {} s", limit.as_secs()))));
    }
    if !end.status.success() && end.stopped.is_none() {
        return Err(words(failed(plan, "it ended with an error").because(end.status)));
    }
    Ok(Finished { stdout, stderr, stopped: end.stopped, started })
}

/// A program and what it started; killed together, at the latest when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    /// Its number, which outlives the program: what it started keeps it.
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    /// Starts a prepared command in a group of its own.
    ///
    /// # Errors
    /// [`Code::GeneratorFailed`].
    pub(super) fn spawn(plan: &Plan, mut command: Command) -> Result<Self> {
        command.kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed(plan, "it cannot be started").because(error))?;
        Ok(Self {
            #[cfg(unix)]
            id: child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())),
            child,
        })
    }

    /// How the program ended, where it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.id {
            // A group that is gone already needs no signal.
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }

    fn interrupt(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::INT);
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::KILL);
        let _ = self.child.start_kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

struct End {
    status: ExitStatus,
    stopped: Option<Ending>,
    is_overdue: bool,
}

async fn supervise(group: &mut Group, limit: Duration, control: &Control) -> std::io::Result<End> {
    let deadline = Instant::now() + limit;
    loop {
        if let Ok(status) = tokio::time::timeout(LOOK_EVERY, group.child.wait()).await {
            return Ok(End { status: status?, stopped: control.stopped(), is_overdue: false });
        }
        let stopped = control.stopped();
        let is_overdue = Instant::now() >= deadline;
        if stopped.is_none() && !is_overdue {
            continue;
        }
        group.interrupt();
        let ended = tokio::time::timeout(PATIENCE, group.child.wait()).await;
        let status = if let Ok(status) = ended {
            status?
        } else {
            group.kill();
            group.child.wait().await?
        };
        return Ok(End { status, stopped, is_overdue: is_overdue && stopped.is_none() });
    }
}

async fn read(source: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        // What was read until a pipe broke is what there is.
        let _ = source.take(OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The end of what a program said: on standard error, else on standard output.
pub(super) fn last_lines(stderr: &str, stdout: &str) -> Vec<String> {
    let text = if stderr.trim().is_empty() { stdout } else { stderr };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

/// How long a program may take for a plan: its time, its last response, and a margin to start and to report.
pub(super) fn limit(plan: &Plan) -> Duration {
    const MARGIN: Duration = Duration::from_secs(30);
    /// A count of requests tells no time; a day is beyond what anybody waits for.
    const COUNTED: Duration = Duration::from_hours(24);
    plan.duration.map_or(COUNTED, |length| length + plan.timeout + MARGIN)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::model::performance::plan::Generator;

    fn plan() -> Plan {
        Plan { generator: Generator::Fortio, ..Plan::default() }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_program_that_fails_is_told_in_its_own_words() {
        let error = run(&plan(), shell("echo no such flag >&2; exit 3"), LONG, &Control::default()).await.unwrap_err();
        assert_eq!(error.code(), Code::GeneratorFailed);
        assert_eq!(error.report().details, ["no such flag"]);
    }

    #[tokio::test]
    async fn a_stop_interrupts_and_the_report_still_counts() {
        let control = Control::default();
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let script = "trap 'echo report; exit 0' INT; : > \"$READY\"; while :; do sleep 0.05; done";
        let mut command = shell(script);
        command.env("READY", &ready);
        let stop = async {
            // before the trap is set, an interrupt would end the shell without its report
            while !ready.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            control.stop(Ending::Stopped);
        };
        let plan = plan();
        let (done, ()) = tokio::join!(run(&plan, command, LONG, &control), stop);
        let done = done.unwrap();
        assert_eq!((done.stopped, done.stdout.trim()), (Some(Ending::Stopped), "report"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended_with_all_it_started() {
        let script = "sleep 300 & echo $!; wait";
        let limit = Duration::from_millis(200);
        let error = run(&plan(), shell(script), limit, &Control::default()).await.unwrap_err();
        assert!(error.message().contains("did not end within"), "{error}");
        let child: u32 = error.report().details[0].trim().parse().unwrap();
        for _ in 0..200 {
            if crate::base::process::Identity::of(child).is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("process {child} is still there");
    }

    #[test]
    fn a_missing_program_says_where_it_was_looked_for() {
        let error = find(&plan(), "MESHERY_NO_SUCH", &["no-such-generator"]).unwrap_err();
        assert_eq!(error.code(), Code::GeneratorMissing);
        let report = error.report();
        assert!(report.probable_cause.unwrap().contains("`no-such-generator`"));
        assert!(report.suggested_remediation.unwrap().contains("MESHERY_NO_SUCH"));
    }
}

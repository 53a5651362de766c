//! Nighthawk, by its gRPC service: one that runs already (`address=host:port`), or one that is started for the run.

mod output;

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::outline;
use super::program::{self, Group, Program};
use super::scratch::Scratch;
use crate::base::{Error, Result, clock, env};
use crate::client::nighthawk::NighthawkClient;
use crate::model::adapter::Location;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::perf::external::nighthawk::Job;
use crate::perf::external::warm_up;
use crate::wire::nighthawk::{CommandLineOptions, Output};

/// Longest wait for a connection to the service.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait until a service that was started listens.
const START: Duration = Duration::from_secs(20);
/// How often the reins and a starting service are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// File in which a service says where it listens.
const ADDRESS: &str = "address";
/// File of what it says on standard error.
const WORDS: &str = "words";
/// Carries a plan out with Nighthawk.
pub(super) async fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    let Job { options, service, workers } = Job::of(plan)?;
    let service = match service {
        Some(location) => Service { location, started: None },
        None => Service::start(plan, control).await?,
    };
    let mut client = NighthawkClient::connect(&service.location, CONNECT).await?;
    if let Some(first) = warm_up(plan) {
        let warm = execute(&mut client, &first, Job::of(&first)?.options, control).await;
        warm.map_err(|error| service.explain(error))?;
    }
    let started = clock::now();
    let measured = execute(&mut client, plan, options, control).await.map_err(|error| service.explain(error))?;
    let version = measured.version.as_ref().and_then(|build| build.version.as_ref());
    let version =
        version.map_or_else(|| "unknown".to_owned(), |v| format!("{}.{}.{}", v.major_number, v.minor_number, v.patch));
    let program = Program { path: service.location.to_string().into(), version };
    let global = output::global(&measured).ok_or_else(|| program::failed(plan, "its output has no results"))?;
    let mut result = outline::result(plan, &program, (started, output::elapsed(global)));
    result.ended_by = control.stopped().unwrap_or(result.ended_by);
    result.generator.threads = workers;
    output::fill(global, plan, &mut result);
    outline::warn_of_omission(plan, &mut result);
    Ok(result)
}

async fn execute(
    client: &mut NighthawkClient,
    plan: &Plan,
    options: CommandLineOptions,
    control: &Control,
) -> Result<Output> {
    let (cancel, cancelled) = oneshot::channel();
    let running = client.execute(options, program::limit(plan), cancelled);
    tokio::pin!(running);
    let mut cancel = Some(cancel);
    loop {
        match tokio::time::timeout(LOOK_EVERY, &mut running).await {
            Ok(outcome) => return outcome,
            Err(_) if control.stopped().is_some() => {
                if let Some(cancel) = cancel.take() {
                    // A measurement that has ended meanwhile hears nothing.
                    let _ = cancel.send(());
                }
            }
            Err(_) => {}
        }
    }
}

/// A service, ended with this where it was started for this.
#[derive(Debug)]
struct Service {
    location: Location,
    started: Option<Started>,
}

/// A service that was started for one run, with its files.
#[derive(Debug)]
struct Started {
    group: Group,
    scratch: Scratch,
}

impl Service {
    /// Starts the program on a free port of loopback, and waits until it says which one.
    ///
    /// # Errors
    /// [`crate::base::Code::GeneratorMissing`], [`crate::base::Code::GeneratorFailed`] with its own words.
    async fn start(plan: &Plan, control: &Control) -> Result<Self> {
        let path = program::find(plan, env::MESHERY_NIGHTHAWK, &["nighthawk_service"])?;
        let mut started = Started::launch(plan, &path)?;
        match started.listens(plan, control).await {
            Ok(location) => Ok(Self { location, started: Some(started) }),
            Err(error) => Err(error.details(started.words())),
        }
    }

    /// The error of a run with what the service said itself.
    fn explain(&self, error: Error) -> Error {
        error.details(self.started.iter().flat_map(Started::words))
    }
}

impl Started {
    fn launch(plan: &Plan, path: &Path) -> Result<Self> {
        let scratch = Scratch::new()?;
        let words = File::create(scratch.path(WORDS));
        let words = words.map_err(|error| program::failed(plan, "its words cannot be kept").because(error))?;
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0", "--listener-address-file"]).arg(scratch.path(ADDRESS));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
        Ok(Self { group: Group::spawn(plan, command)?, scratch })
    }

    /// Where it listens, as soon as it does.
    async fn listens(&mut self, plan: &Plan, control: &Control) -> Result<Location> {
        let deadline = Instant::now() + START;
        loop {
            let told = std::fs::read_to_string(self.scratch.path(ADDRESS)).unwrap_or_default();
            if let Ok(location) = Location::parse(&told) {
                return Ok(location);
            }
            if let Some(status) = self.group.ended() {
                return Err(program::failed(plan, "nighthawk_service ended before it listened").because(status));
            }
            if control.stopped().is_some() {
                return Err(program::failed(plan, "it was stopped before its service listened"));
            }
            if Instant::now() >= deadline {
                let message = format!("nighthawk_service does not listen after {} s", START.as_secs());
                return Err(program::failed(plan, &message));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The end of what it said on standard error.
    fn words(&self) -> Vec<String> {
        let said = std::fs::read(self.scratch.path(WORDS)).unwrap_or_default();
        program::last_lines(&String::from_utf8_lossy(&said), "")
    }
}

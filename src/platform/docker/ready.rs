//! Waits until everything runs and the server answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::adapters::{self, Answer};
use super::session::Session;
use super::wanted::{Wanted, endpoint_of};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::client::Client;
use crate::client::probe::{Probe, probe};
use crate::client::process;
use crate::docker::container::Found;
use crate::plane::container::HOME;
use crate::plane::spec::PartKind;
use crate::platform::Progress;
use crate::wire::rest::{HealthReport, Phase};

/// How often the containers are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Limit for a look at the server.
const LOOK: Duration = Duration::from_secs(2);
/// How long a component that nobody can ask has to run until it counts as started.
const STEADY: Duration = Duration::from_millis(500);
/// Log lines that are told of a component that failed.
const LAST_LINES: u32 = 15;

/// Waits until every component runs the server answers at its port of this machine, and adapters answer the server.
///
/// # Errors
/// [`Code::DockerComponentFailed`] for a container that ends, with its exit code and last log lines;
/// [`Code::WaitTimeout`] with what is not ready.
pub(super) async fn wait(session: &Session<'_>, wanted: &[Wanted], port: u16, progress: &dyn Progress) -> Result<()> {
    let deadline = Instant::now() + session.plane.limit;
    let with_server = wanted.iter().any(|one| one.kind == PartKind::Server);
    let mut watch = Watch { port, with_server, seen: HashMap::new(), server: None, why: None };
    let mut waiting: Vec<&Wanted> = wanted.iter().collect();
    loop {
        let mut left = Vec::new();
        for one in waiting {
            match watch.look(session, one).await? {
                Look::Ready(how) => progress.done(one.component(), &how),
                Look::Waiting(state) => {
                    progress.state(one.component(), &state);
                    left.push(one);
                }
            }
        }
        let Some(first) = left.first() else { return Ok(()) };
        if Instant::now() >= deadline {
            return Err(late(session, first, watch.why).await);
        }
        waiting = left;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

enum Look {
    Ready(String),
    Waiting(String),
}

/// What is known of the containers so far.
struct Watch {
    /// Port of this machine that leads to the server.
    port: u16,
    /// Whether the server is one of those that are waited for.
    with_server: bool,
    /// Since when each run of a container has been seen.
    seen: HashMap<(String, Option<Timestamp>), Instant>,
    /// The server, as soon as it answers.
    server: Option<Client>,
    /// Why an adapter did not answer last.
    why: Option<String>,
}

impl Watch {
    async fn look(&mut self, session: &Session<'_>, wanted: &Wanted) -> Result<Look> {
        let name = &wanted.container.name;
        let Some(found) = session.engine.container(name).await? else {
            return Err(Error::new(Code::DockerComponentFailed, format!("container {name} is gone"))
                .because("somebody removed it while the plane was starting"));
        };
        if found.state.status == "restarting" || found.restarts > 0 && !found.is_running() || has_ended(&found) {
            return Err(failed(session, &found).await);
        }
        if !found.is_running() {
            return Ok(Look::Waiting(found.state.status));
        }
        let since = *self.seen.entry((found.id.clone(), found.state.started_at)).or_insert_with(Instant::now);
        let is_steady = since.elapsed() >= STEADY;
        match wanted.kind {
            PartKind::Server => self.server(session).await,
            PartKind::Adapter => self.adapter(session, wanted, is_steady).await,
            PartKind::Broker if is_steady => Ok(Look::Ready("running".to_owned())),
            PartKind::Broker => Ok(Look::Waiting("starting".to_owned())),
        }
    }

    async fn server(&mut self, session: &Session<'_>) -> Result<Look> {
        let endpoint = endpoint_of(&session.plane.context.endpoint, self.port);
        Ok(match answer(self.port).await {
            Some(report) if report.phase == Phase::Ready => {
                self.server = Some(adapters::client(session, self.port)?);
                Look::Ready(format!("serves at {endpoint}"))
            }
            Some(_) => Look::Waiting("opening its database".to_owned()),
            None => Look::Waiting(format!("waiting for an answer at {endpoint}")),
        })
    }

    /// An adapter answers the server; where there is none that could tell, one that goes on running counts as started.
    async fn adapter(&mut self, session: &Session<'_>, wanted: &Wanted, is_steady: bool) -> Result<Look> {
        if self.server.is_none() && !self.with_server {
            self.server(session).await?;
        }
        let answer = match &self.server {
            Some(server) => adapters::ask(server, wanted.component(), wanted.container.port).await,
            None if self.with_server => return Ok(Look::Waiting("starting".to_owned())),
            None => Answer::Unknown,
        };
        Ok(match answer {
            Answer::Answers => Look::Ready("answers".to_owned()),
            Answer::Unknown if is_steady => Look::Ready("running".to_owned()),
            Answer::Unknown => Look::Waiting("starting".to_owned()),
            Answer::Silent(why) => {
                self.why = Some(why);
                Look::Waiting("waiting for an answer".to_owned())
            }
        })
    }
}

fn has_ended(found: &Found) -> bool {
    matches!(found.state.status.as_str(), "exited" | "dead" | "removing")
}

/// What the server in the container says of itself; servers of other homes on the port are none.
pub(super) async fn answer(port: u16) -> Option<HealthReport> {
    match probe(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LOOK).await {
        Probe::Ours(report) if report.home == Some(process::home_id(Path::new(HOME))) => Some(report),
        _ => None,
    }
}

/// A container that ended.
pub(super) async fn failed(session: &Session<'_>, found: &Found) -> Error {
    let state = &found.state;
    let how = if state.out_of_memory { ", out of memory" } else { "" };
    let cause = match &state.error {
        Some(error) => error.clone(),
        None => format!("exit code {}{how}", state.exit_code),
    };
    let component = super::session::component(found);
    Error::new(Code::DockerComponentFailed, format!("component {component} ended while it was starting"))
        .because(cause)
        .details(last_lines(session, found).await)
        .remedy(format!(
            "Look at its log: `mesheryctl system logs {component}`. `mesheryctl system stop` removes what is there."
        ))
}

async fn last_lines(session: &Session<'_>, found: &Found) -> Vec<String> {
    // An engine that keeps no logs is no reason to hide the fault itself.
    session.engine.last_lines(&found.id, &found.name, LAST_LINES).await.unwrap_or_default()
}

async fn late(session: &Session<'_>, wanted: &Wanted, why: Option<String>) -> Error {
    let limit = session.plane.limit.as_secs_f32();
    let component = wanted.component();
    let mut error = Error::new(Code::WaitTimeout, format!("component {component} is not ready after {limit} s"));
    let address = session.engine.address();
    if wanted.kind == PartKind::Server && !address.is_local() {
        error = error
            .because(format!("the server is at a port of the machine of the engine, {address}"))
            .remedy("Forward it (`ssh -NL 9081:localhost:9081 HOST`), then run the command again.");
    }
    if let (PartKind::Adapter, Some(why)) = (wanted.kind, why) {
        error = error.because(why);
    }
    match session.engine.container(&wanted.container.name).await {
        Ok(Some(found)) => error
            .detail(format!("container {} is {}", found.name, found.state.status))
            .details(last_lines(session, &found).await),
        _ => error,
    }
}

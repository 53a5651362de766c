//! Waits until everything runs and the server answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::session::Session;
use super::wanted::{Wanted, port_of};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::client::probe::{Probe, probe};
use crate::client::process;
use crate::docker::container::Found;
use crate::plane::container::HOME;
use crate::plane::spec::SERVER;
use crate::platform::Progress;
use crate::wire::rest::{HealthReport, Phase};

/// How often the containers are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Limit for a look at the server.
const LOOK: Duration = Duration::from_secs(2);
/// How long a component without an answer of its own has to run until it counts as started.
const STEADY: Duration = Duration::from_millis(500);
/// Log lines that are told of a component that failed.
const LAST_LINES: u32 = 15;

/// Waits until every component runs and the server answers at its endpoint.
///
/// # Errors
/// [`Code::DockerComponentFailed`] for a container that ends, with its exit code and last log lines;
/// [`Code::WaitTimeout`] with what is not ready.
pub(super) async fn wait(
    session: &Session<'_>,
    wanted: &[Wanted],
    endpoint: &str,
    progress: &dyn Progress,
) -> Result<()> {
    let deadline = Instant::now() + session.plane.limit;
    let mut watch = Watch::default();
    let mut waiting: Vec<&Wanted> = wanted.iter().collect();
    loop {
        let mut left = Vec::new();
        for one in waiting {
            match watch.look(session, one, endpoint).await? {
                Look::Ready(how) => progress.done(one.component(), &how),
                Look::Waiting(state) => {
                    progress.state(one.component(), &state);
                    left.push(one);
                }
            }
        }
        let Some(first) = left.first() else { return Ok(()) };
        if Instant::now() >= deadline {
            return Err(late(session, first, endpoint).await);
        }
        waiting = left;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

enum Look {
    Ready(String),
    Waiting(String),
}

/// Since when each run of a container has been seen.
#[derive(Default)]
struct Watch {
    seen: HashMap<(String, Option<Timestamp>), Instant>,
}

impl Watch {
    async fn look(&mut self, session: &Session<'_>, wanted: &Wanted, endpoint: &str) -> Result<Look> {
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
        if wanted.component() != SERVER {
            let steady = since.elapsed() >= STEADY;
            return Ok(if steady { Look::Ready("running".to_owned()) } else { Look::Waiting("starting".to_owned()) });
        }
        Ok(match answer(wanted.container.published.unwrap_or_else(|| port_of(endpoint))).await {
            Some(report) if report.phase == Phase::Ready => Look::Ready(format!("serves at {endpoint}")),
            Some(_) => Look::Waiting("opening its database".to_owned()),
            None => Look::Waiting(format!("waiting for an answer at {endpoint}")),
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

async fn late(session: &Session<'_>, wanted: &Wanted, endpoint: &str) -> Error {
    let limit = session.plane.limit.as_secs_f32();
    let error = Error::new(Code::WaitTimeout, format!("component {} is not ready after {limit} s", wanted.component()));
    let far = !session.engine.address().is_local() && wanted.component() == SERVER;
    let error = if far {
        error
            .because(format!("{endpoint} is a port of the machine of the engine, {}", session.engine.address()))
            .remedy("Forward it (`ssh -NL 9081:localhost:9081 HOST`), then run the command again.")
    } else {
        error
    };
    match session.engine.container(&wanted.container.name).await {
        Ok(Some(found)) => error
            .detail(format!("container {} is {}", found.name, found.state.status))
            .details(last_lines(session, &found).await),
        _ => error,
    }
}

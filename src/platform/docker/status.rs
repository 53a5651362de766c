//! What runs.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;

use super::adapters::{self, Answer};
use super::ready::answer;
use super::session::{Session, component, is_previous};
use super::wanted::{endpoint_of, port_of};
use crate::base::error::Result;
use crate::client::probe::{Probe, probe};
use crate::client::process::holder;
use crate::docker::container::Found;
use crate::model::plane::{Component, PlaneStatus, State};
use crate::plane::spec::{SERVER, Spec};
use crate::wire::rest::{HealthReport, Phase};

/// Limit for a look at a port of this machine.
const LOOK: Duration = Duration::from_secs(2);

/// The plane as the engine has it and the server says.
pub(super) async fn status(session: &Session<'_>) -> Result<PlaneStatus> {
    let context = &session.plane.context;
    let ours = session.ours().await?;
    let server = ours.iter().find(|found| component(found) == SERVER && !is_previous(found));
    let port = server.and_then(|found| found.published).unwrap_or_else(|| port_of(&context.endpoint));
    let running = server.filter(|found| found.is_running());
    let health = match running {
        Some(_) => answer(port).await,
        None => None,
    };
    let is_there = server.is_some_and(|found| found.is_alive() || found.state.status == "restarting");
    let (state, note) = state(session, is_there, health.as_ref(), port).await;
    let answers = if state == State::Running { answers(session, port).await? } else { HashMap::new() };
    Ok(PlaneStatus {
        context: context.name.clone(),
        platform: context.platform,
        state,
        endpoint: endpoint_of(&context.endpoint, port),
        pid: None,
        version: health.map(|report| report.version),
        started_at: running.and_then(|found| found.state.started_at),
        log: None,
        components: components(session, &ours, state, &answers)?,
        note,
    })
}

/// What the server says of each adapter of the context.
async fn answers(session: &Session<'_>, port: u16) -> Result<HashMap<String, Answer>> {
    let spec = Spec::new(&session.plane.context, "", None)?;
    let client = adapters::client(session, port)?;
    let asking = spec.adapters().map(|part| {
        let client = &client;
        async move { (part.name.clone(), adapters::ask(client, &part.name, part.port).await) }
    });
    Ok(join_all(asking).await.into_iter().collect())
}

async fn state(
    session: &Session<'_>,
    is_there: bool,
    health: Option<&HealthReport>,
    port: u16,
) -> (State, Option<String>) {
    if let Some(report) = health {
        let state = match report.phase {
            Phase::Starting => State::Starting,
            Phase::Ready => State::Running,
            Phase::Draining => State::Draining,
        };
        return (state, None);
    }
    if is_there {
        let far = !session.engine.address().is_local();
        let note = format!("port {port} is one of the machine of the Docker engine, {}", session.engine.address());
        return (State::Silent, far.then_some(note));
    }
    match probe(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LOOK).await {
        Probe::Nobody => (State::Stopped, None),
        Probe::Ours(report) => (
            State::Foreign,
            Some(format!("a mesheryctl server of another plane, process {}, listens there", report.pid)),
        ),
        Probe::Other => {
            let container = session.engine.holder_of_port(port).await.ok().flatten();
            let who = container.map(|publisher| format!("container {}", publisher.name));
            let who = who.or_else(|| holder::of_port(port).map(|holder| holder.to_string()));
            (State::Foreign, who.map(|who| format!("{who} listens there")))
        }
    }
}

/// Every component that the context has or that is there; none when nothing is.
fn components(
    session: &Session<'_>,
    ours: &[Found],
    state: State,
    answers: &HashMap<String, Answer>,
) -> Result<Vec<Component>> {
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let spec = Spec::new(&session.plane.context, "", None)?;
    let mut names: Vec<String> = spec.parts.into_iter().map(|part| part.name).collect();
    for found in ours {
        let name = component(found);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let component_of = |name: &String| {
        let mut of_name = ours.iter().filter(|found| component(found) == name);
        let found = of_name.clone().find(|found| !is_previous(found)).or_else(|| of_name.next());
        let silence = match answers.get(name) {
            Some(Answer::Silent(why)) => Some(why.clone()),
            _ if name == SERVER && state != State::Running => Some("it does not answer".to_owned()),
            _ => None,
        };
        found.map_or_else(|| missing(name), |found| one(found, silence))
    };
    Ok(names.iter().map(component_of).collect())
}

fn missing(name: &str) -> Component {
    Component {
        name: name.to_owned(),
        ready: 0,
        wanted: 1,
        status: "Missing".to_owned(),
        restarts: 0,
        started_at: None,
        image: None,
        instance: None,
        address: None,
        node: None,
        message: Some("there is no container; `mesheryctl system start` makes it".to_owned()),
    }
}

/// A component with its container; `silence` says why it does not answer.
fn one(found: &Found, silence: Option<String>) -> Component {
    let blocker = blocker(found).or(silence);
    Component {
        name: component(found).to_owned(),
        ready: blocker.is_none().into(),
        wanted: 1,
        status: word(&found.state.status),
        restarts: found.restarts,
        started_at: found.state.started_at,
        image: Some(found.image.clone()),
        instance: Some(found.name.clone()),
        address: found.address.clone(),
        node: None,
        message: blocker,
    }
}

/// The engine's word as clusters write theirs: `Running`, `Exited`.
fn word(status: &str) -> String {
    let mut chars = status.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// What keeps a container from being ready, as far as the engine knows.
pub(super) fn blocker(found: &Found) -> Option<String> {
    let state = &found.state;
    if found.is_running() {
        return (state.health.as_deref() == Some("unhealthy")).then(|| "its health check fails".to_owned());
    }
    if found.is_paused() {
        return Some(format!(
            "it is paused; `mesheryctl system start` or `docker unpause {}` lets it go on",
            found.name
        ));
    }
    Some(match &state.error {
        Some(error) => error.clone(),
        None if state.out_of_memory => "it ran out of memory".to_owned(),
        None if state.status == "created" => "it was made and never started".to_owned(),
        None if state.status == "restarting" => format!("it ends with exit code {} over and over", state.exit_code),
        None => format!("it ended with exit code {}", state.exit_code),
    })
}

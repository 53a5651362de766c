//! Brings containers to the wanted state.

use std::net::{Ipv4Addr, TcpListener};

use super::payload::{self, Payload};
use super::session::{Session, component, is_previous};
use super::wanted::{Image, Wanted, port_of, wanted};
use super::{down, image, ready, status, update};
use crate::base::error::{Code, Error, Result};
use crate::client::process::holder;
use crate::docker::container::Found;
use crate::plane::spec::{BROKER, SERVER, Spec};
use crate::platform::{Progress, Start, Started};

/// Brings the plane up. What is there as it is wanted stays; what is there otherwise is made anew.
pub(super) async fn start(session: &Session<'_>, how: &Start, progress: &dyn Progress) -> Result<Started> {
    // What can be wrong here is told before anything is changed there.
    let kubeconfig = payload::kubeconfig(session).await?;
    let payload = Payload::new(session, &kubeconfig)?;
    let mut changed = !update::settle(session, progress).await?.is_empty();
    let ours = session.ours().await?;
    let port = port(session, how, &ours)?;
    let names = names(session, how, &ours)?;
    session.refuse_strangers(names.iter().map(String::as_str)).await?;
    refuse_taken_port(session, port, &ours).await?;
    let (own, broker) = image::of_start(session, how, &ours, progress).await?;
    let wanted = plan(session, &own, broker.as_ref(), port, &payload)?;
    progress.begin()?;
    changed |= surroundings(session).await?;
    changed |= remove_unwanted(session, &wanted, &ours, progress).await?;
    for note in &kubeconfig.notes {
        progress.note(note);
    }
    for one in &wanted {
        let found = ours.iter().find(|found| found.name == one.container.name);
        changed |= bring_up(session, one, found, progress).await?;
    }
    ready::wait(session, &wanted, port, progress).await?;
    Ok(Started { status: status::status(session).await?, changed })
}

/// The containers of the plane with these images.
pub(super) fn plan(
    session: &Session<'_>,
    own: &Image,
    broker: Option<&Image>,
    port: u16,
    payload: &Payload,
) -> Result<Vec<Wanted>> {
    let spec = Spec::new(&session.plane.context, &own.reference, broker.map(|image| image.reference.as_str()))?;
    let image = |component: &str| if component == BROKER { broker.cloned() } else { Some(own.clone()) };
    wanted(session, &spec, port, payload, &image)
}

/// Names of the containers that there will be. They do not depend on images, which are brought only when the names are free.
fn names(session: &Session<'_>, how: &Start, ours: &[Found]) -> Result<Vec<String>> {
    let broker = how.broker.is_some() || ours.iter().any(|found| component(found) == BROKER);
    let spec = Spec::new(&session.plane.context, "", broker.then_some(""))?;
    Ok(spec.parts.iter().map(|part| session.container_name(&part.name)).collect())
}

/// The port of this machine: what the start says, else what the context says; 0 keeps the one there is, or takes a free one.
fn port(session: &Session<'_>, how: &Start, ours: &[Found]) -> Result<u16> {
    match how.port {
        None => Ok(port_of(&session.plane.context.endpoint)),
        Some(0) => match ours.iter().find(|found| component(found) == SERVER).and_then(|found| found.published) {
            Some(port) => Ok(port),
            None => free_port(),
        },
        Some(port) => Ok(port),
    }
}

fn free_port() -> Result<u16> {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    found
        .map(|address| address.port())
        .map_err(|error| Error::new(Code::ListenFailed, "no port is free").because(error))
}

/// Fails when somebody else listens on the port of this machine. Whether one of another machine is taken, its engine says.
async fn refuse_taken_port(session: &Session<'_>, port: u16, ours: &[Found]) -> Result<()> {
    let is_own = ours.iter().any(|found| found.published == Some(port) && found.is_alive());
    if is_own || !session.engine.address().is_local() {
        return Ok(());
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(taken(session, port, &error.to_string()).await)
        }
        // What is not allowed to this user may be to the engine.
        _ => Ok(()),
    }
}

/// A port that somebody has, with who it is.
pub(super) async fn taken(session: &Session<'_>, port: u16, words: &str) -> Error {
    let container = session.engine.holder_of_port(port).await.ok().flatten();
    let who = match (container, holder::of_port(port)) {
        (Some(publisher), _) => format!("container {} has it", publisher.name),
        (None, Some(holder)) if session.engine.address().is_local() => format!("{holder} listens there"),
        _ => "another process listens there".to_owned(),
    };
    Error::new(Code::PortTaken, format!("port {port} is taken"))
        .because(who)
        .detail(words)
        .remedy("Stop the holder, or choose another port: `mesheryctl system start --port 0` takes a free one.")
}

/// Network and volume.
async fn surroundings(session: &Session<'_>) -> Result<bool> {
    let (name, labels) = (session.name(), session.labels());
    let mut changed = false;
    if session.engine.network(&name).await?.is_none() {
        session.engine.create_network(&name, &labels).await?;
        changed = true;
    }
    if session.engine.volume(&name).await?.is_none() {
        session.engine.create_volume(&name, &labels).await?;
        changed = true;
    }
    Ok(changed)
}

/// Removes containers of components that the context no longer has.
async fn remove_unwanted(
    session: &Session<'_>,
    wanted: &[Wanted],
    ours: &[Found],
    progress: &dyn Progress,
) -> Result<bool> {
    let mut changed = false;
    for found in ours {
        if is_previous(found) || wanted.iter().any(|one| one.container.name == found.name) {
            continue;
        }
        down::remove(session, found, progress).await?;
        progress.done(component(found), "removed: the context has it no longer");
        changed = true;
    }
    Ok(changed)
}

/// Sees that a container runs as it is wanted; whether anything had to be done.
pub(super) async fn bring_up(
    session: &Session<'_>,
    wanted: &Wanted,
    found: Option<&Found>,
    progress: &dyn Progress,
) -> Result<bool> {
    let name = wanted.component();
    let id = match found {
        Some(found) if wanted.is_like(found) && found.is_running() => return Ok(false),
        Some(found) if wanted.is_like(found) && found.is_paused() => {
            progress.state(name, "resuming");
            return session.engine.resume_container(&found.id, &found.name).await.map(|()| true);
        }
        // Made by a start that was broken off, or stopped: its files may be missing.
        Some(found) if wanted.is_like(found) && matches!(found.state.status.as_str(), "created" | "exited") => {
            found.id.clone()
        }
        Some(found) => {
            down::remove(session, found, progress).await?;
            create(session, wanted, progress).await?
        }
        None => create(session, wanted, progress).await?,
    };
    progress.state(name, "starting");
    if let Some(payload) = &wanted.payload {
        payload.put(session, &id, &wanted.container.name).await?;
    }
    let started = session.engine.start_container(&id, &wanted.container.name).await;
    match (started, wanted.container.published) {
        (Err(error), Some(port)) if error.code() == Code::PortTaken => {
            let words = error.report().probable_cause.unwrap_or_default();
            progress.failed(name, "its port is taken");
            Err(taken(session, port, &words).await)
        }
        (started, _) => started.inspect_err(|_| progress.failed(name, "cannot be started")).map(|()| true),
    }
}

async fn create(session: &Session<'_>, wanted: &Wanted, progress: &dyn Progress) -> Result<String> {
    progress.state(wanted.component(), "creating");
    let made = session.engine.create_container(&wanted.container, &wanted.labels).await;
    made.inspect_err(|_| progress.failed(wanted.component(), "cannot be made"))
}

//! Another image for each component, and back when the component does not become ready with it.
//!
//! The old container is put aside under another name until the new one is ready. An update that is broken off at any
//! moment therefore leaves enough to complete it or to take it back, which the next command does ([`settle`]).

use super::image::{self, Source, bring, of_channel, of_container};
use super::payload::{self, Payload};
use super::session::{Session, component, is_previous};
use super::wanted::{Image, Wanted, port_of};
use super::{down, ready, up};
use crate::base::error::{Code, Error, Kind, Result};
use crate::docker::container::Found;
use crate::model::plane::{UpdateOutcome, Updated};
use crate::plane::spec::{BROKER, SERVER, Spec};
use crate::platform::{Progress, Update, component as names};
use crate::wire::rest::Phase;

mod backup;

/// Gives components another image, one by one, the server last.
pub(super) async fn update(session: &Session<'_>, how: &Update, progress: &dyn Progress) -> Result<Vec<Updated>> {
    let kubeconfig = payload::kubeconfig(session).await?;
    let payload = Payload::new(session, &kubeconfig)?;
    for name in settle(session, progress).await? {
        run_again(session, &name).await?;
    }
    let ours = session.ours().await?;
    if ours.is_empty() {
        progress.note("The plane has no containers; its components get their images when it is started.");
        return Ok(Vec::new());
    }
    let (chosen, missing) = choose(session, &ours, &how.components)?;
    let mut own = None;
    let mut done = Vec::with_capacity(chosen.len());
    for found in chosen {
        let image = if component(found) == BROKER {
            of_broker(session, how, found, progress).await?
        } else {
            if own.is_none() {
                let source = how.image.clone().map_or_else(|| of_channel(&session.plane.context), Source::Newest);
                own = Some(bring(session, &source, progress).await?);
            }
            own.clone().ok_or_else(|| Error::internal("the plane has no image"))?
        };
        done.push(replace(session, found, image, &payload, progress).await?);
    }
    done.extend(missing.into_iter().map(Updated::missing));
    Ok(done)
}

/// The containers that are meant, the server last, and the components that are meant and have none.
fn choose<'f>(session: &Session<'_>, ours: &'f [Found], wanted: &[String]) -> Result<(Vec<&'f Found>, Vec<String>)> {
    let running: Vec<String> = ours.iter().map(|found| component(found).to_owned()).collect();
    let parts = Spec::new(&session.plane.context, "", None)?.parts;
    let missing = parts.into_iter().map(|part| part.name).filter(|name| !running.contains(name));
    let known: Vec<String> = running.iter().cloned().chain(missing).collect();
    let wanted = names::choose(wanted, &known)?;
    let mut chosen: Vec<&Found> =
        ours.iter().filter(|found| wanted.iter().any(|name| name == component(found))).collect();
    chosen.sort_by_key(|found| component(found) == SERVER);
    Ok((chosen, wanted.into_iter().filter(|name| !running.contains(name)).collect()))
}

/// The broker is not made of the plane's image: it gets one of its own only when it is named.
async fn of_broker(session: &Session<'_>, how: &Update, found: &Found, progress: &dyn Progress) -> Result<Image> {
    match &how.image {
        Some(image) if how.components.iter().any(|name| name == BROKER) => {
            let brought = bring(session, &Source::Newest(image.clone()), progress).await;
            brought.map_err(image::about_broker)
        }
        _ => of_container(session, found).await,
    }
}

/// Runs one component with another image.
async fn replace(
    session: &Session<'_>,
    old: &Found,
    image: Image,
    payload: &Payload,
    progress: &dyn Progress,
) -> Result<Updated> {
    let name = component(old).to_owned();
    let updated = |outcome, reason| Updated {
        component: name.clone(),
        from: old.image.clone(),
        to: image.reference.clone(),
        outcome,
        reason,
    };
    if old.image_id == image.id {
        run_again(session, &name).await?;
        progress.done(&name, "has that image");
        return Ok(updated(UpdateOutcome::Unchanged, None));
    }
    let (wanted, port) = plan_one(session, old, &image, payload).await?;
    let reason = match attempt(session, old, &wanted, port, progress).await {
        Ok(()) => {
            put_away(session, &name).await?;
            return Ok(updated(UpdateOutcome::Updated, None));
        }
        // Without an engine nothing can be taken back; the next command does it.
        Err(error) if error.kind() == Kind::Unreachable => return Err(error),
        Err(error) => reason(&error),
    };
    progress.failed(&name, "did not become ready: the old image comes back");
    take_back(session, &name, progress).await?;
    run_again(session, &name).await?;
    // What is waited for has the name of the old container again.
    let back = ready::wait(session, std::slice::from_ref(&wanted), port, progress).await;
    back.map_err(|error| error.detail(format!("before, the new image failed: {reason}")))?;
    progress.done(&name, "runs its old image again");
    Ok(updated(UpdateOutcome::RolledBack, Some(reason)))
}

/// The container of one component with another image and everything else as it is, and the port of the server.
async fn plan_one(session: &Session<'_>, old: &Found, image: &Image, payload: &Payload) -> Result<(Wanted, u16)> {
    let ours = session.ours().await?;
    let server = ours.iter().find(|found| component(found) == SERVER).and_then(|found| found.published);
    let port = server.unwrap_or_else(|| port_of(&session.plane.context.endpoint));
    let is_broker = component(old) == BROKER;
    let all = up::plan(session, image, is_broker.then_some(image), port, payload)?;
    let one = all.into_iter().find(|one| one.component() == component(old));
    one.map(|one| (one, port)).ok_or_else(|| {
        Error::new(Code::UsageError, format!("the context has no component `{}` any more", component(old)))
            .remedy("`mesheryctl system start` removes what the context does not have.")
    })
}

/// Puts the old container aside and waits for the new one.
async fn attempt(
    session: &Session<'_>,
    old: &Found,
    wanted: &Wanted,
    port: u16,
    progress: &dyn Progress,
) -> Result<()> {
    let name = wanted.component();
    progress.state(name, "stopping");
    session.engine.stop_container(&old.id, &old.name, wanted.container.grace).await?;
    if name == SERVER {
        progress.state(name, "keeping its data aside");
        backup::keep(session, old).await?;
    }
    session.engine.rename_container(&old.id, &old.name, &session.previous_name(name)).await?;
    up::bring_up(session, wanted, None, progress).await?;
    ready::wait(session, std::slice::from_ref(wanted), port, progress).await
}

/// What failed, with the last thing that the component wrote.
fn reason(error: &Error) -> String {
    match error.report().details.last() {
        Some(line) => format!("{error}; its last line: {line}"),
        None => error.to_string(),
    }
}

/// The new container is ready: the old one goes.
async fn put_away(session: &Session<'_>, name: &str) -> Result<()> {
    let previous = session.previous_name(name);
    if let Some(old) = ours_of_name(session, &previous).await? {
        session.engine.remove_container(&old.id, &old.name).await?;
    }
    if name == SERVER { backup::forget(session) } else { Ok(()) }
}

/// Brings the old container back, in whichever step the change of images was left, and does not start it.
async fn take_back(session: &Session<'_>, name: &str, progress: &dyn Progress) -> Result<()> {
    let (current, previous) = (session.container_name(name), session.previous_name(name));
    if let Some(old) = ours_of_name(session, &previous).await? {
        if let Some(new) = ours_of_name(session, &current).await? {
            down::remove(session, &new, progress).await?;
        }
        if name == SERVER {
            backup::restore(session, &old).await?;
        }
        session.engine.rename_container(&old.id, &previous, &current).await?;
    }
    if name == SERVER { backup::forget(session) } else { Ok(()) }
}

/// Starts the container of a component, where there is one that does not run.
async fn run_again(session: &Session<'_>, name: &str) -> Result<()> {
    let current = session.container_name(name);
    match ours_of_name(session, &current).await? {
        Some(found) => session.engine.start_container(&found.id, &current).await,
        None => Ok(()),
    }
}

/// Completes or takes back what an update that was broken off left; the components that this was about. Those that were
/// taken back do not run yet.
pub(super) async fn settle(session: &Session<'_>, progress: &dyn Progress) -> Result<Vec<String>> {
    let aside: Vec<Found> = session.ours().await?.into_iter().filter(is_previous).collect();
    for old in &aside {
        let name = component(old);
        let current = ours_of_name(session, &session.container_name(name)).await?;
        if is_good(current.as_ref()).await {
            progress.note(&format!("An update of {name} was broken off; it is completed."));
            put_away(session, name).await?;
        } else {
            progress.note(&format!("An update of {name} was broken off; it is taken back."));
            take_back(session, name, progress).await?;
        }
    }
    Ok(aside.iter().map(|old| component(old).to_owned()).collect())
}

/// Forgets what was kept for an update that was broken off.
pub(super) fn forget(session: &Session<'_>) -> Result<()> {
    backup::forget(session)
}

/// Whether a component became ready with its new image.
async fn is_good(current: Option<&Found>) -> bool {
    let Some(found) = current.filter(|found| found.is_running() && found.restarts == 0) else { return false };
    if component(found) != SERVER {
        return true;
    }
    let Some(port) = found.published else { return false };
    ready::answer(port).await.is_some_and(|report| report.phase == Phase::Ready)
}

async fn ours_of_name(session: &Session<'_>, name: &str) -> Result<Option<Found>> {
    let found = session.engine.container(name).await?;
    Ok(found.filter(|found| session.is_ours(&found.labels)))
}

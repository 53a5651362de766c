//! Removes what is ours.

use super::session::{Session, component};
use super::update;
use crate::base::error::Result;
use crate::docker::container::Found;
use crate::model::plane::Removed;
use crate::plane::spec::SERVER;
use crate::platform::{Progress, Stop};

/// Seconds that a component may take to end where the container itself does not say.
const GRACE: u32 = 20;

/// Removes containers and network, and with a reset the volume.
pub(super) async fn stop(session: &Session<'_>, how: Stop, progress: &dyn Progress) -> Result<Removed> {
    let mut done = Removed::default();
    if how.force {
        update::forget(session)?;
    } else {
        update::settle(session, progress).await?;
    }
    for found in server_first(session.ours().await?) {
        let name = component(&found);
        if how.force {
            progress.state(name, "removing");
            session.engine.remove_container(&found.id, &found.name).await?;
        } else {
            remove(session, &found, progress).await?;
        }
        progress.done(name, "removed");
        done.removed.push(format!("container/{}", found.name));
    }
    network(session, &mut done, progress).await?;
    volume(session, how.reset, &mut done).await?;
    Ok(done)
}

/// The server ends first, so that what it runs can still use the others.
fn server_first(mut ours: Vec<Found>) -> Vec<Found> {
    ours.sort_by_key(|found| component(found) != SERVER);
    ours
}

/// Ends a container in its own time and removes it.
pub(super) async fn remove(session: &Session<'_>, found: &Found, progress: &dyn Progress) -> Result<()> {
    if matches!(found.state.status.as_str(), "running" | "restarting" | "paused") {
        progress.state(component(found), "stopping");
        session.engine.stop_container(&found.id, &found.name, GRACE).await?;
    }
    progress.state(component(found), "removing");
    session.engine.remove_container(&found.id, &found.name).await
}

/// Ends every container and leaves them there.
pub(super) async fn halt(session: &Session<'_>, progress: &dyn Progress) -> Result<()> {
    for found in server_first(session.ours().await?) {
        progress.state(component(&found), "stopping");
        session.engine.stop_container(&found.id, &found.name, GRACE).await?;
    }
    Ok(())
}

async fn network(session: &Session<'_>, done: &mut Removed, progress: &dyn Progress) -> Result<()> {
    let name = session.name();
    let Some(network) = session.engine.network(&name).await? else { return Ok(()) };
    if !session.is_ours(&network.labels) {
        return Ok(());
    }
    if network.containers.is_empty() {
        if session.engine.remove_network(&network.id, &name).await? {
            done.removed.push(format!("network/{name}"));
        }
        return Ok(());
    }
    let guests = network.containers.join(", ");
    progress.note(&format!("The network {name} stays: containers of others are on it: {guests}."));
    done.kept.push(format!("network/{name}"));
    Ok(())
}

async fn volume(session: &Session<'_>, reset: bool, done: &mut Removed) -> Result<()> {
    let name = session.name();
    let Some(labels) = session.engine.volume(&name).await? else { return Ok(()) };
    if !session.is_ours(&labels) {
        return Ok(());
    }
    if !reset {
        done.kept.push(format!("volume/{name}"));
    } else if session.engine.remove_volume(&name).await? {
        done.removed.push(format!("volume/{name}"));
    }
    Ok(())
}

//! The logs of components.

use std::time::Duration;

use tokio::time::timeout;

use super::ready;
use super::status::running;
use super::target::Target;
use crate::base::{Code, Error, Result};
use crate::cluster::Cluster;
use crate::cluster::logs::Source;
use crate::cluster::status::health;
use crate::model::pattern::Health;
use crate::plane::kubernetes::marks;
use crate::platform::{LogLine, Logs, Plane, Progress, TakeLine, component};

/// How long a followed log is silent until it is looked whether the plane is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See [`crate::platform::logs`].
pub(super) async fn logs(plane: &Plane, which: &Logs, take: &mut TakeLine<'_>, progress: &dyn Progress) -> Result<()> {
    let target = Target::find(plane).await?;
    let sources: Vec<Source> = components(plane, &target, &which.components)
        .await?
        .into_iter()
        .map(|name| Source {
            namespace: target.namespace.clone(),
            selector: marks::pods(&target.instance, &name),
            name,
        })
        .collect();
    if which.follow {
        return follow(&target, &sources, which.tail, take, progress).await;
    }
    for source in &sources {
        let lines = target.cluster.logs(source, which.tail).await?;
        if lines.is_empty() {
            tell_of_blocker(&target, &source.name, "has written nothing", progress).await?;
        }
        for text in lines {
            take(LogLine { component: source.name.clone(), text })?;
        }
    }
    Ok(())
}

/// Tells why a component `is` so that its log says little or nothing, where something keeps it from being ready.
async fn tell_of_blocker(target: &Target, part: &str, is: &str, progress: &dyn Progress) -> Result<()> {
    let live = target.deployment(part).await?;
    if let Some(live) = live.filter(|live| health(Some(live)).0 != Health::Ready)
        && let Some(why) = ready::message(target, part, &live).await
    {
        progress.note(&format!("{part} {is}: {why}"));
    }
    Ok(())
}

/// Takes lines until the plane is gone.
async fn follow(
    target: &Target,
    sources: &[Source],
    tail: Option<u32>,
    take: &mut TakeLine<'_>,
    progress: &dyn Progress,
) -> Result<()> {
    for source in sources {
        tell_of_blocker(target, &source.name, "is not ready", progress).await?;
    }
    let cluster = Cluster::connect_for_streams(&target.kubeconfig, &target.cluster.context).await?;
    let mut lines = cluster.follow_logs(sources, tail).await?;
    loop {
        match timeout(LOOK_EVERY, lines.recv()).await {
            Ok(Some((component, text))) => take(LogLine { component, text })?,
            Ok(None) => return Ok(()),
            // A cluster that does not answer for a while may still have the plane.
            Err(_) if running(target).await.is_ok_and(|parts| parts.is_empty()) => {
                progress.note("The plane was removed: there is nothing more to follow.");
                return Ok(());
            }
            Err(_) => {}
        }
    }
}

/// Components that are meant: those that are named, else all that are there.
///
/// # Errors
/// [`Code::PlaneNotStarted`] when none is there; [`Code::ComponentNotFound`] for a name that is none.
pub(super) async fn components(plane: &Plane, target: &Target, wanted: &[String]) -> Result<Vec<String>> {
    let known = running(target).await?;
    if known.is_empty() {
        return Err(absent(plane, target));
    }
    component::choose(wanted, &known)
}

/// There is no plane where it is looked for.
pub(super) fn absent(plane: &Plane, target: &Target) -> Error {
    Error::new(
        Code::PlaneNotStarted,
        format!(
            "the plane of context `{}` is not in namespace {} of cluster `{}`",
            plane.context.name, target.namespace, target.cluster.context
        ),
    )
}

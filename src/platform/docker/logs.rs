//! What the components wrote.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, SelectAll};
use futures_util::{Stream, TryStreamExt};

use super::session::{Session, component as component_of, is_previous};
use super::status::blocker;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::docker::Engine;
use crate::docker::container::Found;
use crate::docker::logs::{Line, Reading};
use crate::plane::spec::Spec;
use crate::platform::{LogLine, Logs, Progress, TakeLine, component};

/// How often a container that does not run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

type Lines = Pin<Box<dyn Stream<Item = Result<Line>> + Send>>;

/// Reads logs, in the order of their times; a followed one in the order of their coming.
pub(super) async fn logs(
    session: &Session<'_>,
    which: &Logs,
    take: &mut TakeLine<'_>,
    progress: &dyn Progress,
) -> Result<()> {
    let ours: Vec<Found> = session.ours().await?.into_iter().filter(|found| !is_previous(found)).collect();
    let chosen = choose(session, &ours, &which.components)?;
    if which.follow {
        follow(session, &chosen, which.tail, take).await?;
        progress.note("The plane was removed: there is nothing more to follow.");
        return Ok(());
    }
    let reading = Reading { tail: which.tail, ..Reading::default() };
    let mut open = Vec::new();
    for name in chosen {
        let Some(found) = ours.iter().find(|found| component_of(found) == name) else { continue };
        let mut lines: Lines = Box::pin(session.engine.logs(&found.id, &found.name, reading));
        let head = lines.try_next().await?;
        if let (None, Some(why)) = (&head, blocker(found)) {
            progress.note(&format!("{name} has written nothing: {why}"));
        }
        open.push((name, lines, head));
    }
    while let Some((name, lines, head)) =
        open.iter_mut().filter(|(.., head)| head.is_some()).min_by_key(|(.., head)| head.as_ref().map(|line| line.time))
    {
        if let Some(line) = head.take() {
            take(LogLine { component: name.clone(), text: line.text })?;
        }
        *head = lines.try_next().await?;
    }
    Ok(())
}

/// The components that are meant: those that the plane has, or those of them that were named.
fn choose(session: &Session<'_>, ours: &[Found], wanted: &[String]) -> Result<Vec<String>> {
    let mut known: Vec<String> =
        Spec::new(&session.plane.context, "", None)?.parts.into_iter().map(|part| part.name).collect();
    for found in ours {
        if !known.iter().any(|name| name == component_of(found)) {
            known.push(component_of(found).to_owned());
        }
    }
    if ours.is_empty() {
        let context = &session.plane.context.name;
        return Err(Error::new(Code::FileNotFound, format!("the plane of context {context} has no logs"))
            .because("it has no containers")
            .remedy("Start it with `mesheryctl system start`."));
    }
    component::choose(wanted, &known)
}

/// Takes lines until the plane is gone.
async fn follow(session: &Session<'_>, chosen: &[String], tail: Option<u32>, take: &mut TakeLine<'_>) -> Result<()> {
    let mut all = SelectAll::new();
    for name in chosen {
        let component = name.clone();
        let place = Place {
            engine: session.engine.clone(),
            name: session.container_name(name),
            network: session.name(),
            tail,
            last: None,
            read: None,
            open: None,
        };
        let lines = over_restarts(place);
        all.push(Box::pin(lines.map_ok(move |line| LogLine { component: component.clone(), text: line.text })));
    }
    while let Some(line) = all.try_next().await? {
        take(line)?;
    }
    Ok(())
}

/// Where a followed log is.
struct Place {
    engine: Engine,
    name: String,
    /// The plane's network, which goes with the plane alone.
    network: String,
    tail: Option<u32>,
    /// Time of the last line.
    last: Option<Timestamp>,
    /// The run of the container that was read last.
    read: Option<(String, Option<Timestamp>)>,
    /// What is left of it.
    open: Option<Lines>,
}

/// Lines of a container, of the one that is started again, and of the one that takes its place, until the plane is gone.
fn over_restarts(place: Place) -> impl Stream<Item = Result<Line>> {
    stream::unfold(place, |mut place| async move {
        let line = place.next().await.transpose()?;
        Some((line, place))
    })
}

impl Place {
    /// The next line; `None` when the plane is gone.
    async fn next(&mut self) -> Result<Option<Line>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(line) = open.try_next().await? {
                    self.last = Some(line.time);
                    return Ok(Some(line));
                }
                self.open = None;
            }
            let Some(found) = self.engine.container(&self.name).await? else {
                if self.engine.network(&self.network).await?.is_none() {
                    return Ok(None);
                }
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            let run = Some((found.id.clone(), found.state.started_at));
            if self.read == run {
                tokio::time::sleep(LOOK_EVERY).await;
                // The engine may close the log of one that goes on.
                if !found.is_running() {
                    continue;
                }
            }
            let tail = if self.last.is_none() { self.tail } else { None };
            let reading = Reading { follow: true, tail, after: self.last };
            self.open = Some(Box::pin(self.engine.logs(&found.id, &self.name, reading)));
            self.read = run;
        }
    }
}

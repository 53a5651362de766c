//! What the components wrote.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, SelectAll};
use futures_util::{Stream, TryStreamExt};

use super::session::{Session, component, is_previous};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::docker::Engine;
use crate::docker::container::Found;
use crate::docker::logs::{Line, Reading};
use crate::plane::spec::Spec;
use crate::platform::{LogLine, Logs, TakeLine};

/// How often a container that does not run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

type Lines = Pin<Box<dyn Stream<Item = Result<Line>> + Send>>;

/// Reads logs, in the order of their times; a followed one in the order of their coming.
pub(super) async fn logs(session: &Session<'_>, which: &Logs, take: &mut TakeLine<'_>) -> Result<()> {
    let ours: Vec<Found> = session.ours().await?.into_iter().filter(|found| !is_previous(found)).collect();
    let chosen = choose(session, &ours, &which.components)?;
    if which.follow {
        return follow(session, &chosen, which.tail, take).await;
    }
    let reading = Reading { tail: which.tail, ..Reading::default() };
    let mut open = Vec::new();
    for name in chosen {
        let Some(found) = ours.iter().find(|found| component(found) == name) else { continue };
        let mut lines: Lines = Box::pin(session.engine.logs(&found.id, &found.name, reading));
        let head = lines.try_next().await?;
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
        if !known.iter().any(|name| name == component(found)) {
            known.push(component(found).to_owned());
        }
    }
    if ours.is_empty() {
        let context = &session.plane.context.name;
        return Err(Error::new(Code::FileNotFound, format!("the plane of context {context} has no logs"))
            .because("it has no containers")
            .remedy("Start it with `mesheryctl system start`."));
    }
    if wanted.is_empty() {
        return Ok(known);
    }
    for name in wanted {
        if !known.contains(name) {
            return Err(Error::new(Code::ComponentNotFound, format!("the plane has no component `{name}`"))
                .details(text::did_you_mean(name, known.iter().map(String::as_str)))
                .detail(format!("components: {}", known.join(", "))));
        }
    }
    Ok(wanted.to_vec())
}

async fn follow(session: &Session<'_>, chosen: &[String], tail: Option<u32>, take: &mut TakeLine<'_>) -> Result<()> {
    let mut all = SelectAll::new();
    for name in chosen {
        let component = name.clone();
        let lines = over_restarts(session.engine.clone(), session.container_name(name), tail);
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
    tail: Option<u32>,
    /// Time of the last line.
    last: Option<Timestamp>,
    /// The run of the container that was read last.
    read: Option<(String, Option<Timestamp>)>,
    /// What is left of it.
    open: Option<Lines>,
}

/// Lines of a container, of the one that is started again, and of the one that takes its place; it never ends.
fn over_restarts(engine: Engine, name: String, tail: Option<u32>) -> impl Stream<Item = Result<Line>> {
    let place = Place { engine, name, tail, last: None, read: None, open: None };
    stream::unfold(place, |mut place| async move {
        let line = place.next().await;
        Some((line, place))
    })
}

impl Place {
    async fn next(&mut self) -> Result<Line> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(line) = open.try_next().await? {
                    self.last = Some(line.time);
                    return Ok(line);
                }
                self.open = None;
            }
            let Some(found) = self.engine.container(&self.name).await? else {
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

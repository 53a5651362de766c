//! Follows an operation from its first event to its last and shows how it goes, on stderr.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::base::error::{Code, Error, Kind, Result};
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::Progress;
use crate::model::event::{Event, Payload};
use crate::model::operation::{Operation, OperationStatus};
use crate::model::pattern::Action;

/// A year: no limit for a person, and no overflow of the clock.
const NO_LIMIT: Duration = Duration::from_hours(24 * 365);

/// Follows operation `id` to its end. Ctrl-C, SIGTERM and --timeout cancel it, and what it did is still told.
///
/// # Errors
/// Only what keeps it from being followed; how the operation ended stands in the operation, see [`failure`].
pub(crate) async fn follow(ctx: &Ctl, id: Uuid) -> Result<(Operation, Option<Error>)> {
    let client = ctx.client().await?;
    let _guard = ctx.cancel.guard();
    let (cancel, deadline) = (ctx.cancel.token(), Instant::now() + ctx.settings.timeout().unwrap_or(NO_LIMIT));
    let progress = ctx.ui.progress();
    let mut view = View { progress: &progress, total: 0, done: 0 };
    let mut events = client.follow(id);
    let mut stopped = None;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => if let Some(operation) = view.show(event?) { return Ok((operation, stopped)) },
                None => return Err(Error::new(Code::RemoteError, format!("the events of operation {id} ended before the operation did"))),
            },
            () = cancel.cancelled(), if stopped.is_none() => {
                stopped = Some(ctx.cancel.error("stopped"));
                client.cancel_operation(id).await?;
            }
            () = sleep_until(deadline), if stopped.is_none() => {
                stopped = Some(Error::new(Code::WaitTimeout, "the time limit of --timeout is over"));
                client.cancel_operation(id).await?;
            }
        }
    }
}

struct View<'p> {
    progress: &'p Progress<'p>,
    total: usize,
    done: usize,
}

impl View<'_> {
    /// Shows an event; the last one gives the operation.
    fn show(&mut self, event: Event) -> Option<Operation> {
        match event.payload? {
            Payload::Started { objects } => self.total = objects,
            Payload::Stage { name, context } => {
                let place = context.map(|context| format!(" ({context})")).unwrap_or_default();
                let what = stage(&name);
                self.progress.passing(what, place.trim(), &format!("{what}{place}"));
            }
            Payload::Progress { service, state, .. } => {
                self.progress.passing(&service, &state, &format!("{service}: {state}"));
            }
            Payload::Health(status) => {
                let state = format!("{} {}", status.health.word(), status.message);
                self.progress.passing(&status.service, &state, &format!("{}: {state}", status.service));
            }
            Payload::Object(result) => {
                self.done += 1;
                let because = result.because.map(|because| format!(": {because}")).unwrap_or_default();
                let count = format!("{}/{}", self.done, self.total);
                let state = format!("{} {}{because}", result.object, result.action.word());
                self.progress.passing(&count, &state, &format!("[{count}] {state}"));
            }
            Payload::Warning { .. } => {}
            Payload::Ended(operation) => return Some(*operation),
        }
        None
    }
}

fn stage(name: &str) -> &str {
    match name {
        "discover" => "asking the cluster what it serves",
        "compile" => "checking the pattern",
        "apply" => "applying",
        "delete" => "deleting",
        other => other,
    }
}

/// The error an ended operation stands for; `None` when it succeeded.
pub(crate) fn failure(operation: &Operation, stopped: Option<&Error>) -> Option<Error> {
    if let (Some(stopped), OperationStatus::Cancelled) = (stopped, operation.status) {
        return Some(left_behind(operation, stopped));
    }
    if operation.status == OperationStatus::Succeeded {
        return None;
    }
    let error = operation.error.clone().map_or_else(
        || Error::new(Code::RemoteError, format!("operation {} ended as {:?}", operation.id, operation.status)),
        Error::from,
    );
    // The operation knows best whether something was done, whatever the code's usual kind.
    Some(if operation.status == OperationStatus::PartlyFailed { error.kind_of(Kind::Partial) } else { error })
}

/// What a stopped operation leaves in the cluster.
fn left_behind(operation: &Operation, stopped: &Error) -> Error {
    let count = |wanted: &[Action]| operation.results.iter().filter(|result| wanted.contains(&result.action)).count();
    let done = count(&[Action::Created, Action::Configured, Action::Unchanged, Action::Deleted, Action::Absent]);
    let open = count(&[Action::Withheld]);
    let message = format!(
        "{}: {} done and left as they are, {open} not attempted",
        stopped.message(),
        text::count(done, "object")
    );
    Error::new(stopped.code(), message)
        .remedy("Run the command again to go on, or `mesheryctl pattern delete` to take back what was done.")
}

//! Follows an operation from its first event to its last: shows how it goes on stderr, one line a service on a
//! terminal and plain lines elsewhere, and streams its results to stdout under `-o jsonl`.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use uuid::Uuid;

use crate::base::error::{Code, Error, Kind, Result};
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::live::Live;
use crate::ctl::live::frame::Look;
use crate::ctl::ui::{Format, Region, Ui};
use crate::model::event::{Event, Payload};
use crate::model::operation::{Operation, OperationStatus};
use crate::model::pattern::{Action, Health, ObjectResult};

/// A year: no limit for a person, and no overflow of the clock.
const NO_LIMIT: Duration = Duration::from_hours(24 * 365);
/// Time between two pictures on a terminal.
const FRAME: Duration = Duration::from_millis(100);

/// Flags of every verb that follows an operation.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct FollowArgs {
    /// With -o jsonl: print every event as it happens instead of the results alone.
    #[arg(long, hide_short_help = true)]
    events: bool,
}

impl FollowArgs {
    /// Makes the run follow as the flags say.
    pub(crate) fn settle(self, ctx: &Ctl) -> Result<()> {
        if self.events && *ctx.ui.format() != Format::Jsonl {
            return Err(Error::new(Code::UsageError, "--events goes with -o jsonl only")
                .because(format!("the form of the output is {}", ctx.ui.format().word()))
                .remedy("Add -o jsonl, or leave --events away."));
        }
        ctx.stream_events(self.events);
        Ok(())
    }
}

/// Follows operation `id` to its end. Ctrl-C, SIGTERM and the end of `limit` cancel it, and what it did
/// is still told.
///
/// Under `-o jsonl` the results go to stdout here, each as it is reached; [`crate::ctl::cmd::pattern::objects::show`]
/// leaves them out then.
///
/// # Errors
/// Only what keeps it from being followed; how the operation ended stands in the operation, see [`failure`].
pub(crate) async fn follow(ctx: &Ctl, id: Uuid, limit: Option<Duration>) -> Result<(Operation, Option<Error>)> {
    let client = ctx.client().await?;
    let _guard = ctx.cancel.guard();
    let (cancel, deadline) = (ctx.cancel.token(), Instant::now() + limit.unwrap_or(NO_LIMIT));
    let mut view = View::begin(ctx);
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut events = client.follow(id);
    let mut stopped = None;
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled(), if stopped.is_none() => {
                stopped = Some(ctx.cancel.error("stopped"));
                client.cancel_operation(id).await?;
            }
            () = sleep_until(deadline), if stopped.is_none() => {
                stopped = Some(Error::new(Code::WaitTimeout, "the time limit of --timeout is over"));
                client.cancel_operation(id).await?;
            }
            _ = frames.tick(), if view.region.is_animated() => view.draw(),
            event = events.next() => match event {
                Some(event) => if let Some(operation) = view.take(event?)? { return Ok((operation, stopped)) },
                None => return Err(Error::new(Code::RemoteError, format!("the events of operation {id} ended before the operation did"))),
            },
        }
    }
}

/// What is shown of a running operation.
struct View<'c> {
    live: Live,
    region: Region<'c>,
    stream: Stream<'c>,
    began: Instant,
    tick: usize,
}

impl<'c> View<'c> {
    fn begin(ctx: &'c Ctl) -> Self {
        let stream = Stream::of(ctx);
        let region = ctx.ui.region(stream.what != Lines::None);
        let mut view = Self { live: Live::default(), region, stream, began: Instant::now(), tick: 0 };
        view.draw();
        view
    }

    /// Shows an event; the last one gives the operation.
    fn take(&mut self, event: Event) -> Result<Option<Operation>> {
        if let Some(line) = self.live.take(&event, self.began.elapsed()) {
            self.region.line(&line);
        }
        self.stream.event(&event)?;
        let Some(Payload::Ended(operation)) = event.payload else { return Ok(None) };
        self.stream.rest(&operation.results)?;
        Ok(Some(*operation))
    }

    fn draw(&mut self) {
        if !self.region.is_animated() {
            return;
        }
        let look = Look { height: self.region.height(), unicode: self.region.is_unicode(), tick: self.tick };
        self.tick += 1;
        self.region.draw(&self.live.frame(self.began.elapsed(), look));
    }
}

/// What goes to stdout while the operation runs.
struct Stream<'c> {
    ui: &'c Ui,
    what: Lines,
    told: Vec<ObjectResult>,
    /// In place, and still waited for.
    open: Vec<ObjectResult>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// Nothing: the verb shows the results when all is done.
    None,
    /// One result a line.
    Results,
    /// One event a line.
    Events,
}

impl<'c> Stream<'c> {
    fn of(ctx: &'c Ctl) -> Self {
        let what = match (ctx.ui.format(), ctx.streams_events()) {
            (Format::Jsonl, true) => Lines::Events,
            (Format::Jsonl, false) => Lines::Results,
            _ => Lines::None,
        };
        Self { ui: &ctx.ui, what, told: Vec::new(), open: Vec::new() }
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        match (self.what, &event.payload) {
            (Lines::Events, _) => self.line(event),
            (Lines::Results, Some(Payload::Object(result))) if result.health == Some(Health::InProgress) => {
                self.open.push(ObjectResult::clone(result));
                Ok(())
            }
            (Lines::Results, Some(Payload::Object(result))) => self.result(ObjectResult::clone(result)),
            (Lines::Results, Some(Payload::Health(status))) if status.health == Health::Ready => {
                let same = |open: &ObjectResult| open.context == status.context && open.object == status.object;
                match self.open.iter().position(same) {
                    Some(at) => {
                        let result = self.open.swap_remove(at);
                        self.result(ObjectResult { health: Some(Health::Ready), ..result })
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn result(&mut self, result: ObjectResult) -> Result<()> {
        self.line(&result)?;
        self.told.push(result);
        Ok(())
    }

    /// Results whose outcome only the end tells, such as those that were not ready in time.
    fn rest(&mut self, results: &[ObjectResult]) -> Result<()> {
        if self.what != Lines::Results {
            return Ok(());
        }
        let told = std::mem::take(&mut self.told);
        results.iter().filter(|result| !told.contains(result)).try_for_each(|result| self.line(result))
    }

    /// The operation is not to end halfway because its reader went away.
    fn line(&self, value: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(value)
            .map_err(|error| Error::internal("a value cannot be written as JSON").because(error))?;
        self.ui.document(format!("{line}\n").as_bytes())
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

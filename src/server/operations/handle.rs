//! What the code that does an operation holds: it tells what happens and hears when to stop.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Entry, Inner};
use crate::base::{Error, Result, clock};
use crate::model::event::{Event, Payload, Severity};
use crate::model::operation::{ContextFailure, Operation, OperationKind, OperationStatus};
use crate::model::pattern::{Action, Health, ObjectResult, ObjectStatus};
use crate::model::performance::summary::Measured;

/// A running operation. Telling never waits and never fails; dropping the handle without [`Handle::finish`] ends the
/// operation as failed.
pub struct Handle {
    inner: Arc<Inner>,
    id: Uuid,
    kind: OperationKind,
    cancel: CancellationToken,
}

impl Handle {
    pub(super) fn new(inner: Arc<Inner>, id: Uuid, kind: OperationKind, cancel: CancellationToken) -> Self {
        Self { inner, id, kind, cancel }
    }

    /// Id of the operation.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Cancelled when the operation is to stop: by request, or because the server stops.
    pub fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Tells how many objects the operation has over all contexts.
    pub fn started(&self, objects: usize) {
        let text = crate::base::text::count(objects, "object");
        self.tell(Severity::Informational, format!("began with {text}"), Payload::Started { objects });
    }

    /// Tells that a stage began.
    pub fn stage(&self, name: &str, context: Option<&str>) {
        let summary = context.map_or_else(|| name.to_owned(), |context| format!("{name} in {context}"));
        let payload = Payload::Stage { name: name.to_owned(), context: context.map(str::to_owned) };
        self.tell(Severity::Informational, summary, payload);
    }

    /// Tells what is being done, or waited for, on the object of a service.
    pub fn progress(&self, context: &str, service: &str, state: &str) {
        let payload = Payload::Progress {
            service: service.to_owned(),
            state: state.to_owned(),
            context: Some(context.to_owned()),
        };
        self.tell(Severity::Informational, format!("{service}: {state}"), payload);
    }

    /// Tells how ready an object is that is waited for.
    pub fn health(&self, status: ObjectStatus) {
        let severity = if status.health == Health::Failed { Severity::Warning } else { Severity::Informational };
        let summary = format!("{} {}: {}", status.object, status.health.word(), status.message);
        self.tell(severity, summary, Payload::Health(Box::new(status)));
    }

    /// Tells the outcome for one object and adds it to the operation's results.
    pub fn object(&self, result: ObjectResult) {
        let severity = match result.action {
            Action::Failed => Severity::Error,
            Action::Withheld => Severity::Warning,
            _ => Severity::Success,
        };
        let summary = format!("{} {}", result.object, result.action.word());
        self.change(|operation| operation.results.push(result.clone()));
        self.tell(severity, summary, Payload::Object(Box::new(result)));
    }

    /// Tells what a measurement has measured so far.
    pub fn measured(&self, measured: Measured) {
        let rate = crate::base::text::count(measured.answered_per_second() as usize, "response");
        self.tell(Severity::Informational, format!("{rate} a second"), Payload::Measured(measured));
    }

    /// Puts what is known now of an object, such as its health, in the place of its result.
    pub fn amend(&self, result: &ObjectResult) {
        self.change(|operation| {
            let same = |known: &&mut ObjectResult| known.context == result.context && known.object == result.object;
            if let Some(known) = operation.results.iter_mut().rev().find(same) {
                known.clone_from(result);
            }
        });
    }

    /// Replaces all results of a context.
    pub fn restate(&self, context: &str, results: &[ObjectResult]) {
        self.change(|operation| {
            operation.results.retain(|known| known.context != context);
            operation.results.extend_from_slice(results);
        });
    }

    /// Records the contexts in which nothing could be begun.
    pub fn failures(&self, failures: &[ContextFailure]) {
        self.change(|operation| operation.failures = failures.to_vec());
    }

    /// Tells something worth knowing and adds it to the operation's warnings.
    pub fn warning(&self, message: impl Into<String>) {
        let message = message.into();
        self.change(|operation| operation.warnings.push(message.clone()));
        self.tell(Severity::Warning, message.clone(), Payload::Warning { message });
    }

    /// Ends the operation; it is on disk when this returns. The first call counts, later ones change nothing.
    pub async fn finish(&self, status: OperationStatus, error: Option<&Error>) -> Result<Operation> {
        if let Some(waiting) = self.end(status, error) {
            waiting.await.map_err(|_| Error::internal("the writer of events has stopped"))??;
        }
        super::Operations { inner: self.inner.clone() }.get(self.id).await
    }

    fn end(&self, status: OperationStatus, error: Option<&Error>) -> Option<oneshot::Receiver<Result<()>>> {
        let operation = {
            let mut running = self.inner.running.lock();
            let operation = &mut running.get_mut(&self.id)?.operation;
            if operation.status.is_final() {
                return None;
            }
            operation.status = status;
            operation.ended_at = Some(clock::now());
            operation.error = error.map(Error::report);
            operation.clone()
        };
        let (done, waiting) = oneshot::channel();
        self.queue(ended(&operation), Some(done));
        Some(waiting)
    }

    fn change(&self, change: impl FnOnce(&mut Operation)) {
        if let Some(live) = self.inner.running.lock().get_mut(&self.id) {
            change(&mut live.operation);
        }
    }

    fn tell(&self, severity: Severity, summary: String, payload: Payload) {
        self.queue(event(self.id, self.kind, severity, summary, payload), None);
    }

    fn queue(&self, event: Event, done: Option<oneshot::Sender<Result<()>>>) {
        if self.inner.queue.send(Entry { event, done }).is_err() {
            tracing::error!(operation = %self.id, "the writer of events has stopped");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let error = Error::internal("the task of the operation ended without an outcome");
        let _ = self.end(OperationStatus::Failed, Some(&error));
    }
}

/// The last event of an operation.
pub(super) fn ended(operation: &Operation) -> Event {
    let (severity, word) = match operation.status {
        OperationStatus::Succeeded => (Severity::Success, "succeeded"),
        OperationStatus::PartlyFailed => (Severity::Error, "partly failed"),
        OperationStatus::Cancelled => (Severity::Warning, "was cancelled"),
        OperationStatus::Abandoned => (Severity::Error, "was abandoned: the process that ran it ended"),
        OperationStatus::Failed | OperationStatus::Running => (Severity::Error, "failed"),
    };
    let summary = format!("{} of {} {word}", action(operation.kind), operation.subject);
    let payload = Payload::Ended(Box::new(operation.clone()));
    let mut event = event(operation.id, operation.kind, severity, summary, payload);
    event.details = operation.error.as_ref().map(|report| report.message.clone()).unwrap_or_default();
    event
}

fn event(id: Uuid, kind: OperationKind, severity: Severity, summary: String, payload: Payload) -> Event {
    Event {
        id: 0,
        operation_id: Some(id),
        created_at: clock::now(),
        severity,
        category: if kind == OperationKind::PerfRun { "performance" } else { "pattern" }.to_owned(),
        action: action(kind).to_owned(),
        summary,
        details: String::new(),
        payload: Some(payload),
    }
}

fn action(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::PatternApply => "apply",
        OperationKind::PatternDelete => "delete",
        OperationKind::PatternRollback => "rollback",
        OperationKind::PatternAdopt => "adopt",
        OperationKind::PerfRun => "run",
    }
}

//! Waits until an object is ready, tells how it goes, and names what keeps it from it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::Work;
use crate::base::error::{Code, Error, Result};
use crate::cluster::status;
use crate::model::pattern::{Action, Health, ObjectResult, ObjectStatus};

/// Between two looks at an object: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long an object may stay as it is before it is asked what keeps it.
const PATIENCE: Duration = Duration::from_secs(3);

impl Work<'_> {
    /// Whether readiness of this object is waited for.
    pub(super) fn waits_for(&self, result: &ObjectResult) -> bool {
        let request = &self.target.request;
        (request.wait || request.atomic) && !request.adopt && result.action != Action::Skipped
    }

    /// Waits from the first look at `live` on until the object is ready.
    ///
    /// # Errors
    /// [`Code::ObjectNotReady`] when it reports a failure or is gone, [`Code::WaitTimeout`] when the time is over;
    /// both with what keeps it, as far as the cluster tells.
    pub(super) async fn until_ready(&self, index: usize, live: Value) -> Result<()> {
        let planned = &self.target.compiled.objects[index];
        let cancel = self.job.handle.cancelled();
        let mut look = Look { work: self, index, told: None, since: Instant::now(), asked: false };
        let (mut live, mut pause) = (Some(live), FIRST_PAUSE);
        loop {
            let (health, message) = status::health(live.as_ref());
            match health {
                Health::Ready => {
                    look.tell(live.as_ref(), health, message);
                    return Ok(());
                }
                Health::Failed | Health::Missing | Health::Terminating => {
                    let message = look.explained(live.as_ref(), message, true).await;
                    look.tell(live.as_ref(), health, message.clone());
                    return Err(self.not_ready(index, health, &message));
                }
                Health::InProgress => {}
            }
            let message = look.explained(live.as_ref(), message, false).await;
            look.tell(live.as_ref(), health, message.clone());
            tokio::select! {
                () = sleep(pause) => {}
                () = sleep_until(self.deadline) => {
                    let (_, message) = status::health(live.as_ref());
                    let message = look.explained(live.as_ref(), message, true).await;
                    return Err(self.too_late(index, &message));
                }
                () = cancel.cancelled() => {
                    return Err(Error::new(Code::OperationCancelled, format!("{} was not ready yet", planned.object)));
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            // An API server that does not answer for a moment says nothing about the object.
            if let Ok(now) = self.target.cluster.get(&planned.kind, &planned.object).await {
                live = now;
            }
        }
    }

    fn not_ready(&self, index: usize, health: Health, message: &str) -> Error {
        let object = &self.target.compiled.objects[index].object;
        Error::new(Code::ObjectNotReady, format!("{object} is {}: {message}", health.word()))
    }

    fn too_late(&self, index: usize, message: &str) -> Error {
        let object = &self.target.compiled.objects[index].object;
        Error::new(Code::WaitTimeout, format!("{object} was not ready in time: {message}"))
    }
}

/// What was told of an object so far.
struct Look<'a> {
    work: &'a Work<'a>,
    index: usize,
    told: Option<(Health, String)>,
    since: Instant,
    asked: bool,
}

impl Look<'_> {
    /// The message, with what keeps the object where it has not moved for a while, or at the end.
    async fn explained(&mut self, live: Option<&Value>, message: String, last: bool) -> String {
        let moved = self.told.as_ref().is_none_or(|(_, told)| !told.starts_with(&message));
        if moved && !last {
            (self.since, self.asked) = (Instant::now(), false);
            return message;
        }
        let Some(live) = live else { return message };
        if !last && (self.asked || self.since.elapsed() < PATIENCE) {
            return self.told.as_ref().map_or(message, |(_, told)| told.clone());
        }
        (self.since, self.asked) = (Instant::now(), !last);
        let lines = self.work.target.cluster.blocker(live).await.lines();
        if lines.is_empty() { message } else { format!("{message}; {}", lines.join("; ")) }
    }

    fn tell(&mut self, live: Option<&Value>, health: Health, message: String) {
        let now = (health, message);
        if self.told.as_ref() == Some(&now) {
            return;
        }
        let (planned, target) = (&self.work.target.compiled.objects[self.index], self.work.target);
        self.work.job.handle.health(ObjectStatus {
            context: target.cluster.context.clone(),
            service: planned.service.clone(),
            object: planned.object.clone(),
            health,
            message: now.1.clone(),
            created_at: live
                .and_then(|live| live["metadata"]["creationTimestamp"].as_str())
                .and_then(|text| text.parse().ok()),
        });
        self.told = Some(now);
    }
}

//! Waiting until components are ready, and naming what keeps them from it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::target::Target;
use crate::base::{Code, Error, Kind, Result};
use crate::cluster::blocker::Blocker;
use crate::cluster::status::health;
use crate::model::pattern::Health;
use crate::plane::kubernetes::CLAIM;
use crate::plane::spec::{BROKER, SERVER};
use crate::platform::Progress;

/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Looks between two searches for what blocks.
const SEARCH_EVERY: u32 = 6;

/// Words for an image that cannot be had.
const UNPULLABLE: &[&str] = &["ImagePullBackOff", "ErrImagePull", "InvalidImageName"];

/// How long a wait may last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    end: Instant,
    length: Duration,
}

impl Limit {
    /// From now on.
    pub(super) fn of(length: Duration) -> Self {
        Self { end: Instant::now() + length, length }
    }

    /// Whether it is over.
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.end
    }

    /// What is left of it.
    pub(super) fn rest(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Its whole length in seconds.
    pub(super) fn seconds(self) -> u64 {
        self.length.as_secs()
    }
}

/// Waits until every component is ready at its present generation.
///
/// # Errors
/// [`Code::PlaneBlocked`] at once for what no waiting helps against, [`Code::PlaneNotReady`] at the limit.
pub(super) async fn wait(target: &Target, parts: &[String], limit: Limit, progress: &dyn Progress) -> Result<()> {
    let waits = parts.iter().map(|part| one(target, part, limit, progress));
    futures_util::future::try_join_all(waits).await.map(drop)
}

async fn one(target: &Target, part: &str, limit: Limit, progress: &dyn Progress) -> Result<()> {
    let mut look = 0;
    let mut blocker = Found::default();
    loop {
        let live = target.deployment(part).await?;
        let (state, message) = health(live.as_ref());
        if state == Health::Ready {
            progress.done(part, "ready");
            return Ok(());
        }
        look += 1;
        if look % SEARCH_EVERY == 0 || limit.is_over() {
            blocker = find(target, part, live.as_ref()).await;
        }
        progress.state(part, blocker.first().unwrap_or(&message));
        if let Some(hopeless) = blocker.hopeless() {
            progress.failed(part, hopeless);
            let text = format!("{part} cannot become ready");
            return Err(blocker.explain(part, Error::new(Code::PlaneBlocked, text)));
        }
        if limit.is_over() {
            progress.failed(part, blocker.first().unwrap_or(&message));
            let text = format!("{part} was not ready after {} s", limit.seconds());
            let error = Error::new(Code::PlaneNotReady, text);
            return Err(if blocker.first().is_some() { blocker.explain(part, error) } else { error.because(message) });
        }
        sleep(PAUSE.min(limit.rest())).await;
    }
}

/// What keeps a component from being ready; `None` when nothing is found.
pub(super) async fn message(target: &Target, part: &str, live: &Value) -> Option<String> {
    find(target, part, Some(live)).await.lines.into_iter().next()
}

#[derive(Debug, Default)]
struct Found {
    lines: Vec<String>,
}

/// Looks at the pods, and at the claim that the server's pod waits for.
async fn find(target: &Target, part: &str, live: Option<&Value>) -> Found {
    let mut lines = Vec::new();
    if part == SERVER {
        lines.extend(claim(target).await);
    }
    if let Some(live) = live {
        let Blocker { reason, event, log } = target.cluster.blocker(live).await;
        lines.extend(reason);
        lines.extend(event.map(|event| format!("last event: {event}")));
        lines.extend(log.map(|log| format!("last log line: {log}")));
    }
    Found { lines }
}

/// Why the claim has no volume; a class that waits for the pod is no reason.
async fn claim(target: &Target) -> Option<String> {
    let claim = target.get("v1", "PersistentVolumeClaim", CLAIM).await.ok().flatten()?;
    if claim["status"]["phase"] == "Bound" {
        return None;
    }
    let event = target.cluster.blocker(&claim).await.event;
    if event.as_ref().is_some_and(|event| event.starts_with("WaitForFirstConsumer")) {
        return None;
    }
    let phase = claim["status"]["phase"].as_str().unwrap_or("Pending").to_owned();
    let event = event.map(|event| format!(": {event}")).unwrap_or_default();
    Some(format!("claim {CLAIM} is {phase}{event}"))
}

impl Found {
    fn first(&self) -> Option<&str> {
        self.lines.first().map(String::as_str)
    }

    fn has(&self, words: &[&str]) -> bool {
        self.lines.iter().any(|line| words.iter().any(|word| line.contains(word)))
    }

    /// The line about something that does not go away by waiting.
    fn hopeless(&self) -> Option<&str> {
        const WORDS: &[&str] = &[
            "ErrImageNeverPull",
            "InvalidImageName",
            "no storage class is set",
            "CreateContainerConfigError",
            "is forbidden: violates PodSecurity",
        ];
        self.lines.iter().find(|line| WORDS.iter().any(|word| line.contains(word))).map(String::as_str)
    }

    /// The error with what was found and what helps against it. What no waiting helps against is the cause.
    fn explain(&self, part: &str, error: Error) -> Error {
        let cause = self.hopeless().or(self.first());
        let rest = self.lines.iter().filter(|line| Some(line.as_str()) != cause).cloned();
        let error = match cause {
            Some(cause) => error.because(cause).details(rest),
            None => error,
        };
        let error = if self.has(UNPULLABLE) { error.kind_of(Kind::NotFound) } else { error };
        match self.remedy(part) {
            Some(remedy) => error.remedy(remedy),
            None => error,
        }
    }

    fn remedy(&self, part: &str) -> Option<&'static str> {
        if part == BROKER && (self.has(UNPULLABLE) || self.has(&["ErrImageNeverPull"])) {
            return Some(
                "Name a NATS image that the nodes can pull with `mesheryctl system start --broker=REFERENCE`, or start \
                 without --broker: the broker is no image of this program.",
            );
        }
        let rows: [(&[&str], &str); 6] = [
            (
                &["ErrImageNeverPull"],
                "Start with a --load that brings this program's image to the nodes: auto, kind, k3d, minikube or containerd[=SOCKET]; or push the image with `mesheryctl system image push REFERENCE` and start with --image REFERENCE.",
            ),
            (
                UNPULLABLE,
                "Push the image with `mesheryctl system image push REFERENCE` and start with --image REFERENCE, or leave --image out to load this program's own.",
            ),
            (
                &["does not exist", "no such file or directory"],
                "Create the folder of --storage hostpath on the node, and start again.",
            ),
            (
                &["claim ", "unbound immediate PersistentVolumeClaims", "PersistentVolumeClaim"],
                "Stop the plane and start it with --storage hostpath=FOLDER@NODE or --storage ephemeral, or name a class with --storage-class.",
            ),
            (
                &["Insufficient", "exceeded quota"],
                "Make room on the nodes or in the quota of the namespace, and start again.",
            ),
            (&["CrashLoopBackOff", "exit code"], "Read more with `mesheryctl system logs`."),
        ];
        rows.iter().find(|(words, _)| self.has(words)).map(|(_, remedy)| *remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Found {
        Found { lines: vec![line.to_owned()] }
    }

    #[test]
    fn some_blockers_are_hopeless_and_each_has_a_remedy() {
        let claim = "claim meshery-data is Pending: FailedBinding: no persistent volumes available for this claim and no storage class is set";
        assert!(found(claim).hopeless().is_some());
        assert!(found(claim).remedy(SERVER).unwrap().contains("--storage"));
        let never = "pod meshery-1: container meshery: ErrImageNeverPull";
        assert!(found(never).hopeless().is_some());
        let pull = "pod meshery-1: container meshery: ImagePullBackOff";
        assert!(found(pull).hopeless().is_none());
        assert!(found(pull).remedy(SERVER).unwrap().contains("system image push"));
        assert!(found(pull).remedy(BROKER).unwrap().contains("--broker=REFERENCE"));
        assert!(found(never).remedy(SERVER).unwrap().contains("--load"));
        assert_eq!(found("something else").remedy(SERVER), None);
    }

    #[test]
    fn an_error_tells_the_first_reason_as_cause_and_the_rest_as_details() {
        let found = Found { lines: vec!["a".into(), "last event: b".into()] };
        let report = found.explain(SERVER, Error::new(Code::PlaneNotReady, "x")).report();
        assert_eq!(report.probable_cause.as_deref(), Some("a"));
        assert_eq!(report.details, ["last event: b"]);
        let never = "last event: Failed: Error: ErrImageNeverPull".to_owned();
        let found = Found { lines: vec!["pod p: container c: ContainerCreating".into(), never.clone()] };
        let report = found.explain(SERVER, Error::new(Code::PlaneBlocked, "x")).report();
        assert_eq!(report.probable_cause, Some(never), "what no waiting helps against goes first");
        let pull = Found { lines: vec!["pod p: container c: ErrImagePull".into()] };
        assert_eq!(pull.explain(SERVER, Error::new(Code::PlaneNotReady, "x")).kind(), Kind::NotFound);
    }
}

//! What an operation is doing, as its events tell it: one row a service. Pure: time comes in as what has passed since
//! the operation is followed, and nothing is drawn here; [`frame`] lays the rows out.

pub(super) mod frame;

use std::collections::HashMap;
use std::time::Duration;

use crate::model::event::{Event, Payload};
use crate::model::kubernetes::ObjectRef;
use crate::model::pattern::{Action, Health, ObjectResult, ObjectStatus};

/// States that only say that work on a service began; its outcome says more a moment later.
const OPENERS: &[&str] = &["applying", "deleting", "adopting", "recreating", "rolling back"];

/// The operation so far.
#[derive(Debug, Default)]
pub(crate) struct Live {
    rows: Vec<Row>,
    at: HashMap<(String, String), usize>,
    contexts: Vec<String>,
    stage: Option<String>,
    total: usize,
    done: usize,
}

/// One service in one context.
#[derive(Debug)]
pub(super) struct Row {
    context: String,
    service: String,
    began: Duration,
    settled: Option<Duration>,
    doing: Option<String>,
    parts: Vec<Part>,
}

/// One object of a service.
#[derive(Debug)]
struct Part {
    object: ObjectRef,
    action: Option<Action>,
    health: Option<Health>,
    message: String,
    /// Whether something else than readiness was told of its health.
    waited: bool,
}

/// Where a service stands, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It failed, and the operation leaves it so.
    Failed,
    /// Its cluster reports a failure, and it is still waited for.
    Blocked,
    /// It is in place and waited for.
    Waiting,
    /// It is worked on.
    Working,
    /// It was not attempted, or taken back.
    Left,
    /// It is as wanted.
    Done,
}

impl Phase {
    /// Whether the operation still works on it.
    pub(super) fn is_active(self) -> bool {
        matches!(self, Phase::Blocked | Phase::Waiting | Phase::Working)
    }
}

impl Live {
    /// Takes an event that came `now` after the first, and gives the line that tells it where nothing is animated;
    /// none when it says nothing new.
    pub(crate) fn take(&mut self, event: &Event, now: Duration) -> Option<String> {
        match event.payload.as_ref()? {
            Payload::Started { objects } => self.total = *objects,
            Payload::Stage { name, context } => return Some(self.stage(name, context.as_deref())),
            Payload::Progress { service, state, context } => {
                return self.progress(service, state, context.as_deref().unwrap_or_default(), now);
            }
            Payload::Health(status) => return self.health(status, now),
            Payload::Object(result) => return Some(self.object(result, now)),
            Payload::Measured(_) | Payload::Warning { .. } | Payload::Ended(_) => {}
        }
        None
    }

    fn stage(&mut self, name: &str, context: Option<&str>) -> String {
        let what = stage(name);
        self.stage = Some(what.to_owned());
        let Some(context) = context else { return what.to_owned() };
        self.knows(context);
        format!("{what} ({context})")
    }

    fn progress(&mut self, service: &str, state: &str, context: &str, now: Duration) -> Option<String> {
        let place = self.place(context);
        let row = self.row(context, service, now);
        if row.doing.as_deref() == Some(state) {
            return None;
        }
        row.doing = Some(state.to_owned());
        row.settled = None;
        (!OPENERS.contains(&state)).then(|| format!("{service}: {state}{place}"))
    }

    fn health(&mut self, status: &ObjectStatus, now: Duration) -> Option<String> {
        let place = self.place(&status.context);
        let row = self.row(&status.context, &status.service, now);
        row.doing = None;
        let began = row.began;
        let part = row.part(&status.object);
        if part.health == Some(status.health) && part.message == status.message {
            return None;
        }
        let waited = part.waited;
        part.waited |= status.health != Health::Ready;
        part.health = Some(status.health);
        part.message.clone_from(&status.message);
        let several = row.parts.len() > 1;
        row.settle(now);
        let what = if several { format!("{}, {}", status.service, status.object) } else { status.service.clone() };
        let state = match status.health {
            Health::Ready if waited => format!("ready after {}", age(now.saturating_sub(began))),
            Health::Ready => "ready".to_owned(),
            health if status.message.is_empty() => health.word().to_owned(),
            health => format!("{}, {}", health.word(), status.message),
        };
        Some(format!("{what}: {state}{place}"))
    }

    fn object(&mut self, result: &ObjectResult, now: Duration) -> String {
        self.done += 1;
        let place = self.place(&result.context);
        let row = self.row(&result.context, &result.service, now);
        row.doing = None;
        let part = row.part(&result.object);
        part.action = Some(result.action);
        // One that is waited for says so before its health is told.
        part.health = part.health.or(result.health);
        let error = result.error.as_ref().map(|error| match &error.probable_cause {
            Some(cause) => format!("{}: {cause}", error.message),
            None => error.message.clone(),
        });
        if let Some(why) = error.or_else(|| result.because.clone()) {
            part.message = why;
        }
        row.settle(now);
        let because = result.because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
        // What is taken back is told a second time; the count says how many objects there are.
        let count = self.done.min(self.total.max(1));
        format!("[{count}/{}] {} {}{place}{because}", self.total, result.object, result.action.word())
    }

    fn knows(&mut self, context: &str) {
        if !context.is_empty() && !self.contexts.iter().any(|known| known == context) {
            self.contexts.push(context.to_owned());
        }
    }

    /// Names the context where there are several.
    fn place(&mut self, context: &str) -> String {
        self.knows(context);
        if self.contexts.len() > 1 && !context.is_empty() { format!(" ({context})") } else { String::new() }
    }

    fn row(&mut self, context: &str, service: &str, now: Duration) -> &mut Row {
        let rows = &mut self.rows;
        let at = *self.at.entry((context.to_owned(), service.to_owned())).or_insert_with(|| {
            rows.push(Row {
                context: context.to_owned(),
                service: service.to_owned(),
                began: now,
                settled: None,
                doing: None,
                parts: Vec::new(),
            });
            rows.len() - 1
        });
        &mut self.rows[at]
    }
}

impl Row {
    fn part(&mut self, object: &ObjectRef) -> &mut Part {
        let at = self.parts.iter().position(|part| part.object == *object).unwrap_or_else(|| {
            let part =
                Part { object: object.clone(), action: None, health: None, message: String::new(), waited: false };
            self.parts.push(part);
            self.parts.len() - 1
        });
        &mut self.parts[at]
    }

    fn settle(&mut self, now: Duration) {
        self.settled = (!self.phase().is_active()).then_some(now);
    }

    /// Where it stands: as the most urgent of its objects.
    pub(super) fn phase(&self) -> Phase {
        let worst = self.parts.iter().map(Part::phase).min();
        match (worst, &self.doing) {
            (None, _) | (Some(Phase::Done | Phase::Left), Some(_)) => Phase::Working,
            (Some(worst), _) => worst,
        }
    }

    /// One or two words: what is done with it, how ready it is, or what came of it.
    pub(super) fn state(&self) -> String {
        let phase = self.phase();
        if phase == Phase::Working {
            return self.doing.clone().unwrap_or_else(|| "working".to_owned());
        }
        let Some(part) = self.worst() else { return String::new() };
        match (part.action, part.health) {
            (Some(action), _) if !action.is_good() => action.word().to_owned(),
            (Some(action), Some(Health::Ready)) => format!("{}, ready", action.word()),
            (_, Some(health)) => health.word().to_owned(),
            (Some(action), None) => action.word().to_owned(),
            (None, None) => String::new(),
        }
    }

    /// What keeps it: the message of its most urgent object, with the object where there are several.
    pub(super) fn blocker(&self) -> Option<String> {
        if self.phase() == Phase::Done {
            return None;
        }
        let part = self.worst().filter(|part| !part.message.is_empty())?;
        Some(if self.parts.len() > 1 { format!("{}: {}", part.object, part.message) } else { part.message.clone() })
    }

    fn worst(&self) -> Option<&Part> {
        self.parts.iter().min_by_key(|part| part.phase())
    }

    /// Time since it began, until it settled.
    pub(super) fn age(&self, now: Duration) -> Duration {
        self.settled.unwrap_or(now).saturating_sub(self.began)
    }
}

impl Part {
    fn phase(&self) -> Phase {
        match (self.action, self.health) {
            (Some(Action::Failed), _) => Phase::Failed,
            (Some(action), _) if !action.is_good() => Phase::Left,
            // Objects on their way out are waited for until their result says that they are gone.
            (Some(Action::Deleted | Action::Absent | Action::Pruned | Action::Skipped), _) => Phase::Done,
            (_, Some(Health::Failed)) => Phase::Blocked,
            (_, Some(Health::InProgress | Health::Terminating | Health::Missing)) => Phase::Waiting,
            (Some(_), _) => Phase::Done,
            (None, Some(Health::Ready) | None) => Phase::Working,
        }
    }
}

fn stage(name: &str) -> &str {
    match name {
        "discover" => "asking the cluster what it serves",
        "compile" => "checking the pattern",
        "apply" => "applying",
        "wait" => "waiting until everything is ready",
        "prune" => "deleting what left the pattern",
        "take back" => "taking back what was done",
        "adopt" => "adopting",
        "delete" => "deleting",
        other => other,
    }
}

/// `0s`, `12s`, `3m`: as ages are written elsewhere.
pub(super) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3_600),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::clock;
    use crate::model::event::Severity;

    pub(crate) fn event(payload: Payload) -> Event {
        Event {
            id: 1,
            operation_id: None,
            created_at: clock::now(),
            severity: Severity::Informational,
            category: "pattern".into(),
            action: "apply".into(),
            summary: String::new(),
            details: String::new(),
            payload: Some(payload),
        }
    }

    pub(crate) fn progress(service: &str, state: &str) -> Payload {
        Payload::Progress { service: service.into(), state: state.into(), context: Some("kind".into()) }
    }

    fn reference(service: &str) -> ObjectRef {
        ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: service.into(),
        }
    }

    pub(crate) fn object(context: &str, service: &str, action: Action) -> Payload {
        let error = (action == Action::Failed)
            .then(|| crate::base::Error::new(crate::base::Code::ObjectRefused, "the webhook refused it").report());
        Payload::Object(Box::new(ObjectResult {
            context: context.into(),
            service: service.into(),
            object: reference(service),
            action,
            because: None,
            error,
            health: None,
        }))
    }

    pub(crate) fn health(service: &str, health: Health, message: &str) -> Payload {
        Payload::Health(Box::new(ObjectStatus {
            context: "kind".into(),
            service: service.into(),
            object: reference(service),
            health,
            message: message.into(),
            created_at: None,
        }))
    }

    pub(crate) fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn lines(payloads: Vec<Payload>) -> (Live, Vec<String>) {
        let mut live = Live::default();
        let told = payloads.into_iter().enumerate();
        let told = told.filter_map(|(at, payload)| live.take(&event(payload), seconds(at as u64))).collect();
        (live, told)
    }

    #[test]
    fn every_state_of_a_waited_service_is_told_once() {
        let waiting = || health("web", Health::InProgress, "0 of 1 replicas available");
        let (live, told) = lines(vec![
            Payload::Started { objects: 1 },
            Payload::Stage { name: "apply".into(), context: Some("kind".into()) },
            progress("web", "applying"),
            progress("web", "waiting until its kind is served"),
            progress("web", "waiting until its kind is served"),
            object("kind", "web", Action::Created),
            waiting(),
            waiting(),
            health("web", Health::Failed, "web: CrashLoopBackOff"),
            health("web", Health::Ready, "1 of 1 replicas available"),
        ]);
        assert_eq!(
            told,
            [
                "applying (kind)",
                "web: waiting until its kind is served",
                "[1/1] Deployment shop/web created",
                "web: in-progress, 0 of 1 replicas available",
                "web: failed, web: CrashLoopBackOff",
                "web: ready after 7s",
            ]
        );
        let row = &live.rows[0];
        assert_eq!((row.phase(), row.state().as_str(), row.blocker()), (Phase::Done, "created, ready", None));
        assert_eq!(row.age(seconds(60)), seconds(7), "its clock stops when it is settled");
    }

    #[test]
    fn the_result_may_come_after_the_wait() {
        let (mut live, _) = lines(vec![
            Payload::Started { objects: 1 },
            health("web", Health::InProgress, "0 of 1 replicas available"),
        ]);
        assert_eq!(live.rows[0].phase(), Phase::Waiting);
        assert_eq!(live.rows[0].blocker().unwrap(), "0 of 1 replicas available");
        live.take(&event(object("kind", "web", Action::Failed)), seconds(5));
        assert_eq!((live.rows[0].phase(), live.rows[0].state().as_str()), (Phase::Failed, "failed"));
        assert_eq!(live.rows[0].blocker().unwrap(), "the webhook refused it");
    }

    #[test]
    fn contexts_are_named_where_there_are_several() {
        let (live, told) = lines(vec![
            Payload::Started { objects: 2 },
            Payload::Stage { name: "apply".into(), context: Some("a".into()) },
            Payload::Stage { name: "apply".into(), context: Some("b".into()) },
            object("a", "web", Action::Created),
            object("b", "web", Action::Unchanged),
        ]);
        assert_eq!(told[2..], ["[1/2] Deployment shop/web created (a)", "[2/2] Deployment shop/web unchanged (b)"]);
        assert_eq!(live.rows.len(), 2);
    }

    #[test]
    fn what_is_taken_back_replaces_what_was_done() {
        let (live, told) = lines(vec![
            Payload::Started { objects: 1 },
            object("kind", "web", Action::Created),
            object("kind", "web", Action::RolledBack),
        ]);
        assert_eq!(told[1], "[1/1] Deployment shop/web rolled-back");
        assert_eq!(live.rows[0].phase(), Phase::Left);
    }
}

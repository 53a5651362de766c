//! Schedules: kept for profiles, and carried out while this server runs as a process of its own.
//!
//! A run that is due waits while the process makes another measurement. A schedule has one run at most that waits or
//! measures: times that come meanwhile are left out, so that a schedule which asks for more than can be done never piles
//! runs up. What is left out, and what cannot begin, is told in the event log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::performance::{self, profiles};
use super::{Caller, Shared, State};
use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result, clock, id, text};
use crate::model::event::{Event, Severity};
use crate::model::performance::profile::{RunOutcome, Schedule};
use crate::perf::plan::check;
use crate::schedule::Rule;
use crate::store::page::Page;
use crate::wire::rest::performance::{RunRequest, ScheduleBody};

/// The database is looked at again after this at the latest: other processes write schedules too, and clocks are set.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// The wait before what could not be done is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Wakes the executor when a schedule was changed here, and knows what it began.
#[derive(Debug, Clone, Default)]
pub struct Schedules {
    changed: Arc<Notify>,
    /// The last run of each schedule.
    begun: Arc<Mutex<HashMap<Uuid, Run>>>,
}

/// A run that a schedule began.
#[derive(Debug)]
struct Run {
    operation: Uuid,
    /// Whether the event log says that others are left out for its sake.
    is_told: bool,
}

impl Schedules {
    /// Says that a schedule was made, changed or deleted.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    fn remember(&self, state: &Shared, schedule: Uuid, operation: Uuid) {
        let mut known = self.begun();
        known.retain(|_, run| state.operations.is_running(run.operation));
        known.insert(schedule, Run { operation, is_told: false });
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<Uuid, Run>> {
        // The map is never left half changed, so a panic elsewhere takes nothing from it.
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The schedule of that id, of the beginning of one, or of that name.
///
/// # Errors
/// [`Code::PerfScheduleNotFound`], [`Code::PerfAmbiguous`].
pub async fn find(state: &Shared, wanted: &str) -> Result<Schedule> {
    if let Ok(id) = Uuid::parse_str(wanted)
        && let Some(found) = state.store.schedules().get(id).await?
    {
        return Ok(found);
    }
    let (all, _) = state.store.schedules().list(Page::ALL, "", "").await?;
    let lower = wanted.to_lowercase();
    let named: Vec<&Schedule> = all.iter().filter(|one| one.name == wanted).collect();
    let begun: Vec<&Schedule> =
        all.iter().filter(|one| wanted.len() >= 4 && one.id.to_string().starts_with(&lower)).collect();
    match (named.as_slice(), begun.as_slice()) {
        ([one], _) | ([], [one]) => Ok((*one).clone()),
        ([], []) => Err(Error::new(Code::PerfScheduleNotFound, format!("there is no schedule `{wanted}`"))
            .details(text::did_you_mean(wanted, all.iter().map(|one| one.name.as_str())))),
        (several, others) => Err(Error::new(Code::PerfAmbiguous, format!("several schedules are called `{wanted}`"))
            .details(several.iter().chain(others).map(|one| format!("{} {}", one.id, one.name)))),
    }
}

/// A schedule with what came of its last run.
///
/// # Errors
/// Those of the store.
pub async fn told(state: &Shared, schedule: Schedule) -> Result<Schedule> {
    // A run's operation has the id of its result.
    let operation = match schedule.last_result {
        Some(id) => state.store.operations().get(id).await?,
        None => None,
    };
    Ok(Schedule { last_outcome: operation.as_ref().map(RunOutcome::from), ..schedule })
}

/// Stores what a client sent: the schedule of its id, or a new one.
///
/// # Errors
/// An expression or a time zone that cannot be read, an unknown id or profile, a profile whose plan cannot be carried out.
pub async fn save(state: &Shared, body: ScheduleBody) -> Result<Schedule> {
    let known = match body.id {
        Some(id) => state.store.schedules().get(id).await?,
        None => None,
    };
    let schedule = settled(state, body, known).await?;
    state.store.schedules().save(&schedule).await?;
    state.schedules.changed();
    Ok(schedule)
}

async fn settled(state: &Shared, body: ScheduleBody, known: Option<Schedule>) -> Result<Schedule> {
    let profile = match body.profile.or_else(|| body.profile_id.map(|id| id.to_string())) {
        Some(named) => Some(profiles::find(state, &named).await?),
        None => None,
    };
    // A profile of an earlier version may hold a plan that no run could begin. A schedule that has it already can still be
    // changed.
    if let Some(profile) = &profile
        && known.as_ref().is_none_or(|known| known.profile_id != profile.id)
    {
        check(&profile.plan)?;
    }
    let cron_expression = body.cron_expression.or_else(|| known.as_ref().map(|known| known.cron_expression.clone()));
    let cron_expression = cron_expression.ok_or_else(|| {
        Error::new(Code::RequestInvalid, "the schedule has no cron expression").remedy("Send `cron_expression`.")
    })?;
    let time_zone = body.time_zone.or_else(|| known.as_ref().map(|known| known.time_zone.clone()));
    let time_zone = time_zone.filter(|zone| !zone.is_empty()).unwrap_or_else(|| "UTC".to_owned());
    let rule = Rule::parse(&cron_expression, &time_zone)?;
    let now = clock::now();
    let paused = body.paused.unwrap_or_else(|| known.as_ref().is_some_and(|known| known.paused));
    let next = rule.next_after(now);
    if next.is_none() {
        return Err(Error::new(Code::PerfScheduleInvalid, format!("`{cron_expression}` never comes true again")));
    }
    let name = body.name.filter(|name| !name.is_empty()).or_else(|| known.as_ref().map(|known| known.name.clone()));
    let default_name = || profile.as_ref().map_or_else(|| cron_expression.clone(), |profile| profile.name.clone());
    Ok(Schedule {
        id: match body.id {
            Some(id) => id,
            None => id::new(),
        },
        name: name.unwrap_or_else(default_name),
        profile_id: profile
            .map(|profile| profile.id)
            .or(known.as_ref().map(|known| known.profile_id))
            .unwrap_or_default(),
        missed: body.missed.or(known.as_ref().map(|known| known.missed)).unwrap_or_default(),
        paused,
        last_run: known.as_ref().and_then(|known| known.last_run),
        last_result: known.as_ref().and_then(|known| known.last_result),
        last_outcome: None,
        next_run: next.filter(|_| !paused),
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
        cron_expression,
        time_zone,
    })
}

/// Deletes a schedule; what it was.
///
/// # Errors
/// As [`find`].
pub async fn delete(state: &Shared, wanted: &str) -> Result<Schedule> {
    let schedule = find(state, wanted).await?;
    state.store.schedules().delete(schedule.id).await?;
    state.schedules.changed();
    Ok(schedule)
}

/// Runs what is due, as long as the server lives.
pub(super) async fn run(state: Weak<State>) {
    loop {
        let Some(state) = state.upgrade() else { return };
        let now = clock::now();
        let next = tick(&state, now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "schedules could not be looked at");
            None
        });
        let wait = next.map_or(LOOK_EVERY, |next| until(next, clock::now()));
        // What is due all the same could not be moved on.
        let wait = if wait.is_zero() { RETRY } else { wait };
        let (changed, closing) = (state.schedules.clone(), state.closing.clone());
        drop(state);
        tokio::select! {
            () = changed.changed.notified() => {}
            () = tokio::time::sleep(wait.min(LOOK_EVERY)) => {}
            () = closing.cancelled() => return,
        }
    }
}

fn until(next: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// Begins every run that is due at `now`; when the next one is.
///
/// # Errors
/// Those of the store. A run that cannot begin is told in the event log and does not stop the others.
pub async fn tick(state: &Shared, now: Timestamp) -> Result<Option<Timestamp>> {
    for due in state.store.schedules().due(now).await? {
        if let Err(error) = carry_out(state, &due, now).await {
            tracing::warn!(schedule = due.name, %error, "a schedule could not be moved on");
        }
    }
    state.store.schedules().next_due().await
}

async fn carry_out(state: &Shared, due: &Schedule, now: Timestamp) -> Result<()> {
    let Some(at) = due.next_run else { return Ok(()) };
    let mut decision = Rule::parse(&due.cron_expression, &due.time_zone)?.decide(at, now, due.missed);
    decision.run = decision.run && !goes_on(state, due);
    if decision.missed > 0 {
        tracing::info!(schedule = due.name, missed = decision.missed, "scheduled measurements were missed");
    }
    // Moved on before the run begins: a server that dies in between does not run it again and again.
    let mine = state.store.schedules().claim(due, decision.next, decision.run.then_some(now)).await?;
    if !mine || !decision.run {
        return Ok(());
    }
    let request = RunRequest { profile: Some(due.profile_id.to_string()), ..RunRequest::default() };
    match performance::begin(state, Caller::Here, request).await {
        Ok(begun) => {
            state.schedules.remember(state, due.id, begun.operation_id);
            state.store.schedules().begun(due.id, begun.result_id).await
        }
        Err(error) => {
            tracing::warn!(schedule = due.name, %error, "a scheduled measurement did not begin");
            tell(state, due, (Severity::Error, "did not begin"), error.to_string());
            Ok(())
        }
    }
}

/// Whether the schedule's last run still waits or measures, so that this one is left out. That is told once a run.
fn goes_on(state: &Shared, due: &Schedule) -> bool {
    let mut begun = state.schedules.begun();
    let Some(run) = begun.get_mut(&due.id).filter(|run| state.operations.is_running(run.operation)) else {
        return false;
    };
    if !run.is_told {
        run.is_told = true;
        let why = format!("its run before has not ended, as operation {} tells", run.operation);
        tell(state, due, (Severity::Warning, "was left out"), why);
    }
    true
}

/// Tells in the event log what no operation tells.
fn tell(state: &Shared, due: &Schedule, (severity, what): (Severity, &str), details: String) {
    let at = due.next_run.map(|at| format!(" at {at}")).unwrap_or_default();
    state.operations.tell(Event {
        id: 0,
        operation_id: None,
        created_at: clock::now(),
        severity,
        category: "performance".to_owned(),
        action: "schedule".to_owned(),
        summary: format!("the run of schedule {}{at} {what}", due.name),
        details,
        payload: None,
    });
}

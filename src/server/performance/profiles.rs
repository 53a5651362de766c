//! Profiles: found, stored, deleted.

use super::{access, certificates};
use crate::base::{Code, Error, Result, clock, id, text};
use crate::model::performance::plan::Plan;
use crate::model::performance::profile::Profile;
use crate::perf::plan::check;
use crate::perf::threshold::Threshold;
use crate::server::{Caller, Shared};
use crate::wire::rest::performance::{ProfileBody, metadata};

/// The profile of that id or of exactly that name.
///
/// # Errors
/// [`Code::PerfProfileNotFound`], with names that are near.
pub async fn find(state: &Shared, id_or_name: &str) -> Result<Profile> {
    if let Some(found) = state.store.profiles().find(id_or_name).await? {
        return Ok(found);
    }
    let names = state.store.profiles().names().await?;
    Err(Error::new(Code::PerfProfileNotFound, format!("there is no performance profile `{id_or_name}`"))
        .details(text::did_you_mean(id_or_name, names.iter().map(String::as_str))))
}

/// Stores what a client sent: the profile of its id, or a new one.
///
/// # Errors
/// What the caller may not ask for, a plan that cannot be carried out, a name that is taken, an unknown schedule.
pub async fn save(state: &Shared, caller: Caller, body: ProfileBody) -> Result<Profile> {
    let known = match body.id {
        Some(id) => state.store.profiles().find(&id.to_string()).await?,
        None => None,
    };
    let mut plan = body.plan(&before(known.as_ref(), &body))?;
    access::plan(caller, &plan, known.as_ref().map(|known| &known.plan))?;
    certificates::keep(&state.settings.home, &mut plan)?;
    check(&plan)?;
    let thresholds = body.thresholds.or_else(|| known.as_ref().map(|known| known.thresholds.clone()));
    let thresholds = thresholds.unwrap_or_default();
    thresholds.iter().try_for_each(|text| Threshold::parse(text).map(drop))?;
    let now = clock::now();
    let profile = Profile {
        id: match body.id {
            Some(id) => id,
            None => id::new(),
        },
        name: name(&body.name, known.as_ref())?,
        plan,
        thresholds,
        schedule_id: None,
        last_run: None,
        total_results: 0,
        metadata: body.metadata.or_else(|| known.map(|known| known.metadata)).unwrap_or_default(),
        created_at: now,
        updated_at: now,
    };
    if let Some(schedule) = body.schedule
        && state.store.schedules().get(schedule).await?.is_none()
    {
        return Err(Error::new(Code::PerfScheduleNotFound, format!("there is no schedule `{schedule}`")));
    }
    let saved = state.store.profiles().save(&profile).await?;
    let Some(schedule) = body.schedule else { return Ok(saved) };
    state.store.schedules().bind(schedule, saved.id).await?;
    state.schedules.changed();
    find(state, &saved.id.to_string()).await
}

/// The plan that a change begins with: what the metadata said that is replaced, the new one says anew or not at all.
fn before(known: Option<&Profile>, body: &ProfileBody) -> Plan {
    let Some(known) = known else { return Plan::default() };
    let mut plan = known.plan.clone();
    if body.metadata.is_some() {
        metadata::withdraw(&known.metadata, &mut plan);
    }
    plan
}

fn name(sent: &str, known: Option<&Profile>) -> Result<String> {
    match (sent.trim(), known) {
        ("", Some(known)) => Ok(known.name.clone()),
        ("", None) => Err(Error::new(Code::RequestInvalid, "the profile has no name").remedy("Send `name`.")),
        (name, _) => Ok(name.to_owned()),
    }
}

/// Deletes a profile and its schedules; what it was.
///
/// # Errors
/// As [`find`].
pub async fn delete(state: &Shared, id_or_name: &str) -> Result<Profile> {
    let profile = find(state, id_or_name).await?;
    state.store.profiles().delete(profile.id).await?;
    state.schedules.changed();
    Ok(profile)
}

//! The adapters this server knows: those its environment names and those that users added. Each is asked when somebody
//! wants to know, all at the same time and within a moment, so that dead ones hold nobody up; answers are kept shortly.

mod apply;
mod relay;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

pub use apply::apply;

use super::Shared;
use crate::base::{Code, Error, Result, env, text};
use crate::client::adapter::{self, Identity};
use crate::model::adapter::{Adapter, AdapterOperation, AdapterSource, AdapterState, Location};
use crate::plane;

/// How long an adapter may take to answer when all are listed.
const QUICK: Duration = Duration::from_secs(1);
/// How long an answer, or that there was none, is taken for the present.
const FRESH: Duration = Duration::from_secs(5);
/// Adapters that users may add at most: each is asked whenever somebody lists them.
const LIMIT: usize = 64;

/// What the server keeps about adapters in memory.
pub struct Adapters {
    configured: Vec<Location>,
    seen: Mutex<HashMap<Location, Seen>>,
    relays: relay::Relays,
}

/// An adapter as it was when it was asked last.
struct Seen {
    at: Instant,
    adapter: Adapter,
}

/// An adapter that the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    location: Location,
    source: AdapterSource,
}

impl Adapters {
    /// With those that `ADAPTER_URLS` names. An entry that is no address is told in the log and left out.
    pub fn of_environment() -> Self {
        Self::new(&env::get(env::ADAPTER_URLS).unwrap_or_default())
    }

    fn new(urls: &str) -> Self {
        let mut configured: Vec<Location> = Vec::new();
        for entry in Location::list(urls) {
            match entry {
                Ok(location) if !configured.contains(&location) => configured.push(location),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "an entry of {} is left out", env::ADAPTER_URLS),
            }
        }
        Self { configured, seen: Mutex::default(), relays: relay::Relays::default() }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Location, Seen>> {
        // The map is never left half changed, so a panic elsewhere takes nothing from it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, known: &Known) -> Option<Adapter> {
        let seen = self.seen();
        let found = seen.get(&known.location).filter(|seen| seen.at.elapsed() < FRESH)?;
        Some(Adapter { source: known.source, ..found.adapter.clone() })
    }

    /// The name that an adapter told once, else what its address lets expect.
    fn name(&self, location: &Location) -> String {
        self.seen().get(location).map_or_else(|| expected_name(location), |seen| seen.adapter.name.clone())
    }

    fn keep(&self, location: &Location, adapter: &Adapter) {
        self.seen().insert(location.clone(), Seen { at: Instant::now(), adapter: adapter.clone() });
    }
}

/// Listens to the events of every adapter from now on.
pub async fn listen(state: &Shared) -> Result<()> {
    for known in known(state).await? {
        relay::listen(state, &known.location);
    }
    Ok(())
}

/// Every adapter with its state; those of the environment first.
pub async fn list(state: &Shared) -> Result<Vec<Adapter>> {
    let known = known(state).await?;
    Ok(join_all(known.iter().map(|known| look(state, known))).await)
}

/// Asks an adapter now.
///
/// # Errors
/// [`Code::AdapterNotFound`] with those that are known, else why it does not answer.
pub async fn ping(state: &Shared, name: &str) -> Result<Adapter> {
    let known = find(state, name).await?;
    examine(state, &known, adapter::LIMIT).await.1
}

/// Adds an adapter, and gives all. One that is known stays as it is.
///
/// # Errors
/// Why it does not answer, unless `force`.
pub async fn add(state: &Shared, address: &str, force: bool) -> Result<Vec<Adapter>> {
    let location = address_of(address)?;
    let all = known(state).await?;
    if !all.iter().any(|known| known.location == location) {
        if all.len() >= LIMIT {
            return Err(Error::new(Code::RequestInvalid, format!("the plane knows {LIMIT} adapters already"))
                .remedy("Remove those that are gone with `mesheryctl adapter remove NAME`."));
        }
        let new = Known { location: location.clone(), source: AdapterSource::Added };
        let answer = examine(state, &new, adapter::LIMIT).await.1;
        if let (Err(error), false) = (answer, force) {
            state.adapters.seen().remove(&location);
            return Err(error);
        }
        state.store.adapters().add(&location).await?;
        relay::listen(state, &location);
    }
    list(state).await
}

/// Removes an adapter, and gives the others.
///
/// # Errors
/// [`Code::AdapterNotFound`], and [`Code::AdapterFixed`] for one of the environment.
pub async fn remove(state: &Shared, name: &str) -> Result<Vec<Adapter>> {
    let known = find(state, name).await?;
    if known.source == AdapterSource::Environment {
        return Err(Error::new(
            Code::AdapterFixed,
            format!("the adapter at {} cannot be removed here", known.location),
        ));
    }
    state.store.adapters().remove(&known.location).await?;
    state.adapters.seen().remove(&known.location);
    state.adapters.relays.end(&known.location);
    list(state).await
}

async fn known(state: &Shared) -> Result<Vec<Known>> {
    let of = |source| move |location: Location| Known { location, source };
    let mut all: Vec<Known> = state.adapters.configured.iter().cloned().map(of(AdapterSource::Environment)).collect();
    for added in state.store.adapters().list().await?.into_iter().map(of(AdapterSource::Added)) {
        if !all.iter().any(|known| known.location == added.location) {
            all.push(added);
        }
    }
    Ok(all)
}

/// The adapter of an address or a name.
async fn find(state: &Shared, name: &str) -> Result<Known> {
    let all = known(state).await?;
    if let Ok(location) = Location::parse(name) {
        let found = all.iter().find(|known| known.location == location).cloned();
        return found.ok_or_else(|| not_found(state, name, &all));
    }
    let by_host: Vec<&Known> = all.iter().filter(|known| known.location.host.eq_ignore_ascii_case(name)).collect();
    let fitting = if by_host.is_empty() { named(state, name, &all).await } else { by_host };
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(not_found(state, name, &all)),
        several => Err(Error::new(Code::AdapterAmbiguous, format!("several adapters are called `{name}`"))
            .details(several.iter().map(|known| known.location.to_string()))),
    }
}

/// Those that call themselves so, in any of a mesh's names.
async fn named<'a>(state: &Shared, name: &str, all: &'a [Known]) -> Vec<&'a Known> {
    let smp_name = plane::adapter::find(name).map_or(name, |adapter| adapter.smp_name);
    let seen = join_all(all.iter().map(|known| look(state, known))).await;
    let fits = |adapter: &Adapter| {
        let own = plane::adapter::find(&adapter.name).map_or(adapter.name.as_str(), |adapter| adapter.smp_name);
        own.eq_ignore_ascii_case(smp_name)
    };
    all.iter().zip(&seen).filter(|(_, adapter)| fits(adapter)).map(|(known, _)| known).collect()
}

fn not_found(state: &Shared, name: &str, all: &[Known]) -> Error {
    let error = Error::new(Code::AdapterNotFound, format!("the plane knows no adapter `{name}`"));
    let locations: Vec<String> = all.iter().map(|known| known.location.to_string()).collect();
    let near = text::did_you_mean(name, locations.iter().map(String::as_str));
    let lines = all.iter().map(|known| format!("{} at {}", state.adapters.name(&known.location), known.location));
    error.details(near).details(lines)
}

/// An address; the name of an adapter alone is its host in networks of containers, on its usual port.
fn address_of(text: &str) -> Result<Location> {
    match Location::parse(text) {
        Err(_) if text.starts_with("meshery-") && !text.contains(':') => {
            let adapter = plane::adapter::find(text)?;
            Ok(Location::new(adapter.name, adapter.port))
        }
        outcome => outcome,
    }
}

/// What an address lets expect of the adapter there: by its host, else by its port.
fn expected_name(location: &Location) -> String {
    let by_port = || plane::adapter::ALL.iter().find(|adapter| adapter.port == location.port).copied();
    let expected = plane::adapter::find(&location.host).ok().or_else(by_port);
    expected.map_or_else(|| location.to_string(), |adapter| adapter.smp_name.to_owned())
}

async fn look(state: &Shared, known: &Known) -> Adapter {
    match state.adapters.fresh(known) {
        Some(adapter) => adapter,
        None => examine(state, known, QUICK).await.0,
    }
}

/// Asks an adapter: how it is, and the same as a result.
async fn examine(state: &Shared, known: &Known, limit: Duration) -> (Adapter, Result<Adapter>) {
    let answer = adapter::ask(&known.location, limit).await;
    let adapter = seen(known, state.adapters.name(&known.location), &answer);
    state.adapters.keep(&known.location, &adapter);
    let outcome = answer.map(|_| adapter.clone());
    (adapter, outcome)
}

fn seen(known: &Known, expected: String, answer: &Result<(Identity, Vec<AdapterOperation>)>) -> Adapter {
    let silent = Adapter {
        location: known.location.to_string(),
        name: expected,
        version: String::new(),
        git_commit_sha: String::new(),
        ops: Vec::new(),
        state: AdapterState::Unreachable,
        source: known.source,
        error: None,
    };
    match answer {
        Ok((identity, ops)) => Adapter {
            name: identity.name.clone(),
            version: identity.version.clone(),
            git_commit_sha: identity.git_commit_sha.clone(),
            ops: ops.clone(),
            state: AdapterState::Answers,
            ..silent
        },
        Err(error) => {
            let is_foreign = error.code() == Code::AdapterForeign;
            let state = if is_foreign { AdapterState::Foreign } else { AdapterState::Unreachable };
            Adapter { state, error: Some(error.report()), ..silent }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_adapters_once_and_broken_entries_are_left_out() {
        let adapters = Adapters::new("meshery-istio:10000 meshery-istio:10000,localhost:10001  oops");
        let names: Vec<String> = adapters.configured.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["meshery-istio:10000", "localhost:10001"]);
    }

    #[test]
    fn an_address_lets_a_name_be_expected() {
        let name = |host, port| expected_name(&Location::new(host, port));
        assert_eq!(name("meshery-osm", 10010), "OPEN_SERVICE_MESH", "the host says more than the port");
        assert_eq!(name("localhost", 10001), "LINKERD");
        assert_eq!(name("localhost", 7), "localhost:7");
    }

    #[test]
    fn a_name_of_an_adapter_is_an_address_in_networks_of_containers() {
        assert_eq!(address_of("meshery-linkerd").unwrap(), Location::new("meshery-linkerd", 10001));
        for wrong in ["linkerd", "meshery-nope", ""] {
            assert!(address_of(wrong).is_err(), "{wrong}");
        }
    }
}

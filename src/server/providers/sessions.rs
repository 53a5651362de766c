//! Whether a session at a provider holds. The provider is asked and its answer kept for a short time, good or bad; how
//! many answers are kept and how many questions are open at once is bounded, because anybody can send tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::Remote;
use crate::base::clock::{self, Timestamp};
use crate::base::{Code, Error, Result};
use crate::client::refused::does_not_hold;
use crate::store::provider_sync::Owner;
use crate::wire::rest::session::User;
use crate::wire::session_token::SessionToken;

/// Answers that are kept.
const ANSWERS: usize = 1_024;
/// Questions that are open at once.
const QUESTIONS: usize = 32;
/// How long a refusal is kept.
const REFUSED: Duration = Duration::from_secs(5);
/// How long it is kept that a provider does not answer.
const SILENT: Duration = Duration::from_secs(2);
/// How long it is kept which new token came for an old one.
const RENEWED: Duration = Duration::from_hours(1);

type Key = [u8; 32];

/// A session that holds.
#[derive(Debug)]
pub struct Session {
    /// Name of the provider, as the plane calls it.
    pub provider: String,
    /// The provider.
    pub remote: Arc<Remote>,
    /// The user.
    pub user: User,
    /// The token; a new one where the provider renewed the one that was sent.
    pub token: SessionToken,
    /// Whether the token is another than the one that was sent.
    pub renewed: bool,
    key: Key,
}

impl Session {
    /// Whose objects at which provider.
    pub fn owner(&self) -> Owner {
        Owner { provider: self.remote.address().to_owned(), user: self.user.id.to_string() }
    }
}

/// The error for a session that does not hold. There is this one text for every reason.
pub fn broken(provider: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(Code::AuthSession, does_not_hold(provider))
        .because(reason)
        .remedy(format!("Log in again with `mesheryctl system login --provider {}`.", quoted(provider)))
}

/// A name as a shell reads it.
fn quoted(name: &str) -> String {
    if name.contains(' ') { format!("'{name}'") } else { name.to_owned() }
}

struct Answer {
    outcome: Result<Arc<Session>>,
    until: Instant,
}

/// What is known of sessions.
pub(super) struct Sessions {
    check_every: Duration,
    answers: Mutex<HashMap<Key, Answer>>,
    renewed: Mutex<HashMap<Key, (SessionToken, Instant)>>,
    /// One question at a time about the tokens that share a turn.
    turns: Vec<tokio::sync::Mutex<()>>,
}

impl Sessions {
    pub(super) fn new(check_every: Duration) -> Self {
        let turns = (0..QUESTIONS).map(|_| tokio::sync::Mutex::default()).collect();
        Self { check_every, answers: Mutex::default(), renewed: Mutex::default(), turns }
    }

    /// Who a token belongs to.
    pub(super) async fn check(&self, remote: &Arc<Remote>, name: &str, raw: &str) -> Result<Arc<Session>> {
        let sent = SessionToken::parse(raw).map_err(|reason| broken(name, format!("the token is broken: {reason}")))?;
        let key = key(remote.address(), sent.raw());
        if let Some(answer) = self.answer(&key) {
            return answer;
        }
        let _turn = self.turns[usize::from(key[0]) % self.turns.len()].lock().await;
        if let Some(answer) = self.answer(&key) {
            return answer;
        }
        let token = self.renewal(&key).unwrap_or_else(|| sent.clone());
        let outcome = self.ask(remote, name, (token, &sent), key).await;
        self.keep(key, &outcome);
        outcome
    }

    /// Asks the provider; a token that has ended is renewed where that can be.
    async fn ask(
        &self,
        remote: &Arc<Remote>,
        name: &str,
        (token, sent): (SessionToken, &SessionToken),
        key: Key,
    ) -> Result<Arc<Session>> {
        let mut token = token;
        let now = clock::now();
        let mut found = if token.is_expired(now) { expired(&token) } else { user(remote, name, &token).await? };
        if found.is_err() && token.is_refreshable() {
            match remote.refresh(&token).await {
                Ok(new) => {
                    found = user(remote, name, &new).await?;
                    self.renew(key, new.clone());
                    token = new;
                }
                Err(error) if error.code() == Code::ProviderUnreachable => return Err(error),
                // The provider's own reason says more than that the token ended.
                Err(error) => tracing::debug!(%error, "a token was not renewed"),
            }
        }
        let user = found.map_err(|reason| broken(name, reason))?;
        let renewed = token != *sent;
        Ok(Arc::new(Session { provider: name.to_owned(), remote: remote.clone(), user, token, renewed, key }))
    }

    fn answer(&self, key: &Key) -> Option<Result<Arc<Session>>> {
        let answers = lock(&self.answers);
        answers.get(key).filter(|answer| answer.until > Instant::now()).map(|answer| answer.outcome.clone())
    }

    fn keep(&self, key: Key, outcome: &Result<Arc<Session>>) {
        let time = match outcome {
            Ok(session) => self.check_every.min(left(&session.token, clock::now())),
            Err(error) if error.code() == Code::AuthSession => REFUSED.min(self.check_every),
            Err(_) => SILENT.min(self.check_every),
        };
        let now = Instant::now();
        let mut answers = lock(&self.answers);
        make_room(&mut answers, now, |answer| answer.until);
        answers.insert(key, Answer { outcome: outcome.clone(), until: now + time });
    }

    fn renewal(&self, key: &Key) -> Option<SessionToken> {
        let renewed = lock(&self.renewed);
        renewed.get(key).filter(|(_, until)| *until > Instant::now()).map(|(token, _)| token.clone())
    }

    fn renew(&self, key: Key, token: SessionToken) {
        let now = Instant::now();
        let mut renewed = lock(&self.renewed);
        make_room(&mut renewed, now, |(_, until)| *until);
        renewed.insert(key, (token, now + RENEWED));
    }

    /// Forgets a session, so that its token is asked about again.
    pub(super) fn forget(&self, session: &Session) {
        let own = key(session.remote.address(), session.token.raw());
        for key in [session.key, own] {
            lock(&self.answers).remove(&key);
            lock(&self.renewed).remove(&key);
        }
    }
}

/// The user of a token, or why the provider does not take it. Other failures are errors.
async fn user(remote: &Remote, name: &str, token: &SessionToken) -> Result<Result<User, String>> {
    match remote.user(token, name).await {
        Ok(profile) => Ok(Ok(User::remote(name, &profile))),
        Err(error) if error.code() == Code::AuthSession => {
            let said = error.report().probable_cause.unwrap_or_default();
            Ok(Err(format!("the provider refuses the token: {said}")))
        }
        Err(error) => Err(error),
    }
}

fn expired(token: &SessionToken) -> Result<User, String> {
    let end = token.expires_at().unwrap_or(Timestamp::UNIX_EPOCH);
    Err(format!("the token expired at {end}, {} ago", clock::age(end, clock::now())))
}

fn left(token: &SessionToken, now: Timestamp) -> Duration {
    let Some(end) = token.expires_at() else { return Duration::MAX };
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}

fn key(address: &str, token: &str) -> Key {
    let mut digest = Sha256::new();
    digest.update(address.as_bytes());
    digest.update([0]);
    digest.update(token.as_bytes());
    digest.finalize().into()
}

/// Keeps a map below its bound: what ended goes first, then what ends next.
fn make_room<V>(map: &mut HashMap<Key, V>, now: Instant, until: impl Fn(&V) -> Instant) {
    if map.len() < ANSWERS {
        return;
    }
    map.retain(|_, value| until(value) > now);
    if map.len() >= ANSWERS
        && let Some(first) = map.iter().min_by_key(|(_, value)| until(value)).map(|(key, _)| *key)
    {
        map.remove(&first);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_ended_goes_first() {
        let now = Instant::now();
        let mut map: HashMap<Key, Instant> = HashMap::new();
        for number in 0..2_000u32 {
            make_room(&mut map, now, |until| *until);
            map.insert(key("p", &number.to_string()), now + Duration::from_secs(u64::from(number) + 1));
        }
        assert_eq!(map.len(), ANSWERS);
        assert!(map.contains_key(&key("p", "1999")) && !map.contains_key(&key("p", "0")));
        make_room(&mut map, now + Duration::from_hours(24), |until| *until);
        assert!(map.is_empty());
    }

    #[test]
    fn tokens_of_two_providers_are_two_tokens() {
        assert_ne!(key("http://a", "t"), key("http://b", "t"));
        assert_ne!(key("http://a", "bt"), key("http://ab", "t"));
    }

    #[test]
    fn a_broken_session_names_the_login_command() {
        let remedy = |name: &str| broken(name, "x").report().suggested_remediation.unwrap();
        assert!(remedy("Team").contains("`mesheryctl system login --provider Team`"));
        assert!(remedy("My Team").contains("--provider 'My Team'`"));
    }
}

//! Failed logins by name and peer: after some, the next try waits, twice as long each time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Code, Error, Result};

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The first wait.
const FIRST: Duration = Duration::from_secs(15);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(15);
/// Failures older than this are forgotten.
const FORGOTTEN: Duration = Duration::from_hours(1);
/// Names that are kept in mind; beyond them the oldest go.
const NAMES: usize = 10_000;

type Key = (String, IpAddr);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn wait(self) -> Duration {
        match self.count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(more) => FIRST.saturating_mul(1 << more.min(10)).min(LONGEST),
        }
    }
}

/// The failures.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Failures>>);

impl Throttle {
    /// Whether a try is allowed now. [`Code::LoginThrottled`] says how long to wait.
    pub fn admit(&self, name: &str, peer: IpAddr, now: Instant) -> Result<()> {
        let known = self.lock().get(&key(name, peer)).copied();
        let Some(failures) = known else { return Ok(()) };
        let left = failures.wait().saturating_sub(now.saturating_duration_since(failures.last));
        if left.is_zero() {
            return Ok(());
        }
        let seconds = left.as_secs() + 1;
        Err(Error::new(Code::LoginThrottled, format!("too many failed logins of `{name}`"))
            .remedy(format!("Try again in {seconds} s.")))
    }

    /// Notes a failure.
    pub fn failed(&self, name: &str, peer: IpAddr, now: Instant) {
        let mut all = self.lock();
        if all.len() >= NAMES {
            all.retain(|_, failures| now.saturating_duration_since(failures.last) < FORGOTTEN);
        }
        if all.len() >= NAMES
            && let Some(oldest) = all.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
        let failures = all.entry(key(name, peer)).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) >= FORGOTTEN {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
    }

    /// Forgets the failures of one who logged in.
    pub fn succeeded(&self, name: &str, peer: IpAddr) {
        self.lock().remove(&key(name, peer));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names are cut, so that long ones cannot fill memory.
fn key(name: &str, peer: IpAddr) -> Key {
    (name.trim().to_lowercase().chars().take(128).collect(), peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_failures_are_free_and_each_further_one_waits_longer() {
        let throttle = Throttle::default();
        let (peer, start) = ("10.0.0.1".parse().unwrap(), Instant::now());
        for _ in 0..FREE {
            throttle.admit("ada", peer, start).unwrap();
            throttle.failed("Ada", peer, start);
        }
        let error = throttle.admit("ada", peer, start).unwrap_err();
        assert_eq!(error.code(), Code::LoginThrottled);
        assert!(error.report().suggested_remediation.unwrap().contains("16 s"));
        assert!(throttle.admit("bob", peer, start).is_ok(), "others are not held up");
        assert!(throttle.admit("ada", "10.0.0.2".parse().unwrap(), start).is_ok(), "nor the user elsewhere");
        let later = start + FIRST;
        throttle.admit("ada", peer, later).unwrap();
        throttle.failed("ada", peer, later);
        assert!(throttle.admit("ada", peer, later + FIRST).is_err());
        throttle.admit("ada", peer, later + FIRST * 2).unwrap();
        throttle.succeeded("ADA", peer);
        throttle.failed("ada", peer, later);
        throttle.admit("ada", peer, later).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let (peer, now) = ("::1".parse().unwrap(), Instant::now());
        for number in 0..NAMES + 50 {
            throttle.failed(&format!("user{number}"), peer, now);
        }
        assert_eq!(throttle.lock().len(), NAMES);
    }
}

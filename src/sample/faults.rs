//! Faults that tests switch on: refusals, throttling, slowness, breakage.
//!
//! A rule is a [`Matcher`] and an [`Effect`]; rules are asked in the order in which they were added and the first
//! that strikes decides, except that delays add up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::request::Target;
use super::status::Failure;

/// Which calls a rule concerns. Empty fields concern all.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    verbs: Vec<String>,
    group: Option<String>,
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Matcher {
    /// Every call for objects; calls for discovery and health are never concerned.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only calls of one of these verbs: get, list, watch, create, update, patch, apply, delete, deletecollection.
    /// `patch` concerns `apply` as well.
    pub fn verbs(mut self, verbs: &[&str]) -> Self {
        self.verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
        self
    }

    /// Only writes.
    pub fn writes(self) -> Self {
        self.verbs(&["create", "update", "patch", "delete", "deletecollection"])
    }

    /// Only kinds of this group (empty for core).
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Only this resource, by its plural.
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_owned());
        self
    }

    /// Only this namespace.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only the object of this name; for creations, the name in the body.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    fn concerns(&self, call: &Seen<'_>) -> bool {
        let fits = |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        let verb = |wanted: &String| wanted == call.verb || (wanted == "patch" && call.verb == "apply");
        (self.verbs.is_empty() || self.verbs.iter().any(verb))
            && fits(&self.group, &call.target.group)
            && fits(&self.resource, &call.target.plural)
            && fits(&self.namespace, &call.target.namespace)
            && fits(&self.name, call.name)
    }
}

/// What a rule does to a call.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A validating webhook refuses with this text and code (400, 403 or 422).
    Refuse {
        /// HTTP status.
        code: u16,
        /// The webhook's name.
        webhook: String,
        /// The webhook's text.
        message: String,
    },
    /// 429 with this many seconds to wait.
    Throttle {
        /// Value of `Retry-After`.
        retry_after: u64,
    },
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection is closed without an answer, and nothing was done.
    Hangup,
    /// The call is carried out, but the connection is closed without an answer.
    LoseAnswer,
    /// 500: a webhook that must be asked does not answer in time.
    SilentWebhook {
        /// The webhook's name.
        webhook: String,
    },
    /// 500.
    Error,
    /// 401, as when a token has run out.
    Expire,
    /// 403 in the words of RBAC.
    Forbid,
}

/// How often a rule strikes.
#[derive(Debug, Clone, Copy)]
pub enum Times {
    /// On every call it concerns.
    Always,
    /// On the next calls it concerns, this many.
    Next(u32),
    /// On every so-many-th call it concerns.
    Every(u32),
    /// On every call after this many.
    After(u32),
}

impl Times {
    fn strikes(self, count: u32) -> bool {
        match self {
            Times::Always => true,
            Times::Next(limit) => count <= limit,
            Times::Every(step) => step != 0 && count.is_multiple_of(step),
            Times::After(limit) => count > limit,
        }
    }
}

#[derive(Debug)]
struct Rule {
    matcher: Matcher,
    effect: Effect,
    times: Times,
    count: u32,
}

/// A call as the rules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Verb.
    pub verb: &'a str,
    /// Path.
    pub target: &'a Target,
    /// Object name, from the path or the body.
    pub name: &'a str,
}

/// What is to be done to a call.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// How long to wait first.
    pub delay: Duration,
    /// The answer instead of the real one.
    pub failure: Option<Failure>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// Whether the connection is to be closed instead of the call being carried out.
    pub hangup: bool,
    /// Whether the connection is to be closed after the call was carried out.
    pub lose_answer: bool,
}

/// The switchboard of one cluster; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule.
    pub fn add(&self, matcher: Matcher, effect: Effect, times: Times) {
        self.rules().push(Rule { matcher, effect, times, count: 0 });
    }

    /// A webhook refuses every call the matcher concerns.
    pub fn refuse(&self, matcher: Matcher, code: u16, message: &str) {
        let webhook = "validate.practice.meshery.io".to_owned();
        self.add(matcher, Effect::Refuse { code, webhook, message: message.to_owned() }, Times::Always);
    }

    /// Every call fails with 401 from now on.
    pub fn expire_token(&self) {
        self.add(Matcher::any(), Effect::Expire, Times::Always);
    }

    /// RBAC refuses the calls the matcher concerns.
    pub fn forbid(&self, matcher: Matcher) {
        self.add(matcher, Effect::Forbid, Times::Always);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// How often each rule struck or passed a call it concerns, in the order in which they were added.
    pub fn counts(&self) -> Vec<u32> {
        self.rules().iter().map(|rule| rule.count).collect()
    }

    /// Whether RBAC would refuse a call, as access reviews tell.
    pub(super) fn forbids(&self, call: Seen<'_>) -> bool {
        self.rules().iter().any(|rule| matches!(rule.effect, Effect::Forbid) && rule.matcher.concerns(&call))
    }

    pub(super) fn judge(&self, call: Seen<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in self.rules().iter_mut().filter(|rule| rule.matcher.concerns(&call)) {
            rule.count += 1;
            if !rule.times.strikes(rule.count) {
                continue;
            }
            if rule.effect.strike(&call, &mut verdict) {
                break;
            }
        }
        verdict
    }
}

impl Effect {
    /// Lays the effect on a verdict; gives whether it decides the call.
    fn strike(&self, call: &Seen<'_>, verdict: &mut Verdict) -> bool {
        match self {
            Effect::Delay(time) => {
                verdict.delay += *time;
                return false;
            }
            Effect::Hangup => verdict.hangup = true,
            Effect::LoseAnswer => verdict.lose_answer = true,
            Effect::SilentWebhook { webhook } => {
                let text = format!(
                    "Internal error occurred: failed calling webhook \"{webhook}\": failed to call webhook: Post \
                     \"https://{webhook}:443/?timeout=10s\": context deadline exceeded"
                );
                verdict.failure = Some(Failure::new(500, "InternalError", text));
            }
            Effect::Refuse { code, webhook, message } => {
                let text = format!("admission webhook \"{webhook}\" denied the request: {message}");
                let reason = match code {
                    400 => "BadRequest",
                    403 => "Forbidden",
                    422 => "Invalid",
                    _ => "",
                };
                verdict.failure = Some(Failure::new(*code, reason, text));
            }
            Effect::Throttle { retry_after } => {
                verdict.retry_after = Some(*retry_after);
                let text = "Too many requests, please try again later.";
                verdict.failure = Some(Failure::new(429, "TooManyRequests", text));
            }
            Effect::Error => {
                let text = "Internal error occurred: the practice cluster was told to fail this call";
                verdict.failure = Some(Failure::new(500, "InternalError", text));
            }
            Effect::Expire => verdict.failure = Some(Failure::unauthorized()),
            Effect::Forbid => verdict.failure = Some(rbac(call)),
        }
        true
    }
}

fn rbac(call: &Seen<'_>) -> Failure {
    let target = call.target;
    let verb = if call.verb == "apply" { "patch" } else { call.verb };
    let scope = if target.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{}\"", target.namespace)
    };
    let why = format!(
        "User \"practice\" cannot {verb} resource \"{}\" in API group \"{}\" {scope}",
        target.plural, target.group
    );
    let mut failure = Failure::forbidden(&target.group, &target.plural, call.name, &why);
    if call.name.is_empty() {
        failure.message = failure.message.replacen(" \"\" is forbidden", " is forbidden", 1);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_strike_what_they_concern_as_often_as_they_should() {
        let faults = Faults::default();
        faults.add(Matcher::any().verbs(&["patch"]).resource("pods"), Effect::Error, Times::Next(1));
        faults.add(Matcher::any().name("x"), Effect::Delay(Duration::from_millis(5)), Times::Every(2));
        let target = Target { plural: "pods".into(), namespace: "a".into(), ..Target::default() };
        let call = Seen { verb: "apply", target: &target, name: "x" };
        assert_eq!(faults.judge(call).failure.unwrap().code, 500);
        let second = faults.judge(call);
        assert!(second.failure.is_none() && second.delay.is_zero());
        assert_eq!(faults.judge(call).delay, Duration::from_millis(5));
        assert_eq!(faults.counts(), [3, 2]);
        let other = Seen { verb: "get", target: &target, name: "y" };
        assert!(faults.judge(other).failure.is_none());
    }

    #[test]
    fn rbac_speaks_of_user_verb_and_place() {
        let target =
            Target { group: "apps".into(), plural: "deployments".into(), namespace: "a".into(), ..Target::default() };
        let failure = rbac(&Seen { verb: "list", target: &target, name: "" });
        assert_eq!(
            failure.message,
            "deployments.apps is forbidden: User \"practice\" cannot list resource \"deployments\" in API group \
             \"apps\" in the namespace \"a\""
        );
    }
}

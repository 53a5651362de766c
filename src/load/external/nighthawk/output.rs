//! Nighthawk's output, made a result.

use std::time::Duration;

use super::outline::{due, per_second};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Cause, PerfResult};
use crate::wire::nighthawk::percentile::DurationType;
use crate::wire::nighthawk::statistic::MinType;
use crate::wire::nighthawk::{Output, Result as Measured, Statistic};

/// Classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What all workers together measured: the result of that name, or of the only worker.
pub(super) fn global(output: &Output) -> Option<&Measured> {
    output.results.iter().find(|result| result.name == "global").or(match output.results.as_slice() {
        [only] => Some(only),
        _ => None,
    })
}

/// How long it took.
pub(super) fn elapsed(result: &Measured) -> Duration {
    result.execution_duration.and_then(|length| Duration::try_from(length).ok()).unwrap_or_default()
}

/// Puts its figures into a result.
pub(super) fn fill(measured: &Measured, plan: &Plan, result: &mut PerfResult) {
    let counter = |name: &str| measured.counters.iter().find(|one| one.name == name).map_or(0, |one| one.value);
    let class = |class: &str| counter(&format!("benchmark.http_{class}"));
    let answered: u64 = CLASSES.iter().map(|name| class(name)).sum();
    let bad = class("4xx") + class("5xx");
    let causes = [
        (Cause::Status, bad),
        (Cause::Reset, counter("benchmark.stream_resets")),
        (Cause::Other, counter("benchmark.pool_connection_failure")),
    ];
    result.errors = causes.into_iter().filter(|cause| cause.1 > 0).collect();
    let requests = &mut result.requests;
    requests.succeeded = answered - bad;
    requests.failed = result.errors.values().sum();
    requests.sent = requests.succeeded + requests.failed;
    requests.due = due(plan, result.elapsed_seconds, requests.sent);
    requests.dropped = requests.due - requests.sent;
    result.statuses = CLASSES.iter().map(|name| ((*name).to_owned(), class(name))).filter(|one| one.1 > 0).collect();
    result.achieved_rate = per_second(answered, result.elapsed_seconds);
    result.connections.opened = counter("upstream_cx_total");
    result.bytes.sent = counter("upstream_cx_tx_bytes_total");
    result.bytes.received = counter("upstream_cx_rx_bytes_total");
    fill_latency(measured, result);
    result.warnings.push(
        "durations are made of the percentiles that Nighthawk told; statuses are told by class, and requests that were due \
         and not sent by the rate"
            .to_owned(),
    );
}

fn fill_latency(measured: &Measured, result: &mut PerfResult) {
    let statistic = |id: &str| measured.statistics.iter().find(|one| one.id == id).map(histogram).unwrap_or_default();
    let service = statistic("benchmark_http_client.request_to_response");
    for class in CLASSES {
        let histogram = statistic(&format!("benchmark_http_client.latency_{class}"));
        if !histogram.is_empty() {
            result.latency.by_class.insert(class.to_owned(), histogram);
        }
    }
    result.latency.response = service.clone();
    result.latency.service = service;
}

/// A statistic of times; every percentile says how many are at most as long.
fn histogram(statistic: &Statistic) -> Histogram {
    let mut histogram = Histogram::new();
    let mut seen = 0;
    if let Some(MinType::Min(shortest)) = statistic.min_type
        && statistic.count > 0
    {
        histogram.record_ns(nanoseconds(shortest));
        seen = 1;
    }
    for percentile in &statistic.percentiles {
        let Some(DurationType::Duration(length)) = percentile.duration_type else { continue };
        histogram.record_n(nanoseconds(length), percentile.count.saturating_sub(seen));
        seen = seen.max(percentile.count);
    }
    histogram
}

fn nanoseconds(length: prost_types::Duration) -> u64 {
    let length = Duration::try_from(length).unwrap_or_default();
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::nighthawk::{Counter, Percentile};

    fn percentile(at: f64, us: i32, count: u64) -> Percentile {
        let duration = prost_types::Duration { seconds: 0, nanos: us * 1_000 };
        Percentile { duration_type: Some(DurationType::Duration(duration)), percentile: at, count }
    }

    fn statistic(id: &str) -> Statistic {
        Statistic {
            id: id.to_owned(),
            count: 100,
            min_type: Some(MinType::Min(prost_types::Duration { seconds: 0, nanos: 50_000 })),
            percentiles: vec![
                percentile(0.0, 50, 1),
                percentile(0.5, 100, 50),
                percentile(0.99, 900, 99),
                percentile(1.0, 4_000, 100),
            ],
            ..Statistic::default()
        }
    }

    #[test]
    fn every_count_becomes_a_duration() {
        let histogram = histogram(&statistic("x"));
        assert_eq!(histogram.count(), 100);
        assert_eq!([50.0, 99.0, 100.0].map(|at| histogram.percentile_ns(at) / 10_000), [10, 90, 400]);
    }

    #[test]
    fn counters_become_requests_and_causes() {
        let counter = |name: &str, value| Counter { name: name.to_owned(), value };
        let measured = Measured {
            name: "global".to_owned(),
            counters: vec![
                counter("benchmark.http_2xx", 90),
                counter("benchmark.http_5xx", 7),
                counter("benchmark.stream_resets", 3),
            ],
            statistics: vec![statistic("benchmark_http_client.request_to_response")],
            execution_duration: Some(prost_types::Duration { seconds: 2, nanos: 0 }),
            ..Measured::default()
        };
        let output = Output { results: vec![Measured::default(), measured], ..Output::default() };
        let global = global(&output).unwrap();
        let plan = Plan::default();
        let program = super::super::Program { path: "n".into(), version: "1".into() };
        let mut result = super::super::outline::result(&plan, &program, (crate::base::clock::now(), elapsed(global)));
        fill(global, &plan, &mut result);
        let requests = result.requests;
        assert_eq!((requests.sent, requests.succeeded, requests.failed), (100, 90, 10));
        assert_eq!(result.errors, [(Cause::Reset, 3), (Cause::Status, 7)].into());
        assert_eq!((result.latency.service.count(), result.elapsed_seconds), (100, 2.0));
    }
}

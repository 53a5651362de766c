//! Whether a result is exactly the sum of what its workers brought.

use std::collections::BTreeMap;

use mesheryctl::model::performance::histogram::Histogram;
use mesheryctl::model::performance::result::{PerfResult, WorkerShare};

/// Counts of each bucket.
pub fn counts(histogram: &Histogram) -> Vec<(u64, u64)> {
    histogram.counts().collect()
}

/// Every count and every bucket of the whole is the sum of those of the workers, and of its own intervals.
pub fn is_sum_of_its_parts(result: &PerfResult) {
    let total = |of: fn(&WorkerShare) -> u64| result.workers.iter().map(of).sum::<u64>();
    let all = |of: &dyn Fn(&WorkerShare) -> Histogram| counts(&sum(result.workers.iter().map(of)));
    assert_eq!(counts(&result.latency.response), all(&|share| share.latency.response.clone()));
    assert_eq!(counts(&result.latency.service), all(&|share| share.latency.service.clone()));
    assert_eq!(counts(&result.latency.slip), all(&|share| share.latency.slip.clone()));
    for (class, whole) in &result.latency.by_class {
        let of_class = |share: &WorkerShare| share.latency.by_class.get(class).cloned().unwrap_or_default();
        assert_eq!(counts(whole), all(&of_class), "{class}");
    }
    let requests = &result.requests;
    assert_eq!(requests.due, total(|share| share.requests.due));
    assert_eq!(requests.sent, total(|share| share.requests.sent));
    assert_eq!(requests.succeeded, total(|share| share.requests.succeeded));
    assert_eq!(requests.failed, total(|share| share.requests.failed));
    assert_eq!(requests.dropped, total(|share| share.requests.dropped));
    assert_eq!(result.bytes.sent, total(|share| share.bytes.sent));
    assert_eq!(result.bytes.received, total(|share| share.bytes.received));
    assert_eq!(result.statuses, totals(result.workers.iter().map(|share| &share.statuses)));
    assert_eq!(result.errors, totals(result.workers.iter().map(|share| &share.errors)));
    let intervals = sum(result.intervals.iter().map(|interval| interval.response.unpack()));
    assert_eq!(counts(&intervals), counts(&result.latency.response));
}

fn sum(histograms: impl Iterator<Item = Histogram>) -> Histogram {
    let mut sum = Histogram::new();
    histograms.for_each(|one| sum.merge(&one));
    sum
}

fn totals<'m, K: Ord + Clone + 'm>(maps: impl Iterator<Item = &'m BTreeMap<K, u64>>) -> BTreeMap<K, u64> {
    let mut all = BTreeMap::new();
    for (key, count) in maps.flatten() {
        *all.entry(key.clone()).or_default() += count;
    }
    all
}

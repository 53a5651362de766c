//! Results of other programs: what they do not tell is left empty, and what they lose is told.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::id;
use crate::model::performance::environment::Environment;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{
    Bytes, Connections, Ending, GeneratorReport, Latency, PerfResult, Requests, SCHEMA,
};

/// A result of which nothing is known but where it came from. Its id follows from its content, so that reading a file
/// twice gives the same result.
pub fn blank(generator: &str, content: &[u8]) -> PerfResult {
    PerfResult {
        schema: SCHEMA.to_owned(),
        id: id::stable("perf-import", &String::from_utf8_lossy(content)),
        name: String::new(),
        profile_id: None,
        plan: Plan { duration: None, ..Plan::default() },
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        elapsed_seconds: 0.0,
        ended_by: Ending::Duration,
        requested_rate: None,
        achieved_rate: 0.0,
        requests: Requests::default(),
        statuses: BTreeMap::new(),
        errors: BTreeMap::new(),
        connections: Connections::default(),
        bytes: Bytes::default(),
        latency: Latency::default(),
        intervals: Vec::new(),
        generator: GeneratorReport { name: generator.to_owned(), ..GeneratorReport::default() },
        environment: Environment::default(),
        workers: Vec::new(),
        warnings: Vec::new(),
        verdicts: Vec::new(),
        server_metrics: BTreeMap::new(),
    }
}

/// Sets begin and length of a result; the end follows.
pub fn set_time(result: &mut PerfResult, begin: Timestamp, seconds: f64) {
    let length = std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    result.started_at = begin;
    result.ended_at = begin.checked_add(length).unwrap_or(begin);
    result.elapsed_seconds = length.as_secs_f64();
}

/// A histogram of cumulative counts: `points` are a duration in nanoseconds and how many are at most that long.
pub fn cumulative(points: impl IntoIterator<Item = (u64, u64)>) -> Histogram {
    let mut histogram = Histogram::new();
    let mut seen = 0u64;
    for (nanoseconds, count) in points {
        histogram.record_n(nanoseconds, count.saturating_sub(seen));
        seen = seen.max(count);
    }
    histogram
}

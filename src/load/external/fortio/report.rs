//! fortio's report, made a result.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::clock::Timestamp;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Plan, Protocol};
use crate::model::performance::result::{Cause, PerfResult};

/// Points that a bucket's durations are spread over at most.
const POINTS: u64 = 64;

/// The parts of the report that are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    start_time: Option<String>,
    actual_duration: u64,
    duration_histogram: Buckets,
    #[serde(default)]
    ret_codes: BTreeMap<String, u64>,
    #[serde(default)]
    bytes_sent: u64,
    #[serde(default)]
    bytes_received: u64,
    #[serde(default)]
    socket_count: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Buckets {
    count: u64,
    #[serde(default)]
    data: Option<Vec<Bucket>>,
}

/// Durations between two bounds, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    start: f64,
    end: f64,
    count: u64,
}

impl Report {
    /// When the run began.
    pub(super) fn started(&self) -> Option<Timestamp> {
        self.start_time.as_deref()?.parse().ok()
    }

    /// How long it took.
    pub(super) fn elapsed_ns(&self) -> u64 {
        self.actual_duration
    }

    /// Puts its figures into a result.
    pub(super) fn fill(&self, plan: &Plan, result: &mut PerfResult) {
        let durations = histogram(self.duration_histogram.data.as_deref().unwrap_or_default());
        result.requests.sent = self.duration_histogram.count;
        for (code, count) in &self.ret_codes {
            match outcome(plan.protocol, code) {
                Ok(status) => *result.statuses.entry(status).or_default() += count,
                Err(cause) => {
                    *result.errors.entry(cause).or_default() += count;
                    if cause == Cause::Status {
                        *result.statuses.entry(code.clone()).or_default() += count;
                    }
                }
            }
        }
        result.requests.failed = result.errors.values().sum::<u64>().min(result.requests.sent);
        result.requests.succeeded = result.requests.sent - result.requests.failed;
        result.connections.opened = self.socket_count;
        result.bytes.sent = self.bytes_sent;
        result.bytes.received = self.bytes_received;
        result.latency.service = durations.clone();
        result.latency.response = durations;
        result.warnings.push(format!(
            "durations are made of fortio's buckets, of which the finest is {} us wide and later ones are up to a third of \
             their bounds",
            result.generator.resolution_ns / 1_000
        ));
        if result.errors.keys().any(|cause| *cause != Cause::Status) {
            result.warnings.push("durations of requests without a response are among fortio's figures".to_owned());
        }
    }
}

/// What a code of fortio means: a good status, or the cause of a failure. HTTP tells -1 for every error of a socket.
fn outcome(protocol: Protocol, code: &str) -> Result<String, Cause> {
    match protocol {
        Protocol::Http1 | Protocol::Http2 => match code.parse::<i64>() {
            Ok(status) if (100..400).contains(&status) => Ok(code.to_owned()),
            Ok(status) if (400..1000).contains(&status) => Err(Cause::Status),
            _ => Err(Cause::Other),
        },
        Protocol::Grpc | Protocol::GrpcHealth if code == "SERVING" || code == "1" => Ok("OK".to_owned()),
        Protocol::Tcp | Protocol::Udp if code == "OK" => Ok("ok".to_owned()),
        _ => Err(Cause::Other),
    }
}

/// The buckets, each with its durations spread evenly between its bounds, as fortio itself reads them.
fn histogram(buckets: &[Bucket]) -> Histogram {
    let mut histogram = Histogram::new();
    for bucket in buckets.iter().filter(|bucket| bucket.count > 0) {
        let points = bucket.count.min(POINTS);
        for point in 0..points {
            let count = bucket.count / points + u64::from(point < bucket.count % points);
            histogram.record_n(nanoseconds(at(bucket, point, points)), count);
        }
    }
    histogram
}

/// The point's place: the last one is the bucket's upper bound, which is the longest duration in the last bucket.
#[expect(clippy::cast_precision_loss, reason = "points are few")]
fn at(bucket: &Bucket, point: u64, points: u64) -> f64 {
    bucket.start + (bucket.end - bucket.start) * (point + 1) as f64 / points as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_kept_within_its_bucket() {
        let buckets = [
            Bucket { start: 0.0005, end: 0.001, count: 3 },
            Bucket { start: 0.001, end: 0.002, count: 1_000 },
            Bucket { start: 0.1, end: 0.196, count: 1 },
        ];
        let histogram = histogram(&buckets);
        assert_eq!(histogram.count(), 1_004);
        assert_eq!(histogram.count_up_to_ns(1_000_500), 3);
        let median = histogram.percentile_ns(50.0);
        assert!((1_480_000..1_530_000).contains(&median), "{median}");
        assert!((196_000_000..196_200_000).contains(&histogram.max_ns()));
    }

    #[test]
    fn codes_are_told_apart_by_protocol() {
        assert_eq!(outcome(Protocol::Http1, "302"), Ok("302".to_owned()));
        assert_eq!(outcome(Protocol::Http1, "503"), Err(Cause::Status));
        assert_eq!(outcome(Protocol::Http1, "-1"), Err(Cause::Other));
        assert_eq!(outcome(Protocol::GrpcHealth, "SERVING"), Ok("OK".to_owned()));
        assert_eq!(outcome(Protocol::Tcp, "OK"), Ok("ok".to_owned()));
        assert_eq!(outcome(Protocol::Udp, "timeout"), Err(Cause::Other));
    }
}

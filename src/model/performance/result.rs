//! What came of a measurement.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::environment::Environment;
use super::histogram::{Histogram, PackedHistogram};
use super::plan::Plan;
use super::verdict::Verdict;
use crate::base::clock::Timestamp;

/// Name of the JSON form, in its field `schema`.
pub const SCHEMA: &str = "mesheryctl.perf.result/v1";

/// The result of a measurement: everything that is needed to judge it, to repeat it and to merge it with others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PerfResult {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its id.
    pub id: Uuid,
    /// Name of the test.
    pub name: String,
    /// The profile it belongs to, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<Uuid>,
    /// What was asked for. Values that authorise are redacted.
    pub plan: Plan,
    /// When the measurement began, after the warm-up.
    pub started_at: Timestamp,
    /// When its last response was in, or given up.
    pub ended_at: Timestamp,
    /// Length in seconds: the time in which requests were made. A wait for slow responses after it is not counted, but for
    /// what connections that were never without a request took for their last one.
    pub elapsed_seconds: f64,
    /// Why it ended.
    pub ended_by: Ending,
    /// Requests a second that were asked for, in the mean; none in the closed model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_rate: Option<f64>,
    /// Responses a second, good or bad.
    pub achieved_rate: f64,
    /// Requests by what became of them.
    pub requests: Requests,
    /// Responses by status: HTTP's three digits, the name of gRPC's code, `ok` for TCP and UDP.
    pub statuses: BTreeMap<String, u64>,
    /// Requests that failed, by cause.
    pub errors: BTreeMap<Cause, u64>,
    /// Connections.
    pub connections: Connections,
    /// Bytes over the sockets, without TLS's share.
    pub bytes: Bytes,
    /// Durations.
    pub latency: Latency,
    /// The run second by second.
    #[serde(default)]
    pub intervals: Vec<Interval>,
    /// What the generator says of itself.
    pub generator: GeneratorReport,
    /// Where it ran.
    pub environment: Environment,
    /// Shares of the workers of a distributed run; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerShare>,
    /// What limits what can be said.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What its thresholds came to; empty without any, and in results of earlier versions.
    #[serde(default)]
    pub verdicts: Vec<Verdict>,
    /// Queries of a connected Prometheus over the run's window: the query, and its `data` object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub server_metrics: BTreeMap<String, serde_json::Value>,
}

/// Why a measurement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The planned time was over.
    Duration,
    /// The planned number of requests was sent.
    Requests,
    /// It was stopped on request; what was measured until then stands.
    Stopped,
    /// A threshold that aborts was crossed.
    Threshold,
    /// Every worker was lost.
    WorkersLost,
}

/// Requests by what became of them. `due` = `succeeded` + `failed` + `dropped` once a run is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Due by the plan; in the closed model as many as its users wanted to send.
    pub due: u64,
    /// Handed to a connection. Those that failed because there was none are due and failed, and not sent.
    pub sent: u64,
    /// Answered with a good status: HTTP below 400, gRPC `OK`.
    pub succeeded: u64,
    /// Answered with another status, or not answered.
    pub failed: u64,
    /// Due but never sent, by the policy `drop` or because the run was over.
    pub dropped: u64,
    /// The most that waited for a connection at one time.
    pub queued_most: u64,
}

impl Requests {
    /// Requests that are over: answered, failed or never sent.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.dropped
    }

    /// Requests without a good response: failed, or due and never sent.
    pub fn bad(&self) -> u64 {
        self.failed + self.dropped
    }
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The host's name has no address.
    Resolve,
    /// The connection was refused.
    Refused,
    /// The network or host cannot be reached.
    Unreachable,
    /// No connection in time.
    ConnectTimeout,
    /// TLS could not be agreed on.
    Tls,
    /// The certificate is not trusted, not valid, or for another name.
    Certificate,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the response was whole.
    Closed,
    /// The response was not whole in time.
    Timeout,
    /// The response does not follow its protocol.
    Protocol,
    /// The far side refused the stream or said that it goes away (HTTP/2).
    Stream,
    /// The response is whole, its status is an error.
    Status,
    /// More redirects than are followed, or one that leads nowhere.
    Redirect,
    /// The response holds something else than was expected (an echo that differs).
    Content,
    /// This machine ran out of something: ports, files, memory.
    Local,
    /// Anything else.
    Other,
}

impl Cause {
    /// Every cause, in the order of their declaration.
    pub const ALL: [Self; 16] = [
        Self::Resolve,
        Self::Refused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Certificate,
        Self::Reset,
        Self::Closed,
        Self::Timeout,
        Self::Protocol,
        Self::Stream,
        Self::Status,
        Self::Redirect,
        Self::Content,
        Self::Local,
        Self::Other,
    ];

    /// Its name in output, the same as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Stream => "stream",
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Content => "content",
            Self::Local => "local",
            Self::Other => "other",
        }
    }
}

/// Connections of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// Opened, with TLS where wanted.
    pub opened: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Closed by the far side.
    pub closed_by_peer: u64,
    /// From the first packet to ready, TLS included.
    pub connect: Histogram,
}

/// Bytes over the sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    /// Sent.
    pub sent: u64,
    /// Received.
    pub received: u64,
}

/// Durations of a run. Requests without a response stand in `errors`, not here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// From the moment a request was due to its last byte: what a user would have waited. In the closed model it is the
    /// service time.
    pub response: Histogram,
    /// From the moment a request was sent to its last byte.
    pub service: Histogram,
    /// From the moment a request was due to the moment it was sent, where nothing but the generator kept it: the floor
    /// below which response times say nothing. Empty in the closed model.
    pub slip: Histogram,
    /// Response times by class of status: `1xx` to `5xx`, `ok`, `error`.
    #[serde(default)]
    pub by_class: BTreeMap<String, Histogram>,
}

/// One second of a run, or what was left of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Begin in seconds from the start of the measurement.
    pub start_seconds: f64,
    /// Length in seconds.
    pub length_seconds: f64,
    /// Requests sent.
    pub sent: u64,
    /// Good responses.
    pub succeeded: u64,
    /// Failed requests.
    pub failed: u64,
    /// Dropped requests.
    pub dropped: u64,
    /// Response times. A run holds thousands of intervals, so that they are kept small.
    pub response: PackedHistogram,
}

impl Interval {
    /// Responses a second, good or bad.
    pub fn response_rate(&self) -> f64 {
        response_rate(self.response.count(), self.length_seconds)
    }
}

/// Responses a second: whatever shows a rate counts those whose times are known, as the rate of the whole run does.
/// Requests that failed without a response, refused or out of time, are no work of the target's.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn response_rate(responses: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { responses as f64 / seconds } else { 0.0 }
}

/// What the generator says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorReport {
    /// Its name: `native`, `fortio`, …
    pub name: String,
    /// Its version.
    pub version: String,
    /// Threads that made the load.
    pub threads: u32,
    /// Processor time in user mode, in seconds; none where an external program does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_user_seconds: Option<f64>,
    /// Processor time in the kernel, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_system_seconds: Option<f64>,
    /// Share (0 to 1) of the machine's time that the hypervisor gave to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal: Option<f64>,
    /// Share (0 to 1) of the run in which a thread could have gone on but had to wait for a processor, in the mean of the
    /// threads: what else ran on this machine shows in the durations to that extent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_wait: Option<f64>,
    /// Share (0 to 1) of the run in which a thread looked for a response that was due instead of sleeping until it came, in
    /// the mean of the threads. Being woken makes a response some 30 microseconds longer; looking takes a whole processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looking: Option<f64>,
    /// Durations are no finer than this, in nanoseconds: 0 where the histogram's digits are the limit.
    #[serde(default)]
    pub resolution_ns: u64,
}

/// What one worker brought into a distributed run. The counts and histograms of a run are the sums of these, bucket by
/// bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerShare {
    /// Its address or name.
    pub name: String,
    /// Requests it sent.
    pub sent: u64,
    /// Responses a second it got.
    pub achieved_rate: f64,
    /// Its clock minus ours, in nanoseconds.
    pub clock_offset_ns: i64,
    /// How well that is known: half of the fastest round trip, in nanoseconds.
    pub clock_error_ns: u64,
    /// Its begin after the agreed moment, in nanoseconds.
    pub start_slip_ns: i64,
    /// 99th percentile of its own slip, in nanoseconds.
    pub slip_p99_ns: u64,
    /// Why it was lost, where it was; its intervals until then are in the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Its requests by what became of them.
    #[serde(default)]
    pub requests: Requests,
    /// Its responses by status.
    #[serde(default)]
    pub statuses: BTreeMap<String, u64>,
    /// Its failures by cause.
    #[serde(default)]
    pub errors: BTreeMap<Cause, u64>,
    /// Its bytes; those of a lost worker are not known, and count as none.
    #[serde(default)]
    pub bytes: Bytes,
    /// Its durations.
    #[serde(default)]
    pub latency: Latency,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_one_name() {
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{}\"", cause.name()));
        }
    }
}

//! A measurement in a few figures: while it runs, and in lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::result::{Ending, Interval, Requests, response_rate};
use super::verdict::Outcome;

/// What a running measurement has measured: its last interval, and all of them. Percentiles are response times in
/// nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// Milliseconds from the start of the measurement to the end of the interval.
    pub elapsed_ms: u64,
    /// Length of the interval in milliseconds.
    pub length_ms: u64,
    /// The interval.
    pub last: Figures,
    /// Everything so far.
    pub so_far: Figures,
}

/// Requests by what became of them, and how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Requests sent.
    pub sent: u64,
    /// Good responses.
    pub succeeded: u64,
    /// Failed requests.
    pub failed: u64,
    /// Dropped requests.
    pub dropped: u64,
    /// Responses, good or bad: those whose times are known.
    #[serde(default)]
    pub responses: u64,
    /// Median. Dropped requests count as slower than every response; the longest response where it lies among them.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
}

impl Figures {
    /// The figures of an interval.
    pub fn of(interval: &Interval) -> Self {
        Self {
            sent: interval.sent,
            succeeded: interval.succeeded,
            failed: interval.failed,
            dropped: interval.dropped,
            ..Self::times(&interval.response.unpack(), interval.dropped)
        }
    }

    fn times(response: &Histogram, dropped: u64) -> Self {
        let at =
            |percentile| response.percentile_with_late_ns(percentile, dropped).unwrap_or_else(|| response.max_ns());
        Self { responses: response.count(), p50_ns: at(50.0), p99_ns: at(99.0), ..Self::default() }
    }
}

impl Measured {
    /// Responses a second in the interval, good or bad.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "rates are positive and small"
    )]
    pub fn answered_per_second(&self) -> u64 {
        response_rate(self.last.responses, self.length_ms as f64 / 1000.0) as u64
    }
}

/// Intervals added up.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    /// Seconds from the start of the measurement to the end of the last interval.
    pub length_seconds: f64,
    /// Response times.
    pub response: Histogram,
    sent: u64,
    succeeded: u64,
    failed: u64,
    dropped: u64,
}

impl Sum {
    /// Adds an interval.
    pub fn add(&mut self, interval: &Interval) {
        self.length_seconds = self.length_seconds.max(interval.start_seconds + interval.length_seconds);
        self.sent += interval.sent;
        self.succeeded += interval.succeeded;
        self.failed += interval.failed;
        self.dropped += interval.dropped;
        self.response.merge(&interval.response.unpack());
    }

    /// The requests that they tell of. One interval in the midst of a run does not tell: what was sent before it and ended
    /// in it would be due twice.
    pub fn requests(&self) -> Requests {
        Requests {
            due: self.sent.max(self.succeeded + self.failed) + self.dropped,
            sent: self.sent,
            succeeded: self.succeeded,
            failed: self.failed,
            dropped: self.dropped,
            queued_most: 0,
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            sent: self.sent,
            succeeded: self.succeeded,
            failed: self.failed,
            dropped: self.dropped,
            ..Figures::times(&self.response, self.dropped)
        }
    }

    /// What is told when `last` was added last.
    pub fn measured(&self, last: &Interval) -> Measured {
        Measured {
            elapsed_ms: milliseconds(last.start_seconds + last.length_seconds),
            length_ms: milliseconds(last.length_seconds),
            last: Figures::of(last),
            so_far: self.figures(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run are small and positive")]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

/// How far a stored result is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResultState {
    /// The measurement goes on; what is stored is what it had measured a moment ago.
    Running,
    /// It is whole.
    #[default]
    Complete,
    /// The process that measured ended before the measurement did.
    Partial,
    /// The measurement could not be begun, or its generator broke down.
    Failed,
}

impl ResultState {
    /// Its name in output, the same as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// A result as a list shows it. Durations are response times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Load model: `open` or `closed`.
    pub model: String,
    /// Generator's name.
    pub generator: String,
    /// Protocol's name.
    pub protocol: String,
    /// Addresses that were measured.
    pub targets: Vec<String>,
    /// Connections of the plan.
    pub connections: u32,
    /// Requests a second that were asked for, in the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_rate: Option<f64>,
    /// Responses a second.
    pub achieved_rate: f64,
    /// Length in seconds.
    pub elapsed_seconds: f64,
    /// Requests sent.
    pub sent: u64,
    /// Good responses.
    pub succeeded: u64,
    /// Failed requests.
    pub failed: u64,
    /// Dropped requests.
    pub dropped: u64,
    /// Median.
    pub p50_ns: u64,
    /// 90th percentile.
    pub p90_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// 99.9th percentile.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// Names of the percentiles above that may not be taken as fact; none in results that earlier versions stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<Vec<String>>,
    /// What its thresholds came to: breached where one is, else undecided where one is, else held; none without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Outcome>,
    /// Why it ended.
    pub ended_by: Ending,
    /// Number of warnings.
    pub warnings: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: f64, durations: &[u64], failed: u64) -> Interval {
        let mut response = Histogram::new();
        for duration in durations {
            response.record_ns(*duration);
        }
        let succeeded = durations.len() as u64;
        let sent = succeeded + failed;
        Interval {
            start_seconds: start,
            length_seconds: 0.5,
            sent,
            succeeded,
            failed,
            dropped: 1,
            response: response.into(),
        }
    }

    #[test]
    fn what_is_told_covers_the_last_interval_and_all_of_them() {
        let mut sum = Sum::default();
        sum.add(&interval(0.0, &[1_000], 0));
        let last = interval(0.5, &[5_000, 5_000, 5_000], 1);
        sum.add(&last);
        let told = sum.measured(&last);
        assert_eq!(
            (told.elapsed_ms, told.length_ms, told.answered_per_second()),
            (1000, 500, 6),
            "the one that failed has no response"
        );
        assert_eq!((told.last.sent, told.so_far.sent, told.so_far.dropped), (4, 5, 2));
        assert!(told.so_far.p50_ns >= 5_000 && sum.response.min_ns() == 1_000);
        assert!((sum.length_seconds - 1.0).abs() < 1e-9);
    }
}

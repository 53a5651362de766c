//! What `perf optimise` looks for, and the figures by which runs are compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{Code, Error, Result};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::PerfResult;
use crate::perf::stats::order::Sample;
use crate::perf::{summary, units};

/// What is best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "figure", rename_all = "kebab-case")]
pub enum Goal {
    /// The lowest percentile of response times, requests that failed counting as slower than every good response.
    Percentile {
        /// Which, 0 to 100.
        percentile: f64,
    },
    /// The highest rate of responses.
    Rate,
    /// The fewest errors.
    Errors,
}

impl Goal {
    /// Reads `p99`, `rps` or `errors`.
    ///
    /// # Errors
    /// [`Code::UsageError`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let percentile = text.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
        match (text, percentile) {
            ("rps", _) => Ok(Self::Rate),
            ("errors", _) => Ok(Self::Errors),
            (_, Some(percentile)) if percentile > 0.0 && percentile < 100.0 => Ok(Self::Percentile { percentile }),
            _ => Err(Error::new(Code::UsageError, format!("`{text}` is nothing that can be best"))
                .remedy("Write a percentile such as p99, or rps, or errors.")),
        }
    }

    /// Its name, as [`Self::parse`] reads it.
    pub fn name(self) -> String {
        match self {
            Self::Percentile { percentile } => units::percentile(percentile),
            Self::Rate => "rps".to_owned(),
            Self::Errors => "errors".to_owned(),
        }
    }

    /// The figure: nanoseconds, responses a second, or a share. None where so many requests failed that the percentile lies
    /// among them.
    #[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds are far below 2^53")]
    pub(super) fn figure(self, result: &PerfResult) -> Option<f64> {
        match self {
            Self::Percentile { percentile } => Good::of(result).percentile_ns(percentile).map(|time| time as f64),
            Self::Rate => Some(result.achieved_rate),
            Self::Errors => Some(error_share(result)),
        }
    }

    /// A figure of it as people read it; `-` for none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are positive")]
    pub fn text(self, figure: Option<f64>) -> String {
        match (self, figure) {
            (_, None) => "-".to_owned(),
            (Self::Percentile { .. }, Some(time)) => units::duration_ns(time as u64),
            (Self::Rate, Some(rate)) => format!("{}/s", units::rate(rate)),
            (Self::Errors, Some(share)) => units::share(share),
        }
    }

    /// A figure so that less is better.
    pub(super) fn cost(self, figure: f64) -> f64 {
        if self == Self::Rate { -figure } else { figure }
    }
}

/// The times of good responses, and the number of requests without one: whoever fails fast must not look fast.
pub(super) struct Good {
    pub(super) times: Histogram,
    without: u64,
}

impl Good {
    pub(super) fn of(result: &PerfResult) -> Self {
        let latency = &result.latency;
        let told: u64 = latency.by_class.values().map(Histogram::count).sum();
        let mut times = Histogram::new();
        if told == latency.response.count() {
            let good = latency.by_class.iter().filter(|(class, _)| !matches!(class.as_str(), "4xx" | "5xx" | "error"));
            good.for_each(|(_, histogram)| times.merge(histogram));
        } else {
            // Not every generator tells response times by status. Its bad responses are taken for the fastest, so that a
            // percentile of the others is too high rather than too low.
            let mut bad = latency.response.count().saturating_sub(result.requests.succeeded);
            for (time, count) in latency.response.counts() {
                times.record_n(time, count.saturating_sub(bad));
                bad = bad.saturating_sub(count);
            }
        }
        let without = result.requests.ended().saturating_sub(times.count());
        Self { times, without }
    }

    pub(super) fn percentile_ns(&self, percentile: f64) -> Option<u64> {
        Sample::new(&self.times, self.without).percentile_ns(percentile)
    }
}

/// A run without a request is no good one.
pub(super) fn error_share(result: &PerfResult) -> f64 {
    if result.requests.ended() == 0 { 1.0 } else { summary::error_share(result) }
}

//! What a measurement has to hold: `p99<20ms`, `errors<0.1%`, `rps>=490`.

mod judge;
mod parse;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{Code, Error, Result};
use crate::perf::units;

pub use judge::Running;

/// A limit on one figure of a result.
///
/// A metric is `p99` (any percentile; `p(99)` is the same), `min`, `max`, `mean`, `stdev`, each of the response time
/// unless `service.`, `slip.` or `connect.` stands before it; `errors`, `success`, `dropped` and `status.5xx` or
/// `status.503`, as a share or a count; `rps`, as a rate or as a share of the rate that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    metric: Metric,
    operator: Operator,
    limit: Limit,
}

#[derive(Debug, Clone, PartialEq)]
enum Metric {
    Time(Series, Figure),
    Errors,
    Success,
    Dropped,
    Rate,
    /// `5xx`, or one status.
    Status(String),
}

/// Which durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Series {
    Response,
    Service,
    Slip,
    Connect,
}

impl Series {
    const ALL: [Self; 4] = [Self::Response, Self::Service, Self::Slip, Self::Connect];

    fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Slip => "slip",
            Self::Connect => "connect",
        }
    }
}

/// Which figure of a set of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    Percentile(f64),
    Min,
    Max,
    Mean,
    Stdev,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Operator {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// A limit in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Nanoseconds(f64),
    Share(f64),
    Count(f64),
    Rate(f64),
}

impl Limit {
    fn number(self) -> f64 {
        match self {
            Self::Nanoseconds(number) | Self::Share(number) | Self::Count(number) | Self::Rate(number) => number,
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Nanoseconds(_) => Unit::Nanoseconds,
            Self::Share(_) => Unit::Share,
            Self::Count(_) => Unit::Count,
            Self::Rate(_) => Unit::PerSecond,
        }
    }
}

/// The unit of a verdict's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A duration.
    Nanoseconds,
    /// A share, 0 to 1.
    Share,
    /// A number of requests.
    Count,
    /// Requests a second.
    PerSecond,
}

impl Unit {
    /// A value of this unit as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => units::duration(value),
            Self::Share => units::share(value),
            Self::Count => format!("{value}"),
            Self::PerSecond => format!("{}/s", units::rate(value)),
        }
    }
}

/// What came of holding a result against a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The threshold, as [`Threshold`] is written.
    pub threshold: String,
    /// Whether it holds.
    pub outcome: Outcome,
    /// The figure that was judged; none where the result lacks it.
    pub value: Option<f64>,
    /// Unit of `value`.
    pub unit: Unit,
    /// Why nothing can be said, where nothing can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Verdict {
    /// The figure as people read it; `n/a` where the result lacks it.
    pub fn shown(&self) -> String {
        self.value.map_or_else(|| "n/a".to_owned(), |value| self.unit.text(value))
    }

    /// Whether the threshold is breached.
    pub fn is_breached(&self) -> bool {
        self.outcome == Outcome::Breached
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.threshold, self.outcome.name(), self.shown())?;
        match &self.because {
            Some(because) => write!(f, " ({because})"),
            None => Ok(()),
        }
    }
}

/// Whether a threshold holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not.
    Breached,
    /// The result cannot tell.
    Undecided,
}

impl Outcome {
    /// Its name in output, the same as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Breached => "breached",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.metric, self.operator.sign(), self.limit)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(Series::Response, figure) => write!(f, "{figure}"),
            Self::Time(series, figure) => write!(f, "{}.{figure}", series.name()),
            Self::Errors => f.write_str("errors"),
            Self::Success => f.write_str("success"),
            Self::Dropped => f.write_str("dropped"),
            Self::Rate => f.write_str("rps"),
            Self::Status(status) => write!(f, "status.{status}"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => write!(f, "p{percentile}"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
            Self::Stdev => f.write_str("stdev"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds(nanoseconds) => write!(f, "{}", exact_duration(*nanoseconds)),
            // Rounded so that 0.1 % is not written with the dust of its binary fraction.
            Self::Share(share) => write!(f, "{}%", (share * 1e12).round() / 1e10),
            Self::Count(number) | Self::Rate(number) => write!(f, "{number}"),
        }
    }
}

/// In the largest unit that writes it without a fraction below a thousandth.
fn exact_duration(nanoseconds: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us")];
    let found = units.iter().find(|(size, _)| nanoseconds >= *size);
    let (size, unit) = found.copied().unwrap_or((1.0, "ns"));
    format!("{}{unit}", nanoseconds / size)
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What follows from verdicts for the exit code: a breach (99) comes before what cannot be said (1), so that a gate
/// neither passes by a figure that was never measured nor reports a breach that was not seen.
///
/// # Errors
/// A threshold is breached, or it cannot be said whether it holds.
pub fn conclude(verdicts: &[Verdict]) -> Result<()> {
    let of = |outcome: Outcome| verdicts.iter().filter(move |verdict| verdict.outcome == outcome);
    let breached: Vec<&Verdict> = of(Outcome::Breached).collect();
    if let Some(first) = breached.first() {
        let message = format!("{} of {} thresholds breached, first {first}", breached.len(), verdicts.len());
        return Err(Error::new(Code::ThresholdBreached, message).details(breached.iter().map(ToString::to_string)));
    }
    let undecided: Vec<&Verdict> = of(Outcome::Undecided).collect();
    match undecided.first() {
        Some(first) => {
            let message =
                format!("{} of {} thresholds cannot be decided, first {first}", undecided.len(), verdicts.len());
            Err(Error::new(Code::ThresholdUndecided, message).details(undecided.iter().map(ToString::to_string)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::exit;

    fn verdict(outcome: Outcome) -> Verdict {
        Verdict { threshold: "p99<20ms".into(), outcome, value: Some(3e7), unit: Unit::Nanoseconds, because: None }
    }

    #[test]
    fn a_breach_comes_before_what_cannot_be_said() {
        let code = |outcomes: &[Outcome]| {
            let verdicts: Vec<Verdict> = outcomes.iter().copied().map(verdict).collect();
            conclude(&verdicts).map_err(|error| exit::code(error.kind()))
        };
        assert_eq!(code(&[]), Ok(()));
        assert_eq!(code(&[Outcome::Held]), Ok(()));
        assert_eq!(code(&[Outcome::Held, Outcome::Undecided]), Err(1));
        assert_eq!(code(&[Outcome::Undecided, Outcome::Breached]), Err(99));
    }

    #[test]
    fn a_verdict_tells_its_value() {
        assert_eq!(verdict(Outcome::Breached).to_string(), "p99<20ms breached: 30ms");
    }
}

//! What a measurement has to hold: `p99<20ms`, `errors<0.1%`, `rps>=490`.

mod bounds;
mod judge;
mod parse;

use std::fmt;

use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::perf::units;

pub use crate::model::performance::verdict::{Outcome, Undecided, Unit, Verdict};
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

impl Verdict {
    /// The figure as people read it; `n/a` where the result lacks it.
    pub fn shown(&self) -> String {
        self.value.map_or_else(|| "n/a".to_owned(), |value| self.unit.text(value))
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

/// What follows from verdicts: a breach comes before what cannot be said, so that a gate neither passes by a figure that
/// was never measured nor reports a breach that was not seen.
///
/// # Errors
/// [`Code::ThresholdBreached`] (exit code 99); [`Code::ThresholdUndecided`] (1) where what cannot be decided is to fail.
pub fn conclude(verdicts: &[Verdict], undecided: Undecided) -> Result<()> {
    let judged: Vec<_> = verdicts.iter().map(|verdict| (verdict.outcome, verdict.to_string())).collect();
    let wanted = verdicts.iter().filter_map(|verdict| verdict.wanted).max();
    conclude_all(&judged, undecided).map_err(|error| match wanted {
        Some(wanted) if error.code() == Code::ThresholdUndecided => error.remedy(format!(
            "Measure {} requests or more, for instance with --requests {wanted}, or let it pass with --undecided pass.",
            units::count(wanted)
        )),
        _ => error,
    })
}

/// As [`conclude`], of limits of any sort: what came of each, and its text.
///
/// # Errors
/// See [`conclude`].
pub fn conclude_all(judged: &[(Outcome, String)], undecided: Undecided) -> Result<()> {
    let fail = |code, outcome: Outcome| {
        let of = judged.iter().filter(|(found, _)| *found == outcome);
        let texts: Vec<String> = of.map(|(_, text)| text.clone()).collect();
        match texts.as_slice() {
            [] => Ok(()),
            [one] => Err(Error::new(code, one.clone())),
            several => {
                let message = format!("{} of {} limits are {}", several.len(), judged.len(), outcome.name());
                Err(Error::new(code, message).details(several.iter().cloned()))
            }
        }
    };
    fail(Code::ThresholdBreached, Outcome::Breached)?;
    match undecided {
        Undecided::Pass => Ok(()),
        Undecided::Fail => fail(Code::ThresholdUndecided, Outcome::Undecided),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::exit;

    fn verdict(outcome: Outcome) -> Verdict {
        let wanted = (outcome == Outcome::Undecided).then_some(9_508);
        let (value, unit, because) = (Some(3e7), Unit::Nanoseconds, None);
        Verdict { threshold: "p99<20ms".into(), outcome, value, unit, because, wanted }
    }

    fn concluded(outcomes: &[Outcome], undecided: Undecided) -> Result<()> {
        conclude(&outcomes.iter().copied().map(verdict).collect::<Vec<_>>(), undecided)
    }

    #[test]
    fn a_breach_comes_before_what_cannot_be_said() {
        let code =
            |outcomes: &[Outcome], undecided| concluded(outcomes, undecided).map_err(|error| exit::code(error.kind()));
        for undecided in [Undecided::Pass, Undecided::Fail] {
            assert_eq!(code(&[], undecided), Ok(()));
            assert_eq!(code(&[Outcome::Held], undecided), Ok(()));
            assert_eq!(code(&[Outcome::Undecided, Outcome::Breached], undecided), Err(99));
        }
        assert_eq!(code(&[Outcome::Held, Outcome::Undecided], Undecided::Fail), Err(1));
        assert_eq!(code(&[Outcome::Held, Outcome::Undecided], Undecided::Pass), Ok(()));
    }

    #[test]
    fn what_cannot_be_decided_tells_what_would_decide_it() {
        let error = concluded(&[Outcome::Undecided], Undecided::default()).unwrap_err();
        assert_eq!(error.code(), Code::ThresholdUndecided, "it fails unless it is told to pass");
        assert_eq!(error.message(), "p99<20ms undecided: 30ms");
        let remedy = error.report().suggested_remediation.unwrap();
        assert!(remedy.contains("--requests 9508") && remedy.contains("--undecided pass"), "{remedy}");
        let two = concluded(&[Outcome::Breached, Outcome::Held, Outcome::Breached], Undecided::Fail).unwrap_err();
        assert_eq!((two.message(), two.report().details.len()), ("2 of 3 limits are breached", 2));
    }

    #[test]
    fn a_verdict_tells_its_value() {
        assert_eq!(verdict(Outcome::Breached).to_string(), "p99<20ms breached: 30ms");
    }
}

//! `--fail-on 'p99>+5%'`: differences that a pipeline does not let pass.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Comparison, Difference, Metric, Verdict};
use crate::base::error::{Code, Error, Result};
use crate::model::performance::duration;
use crate::perf::threshold::{self, Outcome, Undecided};

/// A limit on a difference from the baseline, as a share of it or in the metric's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    text: String,
    metric: Metric,
    /// Whether a difference above the limit fails, rather than one below.
    above: bool,
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Ratio(f64),
    Absolute(f64),
}

/// What came of a gate for one result.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateVerdict {
    /// The gate as it was written.
    pub gate: String,
    /// The result that was held against it.
    pub name: String,
    /// `breached` when the whole interval is beyond the limit, `held` when none of it is, `undecided` in between.
    pub outcome: Outcome,
    /// The difference as people read it.
    pub value: String,
}

impl fmt::Display for GateVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} by {}: {}", self.gate, self.outcome.name(), self.name, self.value)
    }
}

impl Gate {
    /// Reads a gate: a metric (`p99`, `mean`, `rps`, `errors`), `>` or `<`, and a signed difference (`+5%`, `-2%`, `+2ms`).
    ///
    /// # Errors
    /// [`Code::ThresholdInvalid`], with what was expected.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |expected: &str| {
            Error::new(Code::ThresholdInvalid, format!("`{text}` is no limit on a difference: {expected} expected"))
                .remedy("Write METRIC, > or <, and a signed difference, in quotes, for example 'p99>+5%' or 'rps<-2%'.")
        };
        let at = text.find(['<', '>']).ok_or_else(|| refused("> or <"))?;
        let name = text[..at].trim();
        let metric = Metric::all()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| refused("rps, errors, mean, p50, p75, p90, p95, p99 or p99.9"))?;
        let limit = limit(metric, text[at + 1..].trim()).ok_or_else(|| refused("a signed difference such as +5%"))?;
        Ok(Self { text: text.trim().to_owned(), metric, above: text[at..].starts_with('>'), limit })
    }

    /// Holds every compared result against the gate.
    pub fn judge(&self, comparison: &Comparison) -> Vec<GateVerdict> {
        let judged = comparison.others.iter().filter_map(|other| {
            let difference = other.figures.iter().find(|figure| figure.metric == self.metric)?;
            Some(GateVerdict {
                gate: self.text.clone(),
                name: other.name.clone(),
                outcome: self.outcome(difference),
                value: shown(difference),
            })
        });
        judged.collect()
    }

    fn outcome(&self, difference: &Difference) -> Outcome {
        let limit = match (self.limit, difference.base) {
            (Limit::Absolute(limit), _) => limit,
            (Limit::Ratio(ratio), Some(base)) => ratio * base,
            (Limit::Ratio(_), None) => return Outcome::Undecided,
        };
        let Some(span) = difference.interval else {
            // What is worse without an interval has no response at all: it is beyond every limit.
            return match (difference.verdict, self.above) {
                (Verdict::Worse, true) => Outcome::Breached,
                (Verdict::Worse, false) => Outcome::Held,
                _ => Outcome::Undecided,
            };
        };
        let (low, high) = (span.low.unwrap_or(f64::NEG_INFINITY), span.high.unwrap_or(f64::INFINITY));
        let (nearest, farthest) = if self.above { (low, high) } else { (-high, -low) };
        let limit = if self.above { limit } else { -limit };
        match () {
            () if nearest > limit => Outcome::Breached,
            () if farthest <= limit => Outcome::Held,
            () => Outcome::Undecided,
        }
    }
}

fn limit(metric: Metric, text: &str) -> Option<Limit> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+')?),
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(percent) = rest.strip_suffix('%') {
        return number(percent).map(|percent| Limit::Ratio(sign * percent / 100.0));
    }
    let absolute = match metric {
        Metric::Rate => number(rest.strip_suffix("/s").unwrap_or(rest))?,
        // A share of a share would be ambiguous.
        Metric::Errors => return None,
        Metric::Mean | Metric::Percentile(_) => duration::parse(rest).ok()?.as_secs_f64() * 1e9,
    };
    Some(Limit::Absolute(sign * absolute))
}

fn shown(difference: &Difference) -> String {
    let metric = difference.metric;
    let Some(middle) = difference.difference else { return "n/a".to_owned() };
    let bounds = difference.interval.map(|span| format!(", 95 % interval {}", span.text(metric)));
    format!(
        "{} ({}){}",
        metric.signed(middle),
        crate::perf::units::change(difference.ratio),
        bounds.unwrap_or_default()
    )
}

/// What follows from gates, as [`threshold::conclude`] says it of thresholds.
///
/// # Errors
/// A gate is breached, or it cannot be decided and is to fail then.
pub fn conclude(verdicts: &[GateVerdict], undecided: Undecided) -> Result<()> {
    let judged: Vec<_> = verdicts.iter().map(|verdict| (verdict.outcome, verdict.to_string())).collect();
    threshold::conclude_all(&judged, undecided)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use proptest::prelude::*;

    use super::super::compare;
    use super::*;
    use crate::base::exit;
    use crate::model::performance::plan::Load;
    use crate::model::performance::result::{Latency, PerfResult};
    use crate::perf::sample;

    fn outcome(gate: &str, factor: f64) -> Outcome {
        let (base, other) = (sample::scaled(60_000, 1.0, 1), sample::scaled(60_000, factor, 2));
        let comparison = compare(&[("a", &base), ("b", &other)], 1).unwrap();
        Gate::parse(gate).unwrap().judge(&comparison)[0].outcome
    }

    #[test]
    fn a_gate_is_breached_when_the_whole_interval_is_beyond_it() {
        assert_eq!(outcome("p99>+5%", 1.5), Outcome::Breached);
        assert_eq!(outcome("p99>+100%", 1.5), Outcome::Held);
        assert_eq!(outcome("p50>+20%", 1.2), Outcome::Undecided);
        assert_eq!(outcome("p99>+1ms", 1.5), Outcome::Breached);
        assert_eq!(outcome("p50<-5%", 0.5), Outcome::Breached);
        assert_eq!(outcome("p50<-60%", 0.5), Outcome::Held);
        assert_eq!(outcome("rps<-2%", 1.5), Outcome::Held);
        assert_eq!(outcome("p99.9>+5%", 1.5), Outcome::Breached);
    }

    /// A short run whose response times are `factor` times those of the law.
    fn short(count: u64, factor: f64, seed: u64) -> PerfResult {
        let mut result = sample::scaled(count, factor, seed);
        result.intervals.clear();
        result
    }

    fn judged(gate: &str, base: &PerfResult, other: &PerfResult) -> Outcome {
        let comparison = compare(&[("a", base), ("b", other)], 1).unwrap();
        Gate::parse(gate).unwrap().judge(&comparison)[0].outcome
    }

    #[test]
    fn a_small_sample_decides_what_its_lower_bound_decides() {
        let (base, slow) = (short(2_000, 1.0, 1), short(80, 30.0, 2));
        assert_eq!(judged("p99>+5%", &base, &slow), Outcome::Breached);
        assert_eq!(judged("p50>+5%", &base, &slow), Outcome::Breached);
        assert_eq!(judged("p99>+5%", &base, &short(80, 1.0, 2)), Outcome::Undecided);
        // The other way round the baseline has no upper bound, so that the difference has no lower one.
        assert_eq!(judged("p99<-5%", &slow, &base), Outcome::Breached);
        assert_eq!(judged("p99>+5%", &slow, &base), Outcome::Held);
        assert_eq!(judged("p99>+500%", &short(2_000, 1.0, 1), &short(2_000, 1.0, 2)), Outcome::Held);
    }

    #[test]
    fn alike_runs_rarely_breach_and_slower_ones_do_not_hold() {
        for (gate, factor, wrong) in [
            ("p99>+0%", 1.0, Outcome::Breached),
            ("p90>+0%", 1.0, Outcome::Breached),
            ("p90>+10%", 1.25, Outcome::Held),
        ] {
            for count in [80, 500, 2_000] {
                let pairs = 100;
                let count_wrong = (0..pairs)
                    .filter(|seed| {
                        judged(gate, &short(count, 1.0, 2 * seed + 1), &short(count, factor, 2 * seed + 2)) == wrong
                    })
                    .count();
                assert!(count_wrong <= 5, "{gate} of {count}: {count_wrong} of {pairs}");
            }
        }
    }

    #[test]
    fn a_run_without_a_response_breaches_what_limits_times_and_rates() {
        let base = short(2_000, 1.0, 1);
        let mut outage = short(2_000, 1.0, 2);
        outage.latency = Latency::default();
        outage.achieved_rate = 0.0;
        (outage.requests.succeeded, outage.requests.failed) = (0, outage.requests.ended());
        for gate in ["p99>+5%", "p50>+1000%", "mean>+2ms", "rps<-2%"] {
            assert_eq!(judged(gate, &base, &outage), Outcome::Breached, "{gate}");
        }
        assert_eq!(judged("p99<-5%", &base, &outage), Outcome::Held);
        assert_eq!(judged("p99>+5%", &outage, &base), Outcome::Undecided, "an outage is no baseline");
    }

    #[test]
    fn rates_of_few_seconds_are_decided_by_their_counts() {
        let (mut base, mut slow) = (short(2_000, 1.0, 1), short(80, 1.0, 2));
        for (result, rate) in [(&mut base, 500.0), (&mut slow, 19.8)] {
            (result.elapsed_seconds, result.achieved_rate) = (4.0, rate);
            result.plan.load = Load::Closed;
            result.requested_rate = None;
        }
        assert_eq!(judged("rps<-2%", &base, &slow), Outcome::Breached);
        assert_eq!(judged("rps<-2%", &base, &base), Outcome::Undecided);
        let met = short(2_000, 1.0, 1);
        assert_eq!(judged("rps<-2%", &met, &met), Outcome::Held, "a rate that was asked for and met is no chance");
    }

    #[test]
    fn a_breach_ends_with_its_own_code() {
        let verdict = |outcome| GateVerdict { gate: "g".into(), name: "n".into(), outcome, value: "v".into() };
        let unsure = [verdict(Outcome::Held), verdict(Outcome::Undecided)];
        assert!(conclude(&unsure, Undecided::Pass).is_ok());
        assert_eq!(exit::code(conclude(&unsure, Undecided::Fail).unwrap_err().kind()), 1, "no breach was seen");
        let error = conclude(&[verdict(Outcome::Breached)], Undecided::Pass).unwrap_err();
        assert_eq!((exit::code(error.kind()), error.message()), (99, "g breached by n: v"));
        assert!(conclude(&[verdict(Outcome::Held)], Undecided::Fail).is_ok());
    }

    #[test]
    fn what_is_no_gate_is_refused() {
        for (text, said) in [
            ("p99", "> or <"),
            ("p98>+5%", "p99.9"),
            ("p99>5%", "signed"),
            ("p99>+5", "signed"),
            ("errors>+5ms", "signed"),
        ] {
            let error = Gate::parse(text).unwrap_err();
            assert!(error.message().contains(said), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}") {
            let _ = Gate::parse(&text);
        }
    }
}

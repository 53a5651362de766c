//! What came of holding a result against its thresholds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What came of holding a result against a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The threshold, such as `p99<20ms`.
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
    /// Requests that would decide it, where nothing but their number is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
}

impl Verdict {
    /// Whether the threshold is breached.
    pub fn is_breached(&self) -> bool {
        self.outcome == Outcome::Breached
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

    /// What several verdicts come to: breached where one is, else undecided where one is, else held; none of none.
    pub fn of(verdicts: &[Verdict]) -> Option<Self> {
        let any = |outcome| verdicts.iter().any(|verdict| verdict.outcome == outcome).then_some(outcome);
        any(Self::Breached).or_else(|| any(Self::Undecided)).or_else(|| any(Self::Held))
    }
}

/// What a limit does that cannot be decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// It was not shown to be breached, and passes; callers tell it.
    Pass,
    /// It was not shown to hold, and fails.
    #[default]
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_verdicts_come_to_the_worst_of_them() {
        let of = |outcomes: &[Outcome]| {
            let verdict = |outcome: &Outcome| Verdict {
                threshold: "errors<1".into(),
                outcome: *outcome,
                value: None,
                unit: Unit::Count,
                because: None,
                wanted: None,
            };
            Outcome::of(&outcomes.iter().map(verdict).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Outcome::Held, Outcome::Held]), Some(Outcome::Held));
        assert_eq!(of(&[Outcome::Held, Outcome::Undecided]), Some(Outcome::Undecided));
        assert_eq!(of(&[Outcome::Undecided, Outcome::Breached, Outcome::Held]), Some(Outcome::Breached));
    }
}

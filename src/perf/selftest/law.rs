//! How long the server of a selftest waits before it answers.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A law of delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// Always the same.
    Constant,
    /// Mostly short, sometimes long.
    Bimodal,
    /// Short, but once the server stands still.
    Pause,
    /// Pareto's: the longer, the rarer, and no end.
    HeavyTail,
}

const CONSTANT: Duration = Duration::from_millis(1);
const SHORT: Duration = Duration::from_micros(500);
const LONG: Duration = Duration::from_millis(5);
const USUAL: Duration = Duration::from_micros(200);
/// How long the server stands still.
const PAUSE: Duration = Duration::from_millis(500);
const LEAST: Duration = Duration::from_micros(300);
const LONGEST: Duration = Duration::from_millis(200);
const SHAPE: f64 = 1.2;

impl Law {
    /// Every law.
    pub const ALL: [Self; 4] = [Self::Constant, Self::Bimodal, Self::Pause, Self::HeavyTail];

    /// Its name in output and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Bimodal => "bimodal",
            Self::Pause => "pause",
            Self::HeavyTail => "heavy-tail",
        }
    }

    /// What the server does, in a line.
    pub fn what(self) -> String {
        match self {
            Self::Constant => format!("every answer after {CONSTANT:?}"),
            Self::Bimodal => format!("9 of 10 after {SHORT:?}, the others after {LONG:?}"),
            Self::Pause => format!("after {USUAL:?}, and once nothing for {PAUSE:?}"),
            Self::HeavyTail => format!("Pareto of shape {SHAPE} from {LEAST:?}, at most {LONGEST:?}"),
        }
    }

    /// The delay of one answer.
    pub fn delay(self, random: &mut fastrand::Rng) -> Duration {
        match self {
            Self::Constant => CONSTANT,
            Self::Bimodal => {
                if random.u32(0..10) == 0 {
                    LONG
                } else {
                    SHORT
                }
            }
            Self::Pause => USUAL,
            Self::HeavyTail => {
                let drawn = (1.0 - random.f64()).powf(-1.0 / SHAPE);
                Duration::from_secs_f64((LEAST.as_secs_f64() * drawn).min(LONGEST.as_secs_f64()))
            }
        }
    }

    /// How long the server stands still in the middle of a run.
    pub fn pause(self) -> Option<Duration> {
        (self == Self::Pause).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(law: Law) -> Vec<Duration> {
        let mut random = fastrand::Rng::with_seed(1);
        let mut delays: Vec<Duration> = (0..10_000).map(|_| law.delay(&mut random)).collect();
        delays.sort();
        delays
    }

    #[test]
    fn delays_follow_their_law() {
        let two = sorted(Law::Bimodal);
        assert_eq!((two[8_800], two[9_200]), (SHORT, LONG));
        let tail = sorted(Law::HeavyTail);
        let tenth = LEAST.as_secs_f64() * 10_f64.powf(1.0 / SHAPE);
        assert!((tail[9_000].as_secs_f64() / tenth - 1.0).abs() < 0.1, "{:?}", tail[9_000]);
        assert!(tail[0] >= LEAST && tail[9_999] <= LONGEST);
    }

    #[test]
    fn names_are_those_of_json() {
        for law in Law::ALL {
            assert_eq!(serde_json::to_string(&law).unwrap(), format!("\"{}\"", law.name()));
        }
    }
}

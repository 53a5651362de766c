//! How long the server of a selftest waits before it answers.

use std::collections::BTreeMap;
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
    /// Short, but now and then the server stands still.
    Pause,
    /// Pareto's: the longer, the rarer, and no end.
    HeavyTail,
    /// None at all: what is measured is the way there and back.
    Immediate,
}

const CONSTANT: Duration = Duration::from_millis(1);
const SHORT: Duration = Duration::from_micros(500);
const LONG: Duration = Duration::from_millis(5);
/// One answer of so many is a long one.
const LONG_ONE_OF: u32 = 10;
const USUAL: Duration = Duration::from_micros(200);
/// How long the server stands still.
const PAUSE: Duration = Duration::from_millis(500);
/// From one standstill to the next where nobody says when the run is over.
const PAUSE_EVERY: Duration = Duration::from_secs(4);
const LEAST: Duration = Duration::from_micros(300);
const LONGEST: Duration = Duration::from_millis(200);
const SHAPE: f64 = 1.2;

impl Law {
    /// Every law.
    pub const ALL: [Self; 5] = [Self::Constant, Self::Bimodal, Self::Pause, Self::HeavyTail, Self::Immediate];
    /// The laws that a generator is judged by: those with a delay.
    pub const JUDGED: [Self; 4] = [Self::Constant, Self::Bimodal, Self::Pause, Self::HeavyTail];

    /// Its name in output and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Bimodal => "bimodal",
            Self::Pause => "pause",
            Self::HeavyTail => "heavy-tail",
            Self::Immediate => "immediate",
        }
    }

    /// What the server does, in a line.
    pub fn what(self) -> String {
        match self {
            Self::Constant => format!("every answer after {CONSTANT:?}"),
            Self::Bimodal => format!("1 of {LONG_ONE_OF} after {LONG:?}, the others after {SHORT:?}"),
            Self::Pause => format!("after {USUAL:?}, and in between nothing for {PAUSE:?}"),
            Self::HeavyTail => format!("Pareto of shape {SHAPE} from {LEAST:?}, at most {LONGEST:?}"),
            Self::Immediate => "every answer at once".to_owned(),
        }
    }

    /// Its constants. Times are in microseconds.
    pub fn parameters(self) -> BTreeMap<&'static str, f64> {
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        let pairs: &[(&str, f64)] = match self {
            Self::Constant => &[("delay_us", us(CONSTANT))],
            Self::Bimodal => {
                &[("short_us", us(SHORT)), ("long_us", us(LONG)), ("long_share", 1.0 / f64::from(LONG_ONE_OF))]
            }
            Self::Pause => &[("usual_us", us(USUAL)), ("pause_us", us(PAUSE)), ("pause_every_us", us(PAUSE_EVERY))],
            Self::HeavyTail => &[("shape", SHAPE), ("least_us", us(LEAST)), ("longest_us", us(LONGEST))],
            Self::Immediate => &[("delay_us", 0.0)],
        };
        pairs.iter().copied().collect()
    }

    /// The delay of one answer.
    pub fn delay(self, random: &mut fastrand::Rng) -> Duration {
        match self {
            Self::Constant => CONSTANT,
            Self::Bimodal => {
                if random.u32(0..LONG_ONE_OF) == 0 {
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
            Self::Immediate => Duration::ZERO,
        }
    }

    /// How long the server stands still, where it does.
    pub fn pause(self) -> Option<Duration> {
        (self == Self::Pause).then_some(PAUSE)
    }

    /// The first standstill at or after `past`; both count from the first request. The first of all comes after half the
    /// distance of two.
    pub fn next_pause(self, past: Duration) -> Option<Duration> {
        self.pause()?;
        let half = PAUSE_EVERY / 2;
        let passed = past.saturating_sub(half).as_nanos().div_ceil(PAUSE_EVERY.as_nanos());
        Some(half + PAUSE_EVERY * u32::try_from(passed).ok()?)
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
        assert_eq!(sorted(Law::Immediate)[9_999], Duration::ZERO);
        assert_eq!(sorted(Law::Constant)[0], sorted(Law::Constant)[9_999]);
    }

    #[test]
    fn standstills_come_at_an_even_distance() {
        let seconds = |past| Law::Pause.next_pause(Duration::from_secs(past)).map(|at| at.as_secs());
        assert_eq!([0, 1, 2, 3, 6, 7].map(seconds), [2, 2, 2, 6, 6, 10].map(Some));
        assert_eq!(Law::Constant.next_pause(Duration::ZERO), None);
    }

    #[test]
    fn names_are_those_of_json() {
        for law in Law::ALL {
            assert_eq!(serde_json::to_string(&law).unwrap(), format!("\"{}\"", law.name()));
            assert!(!law.parameters().is_empty());
        }
    }
}

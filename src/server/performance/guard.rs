//! Whether what was measured so far breaches the thresholds of a running measurement, so that it is to end.

use crate::model::performance::result::Interval;
use crate::perf::threshold::{Running, Threshold};

use super::order::Order;

/// Seconds before a breach that later requests could mend ends the measurement: the first ones are not typical.
const PATIENCE: f64 = 5.0;
/// Seconds before one does that chance does not explain.
const CLEAR: f64 = 1.0;

/// Watches intervals; silent when nothing is to be aborted.
pub(super) struct Guard<'a> {
    thresholds: &'a [Threshold],
    running: Running,
    /// When the plan's time is over, in seconds.
    end: f64,
}

impl<'a> Guard<'a> {
    pub(super) fn new(order: &'a Order) -> Self {
        let thresholds = if order.abort { order.thresholds.as_slice() } else { &[] };
        let end = order.plan.duration.map_or(f64::INFINITY, |length| length.as_secs_f64());
        Self { thresholds, running: Running::new(&order.plan.load, order.plan.duration), end }
    }

    /// Takes an interval; the breach that is to end the measurement, in words. Where only the last responses are waited for
    /// there is nothing to be ended, and no rate.
    pub(super) fn take(&mut self, interval: &Interval) -> Option<String> {
        if self.thresholds.is_empty() || interval.start_seconds >= self.end {
            return None;
        }
        self.running.add(interval);
        let seconds = self.running.seconds();
        self.thresholds.iter().find_map(|threshold| {
            let verdict = threshold.judge_running(&self.running);
            let is_clear = || seconds >= CLEAR && threshold.is_clearly_breached(&self.running);
            let ends = verdict.is_breached() && (threshold.breach_is_final() || seconds >= PATIENCE || is_clear());
            ends.then(|| verdict.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::plan::{Load, Overload, Pacing, Plan};
    use crate::perf::threshold::Undecided;

    /// After how many seconds a run ends whose rate grows from 0 to 1,000 a second in 30, and of which `share` is answered.
    fn ended_after(threshold: &str, share: f64) -> Option<u32> {
        let duration = Duration::from_secs(30);
        let pacing = Pacing::Ramp { from: 0.0, to: 1_000.0, over: duration };
        let order = Order {
            plan: Plan {
                load: Load::Open { pacing, overload: Overload::Queue },
                duration: Some(duration),
                ..Plan::default()
            },
            profile_id: None,
            thresholds: vec![Threshold::parse(threshold).unwrap()],
            undecided: Undecided::Fail,
            abort: true,
            prometheus: None,
            metrics: BTreeMap::new(),
            workers: None,
            context: None,
            kubeconfig: None,
        };
        let mut guard = Guard::new(&order);
        (0..30).find(|second| guard.take(&interval(*second, share)).is_some()).map(|second| second + 1)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a second has some hundred requests")]
    fn interval(second: u32, share: f64) -> Interval {
        let succeeded = ((f64::from(second) + 0.5) * 1_000.0 / 30.0 * share).round() as u64;
        let mut response = Histogram::new();
        response.record_n(1_000_000, succeeded);
        let (start_seconds, length_seconds, sent) = (f64::from(second), 1.0, succeeded);
        Interval { start_seconds, length_seconds, sent, succeeded, failed: 0, dropped: 0, response: response.into() }
    }

    #[test]
    fn a_rate_that_grows_as_planned_ends_nothing_and_one_that_falls_behind_does() {
        for threshold in ["rps>=98%", "rps>=490"] {
            assert_eq!(ended_after(threshold, 1.0), None, "{threshold}");
            assert_eq!(ended_after(threshold, 0.5), Some(5), "{threshold}");
        }
    }

    #[test]
    fn a_breach_that_chance_does_not_explain_ends_sooner() {
        assert_eq!(ended_after("p50<1us", 1.0), Some(1));
        assert_eq!(ended_after("max<1us", 1.0), Some(1), "nothing can mend it");
        assert_eq!(ended_after("mean<1s", 1.0), None);
    }
}

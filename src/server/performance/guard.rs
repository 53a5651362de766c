//! Whether the thresholds of a running measurement can still hold.

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
}

impl<'a> Guard<'a> {
    pub(super) fn new(order: &'a Order) -> Self {
        let thresholds = if order.abort { order.thresholds.as_slice() } else { &[] };
        Self { thresholds, running: Running::new(order.plan.load.rate(order.plan.duration)) }
    }

    /// Takes an interval; what is breached for good, in words.
    pub(super) fn take(&mut self, interval: &Interval) -> Option<String> {
        if self.thresholds.is_empty() {
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

//! Whether the thresholds of a running measurement can still hold.

use crate::model::performance::result::Interval;
use crate::perf::threshold::{Running, Threshold};

use super::order::Order;

/// Seconds before a breach that later requests could mend ends the measurement: the first ones are not typical.
const PATIENCE: f64 = 5.0;

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
        let settled = self.running.seconds() >= PATIENCE;
        self.thresholds.iter().find_map(|threshold| {
            let verdict = threshold.judge_running(&self.running);
            (verdict.is_breached() && (settled || threshold.breach_is_final())).then(|| verdict.to_string())
        })
    }
}

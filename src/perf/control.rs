//! The reins of a running measurement: who watches it, and how it is stopped before its time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Cause, Ending, Interval};

type Observer = Arc<dyn Fn(&Interval, Option<&Detail>) + Send + Sync>;

/// What only a result shows, from the begin of a measurement to the end of one of its intervals. Who follows a measurement from elsewhere can make the result of
/// them when the measurement itself is lost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detail {
    /// Service times.
    pub service: Histogram,
    /// Send slips.
    pub slip: Histogram,
    /// Response times by class of status.
    pub by_class: BTreeMap<String, Histogram>,
    /// Responses by status.
    pub statuses: BTreeMap<String, u64>,
    /// Failures by cause.
    pub errors: BTreeMap<Cause, u64>,
}

impl Detail {
    /// Adds the counts of another part of the same measurement.
    pub fn merge(&mut self, other: &Self) {
        self.service.merge(&other.service);
        self.slip.merge(&other.slip);
        for (class, histogram) in &other.by_class {
            self.by_class.entry(class.clone()).or_default().merge(histogram);
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(status.clone()).or_default() += count;
        }
        for (cause, count) in &other.errors {
            *self.errors.entry(*cause).or_default() += count;
        }
    }
}

/// Handed to a measurement when it begins. Copies are the same reins.
#[derive(Clone, Default)]
pub struct Control {
    stopped: Arc<Mutex<Option<Ending>>>,
    observer: Option<Observer>,
    detailed: bool,
    begin: Option<Instant>,
}

impl Control {
    /// Reins with somebody who sees every interval as it ends. The observer has to be quick: it runs between intervals.
    pub fn observed(observer: impl Fn(&Interval) + Send + Sync + 'static) -> Self {
        Self {
            stopped: Arc::default(),
            observer: Some(Arc::new(move |interval, _| observer(interval))),
            detailed: false,
            begin: None,
        }
    }

    /// Reins with somebody who sees every interval with its [`Detail`], where the generator gives it.
    pub fn observed_in_detail(observer: impl Fn(&Interval, Option<&Detail>) + Send + Sync + 'static) -> Self {
        Self { stopped: Arc::default(), observer: Some(Arc::new(observer)), detailed: true, begin: None }
    }

    /// The same reins with a moment before which no request is sent; connections are made before it.
    pub fn beginning_at(self, begin: Instant) -> Self {
        Self { begin: Some(begin), ..self }
    }

    /// The moment before which no request is to be sent.
    pub fn begin(&self) -> Option<Instant> {
        self.begin
    }

    /// Ends the measurement as soon as may be, with the result of what was measured until then. The first reason stands.
    pub fn stop(&self, why: Ending) {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Why the measurement is to end, when it is.
    pub fn stopped(&self) -> Option<Ending> {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows an interval that has ended.
    pub fn observe(&self, interval: &Interval) {
        if let Some(observer) = &self.observer {
            observer(interval, None);
        }
    }

    /// Whether anybody looks at details; where nobody does, they need not be gathered.
    pub fn wants_detail(&self) -> bool {
        self.detailed
    }

    /// Shows an interval that has ended, with its details.
    pub fn observe_in_detail(&self, interval: &Interval, detail: &Detail) {
        if let Some(observer) = &self.observer {
            observer(interval, Some(detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let control = Control::default();
        let copy = control.clone();
        assert_eq!(copy.stopped(), None);
        control.stop(Ending::Threshold);
        copy.stop(Ending::Stopped);
        assert_eq!(control.stopped(), Some(Ending::Threshold));
    }
}

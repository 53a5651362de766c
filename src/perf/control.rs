//! The reins of a running measurement: who watches it, and how it is stopped before its time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::performance::result::{Ending, Interval};

type Observer = Arc<dyn Fn(&Interval) + Send + Sync>;

/// Handed to a measurement when it begins. Copies are the same reins.
#[derive(Clone, Default)]
pub struct Control {
    stopped: Arc<Mutex<Option<Ending>>>,
    observer: Option<Observer>,
}

impl Control {
    /// Reins with somebody who sees every interval as it ends. The observer has to be quick: it runs between intervals.
    pub fn observed(observer: impl Fn(&Interval) + Send + Sync + 'static) -> Self {
        Self { stopped: Arc::default(), observer: Some(Arc::new(observer)) }
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
            observer(interval);
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

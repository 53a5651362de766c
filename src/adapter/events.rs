//! Events of an adapter, for every listener at its own pace. Telling never waits, and a listener that is slow holds up
//! nobody else: each reads the log from where it stands, as fast as its connection takes them. What nobody has heard yet
//! waits for the first who listens, as far as the log reaches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::wire::meshops::{EventType, EventsResponse};

/// Events kept at most.
const KEEP: usize = 1024;

/// The log. Cheap to clone.
#[derive(Clone)]
pub(super) struct Events(Arc<Inner>);

struct Inner {
    log: Mutex<Log>,
    /// Number of events ever told; wakes listeners.
    told: watch::Sender<u64>,
}

#[derive(Default)]
struct Log {
    /// Position of the oldest event that is kept.
    first: u64,
    events: VecDeque<EventsResponse>,
    /// Position behind the last event that anybody has heard.
    heard: u64,
}

/// One listener.
pub(super) struct Listener {
    events: Events,
    told: watch::Receiver<u64>,
    next: u64,
}

impl Events {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { log: Mutex::default(), told: watch::Sender::new(0) }))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // The log is never left half changed, so a panic elsewhere takes nothing from it.
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every listener, and those to come where there is none.
    pub(super) fn tell(&self, event: EventsResponse) {
        {
            let mut log = self.log();
            log.events.push_back(event);
            if log.events.len() > KEEP {
                log.events.pop_front();
                log.first += 1;
            }
        }
        self.0.told.send_modify(|told| *told += 1);
    }

    /// Listens from the first event on that nobody has heard.
    pub(super) fn listen(&self) -> Listener {
        let next = self.log().heard;
        Listener { events: self.clone(), told: self.0.told.subscribe(), next }
    }
}

impl Listener {
    /// The next event, waited for until `stop`; `None` when there will be none.
    pub(super) async fn next(&mut self, stop: &CancellationToken) -> Option<EventsResponse> {
        loop {
            self.told.mark_unchanged();
            if let Some(event) = self.ready() {
                return Some(event);
            }
            tokio::select! {
                biased;
                changed = self.told.changed() => changed.ok()?,
                () = stop.cancelled() => return None,
            }
        }
    }

    fn ready(&mut self) -> Option<EventsResponse> {
        let mut log = self.events.log();
        if self.next < log.first {
            let lost = log.first - self.next;
            self.next = log.first;
            return Some(gap(lost));
        }
        let at = usize::try_from(self.next - log.first).ok()?;
        let event = log.events.get(at)?.clone();
        self.next += 1;
        log.heard = log.heard.max(self.next);
        Some(event)
    }
}

/// Tells a listener that it was too slow, or came too late.
fn gap(lost: u64) -> EventsResponse {
    EventsResponse {
        event_type: EventType::Warn.into(),
        summary: format!("{lost} earlier events are not kept any more"),
        details: format!("An adapter keeps the last {KEEP} events for those who listen slowly."),
        ..EventsResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> EventsResponse {
        EventsResponse { summary: number.to_string(), ..EventsResponse::default() }
    }

    async fn next(listener: &mut Listener) -> String {
        listener.next(&CancellationToken::new()).await.unwrap().summary
    }

    #[tokio::test]
    async fn every_listener_hears_everything_and_the_first_what_waited() {
        let events = Events::new();
        events.tell(event(1));
        let mut first = events.listen();
        assert_eq!(next(&mut first).await, "1", "it waited for somebody to listen");
        let mut second = events.listen();
        events.tell(event(2));
        assert_eq!((next(&mut first).await, next(&mut second).await), ("2".into(), "2".into()));
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_what_it_missed_and_holds_up_nobody() {
        let events = Events::new();
        let (mut slow, mut quick) = (events.listen(), events.listen());
        for number in 0..KEEP + 5 {
            events.tell(event(number));
            assert_eq!(next(&mut quick).await, number.to_string());
        }
        assert_eq!(next(&mut slow).await, "5 earlier events are not kept any more");
        assert_eq!(next(&mut slow).await, "5");
    }

    #[tokio::test]
    async fn stopping_ends_a_listener_after_what_was_left_to_say() {
        let events = Events::new();
        let stop = CancellationToken::new();
        let mut listener = events.listen();
        events.tell(event(1));
        stop.cancel();
        assert_eq!(listener.next(&stop).await.unwrap().summary, "1");
        assert_eq!(listener.next(&stop).await, None);
    }
}

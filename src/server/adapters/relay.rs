//! What adapters tell becomes part of the event log, whether or not a client listens at that moment. One listener for
//! each adapter; one whose adapter is gone tries again, ever more seldom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::base::{Result, clock};
use crate::client::adapter::{self, AdapterClient};
use crate::model::adapter::Location;
use crate::model::event::{Event, Severity};
use crate::server::{Shared, State};
use crate::wire::meshops::{EventType, EventsResponse};

/// Category of these events.
pub(super) const CATEGORY: &str = "adapter";
/// Pauses between attempts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Characters kept of a summary, and of the details.
const LENGTHS: (usize, usize) = (2_000, 100_000);

/// Who is listened to.
#[derive(Default)]
pub(super) struct Relays(Mutex<HashMap<Location, CancellationToken>>);

impl Relays {
    /// A token for a new listener; `None` where there is one.
    fn begin(&self, location: &Location) -> Option<CancellationToken> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains_key(location) {
            return None;
        }
        let stop = CancellationToken::new();
        running.insert(location.clone(), stop.clone());
        Some(stop)
    }

    /// Ends the listener of an adapter.
    pub(super) fn end(&self, location: &Location) {
        if let Some(stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(location) {
            stop.cancel();
        }
    }
}

/// Listens to an adapter until it is removed or the server closes. Listening already is as good.
pub(super) fn listen(state: &Shared, location: &Location) {
    let Some(stop) = state.adapters.relays.begin(location) else { return };
    let closing = state.closing.clone();
    let (weak, location) = (Arc::downgrade(state), location.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = run(weak, location) => {}
            () = stop.cancelled() => {}
            () = closing.cancelled() => {}
        }
    });
}

async fn run(state: Weak<State>, location: Location) {
    let mut pause = PAUSES.0;
    while state.strong_count() > 0 {
        match hear(&state, &location).await {
            Ok(()) => pause = PAUSES.0,
            Err(error) => {
                tracing::debug!(%error, %location, "events of an adapter are not heard");
                pause = (pause * 2).min(PAUSES.1);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Hears an adapter until its stream ends.
async fn hear(state: &Weak<State>, location: &Location) -> Result<()> {
    let mut client = AdapterClient::connect(location, adapter::LIMIT).await?;
    let name = client.identity().await?.name;
    let mut events = client.events().await?;
    while let Some(told) = events.next().await {
        let event = event(&name, location, told?);
        let Some(state) = state.upgrade() else { return Ok(()) };
        state.operations.tell(event);
    }
    Ok(())
}

fn event(name: &str, location: &Location, told: EventsResponse) -> Event {
    let severity = match told.event_type() {
        EventType::Info => Severity::Informational,
        EventType::Warn => Severity::Warning,
        EventType::Error => Severity::Error,
    };
    let mut details = vec![told.details];
    for (what, text) in [("cause", told.probable_cause), ("fix", told.suggested_remediation), ("code", told.error_code)]
    {
        if !text.is_empty() && !details[0].contains(&text) {
            details.push(format!("{what}: {text}"));
        }
    }
    details.retain(|text| !text.is_empty());
    let summary = if told.summary.is_empty() { format!("{name} at {location}") } else { told.summary };
    Event {
        id: 0,
        operation_id: Uuid::parse_str(&told.operation_id).ok(),
        created_at: clock::now(),
        severity,
        category: CATEGORY.to_owned(),
        action: name.to_lowercase(),
        summary: cut(summary, LENGTHS.0),
        details: cut(details.join("\n"), LENGTHS.1),
        payload: None,
    }
}

/// What comes from elsewhere has a length.
fn cut(text: String, length: usize) -> String {
    if text.chars().nth(length).is_none() { text } else { text.chars().take(length).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_keeps_what_every_era_tells() {
        let told = EventsResponse {
            event_type: 2,
            summary: "Error while installing Istio".into(),
            details: "no cluster".into(),
            operation_id: "01890a5d-0000-7000-8000-000000000000".into(),
            probable_cause: "none was given".into(),
            error_code: "1013".into(),
            suggested_remediation: "no cluster".into(),
            ..EventsResponse::default()
        };
        let heard = event("ISTIO", &Location::new("h", 1), told);
        assert_eq!((heard.severity, heard.action.as_str()), (Severity::Error, "istio"));
        assert_eq!(heard.details, "no cluster\ncause: none was given\ncode: 1013");
        assert!(heard.operation_id.is_some());
        let odd = EventsResponse { event_type: 9, operation_id: "x".into(), ..EventsResponse::default() };
        let heard = event("ISTIO", &Location::new("h", 1), odd);
        assert_eq!((heard.operation_id, heard.summary.as_str()), (None, "ISTIO at h:1"));
        assert_eq!(heard.severity, Severity::Informational, "a sort that nobody knows yet is no alarm");
    }

    #[test]
    fn what_is_told_has_a_length() {
        assert_eq!(cut("äbc".into(), 2), "äb");
        assert_eq!(cut("äb".into(), 2), "äb");
    }
}

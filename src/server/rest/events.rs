//! Events as server-sent events. A stream reads the stored log and is woken when it grows, so that nothing is sent
//! that is not on disk, nothing is lost to a slow reader, and a reader that comes back goes on where it was.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use super::extract::{Id, Query};
use super::failure::Failure;
use super::operations::known;
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::model::event::{Event, Payload as Told};
use crate::server::Shared;
use crate::wire::rest::paths;
use crate::wire::rest::session::LegacyEvent;

/// Silence after which a comment is sent, so that both ends see a broken connection.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How often the log is read for events that other processes stored.
const POLL: Duration = Duration::from_millis(500);
/// Events read at once.
const BATCH: u64 = 500;

const AFTER: &[(&str, &str)] = &[
    ("after", "position of the last event seen, as header `Last-Event-ID`"),
    ("client", "name of the client; read and not used"),
];

pub(super) fn routes() -> Vec<Route> {
    let stream = || Payload::text(&["text/event-stream"]);
    vec![
        Route::get::<Event, _, _>(
            paths::OPERATION_EVENTS,
            "followOperation",
            "Events of an operation from its first one; ends after its last",
            of_operation,
        )
        .query(AFTER)
        .replies(StatusCode::OK, stream()),
        Route::get::<Event, _, _>(
            paths::EVENTS_SUBSCRIBE,
            "subscribeEvents",
            "The event log from now on, or from a position",
            subscribe,
        )
        .query(AFTER)
        .replies(StatusCode::OK, stream()),
        Route::get::<LegacyEvent, _, _>(
            paths::EVENTS,
            "subscribeEvents2021",
            "The same in the shape of 2021",
            subscribe_2021,
        )
        .query(AFTER)
        .replies(StatusCode::OK, stream()),
    ]
}

async fn of_operation(
    State(state): State<Shared>,
    id: Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let id = known(&id)?;
    state.operations.get(id).await?;
    let after = position(&query, &headers)?.unwrap_or(0);
    Ok(respond(Tail::new(state, Some(id), after), full))
}

async fn subscribe(State(state): State<Shared>, query: Query, headers: HeaderMap) -> Result<Response, Failure> {
    let after = start(&state, &query, &headers).await?;
    Ok(respond(Tail::new(state, None, after), full))
}

async fn subscribe_2021(State(state): State<Shared>, query: Query, headers: HeaderMap) -> Result<Response, Failure> {
    let after = start(&state, &query, &headers).await?;
    Ok(respond(Tail::new(state, None, after), |event| framed(event.id, &LegacyEvent::from(event))))
}

async fn start(state: &Shared, query: &Query, headers: &HeaderMap) -> Result<i64> {
    match position(query, headers)? {
        Some(after) => Ok(after),
        None => state.store.events().last().await,
    }
}

/// Where the reader was: the header, which a browser sets by itself, before the parameter.
fn position(query: &Query, headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(header) = headers.get("last-event-id") else { return query.number(&["after"]) };
    let text = header.to_str().unwrap_or_default();
    let position = text
        .parse()
        .map_err(|_| Error::new(Code::RequestInvalid, format!("header `Last-Event-ID` is `{text}`, not a number")))?;
    Ok(Some(position))
}

fn full(event: &Event) -> sse::Event {
    framed(event.id, event)
}

fn framed(id: i64, data: &impl Serialize) -> sse::Event {
    let data = serde_json::to_string(data).unwrap_or_else(|error| {
        tracing::error!(%error, "an event cannot be written as JSON");
        "{}".to_owned()
    });
    sse::Event::default().id(id.to_string()).data(data)
}

fn respond(tail: Tail, frame: fn(&Event) -> sse::Event) -> Response {
    streamed(tail.stream(frame))
}

/// Frames as a reply that no proxy holds back and that shows both ends a broken connection.
pub(super) fn streamed(frames: impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static) -> Response {
    let keepalive = KeepAlive::new().interval(KEEPALIVE).text("keepalive");
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Sse::new(frames).keep_alive(keepalive)).into_response()
}

/// A reader of the log.
pub(super) struct Tail {
    state: Shared,
    operation: Option<Uuid>,
    after: i64,
    grown: watch::Receiver<i64>,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Tail {
    pub(super) fn new(state: Shared, operation: Option<Uuid>, after: i64) -> Self {
        let grown = state.operations.stored();
        Self { state, operation, after, grown, ready: VecDeque::new(), ended: false }
    }

    fn stream(self, frame: fn(&Event) -> sse::Event) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, move |mut tail| async move {
            let event = tail.next().await?;
            Some((Ok(frame(&event)), tail))
        })
    }

    /// The next event; none after the last one of an operation, or when the server ends.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.after = event.id;
                self.ended = self.operation.is_some() && matches!(event.payload, Some(Told::Ended(_)));
                return Some(event);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.read().await {
                tracing::warn!(%error, "a stream of events ended early");
                return None;
            }
        }
    }

    /// Fills `ready`, or waits until there may be more, or finds that there will be no more.
    async fn read(&mut self) -> Result<()> {
        self.grown.mark_unchanged();
        // Read before the events: what has ended by now has its last event in the log.
        let over = self.is_over().await?;
        self.ready = self.state.store.events().after(self.after, self.operation, BATCH).await?.into();
        if !self.ready.is_empty() {
            return Ok(());
        }
        if over {
            self.ended = true;
            return Ok(());
        }
        tokio::select! {
            _ = self.grown.changed() => {}
            () = tokio::time::sleep(POLL) => {}
            () = self.state.closing.cancelled() => self.ended = true,
        }
        Ok(())
    }

    async fn is_over(&self) -> Result<bool> {
        let Some(id) = self.operation else { return Ok(false) };
        Ok(self.state.store.operations().get(id).await?.is_none_or(|operation| operation.status.is_final()))
    }
}

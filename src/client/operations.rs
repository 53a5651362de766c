//! Calls about operations, and following one to its end.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use http::Method;
use uuid::Uuid;

use super::call::with_query;
use super::sse::Parser;
use super::{Body, Client};
use crate::base::{Code, Error, Result};
use crate::model::event::{Event, Payload};
use crate::model::operation::Operation;
use crate::wire::rest::{OperationPage, paths};

/// Attempts to reopen a broken stream without a single event in between.
const RECONNECTS: u32 = 6;

impl Client {
    /// One page of the operations, newest first.
    pub async fn operations(&self, page: u64, page_size: u64) -> Result<OperationPage> {
        let (page, page_size) = (page.to_string(), page_size.to_string());
        self.get(&with_query(paths::OPERATIONS[0], &[("page", &page), ("page_size", &page_size)])).await
    }

    /// One operation.
    pub async fn operation(&self, id: Uuid) -> Result<Operation> {
        self.get(&paths::with_id(paths::OPERATION, &id.to_string())).await
    }

    /// Asks an operation to stop; answers with where it stands.
    pub async fn cancel_operation(&self, id: Uuid) -> Result<Operation> {
        self.send_empty(Method::POST, &paths::with_id(paths::OPERATION_CANCEL, &id.to_string())).await
    }

    /// The events of an operation from its first one to its last.
    ///
    /// A broken stream is reopened where it broke, some times; the stream of this method ends after the event that
    /// ends the operation, or with an error.
    pub fn follow(&self, id: Uuid) -> BoxStream<'static, Result<Event>> {
        Follower::new(self.clone(), id, Duration::from_millis(100)).stream()
    }
}

struct Follower {
    client: Client,
    path: String,
    body: Option<Body>,
    parser: Parser,
    ready: VecDeque<Event>,
    last: Option<i64>,
    failures: u32,
    /// Pause before the first attempt to reconnect; doubled for each further one.
    pause: Duration,
    ended: bool,
}

impl Follower {
    fn new(client: Client, id: Uuid, pause: Duration) -> Self {
        Self {
            client,
            path: paths::with_id(paths::OPERATION_EVENTS, &id.to_string()),
            body: None,
            parser: Parser::default(),
            ready: VecDeque::new(),
            last: None,
            failures: 0,
            pause,
            ended: false,
        }
    }

    fn stream(self) -> BoxStream<'static, Result<Event>> {
        futures_util::stream::unfold(self, |mut follower| async move {
            let item = follower.next().await?;
            Some((item, follower))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                self.last = Some(event.id);
                self.failures = 0;
                self.ended = matches!(event.payload, Some(Payload::Ended(_)));
                return Some(Ok(event));
            }
            if let Err(error) = self.read().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    /// Reads one chunk, opening the stream first where needed. Fails when the server refuses or stays away.
    async fn read(&mut self) -> Result<()> {
        let Some(body) = &mut self.body else {
            return self.open().await;
        };
        match body.next().await {
            Some(Ok(chunk)) => self.take(&chunk),
            Some(Err(error)) => self.broke(error).await,
            None => {
                self.broke(Error::new(Code::ServerUnreachable, "the server ended the stream of events early")).await
            }
        }
    }

    async fn open(&mut self) -> Result<()> {
        self.parser = Parser::default();
        match self.client.open_events(&self.path, self.last).await {
            Ok(body) => {
                self.body = Some(body);
                Ok(())
            }
            Err(error) if self.last.is_some() && error.code() == Code::ServerUnreachable => self.broke(error).await,
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, chunk: &[u8]) -> Result<()> {
        for frame in self.parser.push(chunk) {
            let event = serde_json::from_str(&frame.data).map_err(|error| {
                Error::new(Code::RemoteError, format!("{} sent an event that cannot be read", self.client.name()))
                    .because(error)
            })?;
            self.ready.push_back(event);
        }
        Ok(())
    }

    async fn broke(&mut self, error: Error) -> Result<()> {
        self.body = None;
        self.failures += 1;
        if self.failures > RECONNECTS {
            return Err(error.detail(format!("gave up after {RECONNECTS} attempts to reconnect")).remedy(
                "The operation may go on without a listener: see `mesheryctl operation list` when the server is back.",
            ));
        }
        tokio::time::sleep(self.pause * (1 << self.failures.min(5))).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;
    use crate::client::Transport;
    use crate::model::event::Severity;
    use crate::model::operation::{OperationKind, OperationStatus};
    use bytes::Bytes;
    use futures_util::future::BoxFuture;
    use std::sync::{Arc, Mutex};

    fn event(id: i64, payload: Option<Payload>) -> String {
        let event = Event {
            id,
            operation_id: None,
            created_at: clock::now(),
            severity: Severity::Informational,
            category: "pattern".into(),
            action: "apply".into(),
            summary: format!("event {id}"),
            details: String::new(),
            payload,
        };
        format!("id: {id}\ndata: {}\n\n", serde_json::to_string(&event).unwrap())
    }

    fn ended() -> Payload {
        Payload::Ended(Box::new(Operation {
            id: Uuid::nil(),
            kind: OperationKind::PatternApply,
            subject: "p".into(),
            status: OperationStatus::Succeeded,
            contexts: vec![],
            started_at: clock::now(),
            ended_at: None,
            results: vec![],
            warnings: vec![],
            failures: vec![],
            error: None,
        }))
    }

    /// Answers each request with the next script; remembers `Last-Event-ID`.
    struct Scripted {
        bodies: Mutex<VecDeque<Vec<Result<Bytes>>>>,
        seen: Mutex<Vec<Option<String>>>,
    }

    impl Transport for Scripted {
        fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Body>>> {
            let last = request.headers().get("last-event-id").map(|value| value.to_str().unwrap().to_owned());
            self.seen.lock().unwrap().push(last);
            let body = self.bodies.lock().unwrap().pop_front().unwrap_or_default();
            Box::pin(async move { Ok(http::Response::new(futures_util::stream::iter(body).boxed())) })
        }

        fn name(&self) -> &'static str {
            "scripted"
        }
    }

    fn scripted(bodies: Vec<Vec<Result<Bytes>>>) -> Arc<Scripted> {
        Arc::new(Scripted { bodies: Mutex::new(bodies.into()), seen: Mutex::default() })
    }

    fn follow(transport: &Arc<Scripted>) -> BoxStream<'static, Result<Event>> {
        Follower::new(Client::new(transport.clone()), Uuid::nil(), Duration::from_millis(1)).stream()
    }

    #[tokio::test]
    async fn a_broken_stream_is_reopened_after_the_last_event_seen() {
        let gone = Error::new(Code::ServerUnreachable, "broken");
        let transport = scripted(vec![
            vec![Ok(event(1, None).into()), Ok(event(2, None)[..20].to_owned().into()), Err(gone)],
            vec![],
            vec![Ok(event(2, None).into()), Ok(event(3, Some(ended())).into())],
        ]);
        let events: Vec<_> = follow(&transport).collect().await;
        let ids: Vec<i64> = events.into_iter().map(|event| event.unwrap().id).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(*transport.seen.lock().unwrap(), [None, Some("1".into()), Some("1".into())]);
    }

    #[tokio::test]
    async fn reconnecting_is_bounded_and_ends_with_an_error() {
        let transport = scripted(vec![vec![Ok(event(1, None).into())]]);
        let events: Vec<_> = follow(&transport).collect().await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].as_ref().unwrap_err().code(), Code::ServerUnreachable);
        assert_eq!(transport.seen.lock().unwrap().len(), 1 + RECONNECTS as usize);
    }
}

//! Server-sent events: replay, ends, projections; operations and their cancellation.

use std::time::Duration;

use futures_util::StreamExt;
use mesheryctl::client::sse::{Frame, Parser};
use mesheryctl::model::operation::{OperationKind, OperationStatus};
use mesheryctl::server::operations::Handle;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::plane::{self, Plane};

async fn begin(plane: &Plane) -> Handle {
    let operations = &plane.server.state().operations;
    operations.begin(OperationKind::PatternApply, "shop", vec!["kind".into()]).await.unwrap()
}

async fn open(request: RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    response
}

/// Frames until there are `count` of them, or until the stream ends.
async fn frames(response: Response, count: usize) -> Vec<Frame> {
    let (mut parser, mut frames) = (Parser::default(), Vec::new());
    let mut body = response.bytes_stream();
    while frames.len() < count {
        let Some(chunk) = tokio::time::timeout(Duration::from_secs(10), body.next()).await.unwrap() else { break };
        frames.extend(parser.push(&chunk.unwrap()));
    }
    frames
}

fn summaries(frames: &[Frame]) -> Vec<String> {
    let summary =
        |frame: &Frame| serde_json::from_str::<Value>(&frame.data).unwrap()["summary"].as_str().unwrap().to_owned();
    frames.iter().map(summary).collect()
}

#[tokio::test]
async fn an_operation_is_told_from_its_first_event_to_its_last_and_then_the_stream_ends() {
    let plane = Plane::start().await;
    let handle = begin(&plane).await;
    handle.started(2);
    let path = format!("/api/operations/{}/events", handle.id());
    let stream = open(plane.ask(Method::GET, &path)).await;
    handle.stage("apply", Some("kind"));
    handle.warning("odd");
    handle.finish(OperationStatus::Succeeded, None).await.unwrap();
    let told = frames(stream, usize::MAX).await;
    let expected = ["began with 2 objects", "apply in kind", "odd", "apply of shop succeeded"];
    assert_eq!(summaries(&told), expected);
    let again = frames(open(plane.ask(Method::GET, &path)).await, usize::MAX).await;
    assert_eq!(again, told, "a later reader gets the same");
    let rest = plane.ask(Method::GET, &path).header("last-event-id", told[1].id.as_ref().unwrap());
    assert_eq!(frames(open(rest).await, usize::MAX).await, told[2..]);
    let rest = plane.ask(Method::GET, &format!("{path}?after={}", told[3].id.as_ref().unwrap()));
    assert_eq!(frames(open(rest).await, usize::MAX).await, [], "nothing is left, so it ends at once");
    let last: Value = serde_json::from_str(&told[3].data).unwrap();
    assert_eq!((&last["payload"]["type"], &last["payload"]["status"]), (&json!("ended"), &json!("succeeded")));
}

#[tokio::test]
async fn a_subscriber_hears_what_comes_and_one_that_was_there_before_goes_on_where_it_was() {
    let plane = Plane::start().await;
    let handle = begin(&plane).await;
    handle.warning("before");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stream = open(plane.ask(Method::GET, "/api/system/events/subscribe")).await;
    let old = open(plane.ask(Method::GET, "/api/events?client=cli_deploy")).await;
    handle.warning("after");
    handle.finish(OperationStatus::Failed, None).await.unwrap();
    assert_eq!(summaries(&frames(stream, 2).await), ["after", "apply of shop failed"]);
    let old: Vec<Value> = frames(old, 2).await.iter().map(|frame| serde_json::from_str(&frame.data).unwrap()).collect();
    let id = handle.id().to_string();
    assert_eq!(old[0], json!({"event_type": 1, "summary": "after", "details": "", "operation_id": id}));
    assert_eq!(old[1]["event_type"], 2);
    let replay = plane.ask(Method::GET, "/api/system/events/subscribe").header("last-event-id", "0");
    assert_eq!(summaries(&frames(open(replay).await, 3).await), ["before", "after", "apply of shop failed"]);
    let log = plane.get("/api/v2/events?page_size=1").await;
    assert_eq!((&log["total_count"], &log["events"][0]["summary"]), (&json!(3), &json!("apply of shop failed")));
}

#[tokio::test]
async fn streams_end_when_the_server_does() {
    let plane = Plane::start().await;
    let stream = open(plane.ask(Method::GET, "/api/system/events/subscribe")).await;
    plane.server.drain(Duration::ZERO).await;
    assert_eq!(frames(stream, 1).await, []);
}

#[tokio::test]
async fn cancelling_reaches_the_operation_and_repeating_it_changes_nothing() {
    let plane = Plane::start().await;
    let handle = begin(&plane).await;
    let id = handle.id();
    let token = handle.cancelled();
    let worker = tokio::spawn(async move {
        token.cancelled().await;
        handle.finish(OperationStatus::Cancelled, None).await.unwrap()
    });
    let path = format!("/api/operations/{id}/cancel");
    let asked = plane::json(plane.ask(Method::POST, &path).send().await.unwrap(), 200).await;
    assert_eq!(asked["status"], "running");
    worker.await.unwrap();
    assert_eq!(plane.get(&format!("/api/operations/{id}")).await["status"], "cancelled");
    let again = plane::json(plane.ask(Method::POST, &path).send().await.unwrap(), 200).await;
    assert_eq!(again["status"], "cancelled");
    assert_eq!(plane.get("/api/operations").await["operations"][0]["id"], json!(id));
}

#[tokio::test]
async fn unknown_operations_and_positions_are_refused() {
    let plane = Plane::start().await;
    for id in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        for path in [format!("/api/operations/{id}"), format!("/api/operations/{id}/events")] {
            let reply = plane.ask(Method::GET, &path).send().await.unwrap();
            assert_eq!(plane::error(reply, 404).await["code"], "operation-not-found", "{path}");
        }
    }
    let reply = plane.ask(Method::GET, "/api/events").header("last-event-id", "x").send().await.unwrap();
    plane::error(reply, 400).await;
}

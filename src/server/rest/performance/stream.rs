//! The stream by which clients of earlier eras follow a measurement: their statuses in their order, with progress in
//! between. A reader that goes away ends nothing; who wants to end it cancels the operation that every frame names.

use std::convert::Infallible;

use axum::response::Response;
use axum::response::sse;
use futures_util::stream::{self, Stream};

use super::super::events::{Tail, streamed};
use crate::base::text;
use crate::model::event::{Event, Payload};
use crate::model::operation::{Operation, OperationStatus};
use crate::server::Shared;
use crate::server::performance::results;
use crate::wire::rest::performance::{RunBegun, StreamFrame};

pub(super) fn follow(state: &Shared, begun: RunBegun) -> Response {
    streamed(frames(state.clone(), begun))
}

fn frames(state: Shared, begun: RunBegun) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let tail = Tail::new(state.clone(), Some(begun.operation_id), 0);
    stream::unfold((tail, state), move |(mut tail, state)| async move {
        loop {
            let event = tail.next().await?;
            if let Some(frame) = frame(&state, begun, event).await {
                let data = serde_json::to_string(&frame).unwrap_or_default();
                return Some((Ok(sse::Event::default().data(data)), (tail, state)));
            }
        }
    })
}

async fn frame(state: &Shared, begun: RunBegun, event: Event) -> Option<StreamFrame> {
    let frame = |status: &str, message: String| StreamFrame {
        status: status.to_owned(),
        message,
        result: None,
        progress: None,
        operation_id: begun.operation_id,
    };
    match event.payload? {
        Payload::Stage { name, .. } => Some(frame("info", stage(&name).to_owned())),
        Payload::Measured(measured) => Some(StreamFrame { progress: Some(measured), ..frame("info", event.summary) }),
        Payload::Warning { message } => Some(frame("info", message)),
        Payload::Ended(operation) => Some(match unfit(&operation) {
            Some(message) => frame("error", message),
            None => match results::listed(state, begun.result_id).await {
                Ok(result) => {
                    StreamFrame { result: Some(Box::new(result)), ..frame("success", "the test is done".to_owned()) }
                }
                Err(error) => frame("error", format!("unable to persist: {error}")),
            },
        }),
        _ => None,
    }
}

/// The messages of earlier eras for the stages of a measurement.
fn stage(name: &str) -> &'static str {
    match name {
        "measure" => "Initiating load test . . . ",
        "look at the far side" => "Load test completed, fetching metadata now",
        _ => "Obtained the needed metadatas, attempting to persist the result",
    }
}

/// Why an operation that ended has no result to show for; a cancelled one has one.
fn unfit(operation: &Operation) -> Option<String> {
    if matches!(operation.status, OperationStatus::Succeeded | OperationStatus::Cancelled) {
        return None;
    }
    let why = operation.error.as_ref().map_or_else(
        || format!("the operation ended as {:?}", operation.status),
        |error| match &error.probable_cause {
            Some(cause) => format!("{}: {cause}", error.message),
            None => error.message.clone(),
        },
    );
    Some(format!("unable to perform: {}", text::one_line(&why)))
}

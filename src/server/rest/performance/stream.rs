//! The stream by which clients of earlier eras follow a measurement: their statuses in their order, with progress in
//! between. A reader that goes away ends nothing; who wants to end it cancels the operation that every frame names.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::response::Response;
use axum::response::sse;
use futures_util::stream::{self, Stream};

use super::super::events::{Tail, streamed};
use crate::base::{Code, text};
use crate::model::event::{Event, Payload};
use crate::model::operation::{Operation, OperationStatus};
use crate::server::Shared;
use crate::server::performance::results;
use crate::wire::rest::performance::run::WAITING;
use crate::wire::rest::performance::{RunBegun, StreamFrame};

/// Follows measurements that are made one after another to the end of the last one.
pub(super) fn follow(state: &Shared, begun: Vec<RunBegun>) -> Response {
    streamed(frames(state.clone(), begun))
}

fn frames(state: Shared, begun: Vec<RunBegun>) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let all = begun.len();
    let teller = Teller { failed: 0, all };
    let tails = begun
        .into_iter()
        .map(move |begun| (Tail::new(state.clone(), Some(begun.operation_id), 0), begun, state.clone()));
    let rest: VecDeque<_> = tails.collect();
    stream::unfold((rest, teller), move |(mut rest, mut teller)| async move {
        loop {
            let is_last = rest.len() == 1;
            let (tail, begun, state) = rest.front_mut()?;
            let Some(event) = tail.next().await else {
                rest.pop_front();
                continue;
            };
            if let Some(frame) = frame(state, *begun, event).await {
                let frame = teller.told(frame, is_last);
                let data = serde_json::to_string(&frame).unwrap_or_default();
                return Some((Ok(sse::Event::default().data(data)), (rest, teller)));
            }
        }
    })
}

/// What several measurements have come to so far. Clients of earlier eras take `success` and `error` for the end of all.
struct Teller {
    failed: usize,
    all: usize,
}

impl Teller {
    /// The frame as it is told: the end of one that others follow is news, and the last end is that of all.
    fn told(&mut self, mut frame: StreamFrame, is_last: bool) -> StreamFrame {
        let has_failed = frame.status == "error";
        let has_ended = has_failed || frame.status == "success";
        if self.all == 1 || !has_ended {
            return frame;
        }
        self.failed += usize::from(has_failed);
        if !is_last {
            "info".clone_into(&mut frame.status);
        } else if self.failed > 0 {
            "error".clone_into(&mut frame.status);
            let why = if has_failed { format!(": {}", frame.message) } else { String::new() };
            frame.message = format!("{} of {} measurements failed{why}", self.failed, self.all);
        }
        frame
    }
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
        Payload::Ended(operation) => {
            let unfit = unfit(&operation);
            if unfit.is_some() && !is_judged(&operation) {
                return unfit.map(|message| frame("error", message));
            }
            Some(match (results::listed(state, begun.result_id).await, unfit) {
                (Ok(result), Some(message)) => {
                    StreamFrame { result: Some(Box::new(result)), ..frame("error", message) }
                }
                (Ok(result), None) => {
                    StreamFrame { result: Some(Box::new(result)), ..frame("success", "the test is done".to_owned()) }
                }
                (Err(error), _) => frame("error", format!("unable to persist: {error}")),
            })
        }
        _ => None,
    }
}

/// The messages of earlier eras for the stages of a measurement.
fn stage(name: &str) -> &'static str {
    match name {
        WAITING => "Waiting for another load test of this server to end",
        "measure" => "Initiating load test . . . ",
        "look at the far side" => "Load test completed, fetching metadata now",
        _ => "Obtained the needed metadatas, attempting to persist the result",
    }
}

/// Whether an operation failed by the thresholds of its measurement, which is whole.
fn is_judged(operation: &Operation) -> bool {
    let code = operation.error.as_ref().and_then(|error| Code::from_name(&error.code));
    matches!(code, Some(Code::ThresholdBreached | Code::ThresholdUndecided))
}

/// Why an operation that ended did not do what was asked; a cancelled one has its result.
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
    let why = text::one_line(&why);
    Some(if is_judged(operation) { why } else { format!("unable to perform: {why}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn frame(status: &str) -> StreamFrame {
        StreamFrame {
            status: status.to_owned(),
            message: "it".to_owned(),
            result: None,
            progress: None,
            operation_id: Uuid::nil(),
        }
    }

    #[test]
    fn only_the_last_of_several_ends_the_stream_and_it_tells_of_all() {
        let mut teller = Teller { failed: 0, all: 3 };
        assert_eq!(teller.told(frame("info"), false).status, "info");
        assert_eq!(teller.told(frame("success"), false).status, "info");
        assert_eq!(teller.told(frame("error"), false).status, "info");
        let last = teller.told(frame("success"), true);
        assert_eq!((last.status.as_str(), last.message.as_str()), ("error", "1 of 3 measurements failed"));
        let mut alone = Teller { failed: 0, all: 1 };
        assert_eq!(alone.told(frame("error"), true), frame("error"));
    }
}

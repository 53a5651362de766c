//! Follows a measurement to its end. The first Ctrl-C ends it with the result so far, the second ends this program.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::live::{Live, Look, MEASURING};
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::Format;
use crate::model::event::{Event, Payload};
use crate::model::operation::Operation;
use crate::model::performance::plan::Plan;

/// Time between two pictures on a terminal.
const FRAME: Duration = Duration::from_millis(100);

/// The ended operation, and why it was stopped from here where it was.
///
/// # Errors
/// Only what keeps it from being followed.
pub(super) async fn follow(ctx: &Ctl, id: Uuid, plan: &Plan) -> Result<(Operation, Option<Error>)> {
    let client = ctx.client().await?;
    let _guard = ctx.cancel.guard();
    let cancel = ctx.cancel.token();
    let mut region = ctx.ui.region(*ctx.ui.format() == Format::Jsonl);
    let mut live = Live::new(plan);
    let (mut began, mut tick, mut stopped) = (Instant::now(), 0, None);
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut events = client.follow(id);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled(), if stopped.is_none() => {
                stopped = Some(ctx.cancel.error("the measurement was stopped; what was measured until then is the result"));
                client.cancel_operation(id).await?;
            }
            _ = frames.tick(), if region.is_animated() => {
                region.draw(&live.frame(began.elapsed(), Look { unicode: region.is_unicode(), tick }));
                tick += 1;
            }
            event = events.next() => {
                let event: Event = event.ok_or_else(|| ended_early(id))??;
                let Some(payload) = event.payload else { continue };
                if matches!(&payload, Payload::Stage { name, .. } if name == MEASURING) {
                    began = Instant::now();
                }
                if let Some(line) = live.take(&payload) {
                    region.line(&line);
                }
                if let Payload::Ended(operation) = payload {
                    return Ok((*operation, stopped));
                }
            }
        }
    }
}

fn ended_early(id: Uuid) -> Error {
    Error::new(Code::RemoteError, format!("the events of operation {id} ended before the operation did"))
}

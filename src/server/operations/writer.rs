//! The task that stores what operations tell.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{Entry, Running};
use crate::base::Result;
use crate::model::event::{Event, Payload};
use crate::model::operation::Operation;
use crate::store::Store;

/// Entries stored in one transaction at most.
const BATCH: usize = 256;

/// Stores entries until every sender is gone.
pub(super) async fn run(
    store: Store,
    running: Running,
    stored: watch::Sender<i64>,
    mut entries: mpsc::UnboundedReceiver<Entry>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        let (mut log, waiting): (Vec<Event>, Vec<_>) = batch.drain(..).map(|entry| (entry.event, entry.done)).unzip();
        let outcome = store_batch(&store, &running, &mut log).await;
        match &outcome {
            Ok(()) => stored.send_if_modified(|last| advance(last, &log)),
            Err(error) => {
                tracing::error!(%error, events = log.len(), "events of operations could not be stored");
                false
            }
        };
        forget_ended(&running, &log);
        for done in waiting.into_iter().flatten() {
            // The one who asked may have gone; nothing is lost then.
            let _ = done.send(outcome.clone());
        }
    }
}

async fn store_batch(store: &Store, running: &Running, log: &mut [Event]) -> Result<()> {
    let touched: HashSet<Uuid> = log.iter().filter_map(|event| event.operation_id).collect();
    let operations: Vec<Operation> = {
        let running = running.lock();
        touched.iter().filter_map(|id| running.get(id)).map(|live| live.operation.clone()).collect()
    };
    store.operations().record(&operations, log).await
}

fn advance(last: &mut i64, log: &[Event]) -> bool {
    let newest = log.iter().map(|event| event.id).max().unwrap_or(*last);
    let moved = newest > *last;
    *last = newest.max(*last);
    moved
}

/// Ended operations are read from the database from now on.
fn forget_ended(running: &Running, log: &[Event]) {
    let mut running = running.lock();
    for event in log {
        if let Some(Payload::Ended(operation)) = &event.payload {
            running.remove(&operation.id);
        }
    }
}

//! Measuring on behalf of clients: joins generators, clusters, Prometheus and the store.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`profiles`] | profiles: found, stored, deleted |
//! | [`order`] | a request becomes a plan that can be carried out |
//! | [`run`] | one measurement as an operation, stored while it goes on |
//! | `access` | what callers of other machines may ask for |
//! | `certificates` | certificates that clients send, as files of the plane |
//! | [`turns`] | one measurement at a time |
//! | [`guard`] | whether a running measurement breaches its thresholds, so that it is to end |
//! | [`environment`] | the cluster that was measured |
//! | [`inside`] | whether a target is in a cluster |
//! | [`mesh`] | the mesh of a cluster |
//! | [`metrics`] | what a Prometheus saw of the measurement |
//! | [`results`] | results: found, brought in from files, shown to old clients |
//! | [`settle`] | results of measurements whose process is gone |

mod access;
mod certificates;
mod environment;
mod guard;
mod inside;
mod mesh;
mod metrics;
mod order;
pub mod profiles;
mod quantity;
pub mod results;
mod run;
pub(super) mod settle;
pub mod turns;

pub(super) use certificates::trim;

use crate::base::Result;
use crate::model::operation::{OperationKind, OperationStatus};
use crate::server::{Caller, Shared};
use crate::wire::rest::performance::{RunBegun, RunRequest};
use order::Order;

/// Begins a measurement; answers when its operation and its result exist. The result has the operation's id. Where another
/// measurement of this process makes load, it waits for its turn, and its operation says so.
///
/// # Errors
/// What the caller may not ask for, faults of the plan and its thresholds; everything later is told by the operation.
pub async fn begin(state: &Shared, caller: Caller, request: RunRequest) -> Result<RunBegun> {
    let order = order::settle(state, caller, request).await?;
    carry_out(state, order).await
}

/// Begins several measurements, which are made one after another. None is begun when one of them cannot be.
///
/// # Errors
/// As [`begin`].
pub async fn begin_all(state: &Shared, caller: Caller, requests: Vec<RunRequest>) -> Result<Vec<RunBegun>> {
    let mut orders = Vec::with_capacity(requests.len());
    for request in requests {
        orders.push(order::settle(state, caller, request).await?);
    }
    let mut begun = Vec::with_capacity(orders.len());
    for order in orders {
        begun.push(carry_out(state, order).await?);
    }
    Ok(begun)
}

async fn carry_out(state: &Shared, order: Order) -> Result<RunBegun> {
    let contexts = order.context.iter().cloned().collect();
    let handle = state.operations.begin(OperationKind::PerfRun, &order.plan.name, contexts).await?;
    let id = handle.id();
    if let Err(error) = run::store_begin(state, id, &order).await {
        handle.finish(OperationStatus::Failed, Some(&error)).await?;
        return Err(error);
    }
    // Taken before the reply, so that measurements are made in the order in which they were begun.
    let place = state.turns.queue();
    let state = state.clone();
    tokio::spawn(async move { Box::pin(run::Job { state: &state, handle: &handle, order: &order }.run(place)).await });
    Ok(RunBegun { operation_id: id, result_id: id })
}

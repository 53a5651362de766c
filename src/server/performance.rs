//! Measuring on behalf of clients: joins generators, clusters, Prometheus and the store.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`profiles`] | profiles: found, stored, deleted |
//! | [`order`] | a request becomes a plan that can be carried out |
//! | [`run`] | one measurement as an operation, stored while it goes on |
//! | [`guard`] | whether the thresholds of a running measurement can still hold |
//! | [`environment`] | the cluster and the mesh that were measured |
//! | [`metrics`] | what a Prometheus saw of the measurement |
//! | [`results`] | results: found, brought in from files, shown to old clients |
//! | [`settle`] | results of measurements whose process is gone |

mod environment;
mod guard;
mod metrics;
mod order;
pub mod profiles;
pub mod results;
mod run;
pub(super) mod settle;

use crate::base::Result;
use crate::model::operation::OperationKind;
use crate::server::Shared;
use crate::wire::rest::performance::{RunBegun, RunRequest};

/// Begins a measurement; answers when its operation and its result exist. The result has the operation's id.
///
/// # Errors
/// Faults of the plan and its thresholds; everything later is told by the operation.
pub async fn begin(state: &Shared, request: RunRequest) -> Result<RunBegun> {
    let order = order::settle(state, request).await?;
    let contexts = order.context.iter().cloned().collect();
    let handle = state.operations.begin(OperationKind::PerfRun, &order.plan.name, contexts).await?;
    let id = handle.id();
    run::store_begin(state, id, &order).await?;
    let state = state.clone();
    tokio::spawn(async move { Box::pin(run::Job { state: &state, handle: &handle, order: &order }.run()).await });
    Ok(RunBegun { operation_id: id, result_id: id })
}

//! Applying patterns to clusters, deleting what they applied, and looking at it: joins engine, clusters and store.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`request`] | a request becomes a parsed pattern and the clusters it means |
//! | [`apply`] | carries the ordered objects of one pattern into one cluster |
//! | [`delete`] | takes an applied set out of one cluster, last applied first |
//! | [`outcome`] | what the results of all objects mean for the operation |

mod apply;
mod delete;
mod outcome;
mod request;
mod status;

use std::time::Duration;

use crate::base::{Code, Error, Result};
use crate::model::operation::OperationKind;
use crate::server::Shared;
use crate::server::operations::Handle;
use crate::wire::rest::{Accepted, AppliedSet, AppliedSets, DeployRequest};

pub use status::status;

/// Objects of one cluster that are worked on at the same time.
const PARALLEL: usize = 8;
/// How long a call to a cluster may go on after the operation was cancelled.
const CANCEL_GRACE: Duration = Duration::from_millis(300);
/// Limit of a single wait when the request names none.
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

/// Begins to apply a pattern; answers when the operation exists.
///
/// # Errors
/// Faults of the file and of the choice of contexts; everything later is told by the operation.
pub async fn apply(state: &Shared, request: DeployRequest) -> Result<Accepted> {
    let document = request::document(state, &request).await?;
    let (kubeconfig, contexts) = request::contexts(state, &request.contexts, request.kubeconfig.as_deref()).await?;
    let subject = document.pattern.name.clone();
    let handle = state.operations.begin(OperationKind::PatternApply, &subject, contexts.clone()).await?;
    let operation_id = handle.id();
    let state = state.clone();
    tokio::spawn(async move {
        let job = apply::Job { state: &state, handle: &handle, request: &request, document: &document };
        let ended = job.run(&kubeconfig, &contexts).await;
        outcome::finish(&handle, ended, "applied").await;
    });
    Ok(Accepted { operation_id })
}

/// Begins to delete what a pattern applied; answers when the operation exists.
///
/// # Errors
/// As [`apply`], and [`crate::base::Code::PatternNotFound`] for a name that nothing is stored or applied under.
pub async fn delete(state: &Shared, request: DeployRequest) -> Result<Accepted> {
    let target = request::target(state, &request).await?;
    let (kubeconfig, contexts) = request::contexts(state, &request.contexts, request.kubeconfig.as_deref()).await?;
    let handle = state.operations.begin(OperationKind::PatternDelete, &target.name, contexts.clone()).await?;
    let operation_id = handle.id();
    let state = state.clone();
    tokio::spawn(async move {
        let job = delete::Job { state: &state, handle: &handle, request: &request, target: &target };
        let ended = job.run(&kubeconfig, &contexts).await;
        outcome::finish(&handle, ended, "deleted").await;
    });
    Ok(Accepted { operation_id })
}

/// Every applied set this plane knows.
pub async fn applied(state: &Shared) -> Result<AppliedSets> {
    let applied: Vec<AppliedSet> = state.store.inventory().list().await?.into_iter().map(|listed| listed.set).collect();
    Ok(AppliedSets { applied })
}

/// Does `work` unless the operation is cancelled; work that began gets a moment to end with a known outcome.
async fn unless_cancelled<T>(handle: &Handle, grace: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let cancel = handle.cancelled();
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = async { cancel.cancelled().await; tokio::time::sleep(grace).await } => {
            Err(Error::new(Code::OperationCancelled, "the operation was cancelled before this was done"))
        }
    }
}

fn wait_limit(request: &DeployRequest) -> Duration {
    request.timeout_seconds.map_or(DEFAULT_WAIT, Duration::from_secs)
}

//! Applying patterns to clusters, deleting what they applied, and looking at it: joins engine, clusters and store.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`imports`] | what a pattern imports |
//! | [`request`] | a request becomes a parsed pattern and the clusters it means |
//! | [`apply`] | carries the ordered objects of one pattern into clusters |
//! | [`plan`] | what applying would do, without doing it |
//! | [`schemas`] | objects against the schemas of their kinds |
//! | [`drift`] | how what was applied stands, and who changed it |
//! | [`delete`] | deletes what a pattern applied |
//! | [`removal`] | takes objects out of one cluster, last applied first |
//! | [`revision`] | what an apply was made from, to make it again |
//! | [`contexts`] | what cannot begin in one context does not stop the others |
//! | [`turn`] | one operation at a time on one pattern in one cluster |
//! | [`outcome`] | what the results of all objects mean for the operation |

mod apply;
mod contexts;
mod delete;
mod drift;
mod imports;
mod outcome;
mod plan;
mod removal;
mod request;
mod revision;
mod schemas;
mod status;
mod turn;

use std::time::Duration;

use crate::base::{Code, Error, Result};
use crate::cluster::Cluster;
use crate::cluster::kubeconfig::Kubeconfig;
use crate::model::kubernetes::KindInfo;
use crate::model::operation::{ContextFailure, OperationKind};
use crate::model::pattern::ObjectResult;
use crate::server::operations::Handle;
use crate::server::{Sender, Shared};
use crate::wire::rest::{Accepted, AppliedSet, AppliedSets, DeployRequest};

pub use drift::drift;
pub use plan::plan;
pub use revision::{content as revision, list as revisions};
pub use status::status;

/// Objects of one cluster that are worked on at the same time.
const PARALLEL: usize = 16;
/// How long a call to a cluster may go on after the operation was cancelled.
const CANCEL_GRACE: Duration = Duration::from_millis(300);
/// Limit of a single wait when the request names none.
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

/// What an operation came to.
#[derive(Debug, Default)]
struct Ended {
    /// Results by object, of all contexts.
    results: Vec<ObjectResult>,
    /// Contexts in which nothing could be begun.
    failures: Vec<ContextFailure>,
    /// Whether what was done was taken back.
    taken_back: bool,
}

impl Ended {
    fn add(&mut self, other: Ended) {
        self.results.extend(other.results);
        self.failures.extend(other.failures);
        self.taken_back |= other.taken_back;
    }
}

/// Begins to apply a pattern, an earlier revision of it, or to adopt what it names; answers when the operation exists.
///
/// # Errors
/// Faults of the file and of the choice of contexts; everything later is told by the operation.
pub async fn apply(state: &Shared, sender: Sender, request: DeployRequest) -> Result<Accepted> {
    let request = request::complete(state, request).await?;
    let (document, subject) = request::named(state, &request).await?;
    let (kubeconfig, contexts) = request::contexts(state, &request.contexts, request.kubeconfig.as_deref()).await?;
    let (kind, verb) = match (request.revision, request.adopt) {
        (Some(_), _) => (OperationKind::PatternRollback, "applied"),
        (None, true) => (OperationKind::PatternAdopt, "adopted"),
        (None, false) => (OperationKind::PatternApply, "applied"),
    };
    let handle = state.operations.begin(kind, &subject, contexts.clone()).await?;
    let operation_id = handle.id();
    let state = state.clone();
    tokio::spawn(async move {
        let (request, name) = (&request, subject.as_str());
        let job = apply::Job { state: &state, sender: &sender, handle: &handle, request, document, name };
        let ended = job.run(&kubeconfig, &contexts).await;
        outcome::finish(&handle, ended, verb).await;
    });
    Ok(Accepted { operation_id })
}

/// Begins to delete what a pattern applied; answers when the operation exists.
///
/// # Errors
/// As [`apply`], and [`crate::base::Code::PatternNotFound`] for a name that nothing is stored or applied under.
pub async fn delete(state: &Shared, sender: Sender, request: DeployRequest) -> Result<Accepted> {
    let target = request::target(state, &request).await?;
    let chosen = request::contexts(state, &request.contexts, request.kubeconfig.as_deref()).await;
    let (kubeconfig, contexts) = match chosen {
        // A pattern that is only stored needs no cluster to be deleted.
        Err(_) if request.save && request.contexts.is_empty() && !is_applied(state, &target.name).await? => {
            (Kubeconfig::default(), Vec::new())
        }
        chosen => chosen?,
    };
    let handle = state.operations.begin(OperationKind::PatternDelete, &target.name, contexts.clone()).await?;
    let operation_id = handle.id();
    let state = state.clone();
    tokio::spawn(async move {
        let job = delete::Job { state: &state, sender: &sender, handle: &handle, request: &request, target: &target };
        let ended = job.run(&kubeconfig, &contexts).await;
        outcome::finish(&handle, ended, "deleted").await;
    });
    Ok(Accepted { operation_id })
}

/// Forgets what `pattern` applied through `context` when that name meant another cluster, such as one that was made
/// anew since: its objects are out of reach. Says so when there was something.
async fn forget_former(state: &Shared, handle: &Handle, pattern: &str, cluster: (&str, &str)) -> Result<usize> {
    let (context, id) = cluster;
    let mut objects = 0;
    for listed in state.store.inventory().list().await? {
        if listed.set.pattern == pattern && listed.set.context == context && listed.cluster_id != id {
            objects += listed.set.items.len();
            state.store.inventory().forget(&listed.cluster_id, pattern).await?;
            state.store.revisions().forget(&listed.cluster_id, pattern).await?;
        }
    }
    if objects > 0 {
        handle.warning(format!(
            "context {context} meant another cluster before; {} applied there no longer tracked",
            crate::base::text::count(objects, "object")
        ));
    }
    Ok(objects)
}

/// A cluster with its identity and the kinds it serves.
async fn reach(kubeconfig: &Kubeconfig, context: &str) -> Result<(Cluster, String, Vec<KindInfo>)> {
    let cluster = Cluster::connect(kubeconfig, context).await?;
    let (id, kinds) = futures_util::future::try_join(cluster.identity(), cluster.kinds()).await?;
    Ok((cluster, id, kinds))
}

/// Whether any cluster is known to have objects of the pattern.
async fn is_applied(state: &Shared, pattern: &str) -> Result<bool> {
    let sets = state.store.inventory().list().await?;
    Ok(sets.iter().any(|listed| listed.set.pattern == pattern && !listed.set.items.is_empty()))
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

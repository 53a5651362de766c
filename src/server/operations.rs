//! The registry of operations: begins them, stores what they tell, lets others follow and cancel them.
//!
//! What a running operation tells goes through one queue to one task, which stores everything that waits there in
//! one transaction. So an operation never waits for the disk until its end, and followers see only what is stored.

mod handle;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use handle::Handle;

use crate::base::process::Identity;
use crate::base::{Code, Error, Result, clock, id};
use crate::model::event::Event;
use crate::model::operation::{Operation, OperationKind, OperationStatus};
use crate::store::{Store, operations::abandoned};

/// How often requests of other processes to cancel are looked for, while something runs.
const CANCEL_POLL: Duration = Duration::from_millis(500);
/// How long cancelled operations may take to come to their end when the server stops.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    owner: Identity,
    queue: mpsc::UnboundedSender<Entry>,
    stored: watch::Sender<i64>,
    running: Running,
    draining: AtomicBool,
}

/// Operations of this process that have not ended.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<HashMap<Uuid, Live>>>);

struct Live {
    operation: Operation,
    cancel: CancellationToken,
}

/// Something an operation tells; `done` hears when it is stored.
struct Entry {
    event: Event,
    done: Option<oneshot::Sender<Result<()>>>,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Live>> {
        // The map is never left half changed, so a panic elsewhere takes nothing from it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations {
    /// Opens the registry: operations of dead processes become abandoned, those of living ones are left alone.
    pub async fn open(store: Store) -> Result<Self> {
        let (queue, entries) = mpsc::unbounded_channel();
        let (stored, _) = watch::channel(store.events().last().await?);
        let running = Running::default();
        tokio::spawn(writer::run(store.clone(), running.clone(), stored.clone(), entries));
        let owner = Identity::current();
        let inner = Arc::new(Inner { store, owner, queue, stored, running, draining: AtomicBool::new(false) });
        tokio::spawn(watch_cancels(Arc::downgrade(&inner)));
        let operations = Self { inner };
        operations.settle().await?;
        Ok(operations)
    }

    /// Gives operations whose process is gone their end.
    async fn settle(&self) -> Result<()> {
        for orphan in self.inner.store.operations().orphans().await? {
            let operation = abandoned(orphan);
            let mut log = [handle::ended(&operation)];
            self.inner.store.operations().record(&[operation], &mut log).await?;
            self.inner.stored.send_replace(log[0].id);
        }
        Ok(())
    }

    /// Begins an operation; it exists on disk when this returns. Refused while the server stops.
    pub async fn begin(&self, kind: OperationKind, subject: &str, contexts: Vec<String>) -> Result<Handle> {
        if self.inner.draining.load(Ordering::Acquire) {
            return Err(Error::new(Code::ServerDraining, format!("`{subject}` was not begun: the server is stopping")));
        }
        let operation = Operation {
            id: id::new(),
            kind,
            subject: subject.to_owned(),
            status: OperationStatus::Running,
            contexts,
            started_at: clock::now(),
            ended_at: None,
            results: Vec::new(),
            warnings: Vec::new(),
            failures: Vec::new(),
            error: None,
        };
        let cancel = CancellationToken::new();
        let live = Live { operation: operation.clone(), cancel: cancel.clone() };
        self.inner.running.lock().insert(operation.id, live);
        if let Err(error) = self.inner.store.operations().begin(&operation, &self.inner.owner).await {
            self.inner.running.lock().remove(&operation.id);
            return Err(error);
        }
        Ok(Handle::new(self.inner.clone(), operation.id, kind, cancel))
    }

    /// The operation as it stands now.
    pub async fn get(&self, id: Uuid) -> Result<Operation> {
        if let Some(live) = self.inner.running.lock().get(&id) {
            return Ok(live.operation.clone());
        }
        let found = self.inner.store.operations().get(id).await?;
        found.ok_or_else(|| Error::new(Code::OperationNotFound, format!("there is no operation `{id}`")))
    }

    /// Asks an operation to stop, wherever it runs; one that has ended stays as it is.
    pub async fn cancel(&self, id: Uuid) -> Result<Operation> {
        if let Some(live) = self.inner.running.lock().get(&id) {
            live.cancel.cancel();
        } else {
            self.inner.store.operations().request_cancel(id).await?;
        }
        self.get(id).await
    }

    /// Stores an event that no operation of this server tells, such as one of an adapter. Never waits.
    pub fn tell(&self, event: Event) {
        // The queue ends with the process.
        let _ = self.inner.queue.send(Entry { event, done: None });
    }

    /// Position of the newest event stored by this process; changes wake followers.
    pub fn stored(&self) -> watch::Receiver<i64> {
        self.inner.stored.subscribe()
    }

    /// Whether new operations are refused.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Acquire)
    }

    /// Whether an operation of this process has not ended.
    pub fn is_running(&self, id: Uuid) -> bool {
        self.inner.running.lock().contains_key(&id)
    }

    /// Number of operations of this process that have not ended.
    pub fn running(&self) -> usize {
        self.inner.running.lock().len()
    }

    /// Refuses new operations and waits for the running ones; after `limit` they are cancelled and waited for shortly.
    pub async fn drain(&self, limit: Duration) {
        self.inner.draining.store(true, Ordering::Release);
        if self.idle_within(limit).await {
            return;
        }
        for live in self.inner.running.lock().values() {
            live.cancel.cancel();
        }
        if !self.idle_within(CANCEL_GRACE).await {
            tracing::warn!(
                left = self.running(),
                "operations did not stop in time; the next start calls them abandoned"
            );
        }
    }

    async fn idle_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.running() > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}

/// Passes requests to cancel that other processes wrote into the database on to the operations of this one.
async fn watch_cancels(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(CANCEL_POLL).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.running.lock().is_empty() {
            continue;
        }
        match inner.store.operations().cancel_requests(&inner.owner).await {
            Ok(ids) => {
                let running = inner.running.lock();
                ids.iter().filter_map(|id| running.get(id)).for_each(|live| live.cancel.cancel());
            }
            Err(error) => tracing::warn!(%error, "requests to cancel could not be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Payload;
    use crate::model::kubernetes::ObjectRef;
    use crate::model::pattern::{Action, ObjectResult};

    async fn registry() -> (tempfile::TempDir, Store, Operations) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("meshery.db")).await.unwrap();
        let operations = Operations::open(store.clone()).await.unwrap();
        (dir, store, operations)
    }

    fn result(action: Action) -> ObjectResult {
        ObjectResult {
            context: "kind".into(),
            service: "web".into(),
            object: ObjectRef {
                api_version: "v1".into(),
                kind: "Service".into(),
                namespace: Some("shop".into()),
                name: "web".into(),
            },
            action,
            because: None,
            error: None,
            health: None,
        }
    }

    #[tokio::test]
    async fn an_operation_leaves_its_results_and_its_events_in_order() {
        let (_dir, store, operations) = registry().await;
        let handle = operations.begin(OperationKind::PatternApply, "shop", vec!["kind".into()]).await.unwrap();
        handle.started(1);
        handle.stage("apply", Some("kind"));
        handle.progress("kind", "web", "waiting for the CRD");
        handle.object(result(Action::Created));
        handle.warning("odd");
        let live = operations.get(handle.id()).await.unwrap();
        assert_eq!((live.status, live.results.len()), (OperationStatus::Running, 1));
        let ended = handle.finish(OperationStatus::Succeeded, None).await.unwrap();
        assert_eq!((operations.running(), ended.warnings.as_slice()), (0, ["odd".to_owned()].as_slice()));
        assert_eq!(store.operations().get(ended.id).await.unwrap().unwrap(), ended);
        let log = store.events().after(0, Some(ended.id), 100).await.unwrap();
        assert_eq!(log.len(), 6);
        assert_eq!(log[3].summary, "Service shop/web created");
        assert_eq!(log[5].payload, Some(Payload::Ended(Box::new(ended))));
        assert_eq!(*operations.stored().borrow(), log[5].id);
    }

    #[tokio::test]
    async fn a_dropped_handle_ends_its_operation_as_failed() {
        let (_dir, store, operations) = registry().await;
        let handle = operations.begin(OperationKind::PatternApply, "shop", vec![]).await.unwrap();
        let id = handle.id();
        drop(handle);
        operations.drain(Duration::from_secs(5)).await;
        let ended = store.operations().get(id).await.unwrap().unwrap();
        assert_eq!((ended.status, ended.error.unwrap().code.as_str()), (OperationStatus::Failed, "internal"));
    }

    #[tokio::test]
    async fn cancelling_reaches_operations_of_this_and_of_other_registries() {
        let (_dir, store, operations) = registry().await;
        let handle = operations.begin(OperationKind::PatternDelete, "shop", vec![]).await.unwrap();
        let token = handle.cancelled();
        let elsewhere = Operations::open(store).await.unwrap();
        assert_eq!(elsewhere.cancel(handle.id()).await.unwrap().status, OperationStatus::Running);
        tokio::time::timeout(Duration::from_secs(5), token.cancelled()).await.unwrap();
        let error = Error::new(Code::OperationCancelled, "stopped");
        handle.finish(OperationStatus::Cancelled, Some(&error)).await.unwrap();
        assert_eq!(elsewhere.cancel(handle.id()).await.unwrap().status, OperationStatus::Cancelled);
        assert_eq!(elsewhere.cancel(Uuid::nil()).await.unwrap_err().code(), Code::OperationNotFound);
    }

    #[tokio::test]
    async fn draining_refuses_new_work_and_cancels_what_takes_too_long() {
        let (_dir, _store, operations) = registry().await;
        let handle = operations.begin(OperationKind::PatternApply, "slow", vec![]).await.unwrap();
        let token = handle.cancelled();
        let worker = tokio::spawn(async move {
            token.cancelled().await;
            handle.finish(OperationStatus::Cancelled, None).await.unwrap();
        });
        operations.drain(Duration::from_millis(50)).await;
        worker.await.unwrap();
        assert_eq!(operations.running(), 0);
        let refused = operations.begin(OperationKind::PatternApply, "late", vec![]).await.err().unwrap();
        assert_eq!(refused.code(), Code::ServerDraining);
    }

    #[tokio::test]
    async fn opening_abandons_operations_of_dead_processes_with_a_last_event() {
        let (_dir, store, operations) = registry().await;
        let alive = operations.begin(OperationKind::PatternApply, "alive", vec![]).await.unwrap();
        let mut dead = operations.get(alive.id()).await.unwrap();
        dead.id = id::new();
        let owner = Identity { pid: std::process::id(), started: "earlier".into() };
        store.operations().begin(&dead, &owner).await.unwrap();
        let again = Operations::open(store.clone()).await.unwrap();
        assert_eq!(again.get(dead.id).await.unwrap().status, OperationStatus::Abandoned);
        assert_eq!(again.get(alive.id()).await.unwrap().status, OperationStatus::Running);
        let log = store.events().after(0, Some(dead.id), 10).await.unwrap();
        assert!(matches!(log.last().unwrap().payload, Some(Payload::Ended(_))));
        alive.finish(OperationStatus::Succeeded, None).await.unwrap();
    }
}

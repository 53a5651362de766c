//! Takes objects of an applied set out of one cluster, last applied first, exactly those that were applied.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::{CANCEL_GRACE, PARALLEL, unless_cancelled};
use crate::base::error::Result;
use crate::cluster::Cluster;
use crate::cluster::delete::Deletion;
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Action, InventoryItem, ObjectResult};
use crate::pattern::object::{ANNOTATION_KEEP, ANNOTATION_PATTERN};
use crate::server::Shared;
use crate::server::operations::Handle;
use crate::store::inventory::Key;

/// Why objects are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The pattern is deleted.
    Delete,
    /// They left the pattern.
    Prune,
    /// What the same operation made is taken back.
    TakeBack,
}

impl Purpose {
    fn action(self) -> Action {
        match self {
            Purpose::Delete => Action::Deleted,
            Purpose::Prune => Action::Pruned,
            Purpose::TakeBack => Action::RolledBack,
        }
    }
}

/// A removal of objects from one cluster.
pub(super) struct Removal<'a> {
    pub(super) state: &'a Shared,
    pub(super) handle: &'a Handle,
    pub(super) pattern: &'a str,
    pub(super) cluster: &'a Cluster,
    pub(super) cluster_id: &'a str,
    pub(super) kinds: &'a [KindInfo],
    /// Limit for each object to be gone.
    pub(super) limit: Duration,
    pub(super) purpose: Purpose,
}

impl Removal<'_> {
    /// Removes wave after wave from the last to the first. A wave that fails holds the earlier ones back: they are
    /// what the failed object may still need to go. Every result is told as it is reached.
    pub(super) async fn run(&self, items: &[InventoryItem]) -> Vec<ObjectResult> {
        let mut waves: BTreeMap<u32, Vec<&InventoryItem>> = BTreeMap::new();
        for item in items {
            waves.entry(item.position).or_default().push(item);
        }
        let mut results: Vec<ObjectResult> = Vec::with_capacity(items.len());
        let mut stop: Option<String> = None;
        for wave in waves.into_values().rev() {
            if stop.is_none() && self.is_cancelled() {
                stop = Some("the operation was cancelled".to_owned());
            }
            let (held, free): (Vec<_>, Vec<_>) = wave
                .into_iter()
                .map(|item| (item, stop.clone().or_else(|| shelter(item, &results))))
                .partition(|(_, because)| because.is_some());
            results.extend(held.into_iter().map(|(item, because)| self.told(item, Action::Withheld, because)));
            let removals = free.into_iter().map(|(item, _)| self.remove(item)).collect::<Vec<_>>();
            let done: Vec<ObjectResult> = stream::iter(removals).buffer_unordered(PARALLEL).collect().await;
            stop = stop.or_else(|| {
                let failed = done.iter().find(|result| result.action == Action::Failed)?;
                Some(format!("{} could not be deleted", failed.object))
            });
            results.extend(done);
        }
        results
    }

    /// Taking back goes on after a cancellation: it is what leaves the cluster as it was.
    fn is_cancelled(&self) -> bool {
        self.purpose != Purpose::TakeBack && self.handle.cancelled().is_cancelled()
    }

    fn told(&self, item: &InventoryItem, action: Action, because: Option<String>) -> ObjectResult {
        let result = self.result(item, action, because);
        self.handle.object(result.clone());
        result
    }

    async fn remove(&self, item: &InventoryItem) -> ObjectResult {
        self.handle.progress(&self.cluster.context, &item.service, "deleting");
        let outcome = match self.purpose {
            Purpose::TakeBack => self.delete(item).await,
            _ => unless_cancelled(self.handle, CANCEL_GRACE, self.delete(item)).await,
        };
        let result = match outcome {
            Ok((action, because)) => self.result(item, action, because),
            Err(error) => ObjectResult { error: Some(error.report()), ..self.result(item, Action::Failed, None) },
        };
        self.handle.object(result.clone());
        result
    }

    async fn delete(&self, item: &InventoryItem) -> Result<(Action, Option<String>)> {
        let outcome = match self.kind_of(item) {
            None => (Action::Absent, Some("its kind is no longer served".to_owned())),
            Some(kind) => match self.own_uid(kind, item).await? {
                Own::Uid(uid) => self.delete_uid(kind, item, &uid).await?,
                Own::Gone => (Action::Absent, None),
                Own::Kept => {
                    let because = format!("its annotation {ANNOTATION_KEEP} says so; it belongs to no pattern now");
                    (Action::Skipped, Some(because))
                }
            },
        };
        let key = Key { cluster_id: self.cluster_id, pattern: self.pattern };
        self.state.store.inventory().settle(key, &[], std::slice::from_ref(&item.object)).await?;
        Ok(outcome)
    }

    /// The uid of the object that was applied. An apply that was cut off may not have learned it: then the object
    /// counts only when it carries the pattern's name. Pruning asks the object whether it is to stay.
    async fn own_uid(&self, kind: &KindInfo, item: &InventoryItem) -> Result<Own> {
        if let (Some(uid), true) = (&item.uid, self.purpose != Purpose::Prune) {
            return Ok(Own::Uid(uid.clone()));
        }
        let Some(found) = self.cluster.get(kind, &item.object).await? else { return Ok(Own::Gone) };
        let annotations = &found["metadata"]["annotations"];
        if self.purpose == Purpose::Prune && annotations[ANNOTATION_KEEP] == "true" {
            return Ok(Own::Kept);
        }
        let uid = item.uid.clone().or_else(|| {
            let own = annotations[ANNOTATION_PATTERN] == self.pattern;
            found["metadata"]["uid"].as_str().filter(|_| own).map(str::to_owned)
        });
        Ok(uid.map_or(Own::Gone, Own::Uid))
    }

    async fn delete_uid(&self, kind: &KindInfo, item: &InventoryItem, uid: &str) -> Result<(Action, Option<String>)> {
        match self.cluster.delete(kind, &item.object, Some(uid)).await? {
            Deletion::Absent => Ok((Action::Absent, None)),
            Deletion::Foreign => {
                Ok((Action::Skipped, Some("an object of that name that others made was left alone".to_owned())))
            }
            Deletion::Begun => {
                self.cluster.wait_gone(kind, &item.object, Some(uid), self.limit).await?;
                Ok((self.purpose.action(), None))
            }
        }
    }

    /// The kind in the version it was applied with, else in the one that is preferred now.
    fn kind_of(&self, item: &InventoryItem) -> Option<&KindInfo> {
        let wanted = item.object.gvk();
        let same = |kind: &&KindInfo| kind.gvk.group == wanted.group && kind.gvk.kind == wanted.kind;
        let kinds = || self.kinds.iter().filter(same);
        kinds().find(|kind| kind.gvk == wanted).or_else(|| kinds().find(|kind| kind.preferred))
    }

    fn result(&self, item: &InventoryItem, action: Action, because: Option<String>) -> ObjectResult {
        ObjectResult {
            context: self.cluster.context.clone(),
            service: item.service.clone(),
            object: item.object.clone(),
            action,
            because,
            error: None,
            health: None,
        }
    }
}

enum Own {
    Uid(String),
    Gone,
    Kept,
}

/// Why a namespace must stay: an object that others made in it, which was left alone, would go with it.
fn shelter(item: &InventoryItem, results: &[ObjectResult]) -> Option<String> {
    let holds = |result: &&ObjectResult| {
        result.action == Action::Skipped && result.object.namespace.as_deref() == Some(item.object.name.as_str())
    };
    let guest = results.iter().find(holds).filter(|_| item.object.kind == "Namespace")?;
    Some(format!("{} in it was left alone and would go with it", guest.object))
}

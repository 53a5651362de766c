//! Takes an applied set out of clusters: exactly what was applied, last applied first.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use super::request::Target;
use super::{CANCEL_GRACE, PARALLEL, forget_former, is_applied, reach, turn, unless_cancelled, wait_limit};
use crate::base::error::{Code, Error, Result};
use crate::cluster::apply::Options;
use crate::cluster::delete::Deletion;
use crate::cluster::{Cluster, kubeconfig::Kubeconfig};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Action, InventoryItem, ObjectResult, PatternRecord};
use crate::pattern::compile;
use crate::pattern::identify::Kinds;
use crate::pattern::object::ANNOTATION_PATTERN;
use crate::server::Shared;
use crate::server::operations::Handle;
use crate::wire::rest::DeployRequest;

/// One delete operation.
pub(super) struct Job<'a> {
    pub(super) state: &'a Shared,
    pub(super) handle: &'a Handle,
    pub(super) request: &'a DeployRequest,
    pub(super) target: &'a Target,
}

/// A cluster with what is to be taken out of it; nothing has been sent.
struct Prepared {
    cluster: Cluster,
    id: String,
    kinds: Vec<KindInfo>,
    items: Vec<InventoryItem>,
}

impl Job<'_> {
    /// Runs it in every context.
    pub(super) async fn run(&self, kubeconfig: &Kubeconfig, contexts: &[String]) -> Result<Vec<ObjectResult>> {
        let preparing = try_join_all(contexts.iter().map(|context| self.prepare(kubeconfig, context)));
        let prepared = unless_cancelled(self.handle, Duration::ZERO, preparing).await?;
        let mut forgotten = 0;
        for target in &prepared {
            let cluster = (target.cluster.context.as_str(), target.id.as_str());
            forgotten += forget_former(self.state, self.handle, &self.target.name, cluster).await?;
        }
        if forgotten == 0 && prepared.iter().all(|cluster| cluster.items.is_empty()) && !self.is_stored_only().await? {
            return Err(self.nothing_applied(contexts).await?);
        }
        for empty in prepared.iter().filter(|cluster| cluster.items.is_empty()) {
            self.handle.warning(format!("pattern `{}` is not applied to {}", self.target.name, empty.cluster.context));
        }
        self.handle.started(prepared.iter().map(|cluster| cluster.items.len()).sum());
        let results = join_all(prepared.iter().map(|cluster| self.empty(cluster))).await;
        let results: Vec<ObjectResult> =
            results.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        if self.request.save && results.iter().all(|result| result.action.is_good()) {
            self.drop_record().await?;
        }
        Ok(results)
    }

    async fn prepare(&self, kubeconfig: &Kubeconfig, context: &str) -> Result<Prepared> {
        self.handle.stage("discover", Some(context));
        let (cluster, id, kinds) = reach(kubeconfig, context).await?;
        let items = match self.state.store.inventory().get(&id, &self.target.name).await? {
            Some(set) => set.items,
            None => self.items_of_file(&cluster, &kinds).await?,
        };
        Ok(Prepared { cluster, id, kinds, items })
    }

    /// Without an inventory (another machine applied it) the file tells the objects; only those that carry the
    /// pattern's name are taken.
    async fn items_of_file(&self, cluster: &Cluster, kinds: &[KindInfo]) -> Result<Vec<InventoryItem>> {
        let Some(document) = &self.target.document else { return Ok(Vec::new()) };
        let namespace = self.request.namespace.as_deref().unwrap_or(&cluster.namespace);
        let compiled = compile(document, &Kinds::of_cluster(kinds.iter().cloned()), namespace)?;
        let mut items = Vec::new();
        for planned in compiled.objects {
            // Whether the pattern made a namespace or found it, only an inventory knows.
            if planned.object.kind == "Namespace" || !kinds.iter().any(|kind| kind.gvk == planned.kind.gvk) {
                continue;
            }
            let Some(found) = cluster.get(&planned.kind, &planned.object).await? else { continue };
            let metadata = &found["metadata"];
            if metadata["annotations"][ANNOTATION_PATTERN] == self.target.name.as_str() {
                items.push(InventoryItem {
                    service: planned.service,
                    object: planned.object,
                    position: planned.wave,
                    generation: 0,
                    uid: metadata["uid"].as_str().map(str::to_owned),
                });
            }
        }
        Ok(items)
    }

    /// Whether all there is to delete is the stored pattern: it is applied nowhere.
    async fn is_stored_only(&self) -> Result<bool> {
        Ok(self.request.save && !is_applied(self.state, &self.target.name).await? && self.record().await?.is_some())
    }

    async fn nothing_applied(&self, contexts: &[String]) -> Result<Error> {
        let name = &self.target.name;
        let elsewhere = self.state.store.inventory().list().await?;
        let elsewhere = elsewhere.into_iter().filter(|listed| listed.set.pattern == *name);
        let hints = elsewhere.map(|listed| format!("it is applied to context {}", listed.set.context));
        Ok(Error::new(Code::PatternNotApplied, format!("pattern `{name}` is not applied to {}", contexts.join(", ")))
            .details(hints.collect::<Vec<_>>()))
    }

    async fn record(&self) -> Result<Option<PatternRecord>> {
        let id_or_name = self.request.pattern_id.as_deref().unwrap_or(&self.target.name);
        self.state.store.patterns().find(id_or_name).await
    }

    /// Drops the stored pattern, unless it is still applied to another cluster.
    async fn drop_record(&self) -> Result<()> {
        let Some(record) = self.record().await? else { return Ok(()) };
        if is_applied(self.state, &self.target.name).await? {
            self.handle
                .warning(format!("pattern `{}` stays stored: it is applied to another cluster still", record.name));
            return Ok(());
        }
        self.state.store.patterns().delete(record.id).await.map(drop)
    }

    /// Empties one cluster, wave after wave from the last to the first. A wave that fails holds the earlier ones
    /// back: they are what the failed object may still need to go.
    async fn empty(&self, prepared: &Prepared) -> Result<Vec<ObjectResult>> {
        let cluster = (prepared.cluster.context.as_str(), prepared.id.as_str());
        let _turn = turn::take(self.state, self.handle, &self.target.name, cluster).await?;
        self.handle.stage("delete", Some(&prepared.cluster.context));
        // What was waited for may have applied more, or deleted some of it.
        let now = self.state.store.inventory().get(&prepared.id, &self.target.name).await?;
        let items = now.map_or_else(|| prepared.items.clone(), |set| set.items);
        let mut waves: BTreeMap<u32, Vec<&InventoryItem>> = BTreeMap::new();
        for item in &items {
            waves.entry(item.position).or_default().push(item);
        }
        let mut results: Vec<ObjectResult> = Vec::with_capacity(items.len());
        let mut stop: Option<String> = None;
        for wave in waves.into_values().rev() {
            if stop.is_none() && self.handle.cancelled().is_cancelled() {
                stop = Some("the operation was cancelled".to_owned());
            }
            let (held, free): (Vec<_>, Vec<_>) = wave
                .into_iter()
                .map(|item| (item, stop.clone().or_else(|| shelter(item, &results))))
                .partition(|(_, because)| because.is_some());
            results
                .extend(held.into_iter().map(|(item, because)| self.told(prepared, item, Action::Withheld, because)));
            let removals = free.into_iter().map(|(item, _)| self.remove(prepared, item)).collect::<Vec<_>>();
            let done: Vec<ObjectResult> = stream::iter(removals).buffer_unordered(PARALLEL).collect().await;
            stop = stop.or_else(|| {
                let failed = done.iter().find(|result| result.action == Action::Failed)?;
                Some(format!("{} could not be deleted", failed.object))
            });
            results.extend(done);
        }
        if results.iter().all(|result| result.action.is_good()) {
            self.release_namespaces(prepared).await?;
            self.state.store.inventory().forget(&prepared.id, &self.target.name).await?;
        }
        Ok(results)
    }

    /// Takes the pattern's labels and annotations back from namespaces that were there before it and stay.
    async fn release_namespaces(&self, prepared: &Prepared) -> Result<()> {
        let Some(document) = &self.target.document else { return Ok(()) };
        let kinds = Kinds::of_cluster(prepared.kinds.iter().cloned());
        let Ok(compiled) = compile(document, &kinds, &prepared.cluster.namespace) else { return Ok(()) };
        for planned in compiled.objects.iter().filter(|planned| planned.object.kind == "Namespace") {
            if prepared.items.iter().any(|item| item.object.name == planned.object.name) {
                continue;
            }
            let found = prepared.cluster.get(&planned.kind, &planned.object).await?.unwrap_or_default();
            if found["metadata"]["annotations"][ANNOTATION_PATTERN] == self.target.name.as_str() {
                let bare = json!({"apiVersion": planned.object.api_version, "kind": "Namespace", "metadata": {"name": planned.object.name}});
                prepared.cluster.apply(&planned.kind, &planned.object, &bare, Options::default()).await?;
                self.handle
                    .warning(format!("namespace {} stays, without what the pattern wrote on it", planned.object.name));
            }
        }
        Ok(())
    }

    fn told(&self, prepared: &Prepared, item: &InventoryItem, action: Action, because: Option<String>) -> ObjectResult {
        let result = result(prepared, item, action, because);
        self.handle.object(result.clone());
        result
    }

    async fn remove(&self, prepared: &Prepared, item: &InventoryItem) -> ObjectResult {
        let result = match unless_cancelled(self.handle, CANCEL_GRACE, self.delete(prepared, item)).await {
            Ok((action, because)) => result(prepared, item, action, because),
            Err(error) => ObjectResult { error: Some(error.report()), ..result(prepared, item, Action::Failed, None) },
        };
        self.handle.object(result.clone());
        result
    }

    async fn delete(&self, prepared: &Prepared, item: &InventoryItem) -> Result<(Action, Option<String>)> {
        let outcome = match kind_of(prepared, item) {
            None => (Action::Absent, Some("its kind is no longer served".to_owned())),
            Some(kind) => match self.own_uid(prepared, kind, item).await? {
                Some(uid) => self.delete_uid(prepared, kind, item, &uid).await?,
                None => (Action::Absent, None),
            },
        };
        self.state.store.inventory().remove(&prepared.id, &self.target.name, &item.object).await?;
        Ok(outcome)
    }

    /// The uid of the object that was applied. An apply that was cut off may not have learned it: then the object
    /// counts only when it carries the pattern's name.
    async fn own_uid(&self, prepared: &Prepared, kind: &KindInfo, item: &InventoryItem) -> Result<Option<String>> {
        if item.uid.is_some() {
            return Ok(item.uid.clone());
        }
        let found = prepared.cluster.get(kind, &item.object).await?.unwrap_or_default();
        let own = found["metadata"]["annotations"][ANNOTATION_PATTERN] == self.target.name.as_str();
        Ok(found["metadata"]["uid"].as_str().filter(|_| own).map(str::to_owned))
    }

    async fn delete_uid(
        &self,
        prepared: &Prepared,
        kind: &KindInfo,
        item: &InventoryItem,
        uid: &str,
    ) -> Result<(Action, Option<String>)> {
        match prepared.cluster.delete(kind, &item.object, Some(uid)).await? {
            Deletion::Absent => Ok((Action::Absent, None)),
            Deletion::Foreign => {
                Ok((Action::Skipped, Some("an object of that name that others made was left alone".to_owned())))
            }
            Deletion::Begun => {
                let limit = wait_limit(self.request);
                prepared.cluster.wait_gone(kind, &item.object, Some(uid), limit).await?;
                Ok((Action::Deleted, None))
            }
        }
    }
}

/// Why a namespace must stay: an object that others made in it, which was left alone, would go with it.
fn shelter(item: &InventoryItem, results: &[ObjectResult]) -> Option<String> {
    let holds = |result: &&ObjectResult| {
        result.action == Action::Skipped && result.object.namespace.as_deref() == Some(item.object.name.as_str())
    };
    let guest = results.iter().find(holds).filter(|_| item.object.kind == "Namespace")?;
    Some(format!("{} in it was made by others", guest.object))
}

/// The kind in the version it was applied with, else in the one that is preferred now.
fn kind_of<'a>(prepared: &'a Prepared, item: &InventoryItem) -> Option<&'a KindInfo> {
    let wanted = item.object.gvk();
    let same = |kind: &&KindInfo| kind.gvk.group == wanted.group && kind.gvk.kind == wanted.kind;
    let kinds = || prepared.kinds.iter().filter(same);
    kinds().find(|kind| kind.gvk == wanted).or_else(|| kinds().find(|kind| kind.preferred))
}

fn result(prepared: &Prepared, item: &InventoryItem, action: Action, because: Option<String>) -> ObjectResult {
    ObjectResult {
        context: prepared.cluster.context.clone(),
        service: item.service.clone(),
        object: item.object.clone(),
        action,
        because,
        error: None,
    }
}

//! Takes an applied set out of clusters: exactly what was applied, last applied first.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt};

use super::request::Target;
use super::{CANCEL_GRACE, PARALLEL, unless_cancelled, wait_limit};
use crate::base::error::{Code, Error, Result};
use crate::cluster::delete::Deletion;
use crate::cluster::{Cluster, kubeconfig::Kubeconfig};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Action, InventoryItem, ObjectResult};
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
        if prepared.iter().all(|cluster| cluster.items.is_empty()) && !self.request.save {
            return Err(self.nothing_applied(contexts).await?);
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
        let cluster = Cluster::connect(kubeconfig, context).await?;
        let (id, kinds) = futures_util::future::try_join(cluster.identity(), cluster.kinds()).await?;
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

    async fn nothing_applied(&self, contexts: &[String]) -> Result<Error> {
        let name = &self.target.name;
        let elsewhere = self.state.store.inventory().list().await?;
        let elsewhere = elsewhere.into_iter().filter(|listed| listed.set.pattern == *name);
        let hints = elsewhere.map(|listed| format!("it is applied to context {}", listed.set.context));
        Ok(Error::new(Code::PatternNotApplied, format!("pattern `{name}` is not applied to {}", contexts.join(", ")))
            .details(hints.collect::<Vec<_>>()))
    }

    async fn drop_record(&self) -> Result<()> {
        let id_or_name = self.request.pattern_id.as_deref().unwrap_or(&self.target.name);
        match self.state.store.patterns().find(id_or_name).await? {
            Some(record) => self.state.store.patterns().delete(record.id).await.map(drop),
            None => Ok(()),
        }
    }

    /// Empties one cluster, wave after wave from the last to the first. A wave that fails holds the earlier ones
    /// back: they are what the failed object may still need to go.
    async fn empty(&self, prepared: &Prepared) -> Result<Vec<ObjectResult>> {
        self.handle.stage("delete", Some(&prepared.cluster.context));
        let mut waves: BTreeMap<u32, Vec<&InventoryItem>> = BTreeMap::new();
        for item in &prepared.items {
            waves.entry(item.position).or_default().push(item);
        }
        let mut results: Vec<ObjectResult> = Vec::with_capacity(prepared.items.len());
        let mut stop: Option<String> = None;
        for wave in waves.into_values().rev() {
            if stop.is_none() && self.handle.cancelled().is_cancelled() {
                stop = Some("the operation was cancelled".to_owned());
            }
            if let Some(because) = &stop {
                results.extend(
                    wave.into_iter().map(|item| self.told(prepared, item, Action::Withheld, Some(because.clone()))),
                );
                continue;
            }
            let removals = wave.into_iter().map(|item| self.remove(prepared, item)).collect::<Vec<_>>();
            let done: Vec<ObjectResult> = stream::iter(removals).buffer_unordered(PARALLEL).collect().await;
            stop = done
                .iter()
                .find(|result| result.action == Action::Failed)
                .map(|failed| format!("{} could not be deleted", failed.object));
            results.extend(done);
        }
        if stop.is_none() {
            self.state.store.inventory().forget(&prepared.id, &self.target.name).await?;
        }
        Ok(results)
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
                Ok((Action::Absent, Some("an object of that name made by others was left alone".to_owned())))
            }
            Deletion::Begun => {
                let limit = wait_limit(self.request);
                prepared.cluster.wait_gone(kind, &item.object, Some(uid), limit).await?;
                Ok((Action::Deleted, None))
            }
        }
    }
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

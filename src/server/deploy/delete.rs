//! Takes an applied set out of clusters: exactly what was applied, last applied first.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::removal::{Purpose, Removal};
use super::request::Target;
use super::{Ended, contexts, forget_former, is_applied, reach, turn, unless_cancelled, wait_limit};
use crate::base::error::{Code, Error, Result};
use crate::cluster::apply::Options;
use crate::cluster::{Cluster, kubeconfig::Kubeconfig};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{InventoryItem, ObjectResult, PatternRecord};
use crate::pattern::compile;
use crate::pattern::identify::Kinds;
use crate::pattern::object::ANNOTATION_PATTERN;
use crate::server::operations::Handle;
use crate::server::providers::sync;
use crate::server::{Sender, Shared};
use crate::wire::rest::DeployRequest;

/// One delete operation.
pub(super) struct Job<'a> {
    pub(super) state: &'a Shared,
    pub(super) sender: &'a Sender,
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
    pub(super) async fn run(&self, kubeconfig: &Kubeconfig, contexts: &[String]) -> Result<Ended> {
        let preparing = join_all(contexts.iter().map(async |context| {
            let outcome = self.prepare(kubeconfig, context).await;
            (context.clone(), outcome)
        }));
        let prepared = unless_cancelled(self.handle, Duration::ZERO, async { Ok(preparing.await) }).await?;
        let (prepared, failures) = contexts::split(prepared)?;
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
        if self.request.save && failures.is_empty() && results.iter().all(|result| result.action.is_good()) {
            self.drop_record().await?;
        }
        Ok(Ended { results, failures, taken_back: false })
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
        sync::delete_pattern(self.state, self.sender, record.id).await.map(drop)
    }

    /// Empties one cluster.
    async fn empty(&self, prepared: &Prepared) -> Result<Vec<ObjectResult>> {
        let cluster = (prepared.cluster.context.as_str(), prepared.id.as_str());
        let _turn = turn::take(self.state, self.handle, &self.target.name, cluster).await?;
        self.handle.stage("delete", Some(&prepared.cluster.context));
        // What was waited for may have applied more, or deleted some of it.
        let now = self.state.store.inventory().get(&prepared.id, &self.target.name).await?;
        let items = now.map_or_else(|| prepared.items.clone(), |set| set.items);
        let removal = Removal {
            state: self.state,
            handle: self.handle,
            pattern: &self.target.name,
            cluster: &prepared.cluster,
            cluster_id: &prepared.id,
            kinds: &prepared.kinds,
            limit: wait_limit(self.request),
            purpose: Purpose::Delete,
        };
        let results = removal.run(&items).await;
        if results.iter().all(|result| result.action.is_good()) {
            self.release_namespaces(prepared).await?;
            self.state.store.inventory().forget(&prepared.id, &self.target.name).await?;
            self.state.store.revisions().forget(&prepared.id, &self.target.name).await?;
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
}

//! Taking a plane away: exactly what was applied, in an order in which a stop that is broken off can be completed.
//!
//! The server ends first, with everything it needs still there; the inventory goes last, and with it the namespace
//! when this program made it and nobody else has anything in it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::access;
use super::apply::remove;
use super::inventory::{self, Inventory};
use super::namespace;
use super::ready::Limit;
use super::record::Record;
use super::target::{Target, kind_of, named, short};
use crate::base::{Code, Error, Result};
use crate::cluster::delete::Deletion;
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::plane::Removed;
use crate::plane::kubernetes::access::Act;
use crate::plane::kubernetes::{Options, Storage, crds, marks};
use crate::platform::{Plane, Progress, Stop};

/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Kinds that a plane is made of, where objects are looked for by their marks: what runs first.
const KINDS: &[(&str, &str)] = &[
    ("networking.k8s.io/v1", "Ingress"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Secret"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "ServiceAccount"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
];

/// See [`crate::platform::stop`].
pub(super) async fn stop(plane: &Plane, how: Stop, progress: &dyn Progress) -> Result<Removed> {
    let limit = Limit::of(plane.limit);
    let target = Target::find(plane).await?;
    let leaving = namespace::get(&target).await?.is_some_and(|live| namespace::is_leaving(&live));
    if leaving && !how.force {
        namespace::settle(&target, limit, progress).await?;
    }
    let found = Inventory::read(&target).await?;
    let is_there = found.is_some();
    let Some(inventory) = own(plane, &target, found).await? else { return Ok(Removed::default()) };
    let objects = everything(&target, &inventory).await?;
    if objects.is_empty() && !is_there && target.record.as_ref().is_none_or(|record| record.stopped && !how.reset) {
        return Ok(Removed::default());
    }
    let mut removal = Removal { target: &target, how, limit, progress, removed: Removed::default() };
    removal.review(&objects).await?;
    removal.end_processes(&objects).await?;
    let kept = removal.remove_rest(&objects).await?;
    removal.close(plane, &inventory, kept).await?;
    Ok(removal.removed)
}

/// The inventory of this context's plane; an empty one where there is none and what carries the plane's marks is this
/// context's all the same; `None` when there is no plane of this context.
async fn own(plane: &Plane, target: &Target, found: Option<Inventory>) -> Result<Option<Inventory>> {
    let Some(found) = found else {
        // What a manifest brought has the context's token; what is left of a namespace that is gone is nobody else's.
        let is_own = target.record.is_some()
            || namespace::get(target).await?.is_none()
            || inventory::same_token(plane, target).await?;
        let record = target.record.as_ref();
        return Ok(is_own.then(|| Inventory {
            id: record.map(|record| record.id.clone()).unwrap_or_default(),
            context: plane.context.name.clone(),
            instance: target.instance.clone(),
            wishes: record.map(|record| record.wishes.clone()).unwrap_or_default(),
            ..Inventory::default()
        }));
    };
    if found.instance != target.instance && target.record.is_none() {
        return Ok(None);
    }
    found.claim(plane, target).await?;
    Ok(Some(found))
}

/// What the inventory holds and what carries the plane's marks, each once, in the order of [`KINDS`].
async fn everything(target: &Target, inventory: &Inventory) -> Result<Vec<ObjectRef>> {
    let selector = marks::selector(&target.instance);
    let mut all = Vec::new();
    for (api_version, kind) in KINDS {
        let listed = inventory.objects.iter().filter(|object| object.kind == *kind).cloned();
        all.extend(listed);
        if *kind == "CustomResourceDefinition" {
            all.extend(definitions(target).await?);
            continue;
        }
        for live in target.list(api_version, kind, &selector).await? {
            if super::apply::is_ours(&live, target) {
                all.push(named(&live)?.1);
            }
        }
    }
    let mut seen = HashSet::new();
    all.retain(|object: &ObjectRef| seen.insert((object.kind.clone(), object.name.clone())));
    Ok(all)
}

/// The definitions that this program made and that are there. They carry no context's name: all planes share them.
pub(super) async fn definitions(target: &Target) -> Result<Vec<ObjectRef>> {
    let selector = format!("{}={}", marks::MANAGED_BY, marks::MANAGER);
    let found = target.list("apiextensions.k8s.io/v1", "CustomResourceDefinition", &selector).await?;
    let own = crds::names();
    let found = found.iter().map(|live| named(live).map(|(_, name)| name)).collect::<Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|one| own.contains(&one.name)).collect())
}

/// Whether the cluster has a plane outside of a namespace; `None` when this user may not know.
pub(super) async fn has_planes(target: &Target, outside: &str) -> Result<Option<bool>> {
    // A plane of a start has an inventory from its first object on; one of a manifest has none.
    let inventory = format!("{}={},app.kubernetes.io/component=inventory", marks::MANAGED_BY, marks::MANAGER);
    let server = format!("{}={},app.kubernetes.io/component=server", marks::MANAGED_BY, marks::MANAGER);
    for (api_version, kind, selector) in [("v1", "ConfigMap", inventory), ("apps/v1", "Deployment", server)] {
        let kind = KindInfo { namespaced: false, ..kind_of(api_version, kind)? };
        let Some(found) = target.cluster.objects_in(&kind, "", Some(&selector)).await? else { return Ok(None) };
        if found.iter().any(|object| object["metadata"]["namespace"] != outside) {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

struct Removal<'a> {
    target: &'a Target,
    how: Stop,
    limit: Limit,
    progress: &'a dyn Progress,
    removed: Removed,
}

impl Removal<'_> {
    async fn review(&self, objects: &[ObjectRef]) -> Result<()> {
        let objects: Vec<Value> =
            objects.iter().map(|object| json!({"apiVersion": object.api_version, "kind": object.kind})).collect();
        let options = Options { namespace: self.target.namespace.clone(), ..Options::of(&super::Wishes::default()) };
        access::review(self.target, Act::Stop, &objects, &options).await
    }

    /// Deletes the ways in and what runs, and waits until the pods are gone.
    async fn end_processes(&mut self, objects: &[ObjectRef]) -> Result<()> {
        for object in objects.iter().filter(|object| is_process(object)) {
            self.remove(object).await?;
        }
        let kind = kind_of("v1", "Pod")?;
        let selector = marks::selector(&self.target.instance);
        let grace = self.how.force.then_some(0);
        let mut asked = HashSet::new();
        loop {
            let pods = self.target.list("v1", "Pod", &selector).await?;
            if pods.is_empty() {
                return Ok(());
            }
            if grace.is_some() {
                for pod in &pods {
                    let (_, name) = named(pod)?;
                    if asked.insert(name.name.clone()) {
                        self.target.cluster.delete_within(&kind, &name, None, grace).await?;
                    }
                }
                return Ok(());
            }
            let names: Vec<&str> = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
            self.progress.state("pods", &format!("ending {}", names.join(", ")));
            if self.limit.is_over() {
                self.progress.failed("pods", "still there");
                return Err(Error::new(
                    Code::WaitTimeout,
                    format!("pods of the plane were not gone after {} s: {}", self.limit.seconds(), names.join(", ")),
                )
                .remedy("Stop again to go on waiting, or with --force to end them at once."));
            }
            sleep(PAUSE.min(self.limit.rest())).await;
        }
    }

    /// Deletes the rest; what is kept on purpose is given back.
    async fn remove_rest(&mut self, objects: &[ObjectRef]) -> Result<Vec<ObjectRef>> {
        let mut kept = Vec::new();
        let shared = self.are_definitions_needed(objects).await?;
        for object in objects.iter().filter(|object| !is_process(object)) {
            match object.kind.as_str() {
                "PersistentVolumeClaim" | "PersistentVolume" if !self.how.reset => {
                    if self.is_there(object).await? {
                        self.removed.kept.push(short(object));
                        kept.push(object.clone());
                    }
                }
                "CustomResourceDefinition" if shared => {
                    if self.is_there(object).await? {
                        self.removed.kept.push(short(object));
                    }
                }
                _ => self.remove(object).await?,
            }
        }
        Ok(kept)
    }

    async fn is_there(&self, object: &ObjectRef) -> Result<bool> {
        Ok(self.target.cluster.get(&kind_of(&object.api_version, &object.kind)?, object).await?.is_some())
    }

    async fn remove(&mut self, object: &ObjectRef) -> Result<()> {
        match remove(self.target, object, self.how.force.then_some(0)).await? {
            Some(Deletion::Begun) => {
                self.progress.state("objects", &format!("removing {}", short(object)));
                if !self.how.force {
                    let kind = kind_of(&object.api_version, &object.kind)?;
                    self.target.cluster.wait_gone(&kind, object, None, self.limit.rest()).await?;
                }
                self.removed.removed.push(short(object));
            }
            Some(Deletion::Absent) => {}
            None | Some(Deletion::Foreign) => {
                self.progress.note(&format!("{object} was made by others and stays."));
                self.removed.kept.push(short(object));
            }
        }
        Ok(())
    }

    /// Whether others use the kinds MeshSync and Broker: another plane, or an object of theirs.
    async fn are_definitions_needed(&self, objects: &[ObjectRef]) -> Result<bool> {
        let definitions: Vec<&ObjectRef> =
            objects.iter().filter(|object| object.kind == "CustomResourceDefinition").collect();
        if definitions.is_empty() {
            return Ok(false);
        }
        let everywhere = |kind: KindInfo| KindInfo { namespaced: false, ..kind };
        // What may not be known is taken to be there: objects of these kinds would go with their definition.
        if has_planes(self.target, &self.target.namespace).await?.unwrap_or(true) {
            return Ok(true);
        }
        for definition in definitions {
            let Some(live) =
                self.target.cluster.get(&kind_of(&definition.api_version, &definition.kind)?, definition).await?
            else {
                continue;
            };
            let group = live["spec"]["group"].as_str().unwrap_or_default();
            let name = live["spec"]["names"]["kind"].as_str().unwrap_or_default();
            let kind = everywhere(kind_of(&format!("{group}/v1alpha1"), name)?);
            if self.target.cluster.objects_in(&kind, "", None).await?.is_none_or(|found| !found.is_empty()) {
                self.progress.note(&format!("{} stays: the cluster has objects of it.", short(definition)));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Closes the inventory, removes the namespace where that is right, and forgets the plane when nothing is left.
    async fn close(&mut self, plane: &Plane, inventory: &Inventory, kept: Vec<ObjectRef>) -> Result<()> {
        let live = namespace::get(self.target).await?;
        if !kept.is_empty() {
            let rest = Inventory { objects: kept, ..inventory.clone() };
            rest.write(self.target).await?;
            self.removed.kept.extend(live.map(|_| format!("Namespace/{}", self.target.namespace)));
            self.progress.done("objects", &format!("{} removed; the data is kept", self.removed.removed.len()));
            return Ok(());
        }
        if live.is_some() {
            let (_, object) = self.target.object("v1", "ConfigMap", inventory::NAME)?;
            remove(self.target, &object, None).await?;
        }
        if let Some(live) = live {
            self.remove_namespace(&live).await?;
        }
        self.tell_of_folder(inventory);
        if !self.how.keep_namespace {
            self.forget(plane)?;
        }
        self.progress.done("objects", &format!("{} removed", self.removed.removed.len()));
        Ok(())
    }

    /// Nothing is left in the cluster. How the plane was wanted goes with its data only.
    fn forget(&self, plane: &Plane) -> Result<()> {
        match &self.target.record {
            // It is about a plane in another namespace.
            Some(record) if record.namespace != self.target.namespace => Ok(()),
            Some(record) if !self.how.reset => {
                let stopped = Record { stopped: true, endpoint: None, ..record.clone() };
                stopped.write(&plane.home, &plane.context.name)
            }
            _ => Record::remove(&plane.home, &plane.context.name),
        }
    }

    async fn remove_namespace(&mut self, live: &Value) -> Result<()> {
        let name = &self.target.namespace;
        let kept = format!("Namespace/{name}");
        if !namespace::is_made_here(live, self.target) {
            return Ok(());
        }
        if self.how.keep_namespace {
            self.removed.kept.push(kept);
            return Ok(());
        }
        let guests = namespace::guests(self.target).await?;
        if !guests.is_empty() {
            let more = guests.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let first: Vec<&str> = guests.iter().take(5).map(String::as_str).collect();
            self.progress.note(&format!("Namespace {name} stays: it holds {}{more}.", first.join(", ")));
            self.removed.kept.push(kept);
            return Ok(());
        }
        let (_, object) = self.target.object("v1", "Namespace", name)?;
        self.progress.state("namespace", "removing");
        self.remove(&object).await
    }

    /// A folder of a node is nothing this program can empty.
    fn tell_of_folder(&self, inventory: &Inventory) {
        if let (true, Some(Storage::HostPath { path, node })) = (self.how.reset, &inventory.wishes.storage) {
            let node = node.as_deref().map(|node| format!(" of node {node}")).unwrap_or_default();
            self.progress.note(&format!("The files in {path}{node} are still there: remove them on the node."));
        }
    }
}

fn is_process(object: &ObjectRef) -> bool {
    matches!(object.kind.as_str(), "Ingress" | "Deployment")
}

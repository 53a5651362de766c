//! What must be true of a cluster after each step of a pattern's life.

use std::collections::{BTreeMap, BTreeSet};

use mesheryctl::model::operation::{Operation, OperationStatus};
use mesheryctl::model::pattern::{Action, ObjectResult};
use mesheryctl::wire::rest::DeployRequest;
use serde_json::{Value, json};

use crate::support::plane::Plane;

/// Name of the pattern and of its namespace.
const NAME: &str = "life";

/// Kinds of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    ConfigMap,
    ServiceAccount,
    Role,
    Service,
    Deployment,
}

impl Kind {
    pub const ALL: &[Kind] = &[Kind::ConfigMap, Kind::ServiceAccount, Kind::Role, Kind::Service, Kind::Deployment];

    fn name(self) -> String {
        format!("{self:?}")
    }

    /// Where one object of the namespace is.
    fn path(self, name: &str) -> String {
        let (group, plural) = match self {
            Kind::ConfigMap => ("/api/v1", "configmaps"),
            Kind::ServiceAccount => ("/api/v1", "serviceaccounts"),
            Kind::Service => ("/api/v1", "services"),
            Kind::Deployment => ("/apis/apps/v1", "deployments"),
            Kind::Role => ("/apis/rbac.authorization.k8s.io/v1", "roles"),
        };
        format!("{group}/namespaces/{NAME}/{plural}/{name}")
    }

    /// A body that tells its edition.
    fn body(self, edition: u32) -> Value {
        match self {
            Kind::ConfigMap => json!({"data": {"edition": edition.to_string()}}),
            Kind::ServiceAccount => json!({"metadata": {"annotations": {"edition": edition.to_string()}}}),
            Kind::Role => json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
                "resourceNames": [edition.to_string()]}]}),
            Kind::Service => {
                json!({"spec": {"selector": {"edition": edition.to_string()}, "ports": [{"port": 80}]}})
            }
            Kind::Deployment => json!({"spec": {"replicas": edition % 3, "selector": {"matchLabels": {"app": "x"}},
                "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [
                    {"name": "main", "image": format!("kit.local/sleep:{edition}")}]}}}}),
        }
    }

    /// The edition that an object of the cluster shows.
    fn edition(self, object: &Value) -> Option<u32> {
        let text = |pointer: &str| object.pointer(pointer)?.as_str()?.rsplit(':').next()?.parse().ok();
        match self {
            Kind::ConfigMap => text("/data/edition"),
            Kind::ServiceAccount => text("/metadata/annotations/edition"),
            Kind::Role => text("/rules/0/resourceNames/0"),
            Kind::Service => text("/spec/selector/edition"),
            Kind::Deployment => text("/spec/template/spec/containers/0/image"),
        }
    }
}

/// One wanted service; its namespace is in front of all of them.
#[derive(Debug, Clone)]
struct Wanted {
    kind: Kind,
    edition: u32,
    depends_on: Vec<String>,
}

/// An object by kind and name.
type Id = (String, String);

/// A live object: what the model looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Live {
    edition: Option<u32>,
    version: String,
    uid: String,
}

/// The pattern as it is wanted, and the cluster it goes to.
pub struct World {
    pub plane: Plane,
    wanted: BTreeMap<String, Wanted>,
    editions: u32,
    /// Whether somebody owns fields of the pattern's objects by now.
    meddled: bool,
}

pub fn key(slot: usize) -> String {
    format!("s{slot}")
}

impl World {
    pub async fn new() -> Self {
        Self { plane: Plane::start().await, wanted: BTreeMap::new(), editions: 0, meddled: false }
    }

    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.wanted.keys().cloned()
    }

    /// Wants a service, in place of the one that had the slot. What would close a circle is left out of its needs.
    pub fn add(&mut self, slot: usize, kind: Kind, depends_on: Vec<String>) {
        let key = key(slot);
        let depends_on = depends_on.into_iter().filter(|target| !self.reaches(target, &key)).collect();
        self.editions += 1;
        self.wanted.insert(key, Wanted { kind, edition: self.editions, depends_on });
    }

    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(key) = next.pop() {
            if key == to {
                return true;
            }
            if seen.insert(key) {
                next.extend(self.wanted.get(key).iter().flat_map(|one| one.depends_on.iter().map(String::as_str)));
            }
        }
        false
    }

    pub fn change(&mut self, key: &str) {
        self.editions += 1;
        self.wanted.get_mut(key).unwrap().edition = self.editions;
    }

    pub fn remove(&mut self, key: &str) {
        self.wanted.remove(key);
        for one in self.wanted.values_mut() {
            one.depends_on.retain(|target| target != key);
        }
    }

    fn file(&self) -> String {
        let mut services = json!({NAME: {"type": "Namespace"}});
        for (key, one) in &self.wanted {
            let mut depends_on = one.depends_on.clone();
            depends_on.push(NAME.to_owned());
            services[key] = json!({"type": one.kind.name(), "namespace": NAME, "dependsOn": depends_on,
                "settings": one.kind.body(one.edition)});
        }
        json!({"name": NAME, "services": services}).to_string()
    }

    fn request(&self) -> DeployRequest {
        DeployRequest {
            pattern_file: Some(self.file()),
            force_conflicts: self.meddled,
            timeout_seconds: Some(20),
            ..DeployRequest::default()
        }
    }

    /// Objects that the pattern wants, with the edition each is to show; the namespace has none.
    fn wants(&self) -> BTreeMap<Id, Option<u32>> {
        let services = self.wanted.iter().map(|(key, one)| ((one.kind.name(), key.clone()), Some(one.edition)));
        services.chain([(("Namespace".to_owned(), NAME.to_owned()), None)]).collect()
    }

    async fn live(&self) -> BTreeMap<Id, Live> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let objects = self.plane.labelled().await;
        let count = objects.len();
        let mut live = BTreeMap::new();
        for object in objects {
            let id = (text(&object["kind"]), text(&object["metadata"]["name"]));
            let kind = Kind::ALL.iter().find(|kind| kind.name() == id.0);
            let edition = kind.and_then(|kind| kind.edition(&object));
            let (version, uid) = (text(&object["metadata"]["resourceVersion"]), text(&object["metadata"]["uid"]));
            live.insert(id, Live { edition, version, uid });
        }
        assert_eq!(live.len(), count, "an object is there twice");
        live
    }

    async fn known(&self) -> BTreeSet<Id> {
        let items = self.plane.inventory(NAME).await.map(|set| set.items).unwrap_or_default();
        let count = items.len();
        let known: BTreeSet<Id> = items.into_iter().map(|item| (item.object.kind, item.object.name)).collect();
        assert_eq!(known.len(), count, "the inventory has an object twice");
        known
    }

    /// Applies the pattern as it stands while `fault` does its work.
    pub async fn apply(&mut self, fault: impl FnOnce(&Self)) -> Operation {
        let before = self.live().await;
        fault(self);
        let operation = self.plane.apply(&self.request()).await;
        self.plane.practice.cluster.faults().clear();
        let live = self.live().await;
        self.check_results(&operation, &before, &live);
        self.check_inventory(&operation, &before, &live).await;
        if operation.status == OperationStatus::Succeeded {
            let is: BTreeSet<(Id, Option<u32>)> = live.into_iter().map(|(id, one)| (id, one.edition)).collect();
            let wanted: BTreeSet<(Id, Option<u32>)> = self.wants().into_iter().collect();
            let missing: Vec<_> = wanted.difference(&is).collect();
            let beyond: Vec<_> = is.difference(&wanted).collect();
            assert!(
                missing.is_empty() && beyond.is_empty(),
                "wanted and not there: {missing:?}; there and not wanted: {beyond:?}"
            );
            self.meddled = false;
        } else {
            assert!(operation.error.is_some(), "a failure says why: {operation:?}");
        }
        operation
    }

    fn check_results(&self, operation: &Operation, before: &BTreeMap<Id, Live>, live: &BTreeMap<Id, Live>) {
        let wants = self.wants();
        let mut told = BTreeSet::new();
        for result in &operation.results {
            let id = id(result);
            assert!(told.insert(id.clone()), "{id:?} is told twice");
            let (then, now) = (before.get(&id), live.get(&id));
            match result.action {
                Action::Created => assert_eq!(now.unwrap().edition, wants[&id], "{result:?}"),
                Action::Configured | Action::Unchanged => {
                    assert_eq!(now.unwrap().edition, wants[&id], "{result:?}");
                    // Where the answer to a creation was lost, the second attempt finds the object there.
                    let found = result.action == Action::Configured && then.is_none();
                    assert!(found || then.map(|one| &one.uid) == now.map(|one| &one.uid), "{result:?}");
                }
                // A deletion whose answer was lost finds the object gone when it asks again.
                Action::Pruned | Action::Absent => assert!(now.is_none() && !wants.contains_key(&id), "{result:?}"),
                Action::Failed => assert!(result.error.is_some(), "{result:?}"),
                Action::Withheld => {
                    assert!(result.because.is_some(), "{result:?}");
                    assert_eq!(then.map(|one| one.edition), now.map(|one| one.edition), "{result:?}");
                }
                other => panic!("{other:?} is no outcome of an apply: {result:?}"),
            }
        }
        if !operation.results.is_empty() {
            let missing: Vec<&Id> = wants.keys().filter(|id| !told.contains(*id)).collect();
            assert!(missing.is_empty(), "nothing is told of {missing:?}: {operation:?}");
        }
    }

    /// Nothing of ours is in the cluster that the inventory does not know; what it knows beyond that just failed, or was
    /// taken away by somebody and left the pattern since.
    async fn check_inventory(&self, operation: &Operation, before: &BTreeMap<Id, Live>, live: &BTreeMap<Id, Live>) {
        let known = self.known().await;
        let lost: Vec<&Id> = live.keys().filter(|id| !known.contains(*id)).collect();
        assert!(lost.is_empty(), "in the cluster and not in the inventory: {lost:?} after {operation:?}");
        let unsettled: BTreeSet<Id> =
            operation.results.iter().filter(|result| !result.action.is_good()).map(id).collect();
        let settled = |id: &Id| !operation.results.is_empty() && !unsettled.contains(id);
        let was_there = |id: &Id| before.contains_key(id) || operation.status == OperationStatus::Succeeded;
        let phantoms: Vec<&Id> =
            known.iter().filter(|id| !live.contains_key(*id) && settled(id) && was_there(id)).collect();
        assert!(phantoms.is_empty(), "in the inventory and not in the cluster: {phantoms:?} after {operation:?}");
    }

    /// Deletes the pattern while `fault` does its work.
    pub async fn delete(&mut self, fault: impl FnOnce(&Self)) {
        let before = self.live().await;
        fault(self);
        let request =
            DeployRequest { pattern_file: Some(self.file()), timeout_seconds: Some(20), ..DeployRequest::default() };
        let operation = self.plane.delete(&request).await;
        self.plane.practice.cluster.faults().clear();
        let live = self.live().await;
        if operation.status == OperationStatus::Succeeded {
            assert!(live.is_empty(), "left behind: {live:?}");
            assert!(self.plane.inventory(NAME).await.is_none(), "nothing is applied any more");
            self.meddled = false;
        } else if before.is_empty() {
            assert!(operation.error.is_some(), "nothing was there to delete, and that is said: {operation:?}");
        } else {
            assert!(operation.error.is_some(), "a failure says why: {operation:?}");
            self.check_inventory(&operation, &before, &live).await;
        }
    }

    pub async fn delete_by_hand(&mut self, key: Option<String>) {
        let Some(kind) = key.as_ref().and_then(|key| self.wanted.get(key)).map(|one| one.kind) else { return };
        self.plane.call("DELETE", &kind.path(&key.unwrap_or_default()), "application/json", String::new()).await;
    }

    /// Overwrites the edition under another manager's name.
    pub async fn change_by_hand(&mut self, key: Option<String>) {
        let Some(kind) = key.as_ref().and_then(|key| self.wanted.get(key)).map(|one| one.kind) else { return };
        let path = format!("{}?fieldManager=somebody", kind.path(&key.unwrap_or_default()));
        let (status, _) =
            self.plane.call("PATCH", &path, "application/merge-patch+json", kind.body(0).to_string()).await;
        self.meddled |= status == 200;
    }

    /// However it went: the next apply makes everything right, the one after changes nothing, and a delete ends it.
    pub async fn come_to_rest(&mut self) {
        let operation = self.apply(|_| ()).await;
        assert_eq!(operation.status, OperationStatus::Succeeded, "{operation:?}");
        let before = self.live().await;
        let again = self.apply(|_| ()).await;
        let moved: Vec<&ObjectResult> =
            again.results.iter().filter(|result| result.action != Action::Unchanged).collect();
        assert!(moved.is_empty(), "an apply of what is there changes nothing: {moved:?}");
        let versions = |live: &BTreeMap<Id, Live>| -> Vec<(Id, String)> {
            let workloads = |id: &&Id| id.0 != "Deployment" && id.0 != "Service";
            live.iter().filter(|(id, _)| workloads(id)).map(|(id, one)| (id.clone(), one.version.clone())).collect()
        };
        assert_eq!(versions(&before), versions(&self.live().await), "nothing was written");
        self.delete(|_| ()).await;
        assert!(self.live().await.is_empty());
    }
}

fn id(result: &ObjectResult) -> Id {
    (result.object.kind.clone(), result.object.name.clone())
}

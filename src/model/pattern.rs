//! Patterns: the file's grammar as types, and the stored record.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::model::kubernetes::ObjectRef;

/// A service mesh pattern as its file says it, in file order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pattern {
    /// Name of the pattern; names the applied set and the stored record.
    pub name: String,
    /// Catalogue id, such as `SMP-087-v0.0.1`.
    pub pattern_id: Option<String>,
    /// Version of the pattern file.
    pub version: Option<String>,
    /// Parameters that references may read.
    pub vars: Map<String, Value>,
    /// Labels of every object; a service's own win.
    pub labels: BTreeMap<String, String>,
    /// Annotations of every object; a service's own win.
    pub annotations: BTreeMap<String, String>,
    /// Services by key, in file order.
    pub services: Vec<Service>,
    /// Top-level keys the grammar does not know, kept as they are.
    pub unknown: Map<String, Value>,
}

impl Pattern {
    /// The service of that key.
    pub fn service(&self, key: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.key == key)
    }
}

/// One service of a pattern: something to exist in the cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// Key in the file: the service's identity within the pattern.
    pub key: String,
    /// Object name when it differs from the key.
    pub name: Option<String>,
    /// What it is, such as `Deployment`, `Deployment.K8s` or `VirtualService.Istio`.
    pub kind: String,
    /// `apiVersion` that chooses among kinds of one name.
    pub api_version: Option<String>,
    /// Model (mesh or `kubernetes`) that chooses among kinds of one name.
    pub model: Option<String>,
    /// Version of the mesh the service belongs to.
    pub version: Option<String>,
    /// Namespace of the object.
    pub namespace: Option<String>,
    /// Labels of the object.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the object.
    pub annotations: BTreeMap<String, String>,
    /// Keys of services that must be in place first.
    pub depends_on: Vec<String>,
    /// The object's body, or its `spec`.
    pub settings: Map<String, Value>,
    /// Traits by name. `meshmap` is layout only.
    pub traits: Map<String, Value>,
    /// A drawing without an object in the cluster.
    pub is_annotation: bool,
    /// Keys the grammar does not know, kept as they are.
    pub unknown: Map<String, Value>,
}

impl Service {
    /// Name of the object the service stands for.
    pub fn object_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }
}

/// A stored pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatternRecord {
    /// Id of the record.
    pub id: Uuid,
    /// Name, unique among stored patterns.
    pub name: String,
    /// The file, byte for byte as it was sent.
    pub pattern_file: String,
    /// Owner; always null with the local provider.
    pub user_id: Option<String>,
    /// Where the file came from: `type` (`local`, `http`), `path`, `host`.
    #[serde(default)]
    pub location: BTreeMap<String, String>,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

impl PatternRecord {
    /// Key of [`PatternRecord::location`] that tells what the pattern stands for.
    pub const STANDS_FOR: &str = "kind";
    /// Value of that key for applications.
    pub const APPLICATION: &str = "application";

    /// Whether the pattern was stored as an application.
    pub fn is_application(&self) -> bool {
        self.location.get(Self::STANDS_FOR).is_some_and(|kind| kind == Self::APPLICATION)
    }
}

/// What happened, or is to happen, to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It did not exist and was created.
    Created,
    /// It existed and was changed.
    Configured,
    /// It existed as wanted; nothing was written.
    Unchanged,
    /// It was deleted and made anew, because a field that cannot change had to.
    Recreated,
    /// It belonged to nobody or to others and is the pattern's now.
    Adopted,
    /// It left the pattern and was deleted.
    Pruned,
    /// It was done and taken back, because something else of the same operation failed.
    RolledBack,
    /// It was deleted and is gone.
    Deleted,
    /// It was to be deleted and was gone already.
    Absent,
    /// The attempt failed; the error says why.
    Failed,
    /// Not attempted, because something it depends on failed or the operation was cancelled.
    Withheld,
    /// A drawing or layout node, which has no object.
    Skipped,
}

impl Action {
    /// Whether this outcome is what the user asked for.
    pub fn is_good(self) -> bool {
        !matches!(self, Action::Failed | Action::Withheld | Action::RolledBack)
    }

    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Unchanged => "unchanged",
            Action::Recreated => "recreated",
            Action::Adopted => "adopted",
            Action::Pruned => "pruned",
            Action::RolledBack => "rolled-back",
            Action::Deleted => "deleted",
            Action::Absent => "absent",
            Action::Failed => "failed",
            Action::Withheld => "withheld",
            Action::Skipped => "skipped",
        }
    }
}

/// The outcome for one object of a pattern in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectResult {
    /// Kubernetes context.
    pub context: String,
    /// Key of the service in the pattern.
    pub service: String,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// What happened.
    pub action: Action,
    /// Why it was withheld, or a note worth reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Why it failed, or was not ready in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<crate::base::error::Report>,
    /// Its health at the end, when readiness was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

impl ObjectResult {
    /// Whether this is what the user asked for, readiness included where it was waited for.
    pub fn is_good(&self) -> bool {
        self.action.is_good() && self.error.is_none()
    }
}

/// One object of an applied set, as the inventory keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryItem {
    /// Key of the service that brought it.
    pub service: String,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Position in the order of application; deletion runs from the highest to 0.
    pub position: u32,
    /// Generation of the applied set that wrote it last; the first apply is 1.
    pub generation: i64,
    /// Uid of the object in the cluster, so that a namesake made later by others is never deleted.
    pub uid: Option<String>,
}

/// State of one object of an applied set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectStatus {
    /// Kubernetes context.
    pub context: String,
    /// Key of the service in the pattern.
    pub service: String,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Its health.
    pub health: Health,
    /// One sentence: the reason for the health.
    pub message: String,
    /// When the object was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// Health of an object by the rules of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// In place and, where the kind has a notion of it, ready.
    Ready,
    /// On its way.
    InProgress,
    /// The object reports a failure.
    Failed,
    /// Being deleted.
    Terminating,
    /// Not in the cluster.
    Missing,
}

impl Health {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Health::Ready => "ready",
            Health::InProgress => "in-progress",
            Health::Failed => "failed",
            Health::Terminating => "terminating",
            Health::Missing => "missing",
        }
    }
}

/// Health of a service: that of its worst object, or why there is none to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceHealth {
    /// Every object is ready.
    Ready,
    /// On its way.
    InProgress,
    /// An object is being deleted.
    Terminating,
    /// An object is not in the cluster.
    Missing,
    /// An object reports a failure, or the last operation could not apply it.
    Failed,
    /// The pattern has it and the cluster does not: it was never applied, or withheld.
    NotApplied,
    /// The cluster does not answer.
    Unknown,
}

impl ServiceHealth {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            ServiceHealth::Ready => "ready",
            ServiceHealth::InProgress => "in-progress",
            ServiceHealth::Terminating => "terminating",
            ServiceHealth::Missing => "missing",
            ServiceHealth::Failed => "failed",
            ServiceHealth::NotApplied => "not-applied",
            ServiceHealth::Unknown => "unknown",
        }
    }
}

impl From<Health> for ServiceHealth {
    fn from(health: Health) -> Self {
        match health {
            Health::Ready => ServiceHealth::Ready,
            Health::InProgress => ServiceHealth::InProgress,
            Health::Failed => ServiceHealth::Failed,
            Health::Terminating => ServiceHealth::Terminating,
            Health::Missing => ServiceHealth::Missing,
        }
    }
}

/// State of one service of a pattern in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// Kubernetes context.
    pub context: String,
    /// Key of the service in the pattern.
    pub service: String,
    /// Its health.
    pub health: ServiceHealth,
    /// Objects that are ready.
    pub ready: usize,
    /// Objects it has, or should have.
    pub total: usize,
    /// The object in the worst health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// What keeps it from being ready; of a ready service, how it is.
    #[serde(default)]
    pub message: String,
    /// When its oldest object was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

//! What a pattern would do to clusters, and what became of it there: `POST /api/pattern/plan` and `/api/pattern/drift`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DeployRequest;
use crate::base::error::Report;
use crate::model::kubernetes::ObjectRef;

/// Body of `POST /api/pattern/plan`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanRequest {
    /// The pattern, the clusters and how it would be applied.
    #[serde(flatten)]
    pub deploy: DeployRequest,
    /// Check the objects by their schemas alone and ask the clusters for their kinds only.
    pub offline: bool,
}

/// What applying a pattern would do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PatternPlan {
    /// Pattern name.
    pub pattern: String,
    /// One entry a Kubernetes context.
    pub contexts: Vec<ContextPlan>,
}

/// The plan for one cluster.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContextPlan {
    /// Kubernetes context.
    pub context: String,
    /// Why there is no plan for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
    /// Objects in the order of application, then those to be deleted.
    pub objects: Vec<ObjectPlan>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// What would happen to one object.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ObjectPlan {
    /// Key of the service in the pattern.
    pub service: String,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Number of its wave: objects of one wave may be applied together.
    pub wave: u32,
    /// Keys of the services that come first.
    #[serde(rename = "dependsOn")]
    pub depends_on: Vec<String>,
    /// What would happen.
    pub change: Change,
    /// The fields that differ; none for objects that are created or deleted.
    pub fields: Vec<FieldChange>,
    /// Why it is withheld, or how far it could be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Why it would fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
}

/// What would happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is not there and would be created.
    Create,
    /// It is there and would be changed.
    Configure,
    /// It is there as wanted.
    Unchanged,
    /// It left the pattern and would be deleted.
    Delete,
    /// A field that cannot change would have to: only by deleting it and making it anew.
    Recreate,
    /// The cluster would refuse it.
    Refused,
    /// It would not be attempted, because something it depends on would fail.
    Withheld,
    /// It was checked by its schema alone.
    Valid,
}

impl Change {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Configure => "configure",
            Change::Unchanged => "unchanged",
            Change::Delete => "delete",
            Change::Recreate => "recreate",
            Change::Refused => "refused",
            Change::Withheld => "withheld",
            Change::Valid => "valid",
        }
    }
}

/// One field in which the object in the cluster and the wanted one differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// Where, such as `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// The value in the cluster; absent when there is none, or when it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// The value wanted; absent when there is none, or when it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Value>,
    /// Whether the values are secret and left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Why they differ.
    pub origin: Origin,
    /// Field manager that wrote the live value, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When that manager wrote last, as the API tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// Why a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The pattern's value changed since it was applied.
    Pattern,
    /// Somebody else wrote the value in the cluster.
    Drift,
    /// The field is not in the cluster.
    New,
    /// The field left the pattern.
    Removed,
    /// The value is, or becomes, one that the cluster itself fills in.
    Default,
}

impl Origin {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Pattern => "pattern",
            Origin::Drift => "drift",
            Origin::New => "new",
            Origin::Removed => "removed",
            Origin::Default => "default",
        }
    }
}

/// How what was applied stands in the clusters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PatternDrift {
    /// Pattern name.
    pub pattern: String,
    /// One entry a Kubernetes context.
    pub contexts: Vec<ContextDrift>,
}

/// Drift in one cluster.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContextDrift {
    /// Kubernetes context.
    pub context: String,
    /// Why nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
    /// Every object of the applied set, in the order of application.
    pub objects: Vec<ObjectDrift>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// How one applied object stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectDrift {
    /// Key of the service in the pattern.
    pub service: String,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// How it stands.
    pub state: DriftState,
    /// Fields that others changed: `desired` is what was applied.
    pub fields: Vec<FieldChange>,
    /// Why its state is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
}

/// How an applied object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftState {
    /// As it was applied.
    Same,
    /// Others changed fields of it.
    Drifted,
    /// It is gone.
    Missing,
    /// It was deleted, and others made one of that name.
    Replaced,
    /// The cluster would not tell.
    Unknown,
}

impl DriftState {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            DriftState::Same => "same",
            DriftState::Drifted => "drifted",
            DriftState::Missing => "missing",
            DriftState::Replaced => "replaced",
            DriftState::Unknown => "unknown",
        }
    }

    /// Whether it is not as it was applied.
    pub fn is_drift(self) -> bool {
        matches!(self, DriftState::Drifted | DriftState::Missing | DriftState::Replaced)
    }
}

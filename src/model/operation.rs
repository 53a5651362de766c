//! Operations: anything long that the server does, with its results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Report;
use crate::model::pattern::ObjectResult;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    /// Apply a pattern.
    PatternApply,
    /// Delete what a pattern applied.
    PatternDelete,
    /// Apply an earlier revision of a pattern.
    PatternRollback,
    /// Take existing objects over into a pattern.
    PatternAdopt,
    /// Measure by a plan.
    PerfRun,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationStatus {
    /// Still at work.
    Running,
    /// Everything done.
    Succeeded,
    /// Nothing done, or the goal missed as a whole.
    Failed,
    /// Some parts done, some failed.
    PartlyFailed,
    /// Stopped on request.
    Cancelled,
    /// The server that ran it ended before it did.
    Abandoned,
}

impl OperationStatus {
    /// Whether the operation has ended.
    pub fn is_final(self) -> bool {
        self != OperationStatus::Running
    }
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Its id; events carry it as `operation_id`.
    pub id: Uuid,
    /// What it does.
    pub kind: OperationKind,
    /// What it does it to: the name of the pattern or of the test.
    pub subject: String,
    /// Where it stands.
    pub status: OperationStatus,
    /// Kubernetes contexts it works on.
    pub contexts: Vec<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Results by object, in the order in which they were reached.
    pub results: Vec<ObjectResult>,
    /// Things worth knowing that did not stop it.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Contexts in which nothing could be begun, each with its reason; the others were worked on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ContextFailure>,
    /// Why it failed as a whole.
    #[serde(default)]
    pub error: Option<Report>,
}

/// Why nothing could be begun in one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContextFailure {
    /// Kubernetes context.
    pub context: String,
    /// The reason.
    pub error: Report,
}

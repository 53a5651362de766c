//! Revisions of an applied pattern: what each apply brought into a cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::model::operation::OperationStatus;

/// One revision of a pattern in one cluster. The objects tell revisions apart: applying the same objects again
/// makes no new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// Name of the pattern.
    pub pattern: String,
    /// Kubernetes context it was applied through.
    pub context: String,
    /// Number: 1 for the first, then one more for each.
    pub number: i64,
    /// What brought it: `apply`, or `rollback to N`.
    pub cause: String,
    /// How its last apply ended.
    pub status: OperationStatus,
    /// SHA-256 of its objects, in hexadecimal.
    pub digest: String,
    /// Number of objects.
    pub objects: usize,
    /// When it was applied first.
    pub created_at: Timestamp,
    /// When it was applied last.
    pub updated_at: Timestamp,
    /// Whether it is the newest one.
    pub current: bool,
}

//! Beginning a measurement, and the stream that clients of earlier eras follow it by.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::result::MesheryResult;
use crate::model::performance::plan::Plan;
use crate::model::performance::summary::Measured;
use crate::model::performance::verdict::Undecided;
use crate::model::performance::workers::Workers;

/// The stage of an operation in which a measurement waits until another one of the same process has ended.
pub const WAITING: &str = "wait";

/// `POST /api/perf/run`: begins a measurement. A process makes one measurement at a time, in the order in which they were
/// begun; one that waits says so by the stage `wait` of its operation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RunRequest {
    /// What to measure; without it, what the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Id or name of the profile that the result belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What the run has to hold; without any, those of the profile when its plan is measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    /// What a threshold does to the operation that cannot be decided.
    pub undecided: Undecided,
    /// End the run as soon as it breaches a threshold: at once where nothing can mend it, after a second where chance does
    /// not explain it, else after five.
    #[serde(alias = "abortOnFail")]
    pub abort_on_fail: bool,
    /// Prometheus to ask afterwards, instead of the one of the preferences; empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<String>,
    /// Queries by name, instead of the usual ones.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, String>,
    /// Several workers instead of the plane's own process. From another machine, addresses are refused that the plane's
    /// owner does not list in `MESHERY_WORKERS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// Kubernetes context of what is measured; without one the preferred or current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Kubeconfig files (separated as in PATH) instead of the server's; a server that others can reach refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
}

/// Reply to a request that began a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunBegun {
    /// Id of the operation.
    #[serde(alias = "operationId")]
    pub operation_id: Uuid,
    /// Id of the result, which is there from now on.
    #[serde(alias = "resultId")]
    pub result_id: Uuid,
}

/// One frame of the stream of earlier eras.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamFrame {
    /// `info`, `error` or `success`.
    pub status: String,
    /// One sentence.
    pub message: String,
    /// The result, in the last frame, also where it does not hold its thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Box<MesheryResult>>,
    /// What was measured so far, in frames between the first and the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Measured>,
    /// The operation, for those who want to cancel it.
    pub operation_id: Uuid,
}

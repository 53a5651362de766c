//! Results in the shape that clients of every era list, and whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::super::PageInfo;
use crate::base::clock::Timestamp;
use crate::model::performance::result::PerfResult;
use crate::model::performance::summary::{ResultState, Summary};

/// A result as lists and streams have it, with the keys of both eras.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MesheryResult {
    /// Its id.
    pub meshery_id: Uuid,
    /// Name of the test.
    pub name: String,
    /// Mesh.
    #[serde(default)]
    pub mesh: String,
    /// The profile.
    #[serde(default)]
    pub performance_profile: Option<Uuid>,
    /// Id of the test; that of the result.
    #[serde(default)]
    pub test_id: String,
    /// The result in fortio's shape; seconds.
    #[serde(default)]
    pub runner_results: Value,
    /// Metrics of a connected Prometheus by query.
    #[serde(default)]
    pub server_metrics: Value,
    /// Kept for old clients; always null.
    #[serde(default)]
    pub server_board_config: Value,
    /// When the measurement began.
    pub test_start_time: Timestamp,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// How far it is.
    #[serde(default)]
    pub state: ResultState,
    /// Its figures.
    pub summary: Summary,
    /// The keys of 2026.
    #[serde(flatten, skip_deserializing)]
    pub camel: Option<ResultKeys>,
}

/// Keys of 2026.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultKeys {
    meshery_id: Uuid,
    performance_profile: Option<Uuid>,
    test_id: String,
    runner_results: Value,
    server_metrics: Value,
    server_board_config: Value,
    test_start_time: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl MesheryResult {
    /// With the keys of 2026 beside those of 2021.
    pub fn with_both(mut self) -> Self {
        self.camel = Some(ResultKeys {
            meshery_id: self.meshery_id,
            performance_profile: self.performance_profile,
            test_id: self.test_id.clone(),
            runner_results: self.runner_results.clone(),
            server_metrics: self.server_metrics.clone(),
            server_board_config: Value::Null,
            test_start_time: self.test_start_time,
            created_at: self.created_at,
            updated_at: self.updated_at,
        });
        self
    }
}

/// One page of results.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ResultPage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows.
    pub results: Vec<MesheryResult>,
}

/// A whole result, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredResult {
    /// How far it is.
    pub state: ResultState,
    /// The result.
    pub result: PerfResult,
}

/// Meshes by the names and numbers of the Service Mesh Performance specification.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MeshTypes {
    /// Names in the order of their numbers, from 0.
    pub mesh_types: Vec<&'static str>,
}

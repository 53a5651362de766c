//! Bodies of the REST API. Paths stand in [`paths`]. Requests are read in snake_case and camelCase.

pub mod adapter;
pub mod exchange;
pub mod paths;
pub mod performance;
pub mod plan;
pub mod session;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Report;
use crate::model::operation::{ContextFailure, Operation};
use crate::model::pattern::{InventoryItem, ObjectStatus, PatternRecord, ServiceStatus};
use crate::model::revision::Revision;

/// Error body of every failed request.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The report: code, kind, message and the rest.
    #[serde(flatten)]
    pub report: Report,
    /// The message again, under the key that clients of the 2026 API read.
    #[serde(default)]
    pub error: String,
}

/// A text with its name, as the files of a command travel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SourceText {
    /// File name, address, or `-`: what messages call it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Body of `POST` and `DELETE` on `/api/pattern/deploy` in its JSON form.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeployRequest {
    /// The pattern, as YAML or JSON text.
    #[serde(alias = "patternFile", skip_serializing_if = "Option::is_none")]
    pub pattern_file: Option<String>,
    /// A stored pattern instead: its id, or its name.
    #[serde(alias = "patternId", skip_serializing_if = "Option::is_none")]
    pub pattern_id: Option<String>,
    /// What to call the file in messages.
    #[serde(alias = "sourceName", skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Overlays, merged over the pattern in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<SourceText>,
    /// Files of values for the pattern's `vars`, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<SourceText>,
    /// Single values, `PATH=VALUE`, after all files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Texts of `$(#use …)` imports that the client read; the name is the import's as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<SourceText>,
    /// An earlier revision of the pattern in this cluster, instead of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Kubernetes contexts; empty means the preferred or current one. Also as query `contexts`, repeatable or by comma.
    pub contexts: Vec<String>,
    /// Namespace for services that name none; without it the context's own, else `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Kubeconfig files (separated as in PATH) instead of the server's; a server that others can reach refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// Take over fields that other managers own.
    #[serde(alias = "forceConflicts")]
    pub force_conflicts: bool,
    /// Wait until every object is ready.
    pub wait: bool,
    /// Take everything back when something fails or is not ready in time; implies `wait`.
    pub atomic: bool,
    /// Delete objects of earlier versions of the pattern that it has no more; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    /// Delete and create anew objects whose immutable fields differ.
    pub recreate: bool,
    /// Take over existing objects of others, and create nothing.
    pub adopt: bool,
    /// Store the pattern under its name before applying it; on delete, drop the stored pattern afterwards.
    pub save: bool,
    /// Where the file came from, kept with the stored pattern: `type`, `path`, `host`.
    pub location: std::collections::BTreeMap<String, String>,
    /// Limit in seconds for each wait (a CRD to be established, an object to be gone).
    #[serde(alias = "timeoutSeconds", skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

/// Reply to a request that began an operation, with status 202.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Id of the operation.
    #[serde(alias = "operationId")]
    pub operation_id: Uuid,
}

/// One page of a list. Both spellings of the counters are sent, and either is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PageCounters", into = "PageCounters")]
pub struct PageInfo {
    /// Number of the page, from 0.
    pub page: u64,
    /// Rows asked for.
    pub page_size: u64,
    /// Rows in all pages.
    pub total_count: u64,
}

/// [`PageInfo`] on the wire.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct PageCounters {
    /// Number of the page, from 0.
    #[serde(default)]
    page: u64,
    /// Rows asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page_size: Option<u64>,
    /// Rows in all pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
    /// Rows asked for.
    #[serde(default, rename = "pageSize", skip_serializing_if = "Option::is_none")]
    page_size_2026: Option<u64>,
    /// Rows in all pages.
    #[serde(default, rename = "totalCount", skip_serializing_if = "Option::is_none")]
    total_count_2026: Option<u64>,
}

impl From<PageInfo> for PageCounters {
    fn from(info: PageInfo) -> Self {
        let (size, total) = (Some(info.page_size), Some(info.total_count));
        Self { page: info.page, page_size: size, total_count: total, page_size_2026: size, total_count_2026: total }
    }
}

impl From<PageCounters> for PageInfo {
    fn from(counters: PageCounters) -> Self {
        Self {
            page: counters.page,
            page_size: counters.page_size_2026.or(counters.page_size).unwrap_or_default(),
            total_count: counters.total_count_2026.or(counters.total_count).unwrap_or_default(),
        }
    }
}

/// `GET /api/pattern`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PatternPage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows.
    pub patterns: Vec<PatternRecord>,
}

/// `POST /api/pattern`: store a pattern.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SavePatternRequest {
    /// The pattern to store.
    #[serde(alias = "patternData", skip_serializing_if = "Option::is_none")]
    pub pattern_data: Option<PatternData>,
    /// Where to fetch it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether to keep it; false only reads and answers.
    pub save: bool,
}

/// The pattern inside a [`SavePatternRequest`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PatternData {
    /// Id of the record to replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Name; the file's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file.
    #[serde(alias = "patternFile")]
    pub pattern_file: String,
    /// Where the file came from.
    pub location: std::collections::BTreeMap<String, String>,
}

/// What is applied of a pattern in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedSet {
    /// Name of the pattern.
    pub pattern: String,
    /// Kubernetes context it was applied through last.
    pub context: String,
    /// Generation: 1 after the first apply, then one more for each.
    pub generation: i64,
    /// Objects, in the order of application.
    pub items: Vec<InventoryItem>,
}

/// `GET /api/pattern/applied`: every applied set this plane knows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AppliedSets {
    /// The sets.
    pub applied: Vec<AppliedSet>,
}

/// `POST /api/pattern/status`: asks for the live state of applied sets.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StatusRequest {
    /// Pattern name or id.
    pub pattern: String,
    /// Contexts; empty means every context the pattern is applied to.
    pub contexts: Vec<String>,
    /// Kubeconfig files (separated as in PATH) instead of the server's; a server that others can reach refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
}

/// Live state of a pattern's objects.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PatternStatus {
    /// Pattern name.
    pub pattern: String,
    /// One row an object, in the order of application.
    pub objects: Vec<ObjectStatus>,
    /// One row a service and context: its worst object, or why it has none.
    #[serde(default)]
    pub services: Vec<ServiceStatus>,
    /// Contexts that could not be looked into, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ContextFailure>,
}

/// `GET /api/pattern/revisions`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Revisions {
    /// Newest first, cluster by cluster.
    pub revisions: Vec<Revision>,
}

/// `GET /api/pattern/revisions/{number}`: what a revision brought.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RevisionContent {
    /// The revision.
    pub revision: Revision,
    /// The pattern file it was made from.
    pub pattern_file: String,
    /// Its objects as they were sent, in file order.
    pub manifests: Vec<serde_json::Value>,
}

/// `GET /api/operations`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OperationPage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows, newest first.
    pub operations: Vec<Operation>,
}

/// Phase of a server's life, as `GET /healthz/ready` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Opening the database.
    Starting,
    /// Serving.
    Ready,
    /// Finishing what runs; new work is refused.
    Draining,
}

/// `GET /healthz/ready`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HealthReport {
    /// Always `mesheryctl`: tells this server from others on the port.
    pub program: String,
    /// Where it stands.
    pub phase: Phase,
    /// Process id of the server.
    pub pid: u32,
    /// Version of the server.
    pub version: String,
    /// Tells the Meshery home it serves from others, without naming it.
    #[serde(default)]
    pub home: Option<Uuid>,
}

/// `GET /api/token`: exactly the content of a token file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenFile {
    /// Provider name.
    #[serde(rename = "meshery-provider")]
    pub provider: String,
    /// The token.
    pub token: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counters_are_sent_in_both_spellings_and_read_in_either() {
        let page = PatternPage { page: PageInfo { page: 1, page_size: 5, total_count: 9 }, patterns: vec![] };
        let sent = serde_json::to_value(&page).unwrap();
        assert_eq!(
            sent,
            json!({"page": 1, "page_size": 5, "total_count": 9, "pageSize": 5, "totalCount": 9, "patterns": []})
        );
        for text in [sent, json!({"page": 1, "pageSize": 5, "totalCount": 9, "patterns": []})] {
            assert_eq!(serde_json::from_value::<PatternPage>(text).unwrap().page, page.page);
        }
    }
}

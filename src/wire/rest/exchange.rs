//! Bodies of import, where other formats become patterns, and of applications, which are patterns made so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PageInfo;
use crate::base::clock::Timestamp;
use crate::model::pattern::PatternRecord;

/// `POST /api/pattern/import`: one of `url`, `file` and `cluster` says what is imported.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImportRequest {
    /// Name of the pattern; else made of the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to fetch the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The source itself, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What the source's file is called.
    #[serde(alias = "fileName", skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Its format, whatever it looks like: `manifests`, `kustomize`, `compose`, `helm` or `pattern`.
    #[serde(alias = "type", skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A running namespace instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterSource>,
    /// Whether the pattern is stored; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save: Option<bool>,
    /// Kubeconfig files (separated as in PATH) instead of the server's; a server that others can reach refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
}

/// Which objects of a cluster are imported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClusterSource {
    /// The namespace.
    pub namespace: String,
    /// Kubernetes context; the preferred or current one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Kinds that are wanted, by kind or plural name; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Label selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Whether Secrets are wanted, with their content.
    #[serde(alias = "includeSecrets")]
    pub include_secrets: bool,
}

/// The pattern that came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReply {
    /// Id of the stored pattern, where it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Name of the pattern.
    pub name: String,
    /// What the source was: `pattern`, `manifests`, `kustomize`, `compose`, `helm`, `oci` or `cluster`.
    pub format: String,
    /// Number of services.
    pub services: usize,
    /// The file.
    pub pattern_file: String,
    /// What was left out on purpose, and what was done.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the source says and the pattern cannot.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `GET /api/application`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationPage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows.
    pub applications: Vec<ApplicationRecord>,
}

/// A stored application: a pattern under the keys of applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationRecord {
    /// Id of the record.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// The pattern file.
    pub application_file: String,
    /// Owner; always null with the local provider.
    pub user_id: Option<String>,
    /// Where it came from.
    #[serde(default)]
    pub location: BTreeMap<String, String>,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

impl From<PatternRecord> for ApplicationRecord {
    fn from(record: PatternRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            application_file: record.pattern_file,
            user_id: record.user_id,
            location: record.location,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// `POST /api/application`: stores an application.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SaveApplicationRequest {
    /// The application.
    #[serde(alias = "applicationData", skip_serializing_if = "Option::is_none")]
    pub application_data: Option<ApplicationData>,
    /// Where to fetch it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether to keep it; false only reads and answers.
    pub save: bool,
}

/// The application inside a [`SaveApplicationRequest`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ApplicationData {
    /// Id of the record to replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Name; the source's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The source: a pattern, manifests or a Compose file.
    #[serde(alias = "applicationFile")]
    pub application_file: String,
    /// Where the file came from.
    pub location: BTreeMap<String, String>,
}

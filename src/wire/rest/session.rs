//! Bodies about the user's session: user, session object, uploaded kubeconfigs, events in the shape of 2021.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PageInfo;
use crate::base::clock::Timestamp;
use crate::model::adapter::Adapter;
use crate::model::event::{Event, Severity};
use crate::model::kubernetes::KubeContext;
use crate::model::preference::Preferences;
use crate::wire::provider::Profile;

/// `GET /api/user`, with the keys of 2021 and of 2026.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Id.
    pub id: Uuid,
    /// Id of old clients.
    pub user_id: String,
    /// Provider that knows the user.
    pub provider: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Picture; always empty.
    pub avatar_url: String,
    /// First name.
    #[serde(rename = "firstName")]
    pub first_name_2026: String,
    /// Last name.
    #[serde(rename = "lastName")]
    pub last_name_2026: String,
    /// Picture; always empty.
    #[serde(rename = "avatarUrl")]
    pub avatar_url_2026: String,
    /// `active`.
    pub status: String,
    /// Mail address; empty for the local user and where the provider does not tell.
    #[serde(default)]
    pub email: String,
}

impl User {
    /// The one user of the local provider.
    pub fn local() -> Self {
        let name = || "Meshery".to_owned();
        Self {
            id: Uuid::nil(),
            user_id: "meshery".to_owned(),
            provider: crate::model::provider::LOCAL.to_owned(),
            first_name: name(),
            last_name: name(),
            avatar_url: String::new(),
            first_name_2026: name(),
            last_name_2026: name(),
            avatar_url_2026: String::new(),
            status: "active".to_owned(),
            email: String::new(),
        }
    }

    /// A user of a remote provider.
    pub fn remote(provider: &str, profile: &Profile) -> Self {
        Self {
            id: profile.id,
            user_id: profile.user_id.clone(),
            provider: provider.to_owned(),
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            avatar_url: String::new(),
            first_name_2026: profile.first_name.clone(),
            last_name_2026: profile.last_name.clone(),
            avatar_url_2026: String::new(),
            status: "active".to_owned(),
            email: profile.email.clone(),
        }
    }
}

/// `GET /user/login` for clients that are no browsers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginInfo {
    /// Name of the provider.
    pub provider: String,
    /// Where a browser logs in; empty for the local provider, where nobody has to.
    pub login_url: String,
}

/// `/user/logout` for clients that are no browsers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoggedOut {
    /// Name of the provider; that of the local one when there was no session.
    pub provider: String,
    /// Whether the provider ended the session.
    pub revoked: bool,
    /// Why it did not, where there was one to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /api/provider/sync`: what the user's provider does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncReport {
    /// Name of the provider.
    pub provider: String,
    /// Changes that it is still to get, oldest first.
    pub waiting: Vec<SyncItem>,
}

/// A change that a provider is still to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncItem {
    /// Feature the object belongs to.
    pub feature: String,
    /// Id of the object; empty for preferences.
    pub object: String,
    /// Whether the object was deleted.
    pub deleted: bool,
    /// When it was changed.
    pub since: Timestamp,
    /// Tries so far.
    pub attempts: i64,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `GET /api/system/sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Preferences.
    #[serde(flatten)]
    pub preferences: Preferences,
    /// Adapters the plane knows, whether or not they answer.
    #[serde(rename = "meshAdapters")]
    pub mesh_adapters: Vec<Adapter>,
    /// Kubernetes contexts.
    #[serde(rename = "k8sConfig")]
    pub k8s_config: Vec<KubeContext>,
}

/// A context of an uploaded kubeconfig, with the keys of 2021 beside the later ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadedContext {
    /// Context name.
    #[serde(rename = "contextName")]
    pub context_name: String,
    /// Cluster entry's name.
    #[serde(rename = "clusterName")]
    pub cluster_name: String,
    /// Whether it is the current one.
    #[serde(rename = "currentContext")]
    pub current_context: bool,
    /// The context.
    #[serde(flatten)]
    pub context: KubeContext,
}

/// `POST /api/system/kubernetes`, in the spelling of 2022 and of 2026.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptContexts {
    /// The contexts.
    pub registered_contexts: Vec<KubeContext>,
    /// The same.
    #[serde(rename = "registeredContexts")]
    pub registered_2026: Vec<KubeContext>,
}

impl KeptContexts {
    /// In both spellings.
    pub fn of(contexts: Vec<KubeContext>) -> Self {
        Self { registered_2026: contexts.clone(), registered_contexts: contexts }
    }
}

/// `GET /api/system/kubernetes/ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubePing {
    /// Version of the API server.
    pub server_version: String,
    /// Seconds by which its clock is ahead of the plane's; negative when behind, absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
    /// What patterns of the usual kinds need there and the plane's user may not do, such as `create services in the
    /// whole cluster`.
    #[serde(default)]
    pub lacking: Vec<String>,
}

/// `GET /api/system/database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseReport {
    /// The file.
    pub path: String,
    /// What is damaged, in the database's own words; empty when it is sound.
    pub faults: Vec<String>,
}

/// `GET /api/system/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows, newest first.
    pub events: Vec<Event>,
}

/// An event as the stream of 2021 sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegacyEvent {
    /// 0 information, 1 warning, 2 error.
    pub event_type: u8,
    /// One sentence.
    pub summary: String,
    /// More.
    pub details: String,
    /// Operation it belongs to; empty when to none.
    pub operation_id: String,
}

impl From<&Event> for LegacyEvent {
    fn from(event: &Event) -> Self {
        Self {
            event_type: match event.severity {
                Severity::Informational | Severity::Success => 0,
                Severity::Warning => 1,
                Severity::Error => 2,
            },
            summary: event.summary.clone(),
            details: event.details.clone(),
            operation_id: event.operation_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

//! Preferences of the user of a plane.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Preferences. Nothing is ever sent anywhere, whatever they say; the two flags are kept for old clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Preferences {
    /// Kept for old clients; has no effect.
    #[serde(rename = "anonymousUsageStats")]
    pub anonymous_usage_stats: bool,
    /// Kept for old clients; has no effect.
    #[serde(rename = "anonymousPerfResults")]
    pub anonymous_perf_results: bool,
    /// Kubernetes contexts used when a request names none; empty means the kubeconfig's current one.
    #[serde(rename = "selectedContexts")]
    pub selected_contexts: Vec<String>,
}

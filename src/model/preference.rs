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
    /// Address of a Prometheus whose metrics are stored with the results of measurements; empty for none.
    #[serde(rename = "prometheusUrl", alias = "prometheus_url")]
    pub prometheus_url: String,
    /// What clients offer for a new measurement.
    #[serde(rename = "loadTestPrefs", alias = "load_test_prefs")]
    pub load_test_prefs: LoadTestPrefs,
    /// Test files that clients keep here, as they sent them.
    #[serde(rename = "perfTests", skip_serializing_if = "Vec::is_empty")]
    pub perf_tests: Vec<serde_json::Value>,
}

/// Defaults of a measurement, in the words of 2021.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LoadTestPrefs {
    /// Connections.
    pub c: u32,
    /// Requests a second; 0 for as many as may be.
    pub qps: u32,
    /// Duration, as `30s`.
    pub t: String,
    /// Generator.
    #[serde(rename = "gen")]
    pub generator: String,
}

impl Default for LoadTestPrefs {
    fn default() -> Self {
        Self { c: 1, qps: 0, t: "30s".to_owned(), generator: "native".to_owned() }
    }
}

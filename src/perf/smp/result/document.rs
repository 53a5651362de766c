//! The result message as text has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::UNIT;
use crate::base::clock::Timestamp;
use crate::wire::smp::{PerformanceTestResult, Timestamp as Wire};

/// Ids that Meshery writes where it has none: what bears one holds seconds.
const PLACEHOLDERS: [&str; 4] = ["test_smp_version", "test_id", "test_smp_id", "test_mesh_config_id"];

/// What no response can be faster than, in milliseconds: two system calls take longer.
const FASTEST_MS: f64 = 0.001;

/// The result message as JSON and YAML have it. Both spellings of protobuf's JSON are read.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    #[serde(alias = "smpVersion")]
    pub smp_version: String,
    pub id: String,
    pub labels: BTreeMap<String, Value>,
    #[serde(alias = "startTime")]
    pub start_time: Option<Timestamp>,
    #[serde(alias = "endTime")]
    pub end_time: Option<Timestamp>,
    #[serde(alias = "latenciesMs")]
    pub latencies_ms: Latencies,
    #[serde(alias = "actualQps")]
    pub actual_qps: f64,
    #[serde(alias = "detailsUri", skip_serializing_if = "String::is_empty")]
    pub details_uri: String,
    #[serde(alias = "testId")]
    pub test_id: String,
    #[serde(alias = "meshConfigId")]
    pub mesh_config_id: String,
    #[serde(alias = "envId")]
    pub env_id: String,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Latencies {
    pub min: f64,
    pub average: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Document {
    pub fn of(message: PerformanceTestResult) -> Self {
        let time = |time: Option<Wire>| time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
        let latency = message.latencies_ms.unwrap_or_default();
        Self {
            smp_version: message.smp_version,
            id: message.id,
            labels: message.labels.into_iter().map(|(key, value)| (key, value.into())).collect(),
            start_time: time(message.start_time),
            end_time: time(message.end_time),
            latencies_ms: Latencies {
                min: latency.min,
                average: latency.average,
                p50: latency.p50,
                p90: latency.p90,
                p99: latency.p99,
                max: latency.max,
            },
            actual_qps: message.actual_qps,
            details_uri: message.details_uri,
            test_id: message.test_id,
            mesh_config_id: message.mesh_config_id,
            env_id: message.env_id,
        }
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).and_then(Value::as_str)
    }

    pub fn whole(&self, key: &str) -> Option<u64> {
        self.label(key)?.parse().ok()
    }

    /// Whether the latencies are seconds in spite of their name: Meshery's converter copies seconds, with placeholders
    /// for ids; and nothing answers within a microsecond.
    pub fn holds_seconds(&self) -> bool {
        if self.says_unit() {
            return false;
        }
        let ids = [&self.smp_version, &self.id, &self.test_id, &self.mesh_config_id, &self.env_id];
        let is_impossible = self.latencies_ms.p50 > 0.0 && self.latencies_ms.p50 < FASTEST_MS;
        ids.iter().any(|id| PLACEHOLDERS.contains(&id.as_str())) || is_impossible
    }

    /// Whether it cannot be said that the latencies are milliseconds: files that hold seconds look like those of a target
    /// that answers within one.
    pub fn may_hold_seconds(&self) -> bool {
        !self.says_unit() && !self.holds_seconds() && self.latencies_ms.max < 1.0
    }

    fn says_unit(&self) -> bool {
        self.label(UNIT) == Some("ms")
    }
}

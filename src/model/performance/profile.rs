//! Profiles: named measurements that are kept, their schedules, and the pages they come in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::Plan;
use crate::base::clock::Timestamp;

/// A performance profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique for a user.
    pub name: String,
    /// What it does.
    pub plan: Plan,
    /// What a run has to hold, as `p99<20ms`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    /// Its schedule, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<Uuid>,
    /// When it ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// How many results it has.
    #[serde(default)]
    pub total_results: u64,
    /// Keys of clients that this version does not know, kept as they came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// When a profile runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The profile it runs.
    pub profile_id: Uuid,
    /// Cron expression of five fields, or six with seconds first.
    pub cron_expression: String,
    /// IANA time zone the expression is read in.
    pub time_zone: String,
    /// What happens to runs that fell into a time when no server was there.
    pub missed: Missed,
    /// Whether it is off.
    #[serde(default)]
    pub paused: bool,
    /// When it ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// When it runs next; none when it is off or never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What happens to scheduled runs that were missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// They are left out.
    #[default]
    Skip,
    /// One run makes up for all of them, as soon as a server is there.
    Once,
}

//! Profiles: named measurements that are kept, their schedules, and the pages they come in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::Plan;
use crate::base::Code;
use crate::base::clock::Timestamp;
use crate::model::operation::{Operation, OperationStatus};

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
    /// The result of its last run; none where that could not begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_result: Option<Uuid>,
    /// What came of its last run, where that has begun. Not stored: the operation says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<RunOutcome>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// It goes on.
    Running,
    /// It was measured, and holds its thresholds where it has any.
    Succeeded,
    /// A threshold is breached.
    Breached,
    /// It cannot be said whether a threshold holds.
    Undecided,
    /// Some of its workers were lost.
    PartlyFailed,
    /// It was not measured, or no request succeeded.
    Failed,
    /// It was stopped on request.
    Cancelled,
    /// The server that ran it ended before it did.
    Abandoned,
}

impl RunOutcome {
    /// Its name in output, the same as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Breached => "breached",
            Self::Undecided => "undecided",
            Self::PartlyFailed => "partly-failed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
        }
    }
}

impl From<&Operation> for RunOutcome {
    fn from(operation: &Operation) -> Self {
        let code = operation.error.as_ref().and_then(|error| Code::from_name(&error.code));
        match (operation.status, code) {
            (OperationStatus::Running, _) => Self::Running,
            (OperationStatus::Succeeded, _) => Self::Succeeded,
            (OperationStatus::PartlyFailed, _) => Self::PartlyFailed,
            (OperationStatus::Cancelled, _) => Self::Cancelled,
            (OperationStatus::Abandoned, _) => Self::Abandoned,
            (OperationStatus::Failed, Some(Code::ThresholdBreached)) => Self::Breached,
            (OperationStatus::Failed, Some(Code::ThresholdUndecided)) => Self::Undecided,
            (OperationStatus::Failed, _) => Self::Failed,
        }
    }
}

/// What happens to scheduled runs that were missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// They are left out, but for one whose time was less than a minute ago.
    #[default]
    Skip,
    /// One run makes up for all of them, as soon as a server is there.
    Once,
}

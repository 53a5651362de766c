//! Schedules in the words of clients of every era.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::PageInfo;
use super::lenient_id;
use crate::base::clock::Timestamp;
use crate::model::performance::profile::{Missed, RunOutcome, Schedule};

/// `POST /api/user/schedules`. What is absent stays as it was, or has its default. A run that is due waits while the plane
/// makes another measurement; while one of a schedule waits or measures, further times of that schedule are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ScheduleBody {
    /// The schedule to change; a new one without it.
    #[serde(with = "lenient_id", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub id: Option<Uuid>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of the profile to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Its id, under the key of replies.
    #[serde(with = "lenient_id", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub profile_id: Option<Uuid>,
    /// Cron expression of five, six (seconds first) or seven (year last) fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron_expression: Option<String>,
    /// IANA time zone; UTC when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens to runs that fell into a time when no server was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Whether it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// A schedule as replies have it, with the keys of both eras.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleView {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The keys of 2026.
    #[serde(flatten, skip_deserializing)]
    camel: Option<Camel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Camel {
    profile_id: Uuid,
    cron_expression: String,
    time_zone: String,
    last_run: Option<Timestamp>,
    next_run: Option<Timestamp>,
    last_result: Option<Uuid>,
    last_outcome: Option<RunOutcome>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        let camel = Camel {
            profile_id: schedule.profile_id,
            cron_expression: schedule.cron_expression.clone(),
            time_zone: schedule.time_zone.clone(),
            last_run: schedule.last_run,
            next_run: schedule.next_run,
            last_result: schedule.last_result,
            last_outcome: schedule.last_outcome,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        };
        Self { schedule, camel: Some(camel) }
    }
}

/// One page of schedules.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SchedulePage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows.
    pub schedules: Vec<ScheduleView>,
}

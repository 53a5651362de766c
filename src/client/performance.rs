//! Calls about performance: profiles, runs, results, schedules.

use http::Method;
use serde::Deserialize;
use uuid::Uuid;

use super::Client;
use super::call::{segment, with_query};
use crate::base::Result;
use crate::model::performance::profile::{Profile, Schedule};
use crate::model::performance::result::PerfResult;
use crate::wire::rest::PageInfo;
use crate::wire::rest::paths;
use crate::wire::rest::performance::{
    MesheryResult, ProfileBody, ResultPage, RunBegun, RunRequest, ScheduleBody, SchedulePage, ScheduleView,
    StoredResult,
};

/// Rows asked for at once when all are wanted.
const WHOLE_PAGES: u64 = 100;

/// What is read of a page of profiles.
#[derive(Deserialize)]
struct Profiles {
    #[serde(flatten)]
    page: PageInfo,
    profiles: Vec<Profile>,
}

/// Which results are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResultsWanted<'a> {
    /// Number of the page, from 0.
    pub page: u64,
    /// Rows of a page; 0 for all.
    pub page_size: u64,
    /// Id or name of a profile; empty for every result.
    pub profile: &'a str,
    /// Part of the test's name; empty for all.
    pub search: &'a str,
}

impl Client {
    /// Every performance profile whose name holds `search`, page after page.
    pub async fn perf_profiles(&self, search: &str) -> Result<Vec<Profile>> {
        let mut all = Vec::new();
        for page in 0_u64.. {
            let (page, size) = (page.to_string(), WHOLE_PAGES.to_string());
            let query = [("page", page.as_str()), ("page_size", &size), ("search", search), ("order", "name asc")];
            let reply: Profiles = self.get(&with_query(paths::PERF_PROFILES[0], &query)).await?;
            let last = reply.profiles.is_empty();
            all.extend(reply.profiles);
            if last || all.len() as u64 >= reply.page.total_count {
                break;
            }
        }
        Ok(all)
    }

    /// One performance profile by id or whole name.
    pub async fn perf_profile(&self, id_or_name: &str) -> Result<Profile> {
        self.get(&paths::with_id(paths::PERF_PROFILE, &segment(id_or_name))).await
    }

    /// Stores a performance profile; as it is now.
    pub async fn save_perf_profile(&self, body: &ProfileBody) -> Result<Profile> {
        self.send_json(Method::POST, paths::PERF_PROFILES[0], body).await
    }

    /// Deletes a performance profile and its schedules; what it was.
    pub async fn delete_perf_profile(&self, id: Uuid) -> Result<Profile> {
        self.send_empty(Method::DELETE, &paths::with_id(paths::PERF_PROFILE, &id.to_string())).await
    }

    /// Begins a measurement.
    pub async fn begin_run(&self, request: &RunRequest) -> Result<RunBegun> {
        self.send_json(Method::POST, paths::PERF_RUN[0], request).await
    }

    /// One page of results, newest first.
    pub async fn perf_results(&self, wanted: ResultsWanted<'_>) -> Result<ResultPage> {
        let (page, size) = (wanted.page.to_string(), wanted.page_size.to_string());
        let query = [("page", page.as_str()), ("page_size", &size), ("search", wanted.search)];
        let path = if wanted.profile.is_empty() {
            paths::PERF_RESULTS[0].to_owned()
        } else {
            paths::with_id(paths::PERF_PROFILE_RESULTS, &segment(wanted.profile))
        };
        self.get(&with_query(&path, &query)).await
    }

    /// One result, whole.
    pub async fn perf_result(&self, id: Uuid) -> Result<StoredResult> {
        self.get(&paths::with_id(paths::PERF_RESULT, &id.to_string())).await
    }

    /// Stores a result that was measured elsewhere.
    pub async fn import_perf_result(&self, result: &PerfResult) -> Result<MesheryResult> {
        self.send_json(Method::POST, paths::PERF_RESULTS[0], result).await
    }

    /// Deletes a result; what it was.
    pub async fn delete_perf_result(&self, id: Uuid) -> Result<MesheryResult> {
        self.send_empty(Method::DELETE, &paths::with_id(paths::PERF_RESULT, &id.to_string())).await
    }

    /// Every schedule.
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        let query = [("page_size", "all"), ("order", "name asc")];
        let reply: SchedulePage = self.get(&with_query(paths::SCHEDULES[0], &query)).await?;
        Ok(reply.schedules.into_iter().map(|view| view.schedule).collect())
    }

    /// One schedule by id, beginning of an id or name.
    pub async fn schedule(&self, wanted: &str) -> Result<Schedule> {
        let view: ScheduleView = self.get(&paths::with_id(paths::SCHEDULE, &segment(wanted))).await?;
        Ok(view.schedule)
    }

    /// Stores a schedule; as it is now.
    pub async fn save_schedule(&self, body: &ScheduleBody) -> Result<Schedule> {
        let view: ScheduleView = self.send_json(Method::POST, paths::SCHEDULES[0], body).await?;
        Ok(view.schedule)
    }

    /// Deletes a schedule; what it was.
    pub async fn delete_schedule(&self, id: Uuid) -> Result<Schedule> {
        let view: ScheduleView =
            self.send_empty(Method::DELETE, &paths::with_id(paths::SCHEDULE, &id.to_string())).await?;
        Ok(view.schedule)
    }
}

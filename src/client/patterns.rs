//! Calls about patterns.

use http::Method;
use uuid::Uuid;

use super::Client;
use super::call::{segment, with_query};
use crate::base::Result;
use crate::model::pattern::PatternRecord;
use crate::model::revision::Revision;
use crate::wire::rest::exchange::{ImportReply, ImportRequest};
use crate::wire::rest::plan::{PatternDrift, PatternPlan, PlanRequest};
use crate::wire::rest::{
    Accepted, AppliedSets, DeployRequest, PatternPage, PatternStatus, RevisionContent, Revisions, SavePatternRequest,
    StatusRequest, paths,
};

/// Rows asked for at once when all are wanted.
const WHOLE_PAGES: u64 = 200;

impl Client {
    /// One page of the stored patterns, from page 0; `search` is a part of the name, or empty.
    pub async fn patterns(&self, page: u64, page_size: u64, search: &str) -> Result<PatternPage> {
        let (page, page_size) = (page.to_string(), page_size.to_string());
        let query = [("page", page.as_str()), ("page_size", page_size.as_str()), ("search", search)];
        self.get(&with_query(paths::PATTERNS[0], &query)).await
    }

    /// Every stored pattern whose name holds `search`, page after page.
    pub async fn all_patterns(&self, search: &str) -> Result<Vec<PatternRecord>> {
        let mut all = Vec::new();
        for page in 0.. {
            let reply = self.patterns(page, WHOLE_PAGES, search).await?;
            let last = reply.patterns.is_empty();
            all.extend(reply.patterns);
            if last || all.len() as u64 >= reply.page.total_count {
                break;
            }
        }
        Ok(all)
    }

    /// One stored pattern by id or name.
    pub async fn pattern(&self, id: &str) -> Result<PatternRecord> {
        self.get(&paths::with_id(paths::PATTERN, &segment(id))).await
    }

    /// Stores a pattern; answers with the records as they are now.
    pub async fn save_pattern(&self, request: &SavePatternRequest) -> Result<Vec<PatternRecord>> {
        self.send_json(Method::POST, paths::PATTERNS[0], request).await
    }

    /// Deletes a stored pattern; answers with what it was.
    pub async fn delete_pattern(&self, id: Uuid) -> Result<PatternRecord> {
        self.send_empty(Method::DELETE, &paths::with_id(paths::PATTERN, &id.to_string())).await
    }

    /// Makes a pattern of something that the plane reads, such as a running namespace.
    pub async fn import(&self, request: &ImportRequest) -> Result<ImportReply> {
        self.send_json(Method::POST, paths::PATTERN_IMPORT[0], request).await
    }

    /// Begins to apply a pattern.
    pub async fn deploy(&self, request: &DeployRequest) -> Result<Accepted> {
        self.send_json(Method::POST, paths::PATTERN_DEPLOY[0], request).await
    }

    /// Begins to delete what a pattern applied.
    pub async fn undeploy(&self, request: &DeployRequest) -> Result<Accepted> {
        self.send_json(Method::DELETE, paths::PATTERN_DEPLOY[0], request).await
    }

    /// What is applied, in every cluster this plane knows.
    pub async fn applied(&self) -> Result<AppliedSets> {
        self.get(paths::PATTERN_APPLIED[0]).await
    }

    /// Revisions of an applied pattern, newest first; `contexts` empty means every cluster that has it.
    pub async fn revisions(&self, pattern: &str, contexts: &[String]) -> Result<Vec<Revision>> {
        let contexts = contexts.join(",");
        let query = [("pattern", pattern), ("contexts", contexts.as_str())];
        let reply: Revisions = self.get(&with_query(paths::PATTERN_REVISIONS[0], &query)).await?;
        Ok(reply.revisions)
    }

    /// What a revision brought; 0 is the newest.
    pub async fn revision(&self, pattern: &str, number: i64, contexts: &[String]) -> Result<RevisionContent> {
        let contexts = contexts.join(",");
        let query = [("pattern", pattern), ("contexts", contexts.as_str())];
        self.get(&with_query(&paths::with_id(paths::PATTERN_REVISION, &number.to_string()), &query)).await
    }

    /// What applying a pattern would do.
    pub async fn plan(&self, request: &PlanRequest) -> Result<PatternPlan> {
        self.send_json(Method::POST, paths::PATTERN_PLAN[0], request).await
    }

    /// How what was applied stands, and who changed it.
    pub async fn drift(&self, request: &StatusRequest) -> Result<PatternDrift> {
        self.send_json(Method::POST, paths::PATTERN_DRIFT[0], request).await
    }

    /// Live state of an applied pattern.
    pub async fn pattern_status(&self, request: &StatusRequest) -> Result<PatternStatus> {
        self.send_json(Method::POST, paths::PATTERN_STATUS[0], request).await
    }
}

//! Applying, deleting and looking at patterns in clusters.

use super::Shared;
use crate::base::{Error, Result};
use crate::wire::rest::{Accepted, DeployRequest, PatternStatus, StatusRequest};

/// Begins to apply a pattern; answers when the operation exists.
pub async fn apply(_state: &Shared, _request: DeployRequest) -> Result<Accepted> {
    Err(Error::internal("applying is not part of this build"))
}

/// Begins to delete what a pattern applied; answers when the operation exists.
pub async fn delete(_state: &Shared, _request: DeployRequest) -> Result<Accepted> {
    Err(Error::internal("deleting is not part of this build"))
}

/// Live state of an applied pattern.
pub async fn status(_state: &Shared, _request: StatusRequest) -> Result<PatternStatus> {
    Err(Error::internal("status is not part of this build"))
}

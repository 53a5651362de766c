//! The REST API: one route table, small handlers, one file a noun.

pub mod deploy;
pub mod failure;

use axum::Router;

use super::Shared;

/// Every route as a service.
pub fn router(state: Shared) -> Router {
    let _ = &state;
    Router::new()
}

//! The REST API: one table of routes, small handlers, one file a noun.
//!
//! [`routes`] is the table. The service, the OpenAPI document and the tests are made from it.

pub mod adapters;
pub mod applications;
pub mod database;
pub mod deploy;
pub mod event_log;
pub mod events;
pub mod extract;
pub mod failure;
pub mod health;
pub mod import;
pub mod kubernetes;
mod login;
pub mod openapi;
pub mod operations;
mod page;
pub mod patterns;
pub mod performance;
pub mod plan;
pub mod preferences;
pub mod providers;
mod revisions;
pub mod route;
pub mod session;
mod unknown;
pub mod version;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;

use super::{Shared, security};
use route::Route;

/// Largest body of a request.
pub const BODY_LIMIT: usize = 32 << 20;

/// Every route of the API, in the order of the OpenAPI document.
pub fn routes() -> Vec<Route> {
    [
        health::routes(),
        version::routes(),
        openapi::routes(),
        providers::routes(),
        database::routes(),
        session::routes(),
        login::routes(),
        preferences::routes(),
        kubernetes::routes(),
        adapters::routes(),
        import::routes(),
        applications::routes(),
        patterns::routes(),
        deploy::routes(),
        plan::routes(),
        revisions::routes(),
        performance::routes(),
        operations::routes(),
        events::routes(),
        event_log::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every route as a service, behind the checks of [`security`].
pub fn router(state: Shared) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let mut handler = route.handler;
        if !route.open {
            handler = handler.route_layer(middleware::from_fn_with_state(state.clone(), security::token));
        }
        for path in route.paths {
            router = router.route(path, handler.clone());
        }
    }
    router
        .fallback(unknown::path)
        .method_not_allowed_fallback(unknown::method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(state.clone(), security::origin))
        .layer(middleware::from_fn(failure::contain))
        .with_state(state)
}

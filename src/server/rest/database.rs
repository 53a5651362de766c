//! The database.

use axum::Json;
use axum::extract::State;

use super::failure::Reply;
use super::route::Route;
use crate::server::Shared;
use crate::wire::rest::paths;
use crate::wire::rest::session::DatabaseReport;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get::<DatabaseReport, _, _>(
        paths::DATABASE,
        "checkDatabase",
        "Where the database is and whether it is sound",
        check,
    )]
}

async fn check(State(state): State<Shared>) -> Reply<DatabaseReport> {
    let faults = state.store.check().await?;
    Ok(Json(DatabaseReport { path: state.store.path().display().to_string(), faults }))
}

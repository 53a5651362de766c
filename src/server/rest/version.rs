//! Version of the server.

use axum::Json;

use super::route::Route;
use crate::model::version::Version;
use crate::wire::rest::paths;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get::<Version, _, _>(paths::VERSION, "getVersion", "Version of the server", get).open()]
}

async fn get() -> Json<Version> {
    Json(Version::current())
}

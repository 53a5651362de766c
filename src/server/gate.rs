//! The door of a server process: open for health from the first moment, for the API when the database is.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::StatusCode;
use tower::ServiceExt;

use super::rest::failure::Failure;
use super::rest::health;
use crate::base::{Code, Error};
use crate::wire::rest::{Phase, paths};

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    home: PathBuf,
    api: Arc<OnceLock<Router>>,
}

impl Gate {
    /// A closed door of the server of a home.
    pub fn new(home: PathBuf) -> Self {
        Self { home, api: Arc::default() }
    }

    /// Lets requests through to the API from now on.
    pub fn open(&self, api: Router) {
        // Opened once; a second API would be a second server.
        let _ = self.api.set(api);
    }

    /// The door as a service.
    pub fn router(&self) -> Router {
        Router::new().fallback(pass).with_state(self.clone())
    }
}

async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    if let Some(api) = gate.api.get() {
        return api.clone().oneshot(request).await.into_response();
    }
    let path = request.uri().path();
    if paths::HEALTH_LIVE.contains(&path) {
        return Json(health::report(Phase::Starting, &gate.home)).into_response();
    }
    if paths::HEALTH_READY.contains(&path) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(health::report(Phase::Starting, &gate.home))).into_response();
    }
    Failure(Error::new(Code::ServerDraining, "the server is starting")).into_response()
}

//! Health. The phases before and after serving are told by [`crate::server::gate`].

use std::path::Path;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::route::Route;
use crate::client::process;
use crate::server::Shared;
use crate::wire::rest::{HealthReport, Phase, paths};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<HealthReport, _, _>(paths::HEALTH_LIVE, "getLive", "Whether the process lives", live).open(),
        Route::get::<HealthReport, _, _>(paths::HEALTH_READY, "getReady", "The server's phase", ready).open(),
    ]
}

async fn live(State(state): State<Shared>) -> Json<HealthReport> {
    Json(report(phase(&state), &state.settings.home))
}

/// 200 only while new work is taken; the body tells the phase either way.
async fn ready(State(state): State<Shared>) -> (StatusCode, Json<HealthReport>) {
    let phase = phase(&state);
    let status = if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report(phase, &state.settings.home)))
}

fn phase(state: &Shared) -> Phase {
    if state.operations.is_draining() { Phase::Draining } else { Phase::Ready }
}

/// The report of this process in a phase.
pub fn report(phase: Phase, home: &Path) -> HealthReport {
    HealthReport {
        program: "mesheryctl".to_owned(),
        phase,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        home: Some(process::home_id(home)),
    }
}

//! Looking before doing: plans and drift.

use axum::Json;
use axum::extract::State;

use super::extract::Body;
use super::failure::Reply;
use super::route::Route;
use crate::base::{Code, Error};
use crate::server::{Caller, Shared, deploy};
use crate::wire::rest::plan::{PatternDrift, PatternPlan, PlanRequest};
use crate::wire::rest::{StatusRequest, paths};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post::<PatternPlan, _, _>(paths::PATTERN_PLAN, "planPattern", "What applying a pattern would do", plan)
            .body::<PlanRequest>(),
        Route::post::<PatternDrift, _, _>(
            paths::PATTERN_DRIFT,
            "getPatternDrift",
            "How what was applied stands, and who changed it",
            drift,
        )
        .body::<StatusRequest>(),
    ]
}

async fn plan(State(state): State<Shared>, caller: Caller, Body(request): Body<PlanRequest>) -> Reply<PatternPlan> {
    caller.may_name(request.deploy.kubeconfig.as_deref())?;
    let empty = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    if empty(&request.deploy.pattern_file) && empty(&request.deploy.pattern_id) {
        let error = Error::new(Code::RequestInvalid, "the request names no pattern");
        return Err(error.remedy("Send `pattern_file` or `pattern_id`.").into());
    }
    Ok(Json(deploy::plan(&state, request).await?))
}

async fn drift(State(state): State<Shared>, caller: Caller, Body(request): Body<StatusRequest>) -> Reply<PatternDrift> {
    caller.may_name(request.kubeconfig.as_deref())?;
    Ok(Json(deploy::drift(&state, request).await?))
}

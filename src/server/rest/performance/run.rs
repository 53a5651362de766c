//! Beginning measurements: as an operation, and in the three forms of earlier eras.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Method, StatusCode};

use super::super::extract::{Body, Id, Query, Raw};
use super::super::failure::Failure;
use super::super::route::{Payload, Route};
use super::query::{self, PARAMETERS};
use super::stream;
use crate::base::{Code, Error, Result};
use crate::model::performance::plan::Plan;
use crate::perf::smp;
use crate::server::performance::{self, profiles};
use crate::server::{Caller, Shared};
use crate::wire::rest::paths;
use crate::wire::rest::performance::{RunBegun, RunRequest, StreamFrame};

pub(super) fn routes() -> Vec<Route> {
    let stream = || Payload::text(&["text/event-stream"]);
    let file = || Payload::text(&["application/yaml", "application/json"]);
    let followed = |method: Method, path, id, summary, handler: axum::routing::MethodRouter<Shared>| Route {
        method,
        paths: path,
        id,
        summary,
        open: false,
        query: PARAMETERS,
        request: None,
        reply: (StatusCode::OK, Payload { media: &["text/event-stream"], ..Payload::json::<StreamFrame>() }),
        handler,
    };
    vec![
        Route::post::<RunBegun, _, _>(paths::PERF_RUN, "beginRun", "Begins a measurement", begin)
            .body::<RunRequest>()
            .replies(StatusCode::ACCEPTED, Payload::json::<RunBegun>()),
        followed(Method::GET, paths::PERF_LOAD_TEST, "runLoadTest", "Measures, and streams how it goes", get(by_query)),
        followed(
            Method::POST,
            paths::PERF_LOAD_TEST,
            "postLoadTest",
            "Measures, and streams how it goes",
            post(by_query),
        ),
        followed(
            Method::GET,
            paths::PERF_PROFILE_RUN,
            "runPerformanceProfile",
            "Measures by a profile, and streams how it goes",
            get(by_profile),
        ),
        followed(
            Method::POST,
            paths::PERF_PROFILE_RUN,
            "postPerformanceProfileRun",
            "Measures by a profile, and streams how it goes",
            post(by_profile),
        ),
        Route::get::<String, _, _>(
            paths::PERF_LOAD_TEST_FILE,
            "runTestFile",
            "Measures by the test file in the body, or by query parameters without one, and streams how it goes",
            by_file,
        )
        .query(PARAMETERS)
        .reads(file())
        .replies(StatusCode::OK, stream()),
        Route::post::<String, _, _>(
            paths::PERF_LOAD_TEST_FILE,
            "postTestFile",
            "Measures by a test file of the Service Mesh Performance specification, and streams how it goes",
            by_file,
        )
        .query(PARAMETERS)
        .reads(file())
        .replies(StatusCode::OK, stream()),
    ]
}

/// Clients of a test file that is sent, at most.
const MOST_CLIENTS: usize = 64;

async fn begin(
    State(state): State<Shared>,
    caller: Caller,
    Body(request): Body<RunRequest>,
) -> Result<Response, Failure> {
    let begun = performance::begin(&state, caller, request).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)).into_response())
}

async fn by_query(State(state): State<Shared>, caller: Caller, query: Query) -> Result<Response, Failure> {
    if query.get(&["name"]).is_none() {
        return Err(Error::new(Code::RequestInvalid, "query parameter `name` is missing").into());
    }
    let plan = query::plan(&query, Plan::default())?;
    begun(&state, caller, &query, vec![RunRequest { plan: Some(plan), ..RunRequest::default() }]).await
}

async fn by_profile(
    State(state): State<Shared>,
    caller: Caller,
    id: Id,
    query: Query,
    body: Raw,
) -> Result<Response, Failure> {
    let profile = profiles::find(&state, &id.0).await?;
    let known = if body.bytes.is_empty() { vec![profile.plan] } else { plans(&body)? };
    let requests = known.into_iter().map(|plan| {
        Ok(RunRequest {
            plan: Some(query::plan(&query, plan)?),
            profile: Some(profile.id.to_string()),
            thresholds: profile.thresholds.clone(),
            ..RunRequest::default()
        })
    });
    let requests = requests.collect::<Result<Vec<_>>>()?;
    begun(&state, caller, &query, requests).await
}

async fn by_file(state: State<Shared>, caller: Caller, query: Query, body: Raw) -> Result<Response, Failure> {
    if body.bytes.is_empty() {
        return by_query(state, caller, query).await;
    }
    let requests = plans(&body)?.into_iter().map(|plan| RunRequest { plan: Some(plan), ..RunRequest::default() });
    begun(&state, caller, &query, requests.collect()).await
}

/// The plans of a test file, one for each of its clients.
fn plans(body: &Raw) -> Result<Vec<Plan>> {
    let test = smp::read(&body.text()?, "request body")?;
    if test.plans.len() > MOST_CLIENTS {
        let message = format!("the test has {} clients, and one request measures {MOST_CLIENTS}", test.plans.len());
        return Err(Error::new(Code::RequestInvalid, message).remedy("Send the others with further requests."));
    }
    let name = test.name;
    let named = |plan: Plan| Plan { name: if plan.name.is_empty() { name.clone() } else { plan.name.clone() }, ..plan };
    Ok(test.plans.into_iter().map(named).collect())
}

async fn begun(state: &Shared, caller: Caller, query: &Query, requests: Vec<RunRequest>) -> Result<Response, Failure> {
    let context = query.list("contexts").into_iter().find(|context| context != "all");
    let requests = requests.into_iter().map(|request| RunRequest { context: context.clone(), ..request }).collect();
    let begun = performance::begin_all(state, caller, requests).await?;
    Ok(stream::follow(state, begun))
}

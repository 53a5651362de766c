//! Beginning measurements: as an operation, and in the three forms of earlier eras.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Method, StatusCode};

use super::super::deploy::Caller;
use super::super::extract::{Body, Id, Query, Raw};
use super::super::failure::Failure;
use super::super::route::{Payload, Route};
use super::query::{self, PARAMETERS};
use super::stream;
use crate::base::{Code, Error, Result};
use crate::model::performance::plan::{Generator, Plan};
use crate::perf::smp;
use crate::server::Shared;
use crate::server::performance::{self, profiles};
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
        Route::post::<String, _, _>(
            paths::PERF_LOAD_TEST_FILE,
            "runTestFile",
            "Measures by a test file of the Service Mesh Performance specification, and streams how it goes",
            by_file,
        )
        .reads(file())
        .replies(StatusCode::OK, stream()),
    ]
}

async fn begin(
    State(state): State<Shared>,
    caller: Caller,
    Body(request): Body<RunRequest>,
) -> Result<Response, Failure> {
    caller.may_name(request.kubeconfig.as_deref())?;
    if let Some(plan) = &request.plan {
        local_files(&caller, plan)?;
    }
    let begun = performance::begin(&state, request).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)).into_response())
}

/// A plan may name files and programs of this machine; only callers of this machine may do so.
fn local_files(caller: &Caller, plan: &Plan) -> Result<()> {
    let tls = &plan.tls;
    let named = [&tls.ca, &tls.cert, &tls.key].into_iter().flatten().next();
    match (caller, named) {
        (Caller::Elsewhere, Some(path)) => {
            Err(Error::new(Code::RequestInvalid, format!("file `{path}` cannot be chosen from another machine")))
        }
        (Caller::Elsewhere, None) if plan.generator != Generator::Native && plan.generator_options.is_some() => {
            Err(Error::new(Code::RequestInvalid, "options of a program cannot be given from another machine"))
        }
        _ => Ok(()),
    }
}

async fn by_query(State(state): State<Shared>, caller: Caller, query: Query) -> Result<Response, Failure> {
    if query.get(&["name"]).is_none() {
        return Err(Error::new(Code::RequestInvalid, "query parameter `name` is missing").into());
    }
    let plan = query::plan(&query, Plan::default())?;
    local_files(&caller, &plan)?;
    begun(&state, &query, RunRequest { plan: Some(plan), ..RunRequest::default() }).await
}

async fn by_profile(
    State(state): State<Shared>,
    caller: Caller,
    id: Id,
    query: Query,
    body: Raw,
) -> Result<Response, Failure> {
    let profile = profiles::find(&state, &id.0).await?;
    let known = if body.bytes.is_empty() { profile.plan } else { one(&body)? };
    let plan = query::plan(&query, known)?;
    local_files(&caller, &plan)?;
    let request = RunRequest {
        plan: Some(plan),
        profile: Some(profile.id.to_string()),
        thresholds: profile.thresholds,
        ..RunRequest::default()
    };
    begun(&state, &query, request).await
}

async fn by_file(State(state): State<Shared>, caller: Caller, query: Query, body: Raw) -> Result<Response, Failure> {
    let plan = one(&body)?;
    local_files(&caller, &plan)?;
    begun(&state, &query, RunRequest { plan: Some(plan), ..RunRequest::default() }).await
}

/// The plan of a test file. A stream shows one measurement, so that a file with several clients is refused.
fn one(body: &Raw) -> Result<Plan> {
    let test = smp::read(&body.text()?, "request body")?;
    let (name, several) = (test.name, test.plans.len());
    let mut plans = test.plans.into_iter();
    match (plans.next(), plans.next()) {
        (Some(plan), None) => Ok(Plan { name: if plan.name.is_empty() { name } else { plan.name.clone() }, ..plan }),
        _ => Err(Error::new(
            Code::RequestInvalid,
            format!("the test has {several} clients, and one stream tells of one"),
        )
        .remedy("Send one request for each client, or measure with `mesheryctl perf run -f`.")),
    }
}

async fn begun(state: &Shared, query: &Query, request: RunRequest) -> Result<Response, Failure> {
    let context = query.list("contexts").into_iter().find(|context| context != "all");
    let begun = performance::begin(state, RunRequest { context, ..request }).await?;
    Ok(stream::follow(state, begun))
}

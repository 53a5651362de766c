//! Results: lists in the shape of earlier eras, single ones whole.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::super::extract::{Body, Id, Query};
use super::super::failure::{Failure, Reply};
use super::super::page::{self, PAGE, PAGE_SIZE};
use super::super::route::{Payload, Route};
use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result};
use crate::model::performance::result::PerfResult;
use crate::perf::format::{self, Format};
use crate::server::Shared;
use crate::server::performance::{profiles, results};
use crate::store::results::Filter;
use crate::wire::rest::paths;
use crate::wire::rest::performance::{MesheryResult, ResultPage, StoredResult};

const LIST: &[(&str, &str)] = &[
    PAGE,
    PAGE_SIZE,
    ("search", "part of the test's name, in any case"),
    (
        "order",
        "`name`, `mesh`, `test_start_time`, `created_at` or `updated_at`, a blank, `asc` or `desc`; newest first otherwise",
    ),
    ("from", "results that began at this RFC 3339 time or later"),
    ("to", "results that began before this RFC 3339 time"),
];

pub(super) fn routes() -> Vec<Route> {
    let document = || Payload::text(&["application/yaml"]);
    vec![
        Route::get::<ResultPage, _, _>(paths::PERF_RESULTS, "listResults", "Results of measurements", list).query(LIST),
        Route::post::<MesheryResult, _, _>(
            paths::PERF_RESULTS,
            "importResult",
            "Stores a result that was measured elsewhere, under its own id",
            import,
        )
        .body::<PerfResult>(),
        Route::get::<ResultPage, _, _>(
            paths::PERF_PROFILE_RESULTS,
            "listResultsOfProfile",
            "Results of a performance profile",
            of_profile,
        )
        .query(LIST),
        Route::get::<StoredResult, _, _>(paths::PERF_RESULT, "getResult", "One result, whole", get),
        Route::delete::<MesheryResult, _, _>(paths::PERF_RESULT, "deleteResult", "Deletes a result", delete),
        Route::get::<String, _, _>(
            paths::PERF_DOCUMENT,
            "downloadResult",
            "One result as a document of the Service Mesh Performance specification",
            download,
        )
        .replies(StatusCode::OK, document()),
        Route::get::<String, _, _>(
            paths::PERF_DOCUMENT_2021,
            "downloadResult2021",
            "The same, named by a parameter",
            download_2021,
        )
        .query(&[("id", "id of the result")])
        .replies(StatusCode::OK, document()),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<ResultPage> {
    Ok(Json(page_of(&state, &query, None).await?))
}

async fn of_profile(State(state): State<Shared>, id: Id, query: Query) -> Reply<ResultPage> {
    let profile = profiles::find(&state, &id.0).await?;
    Ok(Json(page_of(&state, &query, Some(profile.id)).await?))
}

async fn page_of(state: &Shared, query: &Query, profile: Option<Uuid>) -> Result<ResultPage> {
    let page = page::asked(query)?;
    let filter = Filter {
        page,
        search: query.get(&["search"]).unwrap_or_default(),
        order: query.get(&["order"]).unwrap_or_default(),
        profile,
        from: time(query, "from")?,
        to: time(query, "to")?,
    };
    let (listed, total) = state.store.results().list(&filter).await?;
    let page = page::info(page, listed.len(), total);
    Ok(ResultPage { page, results: listed.into_iter().map(results::shown).collect() })
}

fn time(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    let Some(text) = query.get(&[name]) else { return Ok(None) };
    let parsed = text.parse().map_err(|problem: jiff::Error| {
        Error::new(Code::RequestInvalid, format!("query parameter `{name}` is `{text}`, not a time")).because(problem)
    })?;
    Ok(Some(parsed))
}

async fn import(State(state): State<Shared>, Body(result): Body<PerfResult>) -> Reply<MesheryResult> {
    Ok(Json(results::import(&state, &result).await?))
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<StoredResult> {
    Ok(Json(results::find(&state, &id.0).await?))
}

async fn delete(State(state): State<Shared>, id: Id) -> Reply<MesheryResult> {
    Ok(Json(results::delete(&state, &id.0).await?))
}

async fn download(State(state): State<Shared>, id: Id) -> Result<Response, Failure> {
    document(&state, &id.0).await
}

async fn download_2021(State(state): State<Shared>, query: Query) -> Result<Response, Failure> {
    let id = query.get(&["id"]).ok_or_else(|| Error::new(Code::RequestInvalid, "query parameter `id` is missing"))?;
    document(&state, id).await
}

async fn document(state: &Shared, id: &str) -> Result<Response, Failure> {
    let stored = results::find(state, id).await?;
    let text = format::write(&stored.result, Format::Smp)?;
    let name = HeaderValue::from_str(&format!("attachment; filename=\"result_{}.yaml\"", stored.result.id));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/yaml")),
        (header::CONTENT_DISPOSITION, name.unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, text).into_response())
}

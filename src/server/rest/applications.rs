//! Stored applications, as clients of the first two eras know them: patterns that are marked as applications.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::extract::{Body, Id, Query};
use super::failure::{Failure, Reply};
use super::page::{self, PAGE, PAGE_SIZE};
use super::route::Route;
use crate::base::{Code, Error};
use crate::model::pattern::PatternRecord;
use crate::server::providers::sync;
use crate::server::{Sender, Shared, import};
use crate::store::patterns::{Filter, OrderBy};
use crate::wire::rest::exchange::{ApplicationPage, ApplicationRecord, SaveApplicationRequest};
use crate::wire::rest::paths;

/// A source that applications are made of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceType {
    /// Name of the type.
    application_type: &'static str,
    /// Ends of its files' names.
    supported_extensions: &'static [&'static str],
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<ApplicationPage, _, _>(paths::APPLICATIONS, "listApplications", "Stored applications", list)
            .query(&[
                PAGE,
                PAGE_SIZE,
                ("search", "part of the name, in any case"),
                ("order", "`name`, `created_at` or `updated_at`, a blank, `asc` or `desc`; default `updated_at desc`"),
            ]),
        Route::post::<Vec<ApplicationRecord>, _, _>(
            paths::APPLICATIONS,
            "saveApplication",
            "Stores an application made of a pattern, manifests, a Compose file or a chart",
            save,
        )
        .body::<SaveApplicationRequest>(),
        Route::get::<Vec<SourceType>, _, _>(
            paths::APPLICATION_TYPES,
            "listApplicationTypes",
            "Sources that applications are made of",
            types,
        ),
        Route::get::<ApplicationRecord, _, _>(
            paths::APPLICATION,
            "getApplication",
            "One application by id or name",
            get,
        ),
        Route::post::<Vec<ApplicationRecord>, _, _>(
            paths::APPLICATION,
            "saveApplicationOfType",
            "Stores an application; the path names the type of its source",
            save_typed,
        )
        .body::<SaveApplicationRequest>(),
        Route::delete::<ApplicationRecord, _, _>(
            paths::APPLICATION,
            "deleteApplication",
            "Deletes a stored application",
            delete,
        ),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<ApplicationPage> {
    let wanted = page::asked(&query)?;
    let order = query.get(&["order"]).and_then(OrderBy::parse).unwrap_or(Filter::default().order);
    let filter =
        Filter { page: crate::store::page::Page::ALL, search: query.get(&["search"]).unwrap_or_default(), order };
    let (mut records, _) = state.store.patterns().list(&filter).await?;
    records.retain(PatternRecord::is_application);
    let total = records.len() as u64;
    let skip = usize::try_from(wanted.offset()).unwrap_or(usize::MAX);
    let take = wanted.limit().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let applications: Vec<ApplicationRecord> =
        records.into_iter().skip(skip).take(take).map(ApplicationRecord::from).collect();
    Ok(Json(ApplicationPage { page: page::info(wanted, applications.len(), total), applications }))
}

async fn types() -> Json<Vec<SourceType>> {
    let yaml: &[&str] = &[".yaml", ".yml"];
    let row = |application_type, supported_extensions| SourceType { application_type, supported_extensions };
    Json(vec![row("Helm Chart", &[".tgz"]), row("Docker Compose", yaml), row("Kubernetes Manifest", yaml)])
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<ApplicationRecord> {
    Ok(Json(find(&state, &id.0).await?.into()))
}

async fn delete(State(state): State<Shared>, sender: Sender, id: Id) -> Reply<ApplicationRecord> {
    let record = find(&state, &id.0).await?;
    let deleted = sync::delete_pattern(&state, &sender, record.id).await?;
    deleted.map(|record| Json(record.into())).ok_or_else(|| Failure(missing(&id.0)))
}

async fn find(state: &Shared, id_or_name: &str) -> Result<PatternRecord, Failure> {
    let found = state.store.patterns().find(id_or_name).await?;
    found.filter(PatternRecord::is_application).ok_or_else(|| Failure(missing(id_or_name)))
}

fn missing(id_or_name: &str) -> Error {
    Error::new(Code::PatternNotFound, format!("there is no application `{id_or_name}`"))
}

async fn save(
    State(state): State<Shared>,
    sender: Sender,
    Body(request): Body<SaveApplicationRequest>,
) -> Reply<Vec<ApplicationRecord>> {
    store(&state, &sender, request, None).await
}

async fn save_typed(
    State(state): State<Shared>,
    sender: Sender,
    id: Id,
    Body(request): Body<SaveApplicationRequest>,
) -> Reply<Vec<ApplicationRecord>> {
    store(&state, &sender, request, Some(id.0)).await
}

async fn store(
    state: &Shared,
    sender: &Sender,
    request: SaveApplicationRequest,
    from: Option<String>,
) -> Reply<Vec<ApplicationRecord>> {
    let data = request.application_data.unwrap_or_default();
    let source = import::Text { name: data.name, text: data.application_file, url: request.url, from };
    let (format, imported) = import::text(source).await?;
    let mut location: BTreeMap<String, String> = data.location;
    location.entry("type".to_owned()).or_insert_with(|| "local".to_owned());
    location.insert("source_type".to_owned(), format.word().to_owned());
    location.insert(PatternRecord::STANDS_FOR.to_owned(), PatternRecord::APPLICATION.to_owned());
    let new = crate::store::patterns::NewPattern {
        id: data.id,
        name: imported.name,
        pattern_file: imported.text,
        location,
        owner: None,
    };
    let record =
        if request.save { sync::save_pattern(state, sender, new).await? } else { super::patterns::unsaved(new) };
    Ok(Json(vec![record.into()]))
}

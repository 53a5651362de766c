//! Revisions of applied patterns.

use axum::Json;
use axum::extract::State;

use super::extract::{Id, Query};
use super::failure::Reply;
use super::route::Route;
use crate::base::{Code, Error, Result};
use crate::server::{Shared, deploy};
use crate::wire::rest::{RevisionContent, Revisions, paths};

const PATTERN: (&str, &str) = ("pattern", "name or id of the pattern");
const CONTEXTS: (&str, &str) = ("contexts", "Kubernetes contexts; repeatable, or separated by commas");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<Revisions, _, _>(
            paths::PATTERN_REVISIONS,
            "listRevisions",
            "Revisions of an applied pattern, newest first",
            list,
        )
        .query(&[PATTERN, CONTEXTS]),
        Route::get::<RevisionContent, _, _>(
            paths::PATTERN_REVISION,
            "getRevision",
            "What a revision brought; number 0 is the newest",
            get,
        )
        .query(&[PATTERN, CONTEXTS]),
    ]
}

fn pattern(query: &Query) -> Result<&str> {
    query
        .get(&["pattern"])
        .ok_or_else(|| Error::new(Code::RequestInvalid, "the request names no pattern").remedy("Add `?pattern=NAME`."))
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<Revisions> {
    let found = deploy::revisions(&state, pattern(&query)?, &query.list("contexts")).await?;
    Ok(Json(Revisions { revisions: found.into_iter().map(|one| one.revision).collect() }))
}

async fn get(State(state): State<Shared>, id: Id, query: Query) -> Reply<RevisionContent> {
    let number =
        id.0.parse()
            .map_err(|_| Error::new(Code::RequestInvalid, format!("`{}` is not the number of a revision", id.0)))?;
    Ok(Json(deploy::revision(&state, pattern(&query)?, number, &query.list("contexts")).await?))
}

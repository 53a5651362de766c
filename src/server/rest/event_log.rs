//! The event log as a page.

use axum::Json;
use axum::extract::State;

use super::extract::Query;
use super::failure::Reply;
use super::page::{self, PAGE, PAGE_SIZE};
use super::route::Route;
use crate::server::Shared;
use crate::wire::rest::paths;
use crate::wire::rest::session::EventPage;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<EventPage, _, _>(paths::EVENT_LOG, "listEvents", "The event log, newest first", list)
            .query(&[PAGE, PAGE_SIZE]),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<EventPage> {
    let page = page::asked(&query)?;
    let (events, total) = state.store.events().list(page).await?;
    Ok(Json(EventPage { page: page::info(page, events.len(), total), events }))
}

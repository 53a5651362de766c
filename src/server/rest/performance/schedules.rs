//! Schedules.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::super::extract::{Body, Id, Query};
use super::super::failure::Reply;
use super::super::page::{self, PAGE, PAGE_SIZE};
use super::super::route::Route;
use crate::server::{Shared, schedules};
use crate::wire::rest::paths;
use crate::wire::rest::performance::{self as wire, ScheduleBody, SchedulePage, ScheduleView};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<SchedulePage, _, _>(paths::SCHEDULES, "listSchedules", "Schedules of performance profiles", list)
            .query(&[
                PAGE,
                PAGE_SIZE,
                ("search", "part of the name, in any case"),
                ("order", "`name`, `next_run`, `created_at` or `updated_at`, a blank, `asc` or `desc`"),
            ]),
        Route::post::<ScheduleView, _, _>(
            paths::SCHEDULES,
            "saveSchedule",
            "Stores a schedule: a new one, or the one of the body's id",
            save,
        )
        .body::<ScheduleBody>(),
        Route::get::<ScheduleView, _, _>(paths::SCHEDULE, "getSchedule", "One schedule by id or name", get),
        Route::delete::<ScheduleView, _, _>(paths::SCHEDULE, "deleteSchedule", "Deletes a schedule", delete),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<SchedulePage> {
    let page = page::asked(&query)?;
    let (search, order) = (query.get(&["search"]).unwrap_or_default(), query.get(&["order"]).unwrap_or_default());
    let (found, total) = state.store.schedules().list(page, search, order).await?;
    let page = page::info(page, found.len(), total);
    let mut views = Vec::with_capacity(found.len());
    for schedule in found {
        views.push(schedules::told(&state, schedule).await?.into());
    }
    Ok(Json(SchedulePage { page, schedules: views }))
}

async fn save(State(state): State<Shared>, Body(body): Body<Value>) -> Reply<ScheduleView> {
    let body: ScheduleBody = wire::read(body)?;
    let saved = schedules::save(&state, body).await?;
    Ok(Json(schedules::told(&state, saved).await?.into()))
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<ScheduleView> {
    let found = schedules::find(&state, &id.0).await?;
    Ok(Json(schedules::told(&state, found).await?.into()))
}

async fn delete(State(state): State<Shared>, id: Id) -> Reply<ScheduleView> {
    Ok(Json(schedules::delete(&state, &id.0).await?.into()))
}

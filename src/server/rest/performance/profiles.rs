//! Profiles.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::super::extract::{Body, Id, Query};
use super::super::failure::Reply;
use super::super::page::{self, PAGE, PAGE_SIZE};
use super::super::route::Route;
use crate::server::performance::profiles;
use crate::server::{Caller, Shared};
use crate::store::profiles::Filter;
use crate::wire::rest::paths;
use crate::wire::rest::performance::{self as wire, ProfileBody, ProfilePage, ProfileView};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<ProfilePage, _, _>(paths::PERF_PROFILES, "listPerformanceProfiles", "Performance profiles", list)
            .query(&[
                PAGE,
                PAGE_SIZE,
                ("search", "part of the name, in any case"),
                ("order", "`name`, `created_at` or `updated_at`, a blank, `asc` or `desc`; default `updated_at desc`"),
            ]),
        Route::post::<ProfileView, _, _>(
            paths::PERF_PROFILES,
            "savePerformanceProfile",
            "Stores a performance profile: a new one, or the one of the body's id",
            save,
        )
        .body::<ProfileBody>(),
        Route::get::<ProfileView, _, _>(
            paths::PERF_PROFILE,
            "getPerformanceProfile",
            "One performance profile by id or whole name",
            get,
        ),
        Route::delete::<ProfileView, _, _>(
            paths::PERF_PROFILE,
            "deletePerformanceProfile",
            "Deletes a performance profile and its schedules; results stay",
            delete,
        ),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<ProfilePage> {
    let page = page::asked(&query)?;
    let filter = Filter {
        page,
        search: query.get(&["search"]).unwrap_or_default(),
        order: query.get(&["order"]).unwrap_or_default(),
    };
    let (profiles, total) = state.store.profiles().list(&filter).await?;
    let page = page::info(page, profiles.len(), total);
    Ok(Json(ProfilePage { page, profiles: profiles.into_iter().map(ProfileView::from).collect() }))
}

async fn save(State(state): State<Shared>, caller: Caller, Body(body): Body<Value>) -> Reply<ProfileView> {
    let body: ProfileBody = wire::read(body)?;
    Ok(Json(profiles::save(&state, caller, body).await?.into()))
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<ProfileView> {
    Ok(Json(profiles::find(&state, &id.0).await?.into()))
}

async fn delete(State(state): State<Shared>, id: Id) -> Reply<ProfileView> {
    Ok(Json(profiles::delete(&state, &id.0).await?.into()))
}

//! Token, user and the session object of old clients.

use axum::Json;
use axum::extract::State;

use super::failure::Reply;
use super::route::Route;
use crate::model::provider;
use crate::server::{Shared, adapters, clusters};
use crate::wire::rest::session::{Session, User};
use crate::wire::rest::{TokenFile, paths};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<TokenFile, _, _>(paths::TOKEN, "getToken", "The content of a token file", token),
        Route::post::<TokenFile, _, _>(paths::TOKEN, "refreshToken", "The same, for clients that post", token),
        Route::get::<User, _, _>(paths::USER, "getUser", "The user", user),
        Route::get::<Session, _, _>(paths::SYNC, "getSession", "Preferences, adapters and clusters in one", sync),
    ]
}

/// Behind the token check, so it tells only those who know it already.
async fn token(State(state): State<Shared>) -> Json<TokenFile> {
    Json(TokenFile { provider: provider::LOCAL.to_owned(), token: state.settings.token.clone() })
}

async fn user() -> Json<User> {
    Json(User::local())
}

async fn sync(State(state): State<Shared>) -> Reply<Session> {
    let preferences = state.store.preferences().get().await?;
    // A kubeconfig that cannot be read must not keep a client from its session; the contexts route tells why.
    let contexts = clusters::contexts(&state.settings, None).unwrap_or_default();
    let mesh_adapters = adapters::list(&state).await?;
    Ok(Json(Session { preferences, mesh_adapters, k8s_config: contexts }))
}

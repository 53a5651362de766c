//! Token, user and the session object of old clients.

use axum::Json;
use axum::extract::State;

use super::failure::Reply;
use super::route::Route;
use crate::model::provider;
use crate::server::{Sender, Shared, adapters, clusters};
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
async fn token(State(state): State<Shared>, sender: Sender) -> Json<TokenFile> {
    Json(token_file(&state, &sender))
}

/// The token file of the one who asks: the plane's own token for who has it, a user's own for a user.
pub(super) fn token_file(state: &Shared, sender: &Sender) -> TokenFile {
    match sender {
        Sender::Plane => TokenFile { provider: provider::LOCAL.to_owned(), token: state.settings.token.clone() },
        Sender::User(session) => {
            TokenFile { provider: session.provider.clone(), token: session.token.raw().to_owned() }
        }
    }
}

async fn user(sender: Sender) -> Json<User> {
    Json(sender.session().map_or_else(User::local, |session| session.user.clone()))
}

async fn sync(State(state): State<Shared>) -> Reply<Session> {
    let preferences = state.store.preferences().get().await?;
    // A kubeconfig that cannot be read must not keep a client from its session; the contexts route tells why.
    let contexts = clusters::contexts(&state.settings, None).unwrap_or_default();
    let mesh_adapters = adapters::list(&state).await?;
    Ok(Json(Session { preferences, mesh_adapters, k8s_config: contexts }))
}

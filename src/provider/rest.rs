//! What planes ask: capabilities, users, tokens. The objects stand in `objects`.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as Extract};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, Method, header};
use serde_json::{Value, json};

use super::failure::{Failure, Reply};
use super::{Shared, State, login, objects};
use crate::base::{Code, Error, Result};
use crate::model::provider::{Capability, Provider, REMOTE_TYPE};
use crate::wire::provider::{FEATURES, Introspection, OTHER_FEATURES, ProfileBody, TokenBody, paths};

/// Largest body of a request.
const BODY_LIMIT: usize = 16 << 20;

/// Everything this provider answers to.
pub(super) fn router(state: Shared) -> Router {
    Router::new()
        .route("/", get(front))
        .route(paths::LOGIN, get(login::form).post(login::login))
        .route("/password", post(login::choose))
        .route("/logout", get(logout).post(logout))
        .route(paths::CAPABILITIES, get(capabilities))
        .route(&format!("/{{build}}{}", paths::CAPABILITIES), get(capabilities))
        .route(paths::REFRESH, post(refresh))
        .route(paths::KEYS, get(keys))
        .route(paths::INTROSPECT, post(introspect))
        .route(paths::REVOKE, post(revoke))
        .route(paths::USER, get(user))
        .route(paths::PROFILE, get(user))
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .merge(objects::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state)
}

/// The login page for browsers and for whoever brings an address to return to; what this is for others.
async fn front(state: Extract<Shared>, request: Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_login = request.uri().query().is_some_and(|query| query.contains("source="));
    if is_login || accept.contains("text/html") {
        return login::form(state, request).await;
    }
    Json(properties(&state, request.headers())).into_response()
}

async fn capabilities(Extract(state): Extract<Shared>, headers: HeaderMap) -> Json<Provider> {
    Json(properties(&state, &headers))
}

fn properties(state: &State, headers: &HeaderMap) -> Provider {
    let features = FEATURES.iter().map(|feature| (feature.name, feature.endpoint));
    let capability =
        |(feature, endpoint): (&str, &str)| Capability { feature: feature.to_owned(), endpoint: endpoint.to_owned() };
    Provider {
        provider_type: REMOTE_TYPE.to_owned(),
        provider_name: state.settings.name.clone(),
        provider_description: vec![
            "Users and what they keep, on a machine of your own.".to_owned(),
            "Served by `mesheryctl serve provider`.".to_owned(),
        ],
        provider_url: public_url(state, headers),
        capabilities: features.chain(OTHER_FEATURES.iter().copied()).map(capability).collect(),
        status: None,
    }
}

/// The address this provider is known by: what its administrator said, else the one it was asked at.
fn public_url(state: &State, headers: &HeaderMap) -> String {
    if let Some(url) = &state.settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let scheme = if state.secure { "https" } else { "http" };
    format!("{scheme}://{host}")
}

async fn user(Extract(state): Extract<Shared>, headers: HeaderMap) -> Reply<Json<ProfileBody>> {
    let account = state.sender(&headers).await?.account;
    Ok(Json(ProfileBody {
        id: account.id,
        user_id: account.name.clone(),
        user_id_2026: account.name,
        provider: state.settings.name.clone(),
        email: account.email,
        first_name: account.first_name.clone(),
        first_name_2026: account.first_name,
        last_name: account.last_name.clone(),
        last_name_2026: account.last_name,
        avatar_url: String::new(),
        avatar_url_2026: String::new(),
        status: account.state.word().to_owned(),
        created_at: account.created_at,
        last_login: account.last_login,
    }))
}

/// The token in a body; clients differ in what they call its type.
fn token(body: &[u8]) -> Result<String> {
    let body: TokenBody = serde_json::from_slice(body)
        .map_err(|error| Error::new(Code::RequestInvalid, "the body is not an object with a `token`").because(error))?;
    Ok(body.token)
}

async fn refresh(Extract(state): Extract<Shared>, body: Bytes) -> Reply<Json<TokenBody>> {
    Ok(Json(TokenBody { token: state.renew(&token(&body)?).await? }))
}

/// Tokens of this provider are opaque: there is no key to check them with, only `/introspect`.
async fn keys() -> Json<Value> {
    Json(json!({"keys": []}))
}

async fn introspect(Extract(state): Extract<Shared>, body: Bytes) -> Reply<Json<Introspection>> {
    match state.holder(&token(&body)?).await {
        Ok(holder) => Ok(Json(Introspection {
            active: true,
            username: Some(holder.account.name),
            sub: Some(holder.account.id.to_string()),
            exp: Some(holder.ends.as_second()),
        })),
        Err(error) if error.code() == Code::AuthSession => Ok(Json(Introspection::default())),
        Err(error) => Err(error.into()),
    }
}

/// Whoever has a token may end its session; that there was none to end is no fault.
async fn revoke(Extract(state): Extract<Shared>, body: Bytes) -> Reply<Json<Value>> {
    Ok(Json(json!({"revoked": state.revoke(&token(&body)?).await?})))
}

/// Nothing is kept in the browser, so that there is nothing to forget.
async fn logout() -> Json<Value> {
    Json(json!({"status": "logged_out"}))
}

async fn unknown(request: Request) -> Failure {
    Failure(
        Error::new(Code::RouteNotFound, format!("there is no path {}", request.uri().path()))
            .remedy("The features and their paths are listed at /capabilities."),
    )
}

async fn wrong_method(method: Method, request: Request) -> Failure {
    Failure(Error::new(Code::MethodNotAllowed, format!("{} does not answer to {method}", request.uri().path())))
}

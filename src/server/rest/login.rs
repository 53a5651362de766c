//! Logging in and out at a remote provider. Browsers are led there and back; other clients get JSON and never a redirect.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};

use super::extract::{Id, Query};
use super::failure::Failure;
use super::route::Route;
use super::session::token_file;
use crate::base::{Code, Error, Result, id};
use crate::model::provider;
use crate::server::providers::Chosen;
use crate::server::security::{
    CHOICE_COOKIE, PROVIDER_COOKIE, SESSION_COOKIE, cookie, given, is_own, provider_name, sender, set_cookie,
};
use crate::server::{Sender, Shared};
use crate::wire::rest::session::{LoggedOut, LoginInfo};
use crate::wire::rest::{TokenFile, paths};

/// Cookie that marks the browser which began a login.
const LOGIN_COOKIE: &str = "meshery_login";
/// How long a login may take.
const LOGIN_TAKES: std::time::Duration = std::time::Duration::from_mins(10);

pub(super) fn routes() -> Vec<Route> {
    const PROVIDER: &[(&str, &str)] = &[("provider", "name of the provider, instead of the cookie `meshery-provider`")];
    const TOKEN: &[(&str, &str)] = &[("token", "the token of the session"), ("provider", "name of the provider")];
    vec![
        Route::get::<LoginInfo, _, _>(paths::LOGIN, "login", "Where to log in; leads browsers there", login)
            .query(PROVIDER)
            .open(),
        Route::get::<TokenFile, _, _>(
            paths::TOKEN_CALLBACK,
            "setToken",
            "Takes the token of a login and sets it as cookie; without one, the content of a token file",
            plain_callback,
        )
        .query(TOKEN)
        .open(),
        Route::post::<TokenFile, _, _>(
            paths::TOKEN_CALLBACK,
            "postToken",
            "The same, for clients that post",
            plain_callback,
        )
        .query(TOKEN)
        .open(),
        Route::get::<TokenFile, _, _>(
            paths::LOGIN_CALLBACK,
            "endLogin",
            "Takes the token of the login that was begun with this mark",
            marked_callback,
        )
        .query(TOKEN)
        .open(),
        Route::get::<LoggedOut, _, _>(paths::LOGOUT, "logout", "Ends the session, at its provider too", logout).open(),
        Route::post::<LoggedOut, _, _>(paths::LOGOUT, "postLogout", "The same, for clients that post", logout).open(),
    ]
}

/// Whether a person looks at the answer.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn found(address: &str) -> Response {
    let mut response = (StatusCode::FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

async fn login(State(state): State<Shared>, headers: HeaderMap, uri: Uri) -> Result<Response, Failure> {
    let chosen = state.providers.choose(provider_name(&headers, &uri).as_deref(), true).await?;
    let Chosen::Remote(remote, name) = chosen else {
        let info = LoginInfo { provider: provider::LOCAL.to_owned(), login_url: String::new() };
        return Ok(if is_browser(&headers) { found("/") } else { Json(info).into_response() });
    };
    let mark = id::short();
    let login_url = remote.login_url(&format!("{}/{mark}", callback(&state, &headers)));
    let mut response = if is_browser(&headers) {
        found(&login_url)
    } else {
        Json(LoginInfo { provider: name.clone(), login_url }).into_response()
    };
    set_cookie(response.headers_mut(), LOGIN_COOKIE, &mark, LOGIN_TAKES);
    set_cookie(response.headers_mut(), PROVIDER_COOKIE, &name, CHOICE_COOKIE);
    Ok(response)
}

/// Where a provider sends the browser: what the server was told, else where the browser is.
fn callback(state: &Shared, headers: &HeaderMap) -> String {
    if let Some(told) = state.providers.callback() {
        return told.trim_end_matches('/').to_owned();
    }
    // Checked by `security::origin`: it is a name of this server.
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}{}", paths::TOKEN_CALLBACK[0])
}

/// Takes a token without the mark of a login. A browser must not be made to log in as somebody else by a link, so that
/// only other clients may.
async fn plain_callback(State(state): State<Shared>, request: Request) -> Result<Response, Failure> {
    let (headers, uri) = (request.headers(), request.uri());
    let Some(token) = Query::parse(uri.query().unwrap_or_default()).get(&["token"]).map(str::to_owned) else {
        let sender = sender(&state, headers, uri).await?;
        return Ok(Json(token_file(&state, &sender)).into_response());
    };
    if is_browser(headers) || headers.contains_key(HeaderName::from_static("sec-fetch-site")) {
        return Err(foreign().into());
    }
    take(&state, headers, uri, &token).await
}

async fn marked_callback(State(state): State<Shared>, mark: Id, request: Request) -> Result<Response, Failure> {
    let (headers, uri) = (request.headers(), request.uri());
    if cookie(headers, LOGIN_COOKIE) != Some(mark.0.as_str()) {
        return Err(foreign().into());
    }
    let query = Query::parse(uri.query().unwrap_or_default());
    let token = query.get(&["token"]).map(str::to_owned);
    let token = token.ok_or_else(|| Error::new(Code::LoginFailed, "the provider sent no token"))?;
    let mut response = take(&state, headers, uri, &token).await?;
    set_cookie(response.headers_mut(), LOGIN_COOKIE, "", std::time::Duration::ZERO);
    Ok(response)
}

fn foreign() -> Error {
    Error::new(Code::LoginFailed, "this token does not belong to a login that was begun in this browser")
        .because("the login took too long, the browser keeps no cookies, or a link led here")
        .remedy(format!("Begin the login anew at {}.", paths::LOGIN[0]))
}

/// Checks a token and gives it to the client as cookie, and in the body where the client is no browser.
async fn take(state: &Shared, headers: &HeaderMap, uri: &Uri, token: &str) -> Result<Response, Failure> {
    let file = match state.providers.choose(provider_name(headers, uri).as_deref(), !is_own(state, token)).await? {
        Chosen::Remote(remote, name) => {
            let session = state.providers.session(&remote, &name, token).await?;
            TokenFile { provider: name, token: session.token.raw().to_owned() }
        }
        Chosen::Local if is_own(state, token) => {
            TokenFile { provider: provider::LOCAL.to_owned(), token: token.to_owned() }
        }
        Chosen::Local => {
            return Err(Error::new(Code::AuthRequired, "this is not the token of this server").into());
        }
    };
    let mut response = if is_browser(headers) { found("/") } else { Json(&file).into_response() };
    set_cookie(response.headers_mut(), "token", &file.token, SESSION_COOKIE);
    set_cookie(response.headers_mut(), PROVIDER_COOKIE, &file.provider, CHOICE_COOKIE);
    Ok(response)
}

/// Ends the session. That there is none, or that it does not hold any more, is as good.
async fn logout(State(state): State<Shared>, request: Request) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    let none = || LoggedOut { provider: provider::LOCAL.to_owned(), revoked: false, reason: None };
    let ended = match given(headers) {
        None => none(),
        Some(_) => match sender(&state, headers, uri).await {
            Ok(Sender::Plane) => none(),
            Ok(Sender::User(session)) => {
                let reason = state.providers.end(&session).await.err().map(|error| error.to_string());
                LoggedOut { provider: session.provider.clone(), revoked: reason.is_none(), reason }
            }
            Err(error) => {
                let provider = provider_name(headers, uri).unwrap_or_default();
                LoggedOut { provider, revoked: false, reason: Some(error.to_string()) }
            }
        },
    };
    let mut response = if is_browser(headers) { found(paths::LOGIN[0]) } else { Json(ended).into_response() };
    for name in ["token", PROVIDER_COOKIE, "session_cookie"] {
        set_cookie(response.headers_mut(), name, "", std::time::Duration::ZERO);
    }
    response
}

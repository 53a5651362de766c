//! Logging in with a browser: the form, the check, and the way back with a token.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;

use super::listener::Peer;
use super::pages::{self, Carried};
use super::{Shared, State, callback, password};
use crate::base::clock;
use crate::base::{Code, Error, Result, id};
use crate::model::account::{Account, AccountState};
use crate::store::accounts::users::{Secret, User};

/// Cookie whose value every form repeats: another site can make a browser send the form, but not read the cookie.
const PROOF: &str = "provider_login";

/// The fields of a form or of a query.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Shows the form.
pub(super) async fn form(Extract(state): Extract<Shared>, request: Request) -> Response {
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let source = query.get("source").to_owned();
    let target = match target(&state, &source) {
        Ok(target) => target,
        Err(error) => return pages::fault(&error).into_response(),
    };
    let proof = match id::secret() {
        Ok(proof) => proof,
        Err(error) => return pages::fault(&error).into_response(),
    };
    let carried = Carried { source, proof };
    let page = pages::login(&state.settings.name, &carried, "", None).leads_to(target);
    let mut response = page.into_response();
    let secure = if state.secure { "; Secure" } else { "" };
    let cookie = format!("{PROOF}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600{secure}", carried.proof);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Takes the form with name and password.
pub(super) async fn login(
    Extract(state): Extract<Shared>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = Fields::parse(&body);
    let (carried, target) = match carried(&state, &headers, &fields) {
        Ok(found) => found,
        Err(error) => return pages::fault(&error).into_response(),
    };
    let (name, given) = (fields.get("name"), fields.get("password"));
    match check(&state, peer, (name, given)).await {
        Ok(Passed::In(account)) => finish(&state, &account, target.as_ref()).await,
        Ok(Passed::WithCode(account)) => {
            let page = pages::choose(&state.settings.name, &carried, (&account.name, given), None);
            page.leads_to(target).into_response()
        }
        Err(error) => again(&error, |fault| pages::login(&state.settings.name, &carried, name, fault), target),
    }
}

/// Takes the form with a one-time code and a new password.
pub(super) async fn choose(
    Extract(state): Extract<Shared>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = Fields::parse(&body);
    let (carried, target) = match carried(&state, &headers, &fields) {
        Ok(found) => found,
        Err(error) => return pages::fault(&error).into_response(),
    };
    let (name, code) = (fields.get("name"), fields.get("code"));
    match set_password(&state, peer, (name, code), (fields.get("password"), fields.get("again"))).await {
        Ok(account) => finish(&state, &account, target.as_ref()).await,
        Err(error) => again(&error, |fault| pages::choose(&state.settings.name, &carried, (name, code), fault), target),
    }
}

/// The form once more with what was wrong, or a page that only says so for faults of ours.
fn again(error: &Error, form: impl Fn(Option<&Error>) -> pages::Page, target: Option<Url>) -> Response {
    let status = super::failure::status(error);
    if status.is_server_error() {
        tracing::warn!(%error, "a login failed");
        return pages::fault(error).into_response();
    }
    form(Some(error)).status(status).leads_to(target).into_response()
}

async fn finish(state: &State, account: &Account, target: Option<&Url>) -> Response {
    let token = match state.begin_session(account).await {
        Ok(token) => token,
        Err(error) => return pages::fault(&error).into_response(),
    };
    tracing::info!(user = %account.name, "logged in");
    let Some(target) = target else { return pages::token(&state.settings.name, &token).into_response() };
    let address = callback::with_token(target, &token);
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(address) = HeaderValue::from_str(address.as_str()) {
        headers.insert(header::LOCATION, address);
    }
    response
}

fn target(state: &State, source: &str) -> Result<Option<Url>> {
    if source.is_empty() { Ok(None) } else { state.allowed.read(source).map(Some) }
}

/// What a form brought along, when it is one of ours.
fn carried(state: &State, headers: &HeaderMap, fields: &Fields) -> Result<(Carried, Option<Url>)> {
    let foreign = || {
        Error::new(Code::LoginFailed, "this form was not sent by a page of this provider")
            .because("its proof is missing or old, or the browser keeps no cookies")
            .remedy("Open the login page again.")
    };
    let proof = fields.get("proof");
    if proof.is_empty() || cookie(headers, PROOF) != Some(proof) || is_foreign_origin(headers) {
        return Err(foreign());
    }
    let source = fields.get("source").to_owned();
    let target = target(state, &source)?;
    Ok((Carried { source, proof: proof.to_owned() }, target))
}

/// Whether the browser says that another site sent the form. Behind a proxy the Host may differ, and the proof decides.
fn is_foreign_origin(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("cross-site" | "same-site"))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Who passed the check.
enum Passed {
    In(Account),
    WithCode(Account),
}

async fn check(state: &State, Peer(peer): Peer, (name, given): (&str, &str)) -> Result<Passed> {
    let now = Instant::now();
    state.throttle.admit(name, peer.ip(), now)?;
    let user = state.accounts.users().find(name).await?.filter(|user| user.account.state != AccountState::Disabled);
    let hash = match &user {
        Some(User { secret: Secret::Password(hash), .. }) => Some(hash.clone()),
        _ => None,
    };
    let fits = password::fits(&state.hashing, given, hash).await?;
    match user {
        Some(user) if fits => {
            state.throttle.succeeded(name, peer.ip());
            Ok(Passed::In(user.account))
        }
        Some(user) if code_fits(&user.secret, given) => Ok(Passed::WithCode(user.account)),
        _ => {
            state.throttle.failed(name, peer.ip(), now);
            Err(wrong())
        }
    }
}

/// One text for all reasons, so that nobody learns which names there are.
fn wrong() -> Error {
    Error::new(Code::LoginFailed, "name, password or one-time code are wrong")
        .remedy("Try again, or ask the provider's administrator for a new one-time code.")
}

fn code_fits(secret: &Secret, given: &str) -> bool {
    matches!(secret, Secret::Code(digest, end) if *end > clock::now() && *digest == password::code_digest(given))
}

async fn set_password(
    state: &State,
    Peer(peer): Peer,
    (name, code): (&str, &str),
    (new, again): (&str, &str),
) -> Result<Account> {
    let now = Instant::now();
    state.throttle.admit(name, peer.ip(), now)?;
    let user = state.accounts.users().find(name).await?;
    let Some(user) = user.filter(|user| code_fits(&user.secret, code)) else {
        state.throttle.failed(name, peer.ip(), now);
        return Err(wrong());
    };
    if user.account.state == AccountState::Disabled {
        return Err(wrong());
    }
    if new != again {
        return Err(Error::new(Code::UsageError, "the two passwords differ"));
    }
    password::check(new, &user.account.name)?;
    let (new, broken) = (new.to_owned(), || Error::internal("the password could not be hashed"));
    let _permit = state.hashing.acquire().await.map_err(|_| broken())?;
    let hash = tokio::task::spawn_blocking(move || password::hash(&new)).await.map_err(|_| broken())??;
    state.accounts.users().set_secret(user.account.id, Secret::Password(hash)).await?;
    state.throttle.succeeded(name, peer.ip());
    Ok(user.account)
}

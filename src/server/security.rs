//! Who may ask: the token, and the Host and Origin checks that keep foreign web pages out.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Uri, header};

use super::providers::{self, Chosen};
use super::rest::extract::Query;
use super::rest::failure::Failure;
use super::{Sender, Settings, Shared};
use crate::base::{Code, Error, Result, id};

/// Cookie and header that name the provider.
pub(super) const PROVIDER_COOKIE: &str = "meshery-provider";
/// How long browsers keep a session's token.
pub(super) const SESSION_COOKIE: Duration = Duration::from_hours(24);
/// How long browsers keep the choice of a provider.
pub(super) const CHOICE_COOKIE: Duration = Duration::from_hours(24 * 30);

/// Lets a request pass that carries the server's token or that of a session at a remote provider, in the cookie `token`
/// or as a bearer. A session's new token goes back as a cookie where the provider renewed it.
pub(super) async fn token(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let sender = match sender(&state, request.headers(), request.uri()).await {
        Ok(sender) => sender,
        Err(error) => return Failure(error).into_response(),
    };
    let renewed = sender.session().filter(|session| session.renewed).cloned();
    request.extensions_mut().insert(sender);
    let mut response = next.run(request).await;
    if let Some(session) = renewed {
        set_cookie(response.headers_mut(), "token", session.token.raw(), SESSION_COOKIE);
    }
    response
}

/// Who sent a request. The session is that of the provider which the cookie, the header or the query `meshery-provider`
/// (`provider` in the query) names, or of the only one there is.
///
/// # Errors
/// [`Code::AuthRequired`] and [`Code::AuthSession`]; [`Code::ProviderUnreachable`] when nobody can tell.
pub(super) async fn sender(state: &Shared, headers: &HeaderMap, uri: &Uri) -> Result<Sender> {
    let given = given(headers);
    let is_own = given.is_some_and(|given| id::is_same_secret(given, &state.settings.token));
    // A command that has the plane in itself shows its own token, and the session of its user beside it.
    let session = if is_own { cookie(headers, "token").filter(|_| state.settings.in_process) } else { given };
    let Some(raw) = session else {
        return if is_own { Ok(Sender::Plane) } else { Err(missing(uri, "none came with the request")) };
    };
    match state.providers.choose(provider_name(headers, uri).as_deref(), true).await {
        Ok(Chosen::Remote(remote, name)) => Ok(Sender::User(state.providers.session(&remote, &name, raw).await?)),
        Ok(Chosen::Local) => Err(missing(uri, "the token is wrong or expired")),
        Err(error) if error.code() == Code::ProviderNotFound => {
            let name = provider_name(headers, uri).unwrap_or_default();
            let known = error.report().details.join("; ");
            Err(providers::broken(&name, format!("this plane has no such provider; {known}")))
        }
        Err(error) => Err(error),
    }
}

fn missing(uri: &Uri, cause: &str) -> Error {
    Error::new(Code::AuthRequired, format!("{} wants a token", uri.path())).because(cause)
}

/// The provider that a request names.
pub(super) fn provider_name(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(PROVIDER_COOKIE).and_then(|value| value.to_str().ok());
    let named = cookie(headers, PROVIDER_COOKIE).or(header).filter(|name| !name.is_empty());
    named.map(str::to_owned).or_else(|| {
        let query = Query::parse(uri.query().unwrap_or_default());
        query.get(&["provider", PROVIDER_COOKIE]).map(str::to_owned)
    })
}

/// Sets a cookie that scripts cannot read; an age of 0 removes it.
pub(super) fn set_cookie(headers: &mut HeaderMap, name: &str, value: &str, age: Duration) {
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", age.as_secs());
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Refuses requests for foreign host names and from foreign web pages.
pub(super) async fn origin(State(state): State<Shared>, request: Request, next: Next) -> Response {
    match check(&state.settings, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => Failure(error).into_response(),
    }
}

fn check(settings: &Settings, headers: &HeaderMap) -> Result<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST);
    match host {
        Some(host) if allowed(settings, host) => {}
        None if settings.in_process => {}
        _ => {
            let host = host.unwrap_or_default();
            return Err(Error::new(Code::OriginRefused, format!("this server does not answer to the host `{host}`"))
                .remedy("Use a loopback address, or start the server with --allow-host NAME."));
        }
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let own = |scheme: &str| host.is_some_and(|host| origin.as_bytes() == format!("{scheme}://{host}").as_bytes());
    if own("http") || own("https") {
        return Ok(());
    }
    let origin = String::from_utf8_lossy(origin.as_bytes());
    Err(Error::new(Code::OriginRefused, format!("requests of web pages from `{origin}` are refused")))
}

/// Whether a Host header names this server: a loopback name or address, or one it was told. An address can be
/// anything when it was told an unspecified one (`0.0.0.0`): only names can be pointed elsewhere by strangers.
fn allowed(settings: &Settings, host: &str) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let name = name.trim_start_matches('[').trim_end_matches([']', '.']);
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let told = |wanted: &str| settings.allow_hosts.iter().any(|host| host.eq_ignore_ascii_case(wanted));
    match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || told("0.0.0.0") || told("::") || told(name),
        Err(_) => told(name),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

pub(super) fn given(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| cookie(headers, "token"))
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
}

/// Whether a text is the plane's own token.
pub(super) fn is_own(state: &Shared, given: &str) -> bool {
    id::is_same_secret(given, &state.settings.token)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn settings(allow_hosts: &[&str], in_process: bool) -> Settings {
        Settings {
            home: "/nowhere".into(),
            token: "t".into(),
            kubeconfig: None,
            allow_hosts: allow_hosts.iter().map(|host| (*host).to_owned()).collect(),
            in_process,
            providers: providers::ProviderSettings::default(),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn loopback_names_and_told_hosts_are_served_and_others_are_not() {
        let told = settings(&["plane.example"], false);
        for host in
            ["localhost:9081", "127.0.0.1", "127.0.0.9:1", "[::1]:9081", "LOCALHOST", "a.localhost", "plane.example:80"]
        {
            assert!(check(&told, &headers(&[("host", host)])).is_ok(), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil.example", "[::2]:9081"] {
            let error = check(&told, &headers(&[("host", host)])).unwrap_err();
            assert_eq!(error.code(), Code::OriginRefused, "{host}");
        }
        assert!(check(&settings(&["0.0.0.0"], false), &headers(&[("host", "10.0.0.1:9081")])).is_ok());
        assert!(check(&told, &HeaderMap::new()).is_err());
        assert!(check(&settings(&[], true), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn origins_must_be_the_servers_own() {
        let told = settings(&[], false);
        let with = |origin| check(&told, &headers(&[("host", "localhost:9081"), ("origin", origin)]));
        assert!(with("http://localhost:9081").is_ok());
        for origin in ["http://localhost:8080", "https://evil.example", "null", "http://127.0.0.1:9081"] {
            assert!(with(origin).is_err(), "{origin}");
        }
    }

    #[test]
    fn tokens_come_as_bearer_or_cookie() {
        assert_eq!(given(&headers(&[("authorization", "bearer abc")])), Some("abc"));
        assert_eq!(given(&headers(&[("cookie", "meshery-provider=None; token=abc")])), Some("abc"));
        assert_eq!(given(&headers(&[("authorization", "Basic abc")])), None);
        assert!(
            id::is_same_secret("abc", "abc") && !id::is_same_secret("abc", "abd") && !id::is_same_secret("", "abc")
        );
    }
}

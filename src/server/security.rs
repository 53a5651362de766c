//! Who may ask: the token, and the Host and Origin checks that keep foreign web pages out.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::rest::failure::Failure;
use super::{Settings, Shared};
use crate::base::{Code, Error, Result};

/// Lets a request pass that carries the server's token, in the cookie `token` or as a bearer.
pub(super) async fn token(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let given = given(request.headers());
    if given.is_some_and(|given| same(given, &state.settings.token)) {
        return next.run(request).await;
    }
    let error = Error::new(Code::AuthRequired, format!("{} wants a token", request.uri().path()));
    let cause = if given.is_some() { "the token is wrong or expired" } else { "none came with the request" };
    Failure(error.because(cause)).into_response()
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

fn given(headers: &HeaderMap) -> Option<&str> {
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

/// Compares digests instead of texts, so that the time taken tells nothing of the token.
fn same(given: &str, wanted: &str) -> bool {
    let (given, wanted) = (Sha256::digest(given.as_bytes()), Sha256::digest(wanted.as_bytes()));
    given.iter().zip(wanted.iter()).fold(0, |difference, (left, right)| difference | (left ^ right)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn settings(allow_hosts: &[&str], in_process: bool) -> Settings {
        Settings {
            home: "/nowhere".into(),
            token: "t".into(),
            kubeconfig: None,
            allow_hosts: allow_hosts.iter().map(|host| (*host).to_owned()).collect(),
            in_process,
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
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("", "abc"));
    }
}

//! Calls to a remote provider: the plane's side of its protocol, and what the command line asks it directly.
//!
//! The administrator named the provider's address, so that it may be a private one; link-local addresses are refused
//! all the same, because clouds keep their secrets there. Redirects are not followed: a provider that sends a token
//! elsewhere does not get it.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use url::{Host, Url};

use crate::base::error::Report;
use crate::base::http as outbound;
use crate::base::http::guarded::objection;
use crate::base::{Code, Error, Result, text};
use crate::model::provider::Provider;
use crate::wire::provider::{Profile, paths};
use crate::wire::session_token::SessionToken;

/// Answers larger than this are refused.
const REPLY_LIMIT: usize = 4 << 20;
/// Words of the provider in an error are cut here.
const QUOTED: usize = 300;

/// A provider at an address. Cheap to share by reference; makes connections when it is asked.
#[derive(Debug)]
pub struct RemoteProvider {
    root: Url,
    ca_file: Option<PathBuf>,
    limit: Duration,
    client: Mutex<Option<(Vec<SocketAddr>, reqwest::Client)>>,
}

impl RemoteProvider {
    /// A provider; `limit` holds for each exchange. [`Code::ConfigValue`] when the address is not one of http.
    pub fn new(address: &str, ca_file: Option<&Path>, limit: Duration) -> Result<Self> {
        let wrong = |reason: String| {
            Error::new(Code::ConfigValue, format!("`{address}` is not the address of a provider"))
                .because(reason)
                .remedy("Write it like https://provider.example.org; several are separated by commas.")
        };
        let mut root = Url::parse(address.trim()).map_err(|error| wrong(error.to_string()))?;
        if !matches!(root.scheme(), "http" | "https") || !root.has_host() {
            return Err(wrong(format!("the scheme is `{}`", root.scheme())));
        }
        if !root.username().is_empty() || root.password().is_some() {
            return Err(wrong("it holds a user name or password".to_owned()));
        }
        root.set_query(None);
        root.set_fragment(None);
        let path = root.path().trim_end_matches('/').to_owned();
        root.set_path(&path);
        Ok(Self { root, ca_file: ca_file.map(Path::to_owned), limit, client: Mutex::new(None) })
    }

    /// Its address, without a slash at the end.
    pub fn address(&self) -> &str {
        self.root.as_str().trim_end_matches('/')
    }

    /// Host and port, which stand for its name while that is not known.
    pub fn host(&self) -> String {
        let host = self.root.host_str().unwrap_or_default();
        self.root.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Where a browser logs in; the provider sends it to `callback` with the token.
    pub fn login_url(&self, callback: &str) -> String {
        login_url(self.address(), callback)
    }

    /// What it is and keeps.
    pub async fn capabilities(&self) -> Result<Provider> {
        let os = std::env::consts::OS;
        let with_build = format!("/{}{}?os={os}", env!("CARGO_PKG_VERSION"), paths::CAPABILITIES);
        let body = match self.call(Method::GET, &with_build, None, None).await {
            Err(error) if error.code() == Code::ProviderReply => {
                self.call(Method::GET, paths::CAPABILITIES, None, None).await?
            }
            other => other?,
        };
        let unusable = |error: serde_json::Error| self.unusable("its capabilities").because(error);
        let mut provider: Provider = serde_json::from_slice(&body).map_err(unusable)?;
        self.address().clone_into(&mut provider.provider_url);
        Ok(provider)
    }

    /// The user of a token. [`Code::AuthSession`] when the provider does not take it.
    pub async fn user(&self, token: &SessionToken, provider: &str) -> Result<Profile> {
        let body = match self.call(Method::GET, paths::PROFILE, Some(token), None).await {
            Err(error) if error.code() == Code::ProviderReply => {
                self.call(Method::GET, paths::USER, Some(token), None).await?
            }
            other => other?,
        };
        let user = serde_json::from_slice::<Value>(&body).ok();
        user.and_then(|user| Profile::read(provider, &user)).ok_or_else(|| self.unusable("its user"))
    }

    /// A new token for an old one, where the provider gives one.
    pub async fn refresh(&self, token: &SessionToken) -> Result<SessionToken> {
        let body = self.call(Method::POST, paths::REFRESH, None, Some(&json!({"token": token.raw()}))).await?;
        let reply: Value = serde_json::from_slice(&body).map_err(|_| self.unusable("its new token"))?;
        let raw = reply.get("token").and_then(Value::as_str).unwrap_or_default();
        SessionToken::parse(raw).map_err(|reason| self.unusable("its new token").because(reason))
    }

    /// Ends the session of a token.
    pub async fn revoke(&self, token: &SessionToken) -> Result<()> {
        self.call(Method::POST, paths::REVOKE, None, Some(&json!({"token": token.raw()}))).await.map(drop)
    }

    /// Replaces the user's preferences.
    pub async fn put(&self, token: &SessionToken, endpoint: &str, body: &Value) -> Result<()> {
        self.call(Method::PUT, endpoint, Some(token), Some(body)).await.map(drop)
    }

    /// Keeps an object; returns the id it has there, where the provider tells.
    pub async fn save(&self, token: &SessionToken, endpoint: &str, body: &Value) -> Result<Option<String>> {
        let reply = self.call(Method::POST, endpoint, Some(token), Some(body)).await?;
        let reply: Value = serde_json::from_slice(&reply).unwrap_or_default();
        let object = reply.as_array().and_then(|list| list.first()).unwrap_or(&reply);
        Ok(object.get("id").and_then(Value::as_str).map(str::to_owned))
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete(&self, token: &SessionToken, endpoint: &str, id: &str) -> Result<()> {
        let path = format!("{}/{}", endpoint.trim_end_matches('/'), super::call::segment(id));
        let (status, body) = self.exchange(Method::DELETE, &path, Some(token), None).await?;
        if status == StatusCode::NOT_FOUND || status.is_success() {
            return Ok(());
        }
        Err(self.refused(status, &body))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&SessionToken>,
        body: Option<&Value>,
    ) -> Result<Bytes> {
        let (status, reply) = self.exchange(method, path, token, body).await?;
        if status.is_success() { Ok(reply) } else { Err(self.refused(status, &reply)) }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&SessionToken>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes)> {
        let work = async {
            let url = format!("{}{}", self.address(), path);
            let mut request = self.client().await?.request(method, url).header(header::ACCEPT, "application/json");
            if let Some(token) = token {
                request = request.bearer_auth(token.access());
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(|error| self.unreachable(text::chain(&error.without_url())))?;
            let status = response.status();
            Ok((status, self.body(response).await?))
        };
        let slow = || self.unreachable(format!("it did not answer within {} ms", self.limit.as_millis()));
        tokio::time::timeout(self.limit, work).await.map_err(|_| slow())?
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Bytes> {
        let mut all = Vec::new();
        let broken = |error: reqwest::Error| self.unreachable(text::chain(&error.without_url()));
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            all.extend_from_slice(&chunk);
            if all.len() > REPLY_LIMIT {
                return Err(self.unusable("its answer").because("it is larger than 4 MiB"));
            }
        }
        Ok(all.into())
    }

    /// A client for the addresses that the host has now; kept as long as they stay the same.
    async fn client(&self) -> Result<reqwest::Client> {
        let addresses = self.resolve().await?;
        if let Some(reason) = addresses.iter().find_map(|address| objection(address.ip(), true)) {
            return Err(Error::new(Code::UrlRefused, format!("the provider at {} is not asked", self.address()))
                .because(reason)
                .remedy("Name the provider by an address of its own."));
        }
        let mut kept = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((known, client)) = kept.as_ref()
            && *known == addresses
        {
            return Ok(client.clone());
        }
        let client = outbound::client(&outbound::Options {
            connect_timeout: self.limit,
            timeout: Some(self.limit),
            ca_file: self.ca_file.as_deref(),
            loopback: addresses.iter().all(|address| address.ip().is_loopback()),
            resolve: Some((self.root.host_str().unwrap_or_default(), &addresses)),
        })?;
        *kept = Some((addresses, client.clone()));
        Ok(client)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>> {
        let port = self.root.port_or_known_default().unwrap_or(443);
        let literal = |ip: IpAddr| vec![SocketAddr::new(ip, port)];
        match self.root.host() {
            Some(Host::Ipv4(ip)) => Ok(literal(ip.into())),
            Some(Host::Ipv6(ip)) => Ok(literal(ip.into())),
            Some(Host::Domain(name)) => {
                let found = tokio::net::lookup_host((name, port)).await.map_err(|error| self.unreachable(error))?;
                let mut addresses: Vec<SocketAddr> = found.collect();
                addresses.sort_unstable();
                Ok(addresses)
            }
            None => Err(self.unreachable("its address names no host")),
        }
    }

    fn unreachable(&self, cause: impl std::fmt::Display) -> Error {
        Error::new(Code::ProviderUnreachable, format!("the provider at {} does not answer", self.address()))
            .because(cause)
    }

    fn unusable(&self, what: &str) -> Error {
        Error::new(
            Code::ProviderReply,
            format!("the provider at {} answered, but {what} cannot be used", self.address()),
        )
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Error {
        let said = words(body);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let error =
                    Error::new(Code::AuthSession, format!("the provider at {} refused the token", self.address()));
                if said.is_empty() { error.because("it has expired or was revoked") } else { error.because(said) }
            }
            status if status.is_server_error() => self.unreachable(format!("it answered {status} {said}").trim_end()),
            status => {
                let mut what = format!("the provider at {} answered {status}", self.address());
                if status.is_redirection() {
                    what.push_str(", a redirect, which is not followed");
                }
                let error = Error::new(Code::ProviderReply, what);
                if said.is_empty() { error } else { error.because(said) }
            }
        }
    }
}

/// Where a browser logs in at a provider; the callback travels in unpadded base64url.
pub fn login_url(address: &str, callback: &str) -> String {
    let mut url = address.trim_end_matches('/').to_owned();
    let source = URL_SAFE_NO_PAD.encode(callback);
    let _ = write!(url, "{}?source={source}&provider_version=v{}", paths::LOGIN, env!("CARGO_PKG_VERSION"));
    url
}

/// What an error body says, in any of its forms.
fn words(body: &[u8]) -> String {
    if let Ok(report) = serde_json::from_slice::<Report>(body) {
        return report.probable_cause.unwrap_or(report.message);
    }
    let json = serde_json::from_slice::<Value>(body).ok();
    let said = json.and_then(|json| json.get("error").or(json.get("message"))?.as_str().map(str::to_owned));
    let said = said.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    if said.starts_with('<') { String::new() } else { said.chars().take(QUOTED).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn answering(reply: String) -> (RemoteProvider, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 8192];
            let length = socket.read(&mut buffer).await.unwrap();
            socket.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        });
        (RemoteProvider::new(&address, None, Duration::from_secs(5)).unwrap(), task)
    }

    fn reply(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn token() -> SessionToken {
        SessionToken::parse("secret-token").unwrap()
    }

    #[test]
    fn addresses_are_checked_and_trimmed() {
        let of = |address: &str| RemoteProvider::new(address, None, Duration::from_secs(1));
        assert_eq!(of(" https://p.example/base/?x=1#y ").unwrap().address(), "https://p.example/base");
        assert_eq!(of("http://127.0.0.1:80/").unwrap().address(), "http://127.0.0.1");
        assert_eq!(of("https://p.example:8443").unwrap().host(), "p.example:8443");
        for wrong in ["p.example", "ftp://p", "", "http://u:p@h/"] {
            assert_eq!(of(wrong).unwrap_err().code(), Code::ConfigValue, "{wrong}");
        }
    }

    #[test]
    fn the_callback_travels_in_base64url_without_padding() {
        let url = login_url("https://p.example/", "http://localhost:4711/abc?>");
        assert!(
            url.starts_with("https://p.example/login?source=aHR0cDovL2xvY2FsaG9zdDo0NzExL2FiYz8-&provider_version=v"),
            "{url}"
        );
    }

    #[tokio::test]
    async fn the_access_part_goes_as_bearer_and_the_user_comes_back() {
        let raw = SessionToken::write("inner", "refresh", crate::base::clock::Timestamp::MAX);
        let (provider, request) = answering(reply("200 OK", r#"{"id":"u1","firstName":"Ada"}"#)).await;
        let user = provider.user(&SessionToken::parse(&raw).unwrap(), "P").await.unwrap();
        assert_eq!((user.user_id.as_str(), user.first_name.as_str()), ("u1", "Ada"));
        assert!(request.await.unwrap().contains("authorization: Bearer inner\r\n"));
    }

    #[tokio::test]
    async fn refusals_failures_and_silence_are_told_apart() {
        for (answer, code) in [
            (reply("401 Unauthorized", r#"{"error":"token expired"}"#), Code::AuthSession),
            (reply("403 Forbidden", ""), Code::AuthSession),
            (reply("502 Bad Gateway", "<html>"), Code::ProviderUnreachable),
            (reply("302 Found", ""), Code::ProviderReply),
            (reply("200 OK", "<html>"), Code::ProviderReply),
            (String::new(), Code::ProviderUnreachable),
        ] {
            let (provider, _request) = answering(answer.clone()).await;
            let error = provider.refresh(&token()).await.unwrap_err();
            assert_eq!(error.code(), code, "{answer}");
            assert!(!format!("{:?}", error.report()).contains("secret-token"), "{error}");
        }
        let nobody = RemoteProvider::new("http://127.0.0.1:1", None, Duration::from_secs(5)).unwrap();
        assert_eq!(nobody.capabilities().await.unwrap_err().code(), Code::ProviderUnreachable);
    }

    #[tokio::test]
    async fn link_local_addresses_are_never_asked() {
        let provider = RemoteProvider::new("http://169.254.169.254", None, Duration::from_secs(5)).unwrap();
        assert_eq!(provider.capabilities().await.unwrap_err().code(), Code::UrlRefused);
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let provider = RemoteProvider::new(&address, None, Duration::from_millis(100)).unwrap();
        let error = provider.capabilities().await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderUnreachable);
    }
}

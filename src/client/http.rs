//! The transport over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderValue, Request, Response, header};
use url::Url;

use super::refused::Refused;
use super::{Body, Transport, call, credentials};
use crate::base::http as outbound;
use crate::base::{Code, Error, Kind, Result};
use crate::wire::rest::TokenFile;

/// A stream that is silent for longer than this is taken for broken; servers send a comment each 15 s.
const STREAM_SILENCE: Duration = Duration::from_secs(45);

/// Where a server is and how to speak to it.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The server's root address.
    pub endpoint: String,
    /// Name of the context, for messages.
    pub context: String,
    /// Token and provider, where known.
    pub token: Option<TokenFile>,
    /// The file the token came from, for messages and for a new token.
    pub token_file: Option<PathBuf>,
    /// What else the token came from, such as `MESHERY_TOKEN`, for messages.
    pub token_origin: Option<String>,
    /// Whether the user named that file by flag or variable.
    pub token_chosen: bool,
    /// Limit for one exchange; streams are exempt.
    pub timeout: Duration,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
}

/// The transport over HTTP: adds the token as old clients do, in the cookies `token` and `meshery-provider`.
pub struct HttpTransport {
    settings: HttpSettings,
    root: Url,
    client: reqwest::Client,
    cookie: Option<HeaderValue>,
}

impl HttpTransport {
    /// A transport to `settings.endpoint`; nothing is sent yet.
    pub fn new(settings: HttpSettings) -> Result<Self> {
        let root = parse_endpoint(&settings)?;
        let client = outbound::client(&outbound::Options {
            connect_timeout: settings.timeout.min(Duration::from_secs(5)),
            timeout: None,
            ca_file: settings.ca_file.as_deref(),
            loopback: is_loopback(&root),
            resolve: None,
        })?;
        let cookie = settings.token.as_ref().map(cookie).transpose()?;
        Ok(Self { settings, root, client, cookie })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Body>> {
        let streams = request.headers().get(header::ACCEPT).is_some_and(|accept| accept == "text/event-stream");
        let sent = tokio::time::timeout(self.settings.timeout, self.dispatch(request));
        let response = sent.await.map_err(|_| self.too_slow())??;
        let status = response.status();
        let headers = response.headers().clone();
        self.renewed(&headers);
        let body = if streams { self.stream(response) } else { self.whole(response).await? };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    async fn dispatch(&self, request: Request<Bytes>) -> Result<reqwest::Response> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let url = format!("{}{path}", self.root.as_str().trim_end_matches('/'));
        let mut outgoing = self.client.request(parts.method, url).headers(parts.headers).body(body);
        if let Some(cookie) = &self.cookie {
            outgoing = outgoing.header(header::COOKIE, cookie.clone());
        }
        outgoing.send().await.map_err(|error| self.failed(&error))
    }

    async fn whole(&self, response: reqwest::Response) -> Result<Body> {
        let stream: Body = response.bytes_stream().map_err(|error| broken(&error)).boxed();
        let bytes =
            tokio::time::timeout(self.settings.timeout, call::collect(stream)).await.map_err(|_| self.too_slow())??;
        Ok(futures_util::stream::once(async move { Ok(bytes) }).boxed())
    }

    fn stream(&self, response: reqwest::Response) -> Body {
        let endpoint = self.settings.endpoint.clone();
        let chunks = response.bytes_stream().map_err(|error| broken(&error)).boxed();
        futures_util::stream::unfold((chunks, endpoint), |(mut chunks, endpoint)| async move {
            let next = tokio::time::timeout(STREAM_SILENCE, chunks.next()).await;
            let item = next.unwrap_or_else(|_| {
                let silence = format!("{endpoint} sent nothing for {} s", STREAM_SILENCE.as_secs());
                Some(Err(Error::new(Code::ServerUnreachable, silence)))
            })?;
            Some((item, (chunks, endpoint)))
        })
        .boxed()
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        let HttpSettings { endpoint, context, .. } = &self.settings;
        if error.is_timeout() {
            return self.too_slow();
        }
        let reason = root_cause(error);
        let failed =
            Error::new(Code::ServerUnreachable, format!("no server answers at {endpoint} (context `{context}`)"))
                .because(&reason);
        if reason.contains("certificate") || reason.contains("UnknownIssuer") {
            return failed.remedy("Name the server's certificate authority with --ca-file.");
        }
        failed.remedy("Start the plane with `mesheryctl system start`, or choose another context with --context.")
    }

    fn too_slow(&self) -> Error {
        let HttpSettings { endpoint, context, timeout, .. } = &self.settings;
        Error::new(
            Code::ServerUnreachable,
            format!("{endpoint} (context `{context}`) did not answer within {}", seconds(*timeout)),
        )
        .kind_of(Kind::Unreachable)
        .remedy("Raise the limit with --timeout, or check the endpoint with `mesheryctl system context view`.")
    }

    /// Keeps the new token of a session whose provider renewed it, so that the next command begins with it.
    fn renewed(&self, headers: &http::HeaderMap) {
        let (Some(old), Some(path)) = (&self.settings.token, &self.settings.token_file) else { return };
        if !credentials::is_session(old) {
            return;
        }
        let mut cookies = headers.get_all(header::SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let token = cookies.find_map(|cookie| cookie.split(';').next()?.trim().strip_prefix("token="));
        if let Some(token) = token.filter(|token| !token.is_empty() && *token != old.token)
            && let Err(error) = credentials::renew(path, old, token)
        {
            tracing::warn!(%error, "the renewed token of the session was not kept");
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>>> {
        Box::pin(self.exchange(request))
    }

    fn name(&self) -> &str {
        &self.settings.endpoint
    }

    fn refused(&self, error: Error) -> Error {
        let HttpSettings { endpoint, context, token, token_file, token_origin, token_chosen, .. } =
            self.settings.clone();
        Refused { endpoint, context, token, token_file, token_origin, token_chosen }.error(&error)
    }
}

fn parse_endpoint(settings: &HttpSettings) -> Result<Url> {
    let wrong = |reason: String| {
        Error::new(
            Code::ConfigValue,
            format!("the endpoint `{}` of context `{}` is not an http address", settings.endpoint, settings.context),
        )
        .because(reason)
        .remedy("Write it like http://localhost:9081.")
    };
    let url = Url::parse(&settings.endpoint).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(wrong(format!("the scheme is `{scheme}`"))),
    }
}

/// Whether an address means this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The header that carries a token as old clients send it.
pub fn cookie(token: &TokenFile) -> Result<HeaderValue> {
    let text = format!("token={}; meshery-provider={}", token.token, token.provider);
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(Code::TokenFile, "the token holds characters that cannot be sent")
            .remedy("Write the token file anew; a token is one line of printable ASCII.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

fn broken(error: &reqwest::Error) -> Error {
    Error::new(Code::ServerUnreachable, "the connection broke in the middle of the reply").because(root_cause(error))
}

/// The innermost cause: reqwest's own text repeats the address and hides the reason.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn settings(endpoint: String) -> HttpSettings {
        HttpSettings {
            endpoint,
            context: "local".into(),
            token: Some(TokenFile { provider: "None".into(), token: "secret".into() }),
            token_file: Some("/home/u/.meshery/auth.json".into()),
            token_origin: None,
            token_chosen: false,
            timeout: Duration::from_millis(300),
            ca_file: None,
        }
    }

    async fn serve_once(reply: &'static str) -> (Client, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let length = socket.read(&mut buffer).await.unwrap();
            socket.write_all(reply.as_bytes()).await.unwrap();
            if reply.is_empty() {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        });
        (Client::new(Arc::new(HttpTransport::new(settings(endpoint)).unwrap())), task)
    }

    #[tokio::test]
    async fn a_refused_connection_names_endpoint_context_and_the_start_command() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let client = Client::new(Arc::new(HttpTransport::new(settings(endpoint.clone())).unwrap()));
        let report = client.version().await.unwrap_err().report();
        assert_eq!(report.code, "server-unreachable");
        assert!(report.message.contains(&endpoint) && report.message.contains("`local`"), "{report:?}");
        assert!(report.suggested_remediation.unwrap().contains("mesheryctl system start"));
        assert!(report.probable_cause.unwrap().contains("refused"));
    }

    #[tokio::test]
    async fn a_silent_server_is_unreachable_and_the_flag_is_named() {
        let (client, _server) = serve_once("").await;
        let error = client.version().await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (Code::ServerUnreachable, Kind::Unreachable));
        assert!(error.message().contains("300 ms"), "{error}");
        assert!(error.report().suggested_remediation.unwrap().contains("--timeout"));
    }

    #[tokio::test]
    async fn credentials_go_as_cookies_and_a_refusal_names_the_file() {
        let (client, server) = serve_once("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await;
        let error = client.version().await.unwrap_err();
        assert_eq!(error.code(), Code::AuthRequired);
        assert!(error.report().probable_cause.unwrap().contains("auth.json"));
        let request = server.await.unwrap();
        assert!(request.contains("cookie: token=secret; meshery-provider=None"), "{request}");
    }

    #[test]
    fn an_endpoint_must_be_an_http_address() {
        for wrong in ["localhost:9081", "ftp://h", "", "http://"] {
            assert_eq!(HttpTransport::new(settings(wrong.into())).err().unwrap().code(), Code::ConfigValue, "{wrong}");
        }
    }
}

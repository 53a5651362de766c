//! Which way leads to the plane of a context.
//!
//! On platform `local` with a loopback endpoint: to the running server of this home wherever it listens; else to what
//! answers at the endpoint; else, when nobody does, the work is done in this process on the same data. A server of another
//! home at the default endpoint is a neighbour's and is left alone, unless it takes this home's token. An endpoint that
//! the user named for this command is taken by its word. A plane in a Kubernetes cluster that is not exposed is reached
//! by a port-forward of this process. Every other plane is reached over HTTP.
//!
//! The token is that of the context's token file. A session of a remote provider in it is shown to planes that have that
//! provider; the home's own plane gets its own token otherwise, because a session of elsewhere is nothing to it.

mod cluster;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use url::Url;

use crate::base::{Code, Error, Result};
use crate::client::http::{HttpSettings, HttpTransport, is_loopback};
use crate::client::probe::{Probe, probe};
use crate::client::process::{self, Role, holder};
use crate::client::refused::Refused;
use crate::client::{Client, IN_PROCESS, credentials};
use crate::ctl::{ConnectRequest, TokenSource};
use crate::model::context::{DEFAULT_PORT, Platform};
use crate::model::provider::{self, Provider, Status};
use crate::server::in_process;
use crate::server::providers::ProviderSettings;
use crate::wire::rest::{HealthReport, Phase, TokenFile};

/// Limit of one exchange when the user sets none.
const EXCHANGE: Duration = Duration::from_secs(30);
/// Limit for a look at a port of this machine.
const LOOK: Duration = Duration::from_secs(2);
/// How long a server that is just starting is waited for.
const STARTING: Duration = Duration::from_secs(10);

/// Makes the way to a plane.
pub(super) async fn connect(request: ConnectRequest) -> Result<Client> {
    // The kubeconfig of this shell leads to a plane in a cluster; it means nothing inside it.
    if request.context.platform == Platform::Kubernetes && !request.endpoint_chosen {
        return cluster::client(&request).await;
    }
    let kubeconfig = request.kubeconfig.clone();
    Ok(way(request).await?.with_kubeconfig(kubeconfig))
}

async fn way(request: ConnectRequest) -> Result<Client> {
    let Some(url) = local(&request) else {
        let endpoint = request.context.endpoint.clone();
        return over_http(&request, endpoint, None);
    };
    if !request.endpoint_chosen
        && let Some(home) = &request.home
        && let Some(running) = process::find(Role::Server, home)?
    {
        ready(running.reachable()).await;
        let own = over_http(&request, running.endpoint(), Some(home))?;
        return match session(&request)? {
            Some(file) if has_provider(&own, &file.provider).await => over_http(&request, running.endpoint(), None),
            _ => Ok(own),
        };
    }
    let neighbour = match look(&url).await {
        Look::Ours(address, report) => {
            ready(address).await;
            is_neighbour(&request, &url, &report)
        }
        Look::Nobody if request.endpoint_chosen => return Err(nobody(&request)),
        Look::Nobody => return here(&request).await,
        // A port that nobody chose and others use is no reason not to work.
        Look::Other(_) if is_unchosen(&request, &url) => return here(&request).await,
        Look::Other(address) => return Err(not_ours(&request, address)),
    };
    let client = over_http(&request, request.context.endpoint.clone(), None)?;
    if neighbour && client.token().await.is_err() {
        return here(&request).await;
    }
    Ok(client)
}

/// Does the work in this process.
async fn here(request: &ConnectRequest) -> Result<Client> {
    let home = request.home.clone().ok_or_else(|| nobody(request))?;
    let providers = ProviderSettings { ca_file: request.ca_file.clone(), ..ProviderSettings::from_env() };
    let (home, kubeconfig) = (home, request.kubeconfig.clone());
    let Some(file) = session(request)? else {
        return in_process::client_for(home, kubeconfig, providers, None).await;
    };
    let own = in_process::client_for(home.clone(), kubeconfig.clone(), providers.clone(), None).await?;
    if !has_provider(&own, &file.provider).await {
        return Ok(own);
    }
    let refused = Refused {
        endpoint: IN_PROCESS.to_owned(),
        context: request.context.name.clone(),
        token_file: request.token.path().cloned(),
        token_origin: request.token.origin(),
        token_chosen: request.token.is_chosen(),
        token: Some(file.clone()),
    };
    in_process::client_for(home, kubeconfig, providers, Some((file, refused))).await
}

/// The session of a remote provider that a command is to use, where there is one.
fn session(request: &ConnectRequest) -> Result<Option<TokenFile>> {
    let file = match &request.token {
        TokenSource::Given { file, .. } => Some(file.clone()),
        TokenSource::Value(token) => Some(value(token, &request.context.provider)),
        TokenSource::File { path, .. } => credentials::read(path)?,
        TokenSource::None => None,
    };
    Ok(file.filter(credentials::is_session))
}

/// Whether a plane offers a provider, or cannot tell yet because one of its providers never answered.
async fn has_provider(client: &Client, name: &str) -> bool {
    let Ok(known) = client.providers().await else { return false };
    let is = |provider: &Provider| {
        provider.provider_name.eq_ignore_ascii_case(name) || provider.status == Some(Status::Unknown)
    };
    known.values().any(is)
}

/// Whether a server serves another home, on the port that nobody chose.
fn is_neighbour(request: &ConnectRequest, url: &Url, report: &HealthReport) -> bool {
    is_unchosen(request, url) && report.home != request.home.as_deref().map(process::home_id)
}

fn is_unchosen(request: &ConnectRequest, url: &Url) -> bool {
    url.port_or_known_default() == Some(DEFAULT_PORT) && !request.endpoint_chosen
}

/// The endpoint, when the plane is one of this machine.
fn local(request: &ConnectRequest) -> Option<Url> {
    let url = Url::parse(&request.context.endpoint).ok()?;
    (request.context.platform == Platform::Local && url.scheme() == "http" && is_loopback(&url)).then_some(url)
}

enum Look {
    Ours(SocketAddr, HealthReport),
    Other(SocketAddr),
    Nobody,
}

/// Who answers at a loopback endpoint; a name may stand for several addresses.
async fn look(url: &Url) -> Look {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or("localhost").trim_matches(['[', ']']).to_owned();
    let Ok(addresses) = tokio::net::lookup_host((host.as_str(), port)).await else { return Look::Nobody };
    let mut found = Look::Nobody;
    for address in addresses {
        match probe(address, LOOK).await {
            Probe::Ours(report) => return Look::Ours(address, report),
            Probe::Other => found = Look::Other(address),
            Probe::Nobody => {}
        }
    }
    found
}

/// Waits for a server that is just starting; whatever else it is, the request itself will tell.
async fn ready(address: SocketAddr) {
    let deadline = Instant::now() + STARTING;
    while let Probe::Ours(report) = probe(address, LOOK).await {
        if report.phase != Phase::Starting || Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn over_http(request: &ConnectRequest, endpoint: String, home: Option<&Path>) -> Result<Client> {
    Ok(Client::new(Arc::new(transport(request, endpoint, home)?)))
}

fn transport(request: &ConnectRequest, endpoint: String, home: Option<&Path>) -> Result<HttpTransport> {
    let (token, token_file) = token(&request.token, &request.context.provider, home)?;
    HttpTransport::new(HttpSettings {
        endpoint,
        context: request.context.name.clone(),
        token,
        token_file,
        token_origin: request.token.origin(),
        token_chosen: request.token.is_chosen(),
        timeout: request.timeout.unwrap_or(EXCHANGE),
        ca_file: request.ca_file.clone(),
    })
}

/// The token and the file it came from. `home` is set when the server is the running one of that home, whose own token
/// is then used unless the user named another.
fn token(source: &TokenSource, provider: &str, home: Option<&Path>) -> Result<(Option<TokenFile>, Option<PathBuf>)> {
    match (source, home) {
        (TokenSource::Given { file, .. }, _) => Ok((Some(file.clone()), None)),
        (TokenSource::Value(token), _) => Ok((Some(value(token, provider)), None)),
        (TokenSource::File { path, chosen: true }, _) => match credentials::read(path)? {
            Some(token) => Ok((Some(token), Some(path.clone()))),
            None => Err(Error::new(Code::TokenFile, format!("the token file {} is missing or empty", path.display()))),
        },
        (_, Some(home)) => Ok((credentials::find(home)?, Some(credentials::file(home)?))),
        (TokenSource::File { path, .. }, None) => Ok((credentials::read(path)?, Some(path.clone()))),
        (TokenSource::None, None) => Ok((None, None)),
    }
}

/// The token of a variable: the content of a token file, or a token of the context's provider.
fn value(text: &str, provider: &str) -> TokenFile {
    serde_json::from_str(text).unwrap_or_else(|_| TokenFile {
        provider: if provider.is_empty() { provider::LOCAL.to_owned() } else { provider.to_owned() },
        token: text.trim().to_owned(),
    })
}

fn nobody(request: &ConnectRequest) -> Error {
    let context = &request.context;
    Error::new(
        Code::ServerUnreachable,
        format!("no server answers at {} (context `{}`)", context.endpoint, context.name),
    )
    .because("the connection is refused")
    .remedy("Start it with `mesheryctl system start`, or choose another context with --context.")
}

fn not_ours(request: &ConnectRequest, address: SocketAddr) -> Error {
    let error = Error::new(
        Code::ServerNotMeshery,
        format!("something else answers at {} (context `{}`)", request.context.endpoint, request.context.name),
    );
    match holder::of_port(address.port()) {
        Some(holder) => error.because(format!("{holder} listens on port {}", address.port())),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::Context;

    #[test]
    fn the_users_own_choice_of_token_goes_first_and_must_exist() {
        let home = tempfile::tempdir().unwrap();
        let made = credentials::ensure(home.path()).unwrap();
        let other = home.path().join("other.json");
        let file = |chosen| TokenSource::File { path: other.clone(), chosen };
        assert_eq!(token(&file(false), "", Some(home.path())).unwrap().0, Some(made));
        assert_eq!(token(&file(true), "", Some(home.path())).unwrap_err().code(), Code::TokenFile);
        assert_eq!(token(&file(false), "", None).unwrap(), (None, Some(other)));
        let value = token(&TokenSource::Value("v".into()), "", Some(home.path())).unwrap().0.unwrap();
        assert_eq!((value.token.as_str(), value.provider.as_str()), ("v", "None"));
    }

    #[test]
    fn a_variable_holds_a_token_or_a_whole_token_file() {
        let of = |text, provider| {
            let file = value(text, provider);
            (file.provider, file.token)
        };
        let pair = |provider: &str, token: &str| (provider.to_owned(), token.to_owned());
        assert_eq!(of(r#"{"meshery-provider":"Team","token":"abc"}"#, ""), pair("Team", "abc"));
        assert_eq!(of(" abc\n", "Team"), pair("Team", "abc"));
        assert_eq!(of("abc", ""), pair("None", "abc"));
    }

    #[test]
    fn a_neighbour_is_another_home_at_the_port_that_nobody_chose() {
        let home = tempfile::tempdir().unwrap();
        let mut request = ConnectRequest {
            context: Context {
                name: "local".into(),
                endpoint: "http://localhost:9081".into(),
                token: "default".into(),
                platform: Platform::Local,
                components: vec![],
                channel: "stable".into(),
                version: "latest".into(),
                provider: String::new(),
            },
            endpoint_chosen: false,
            token: TokenSource::None,
            home: Some(home.path().to_owned()),
            kubeconfig: None,
            ca_file: None,
            timeout: None,
        };
        let report = |home: Option<&Path>| HealthReport {
            program: "mesheryctl".into(),
            phase: Phase::Ready,
            pid: 1,
            version: "1".into(),
            home: home.map(process::home_id),
        };
        let (default, other) = ("http://127.0.0.1:9081".parse().unwrap(), "http://localhost:9082".parse().unwrap());
        let elsewhere = report(Some(Path::new("/home/neighbour/.meshery")));
        assert!(is_neighbour(&request, &default, &elsewhere));
        assert!(!is_neighbour(&request, &other, &elsewhere), "this port was configured on purpose");
        assert!(!is_neighbour(&request, &default, &report(Some(home.path()))));
        assert!(is_neighbour(&request, &default, &report(None)), "one that does not say is asked for its token");
        request.endpoint_chosen = true;
        assert!(!is_neighbour(&request, &default, &elsewhere), "the user named it for this command");
    }
}

//! A connection that is known to work, in a version of the API that both sides speak.

use std::io;
use std::time::Duration;

use bollard::{BollardRequest, ClientVersion, Docker};
use http::uri::{Parts, PathAndQuery};
use http::{HeaderValue, Uri};

use super::address::{Address, Certificates, Way};
use super::fault;
use crate::base::error::{Code, Error, Result};
use crate::base::tls;

/// The oldest version of the API that will do: that of engine 20.10, the first that knows `host-gateway`.
pub const OLDEST: ApiVersion = ApiVersion(1, 41);
/// The newest version of the API that this program speaks.
pub const NEWEST: ApiVersion = ApiVersion(1, 53);

/// Limit for making a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Limit for the first answer.
const FIRST_LIMIT: Duration = Duration::from_secs(10);
/// Limit until an answer begins, in seconds.
const ANSWER_LIMIT: u64 = 120;
/// Limit until an answer to a load or a pull begins.
pub(super) const LONG_LIMIT: Duration = Duration::from_hours(1);

/// A version of the engine's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub usize, pub usize);

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// An engine that answered.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) client: Docker,
    address: Address,
    version: String,
    api: ApiVersion,
}

impl Engine {
    /// Connects to the engine that this shell means.
    ///
    /// # Errors
    /// Those of [`Address::find`] and [`Engine::connect_to`].
    pub async fn connect() -> Result<Self> {
        Self::connect_to(Address::find()?).await
    }

    /// Connects to an engine and settles the version of the API.
    ///
    /// # Errors
    /// [`Code::DockerUnreachable`] when nobody answers, [`Code::DockerPermission`] when this user may not use the
    /// socket, [`Code::DockerVersion`] when there is no version that both sides speak.
    pub async fn connect_to(address: Address) -> Result<Self> {
        reach(&address).await?;
        let client = client(&address)?;
        let answer = match tokio::time::timeout(FIRST_LIMIT, client.version()).await {
            Ok(answer) => answer.map_err(|error| fault::no_engine(&address, &error))?,
            Err(_) => return Err(unreachable(&address, "what listens there does not answer in 10 s", NO_ENGINE)),
        };
        let version = answer.version.unwrap_or_default();
        let theirs = answer.api_version.as_deref().and_then(ApiVersion::parse);
        let Some(theirs) = theirs else {
            return Err(unreachable(&address, "what answers there is no Docker engine", NO_ENGINE));
        };
        let oldest = answer.min_api_version.as_deref().and_then(ApiVersion::parse);
        let api = settle(&address, &version, theirs, oldest)?;
        let client = client.with_request_modifier(move |request| in_version(request, api));
        Ok(Self { client, address, version, api })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Version of the engine, such as `20.10.24`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Version of the API that is spoken.
    pub fn api(&self) -> ApiVersion {
        self.api
    }
}

/// The next step when something else answers.
const NO_ENGINE: &str = "Check DOCKER_HOST and `docker context ls`.";

/// The newest version that both sides speak.
fn settle(address: &Address, engine: &str, theirs: ApiVersion, oldest: Option<ApiVersion>) -> Result<ApiVersion> {
    let refused = |text: String| Error::new(Code::DockerVersion, text).because(format!("the engine is at {address}"));
    if theirs < OLDEST {
        return Err(refused(format!(
            "Docker engine {engine} speaks API {theirs} at most, and at least {OLDEST} is needed (engine 20.10)"
        ))
        .remedy("Update the Docker engine to 20.10 or newer."));
    }
    match oldest {
        Some(oldest) if oldest > NEWEST => Err(refused(format!(
            "Docker engine {engine} speaks API {oldest} at least, and this program speaks {NEWEST} at most"
        ))
        .remedy("Update mesheryctl with `mesheryctl self update`.")),
        _ => Ok(theirs.min(NEWEST)),
    }
}

/// Makes a connection once, because its failure tells more than that of a request does.
async fn reach(address: &Address) -> Result<()> {
    let connecting = async {
        match &address.way {
            #[cfg(unix)]
            Way::Unix(path) => tokio::net::UnixStream::connect(path).await.map(drop),
            #[cfg(not(unix))]
            Way::Unix(_) => Ok(()),
            Way::Pipe(_) => Ok(()),
            Way::Tcp(host, port) | Way::Tls(host, port, _) => {
                let host = host.trim_matches(['[', ']']);
                tokio::net::TcpStream::connect((host, *port)).await.map(drop)
            }
        }
    };
    let outcome = tokio::time::timeout(CONNECT_LIMIT, connecting).await;
    let outcome = outcome.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer in 5 s")));
    outcome.map_err(|error| refused(address, &error))
}

fn refused(address: &Address, error: &io::Error) -> Error {
    let start =
        "Start the engine (`sudo systemctl start docker`, or Docker Desktop), or say where it is with DOCKER_HOST.";
    match (error.kind(), &address.way) {
        (io::ErrorKind::PermissionDenied, Way::Unix(path)) => {
            Error::new(Code::DockerPermission, format!("this user may not use the Docker engine at {address}"))
                .because(format!("{}: {error}", path.display()))
                .remedy("Join the group that owns the socket: `sudo usermod -aG docker $USER`, then log in again.")
        }
        (io::ErrorKind::NotFound, Way::Unix(path)) => {
            unreachable(address, &format!("there is no socket {}", path.display()), start)
        }
        (io::ErrorKind::ConnectionRefused, Way::Unix(_)) => {
            unreachable(address, "nobody listens on the socket: the engine has ended", start)
        }
        _ => unreachable(address, &error.to_string(), start),
    }
}

pub(super) fn unreachable(address: &Address, because: &str, remedy: &str) -> Error {
    Error::new(Code::DockerUnreachable, format!("no Docker engine answers at {address}"))
        .because(because)
        .remedy(remedy)
}

fn client(address: &Address) -> Result<Docker> {
    let version = ClientVersion { major_version: NEWEST.0, minor_version: NEWEST.1 };
    let client = match &address.way {
        #[cfg(unix)]
        Way::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), ANSWER_LIMIT, &version),
        #[cfg(windows)]
        Way::Pipe(pipe) => Docker::connect_with_named_pipe(pipe, ANSWER_LIMIT, &version),
        Way::Tcp(host, port) => Docker::connect_with_http(&format!("tcp://{host}:{port}"), ANSWER_LIMIT, &version),
        Way::Tls(host, port, files) => {
            tls::install();
            let Certificates { ca, certificate, key } = files;
            Docker::connect_with_ssl(&format!("tcp://{host}:{port}"), key, certificate, ca, ANSWER_LIMIT, &version)
        }
        #[cfg(not(windows))]
        Way::Pipe(_) => return Err(Error::internal("a named pipe outside Windows")),
        #[cfg(not(unix))]
        Way::Unix(_) => return Err(Error::internal("a unix socket on Windows")),
    };
    client.map_err(|error| fault::no_engine(address, &error))
}

/// Names the version in the path, without which an engine answers in its newest, and writes credentials in the
/// alphabet for URLs, which is the one that engines read.
fn in_version(mut request: BollardRequest, api: ApiVersion) -> BollardRequest {
    let mut parts = Parts::from(request.uri().clone());
    let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::as_str);
    if !path.starts_with("/v1.") {
        parts.path_and_query = format!("/v{api}{path}").parse().ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    for name in ["x-registry-auth", "x-registry-config"] {
        let Some(value) = request.headers().get(name).and_then(|value| value.to_str().ok()) else { continue };
        if let Ok(mut value) = HeaderValue::from_str(&value.replace('+', "-").replace('/', "_")) {
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address { url: "unix:///s".into(), origin: "DOCKER_HOST".into(), way: Way::Unix("/s".into()) }
    }

    #[test]
    fn the_newest_common_version_is_spoken_and_none_is_told_with_both() {
        let settle = |theirs: &str, oldest: &str| {
            settle(&address(), "e", ApiVersion::parse(theirs).unwrap(), ApiVersion::parse(oldest))
        };
        assert_eq!(settle("1.41", "1.12").unwrap(), ApiVersion(1, 41));
        assert_eq!(settle("1.99", "1.44").unwrap(), NEWEST);
        let old = settle("1.40", "1.12").unwrap_err();
        assert_eq!(old.code(), Code::DockerVersion);
        assert!(old.message().contains("1.40") && old.message().contains("1.41"), "{old}");
        let new = settle("1.99", "1.54").unwrap_err();
        assert!(new.message().contains("1.54") && new.message().contains("1.53"), "{new}");
    }

    #[test]
    fn permission_and_absence_are_told_apart() {
        let error = |kind| refused(&address(), &io::Error::from(kind));
        assert_eq!(error(io::ErrorKind::PermissionDenied).code(), Code::DockerPermission);
        let absent = error(io::ErrorKind::NotFound);
        assert_eq!(absent.code(), Code::DockerUnreachable);
        assert!(absent.to_string().contains("unix:///s (DOCKER_HOST)") && absent.to_string().contains("no socket /s"));
        assert!(error(io::ErrorKind::ConnectionRefused).to_string().contains("has ended"));
    }

    #[test]
    fn requests_name_the_version_and_credentials_are_in_the_url_alphabet() {
        let request = http::Request::builder()
            .uri("http://h/images/create?fromImage=a")
            .header("X-Registry-Auth", "a+b/c=")
            .body(bollard::body_full(bytes::Bytes::new()))
            .unwrap();
        let once = in_version(request, ApiVersion(1, 41));
        assert_eq!(once.uri(), "http://h/v1.41/images/create?fromImage=a");
        assert_eq!(once.headers()["x-registry-auth"], "a-b_c=");
        assert_eq!(in_version(once, ApiVersion(1, 41)).uri().path(), "/v1.41/images/create");
    }
}

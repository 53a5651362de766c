//! The only builder of outbound HTTP clients: time limits, user agent, proxies, further authorities.

pub mod guarded;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::error::{Code, Error, Result};
use super::{dirs, tls};

/// What a client may do.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Limit for making a connection.
    pub connect_timeout: Duration,
    /// Limit for a whole exchange; `None` for streams.
    pub timeout: Option<Duration>,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<&'a Path>,
    /// Whether the target is on this machine, where proxies have no place.
    pub loopback: bool,
    /// Addresses to use for a host name instead of asking for them.
    pub resolve: Option<(&'a str, &'a [SocketAddr])>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Some(Duration::from_secs(30)),
            ca_file: None,
            loopback: false,
            resolve: None,
        }
    }
}

/// Builds a client, which follows no redirects: callers must see them. The only failure is a CA file that cannot be used; the error names it.
#[expect(clippy::disallowed_methods, reason = "this is the one door to outbound HTTP")]
pub fn client(options: &Options<'_>) -> Result<reqwest::Client> {
    tls::install();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("mesheryctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(timeout) = options.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some((host, addresses)) = options.resolve {
        builder = builder.resolve_to_addrs(host, addresses);
    }
    if options.loopback {
        builder = builder.no_proxy();
    }
    if let Some(path) = options.ca_file {
        builder = builder.tls_certs_merge(authorities(path)?);
    }
    builder.build().map_err(|error| Error::internal("the HTTP client could not be built").because(error))
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>> {
    let pem = std::fs::read(path).map_err(|error| dirs::read_error(path, &error))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if certificates.is_empty() {
        return Err(Error::new(Code::ConfigValue, format!("{} holds no PEM certificate", path.display()))
            .remedy("Name a file with at least one BEGIN CERTIFICATE block in --ca-file."));
    }
    Ok(certificates)
}

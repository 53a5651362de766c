//! Requests to addresses that a user named: redirects are followed here, and never lead where nobody meant to go.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use url::{Host, Url};

use super::{Options, client};
use crate::base::error::{Code, Error, Result};
use crate::base::text;

const MAX_REDIRECTS: usize = 5;

/// How far a request may go.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// PEM file with further certificate authorities.
    pub ca_file: Option<&'a Path>,
    /// Whether the named host may be a private one: so for an address that a user typed at this machine, not for one
    /// that came over the network.
    pub private: bool,
}

/// Asks for an address and follows redirects; the answer, whatever its status, and where it came from. Hosts that
/// `named` redirects to must not be private, and link-local addresses are never asked. The body has no time limit.
///
/// # Errors
/// [`Code::UrlRefused`], [`Code::DownloadFailed`]; each names the address.
pub async fn get(named: &Url, reach: Reach<'_>) -> Result<(Url, reqwest::Response)> {
    let mut url = named.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = request(&url, reach.private && url.host() == named.host(), reach.ca_file).await?;
        if !response.status().is_redirection() {
            return Ok((url, response));
        }
        let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| failed(url.as_str()).because("it redirects without saying where"))?;
        let next = url.join(location).map_err(|error| refused(location, error.to_string()))?;
        if url.scheme() == "https" && next.scheme() == "http" {
            return Err(refused(next.as_str(), "an https address redirects to plain http".to_owned()));
        }
        url = next;
    }
    Err(failed(named.as_str()).because(format!("more than {MAX_REDIRECTS} redirects")))
}

async fn request(url: &Url, named: bool, ca_file: Option<&Path>) -> Result<reqwest::Response> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(url.as_str(), format!("scheme {} is not spoken", url.scheme())));
    }
    let addresses = resolve(url).await?;
    for address in &addresses {
        if let Some(reason) = objection(address.ip(), named) {
            return Err(refused(url.as_str(), reason.to_owned()));
        }
    }
    let host = url.host_str().unwrap_or_default();
    let options = Options {
        timeout: None,
        ca_file,
        loopback: addresses.iter().all(|address| address.ip().is_loopback()),
        // The checked addresses are the ones connected to: a name cannot change its mind in between.
        resolve: Some((host, &addresses)),
        ..Options::default()
    };
    let response = client(&options)?.get(url.clone()).send().await;
    response.map_err(|error| failed(url.as_str()).because(text::chain(&error)))
}

async fn resolve(url: &Url) -> Result<Vec<SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(443);
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(vec![SocketAddr::new(ip.into(), port)]),
        Some(Host::Ipv6(ip)) => Ok(vec![SocketAddr::new(ip.into(), port)]),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map(Iterator::collect).map_err(|error| failed(url.as_str()).because(error))
        }
        None => Err(refused(url.as_str(), "it names no host".to_owned())),
    }
}

/// Why an address is not spoken to; `named` when a user named it.
pub fn objection(ip: IpAddr, named: bool) -> Option<&'static str> {
    let ip = ip.to_canonical();
    let (link_local, private) = match ip {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.is_private() || v4.is_loopback() || v4.is_unspecified()),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.is_unique_local() || v6.is_loopback() || v6.is_unspecified()),
    };
    if link_local {
        Some("it is a link-local address, where clouds keep their metadata")
    } else if private && !named {
        Some("it is a private address that nobody named")
    } else {
        None
    }
}

/// The error for an address that is not asked.
pub fn refused(address: &str, reason: String) -> Error {
    Error::new(Code::UrlRefused, format!("{address} is not fetched")).because(reason)
}

/// The error for an address that gave nothing; its cause says why.
pub fn failed(address: &str) -> Error {
    Error::new(Code::DownloadFailed, format!("{address} cannot be downloaded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_need_a_name_and_link_local_ones_are_never_fetched() {
        let says = |ip: &str, named| objection(ip.parse().unwrap(), named).is_some();
        for ip in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(says(ip, false) && !says(ip, true), "{ip}");
        }
        for ip in ["169.254.169.254", "fe80::1", "::ffff:169.254.1.1"] {
            assert!(says(ip, true), "{ip}");
        }
        assert!(!says("93.184.216.34", false));
    }
}

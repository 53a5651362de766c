//! Downloads of what a user names by URL: bounded in size and time, and never from where nobody meant to go.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use url::{Host, Url};

use crate::base::error::{Code, Error, Result};
use crate::base::{http, text};

const MAX_REDIRECTS: usize = 5;

/// Limits of a download.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Largest accepted body, in bytes.
    pub size: u64,
    /// Limit for the whole download.
    pub time: Duration,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<&'a Path>,
    /// Whether the named host may be a private one: so for an address that a user typed at this machine, not for one
    /// that came over the network.
    pub private: bool,
}

/// Fetches a text, as [`download_bytes`].
///
/// # Errors
/// As there, and [`Code::DownloadFailed`] for what is not text.
pub async fn download(address: &str, limits: Limits<'_>) -> Result<String> {
    let bytes = download_bytes(address, limits).await?;
    String::from_utf8(bytes).map_err(|_| failed(address).because("it is not text in UTF-8"))
}

/// Fetches a file. Hosts that `address` redirects to must not be private, and link-local addresses are never fetched.
///
/// # Errors
/// [`Code::UrlRefused`], [`Code::DownloadFailed`], [`Code::SourceTooLarge`]; each names the address.
pub async fn download_bytes(address: &str, limits: Limits<'_>) -> Result<Vec<u8>> {
    let named = parse(address)?;
    match tokio::time::timeout(limits.time, follow(named, limits)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failed(address).because(format!("no complete answer after {} s", limits.time.as_secs()))),
    }
}

/// The raw file of a page of GitHub's file browser, which is what a copied address often is.
fn parse(address: &str) -> Result<Url> {
    let mut url = Url::parse(address).map_err(|error| refused(address, error.to_string()))?;
    let path: Vec<String> = url.path_segments().map(|parts| parts.map(str::to_owned).collect()).unwrap_or_default();
    if url.host_str() == Some("github.com") && path.len() > 4 && path[2] == "blob" {
        let raw = [&path[..2], &path[3..]].concat().join("/");
        url = Url::parse(&format!("https://raw.githubusercontent.com/{raw}"))
            .map_err(|error| refused(address, error.to_string()))?;
    }
    Ok(url)
}

async fn follow(named: Url, limits: Limits<'_>) -> Result<Vec<u8>> {
    let mut url = named.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = request(&url, limits.private && url.host() == named.host(), limits).await?;
        if !response.status().is_redirection() {
            return body(&url, response, limits.size).await;
        }
        let location = response.headers().get(::http::header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| failed(url.as_str()).because("it redirects without saying where"))?;
        let next = url.join(location).map_err(|error| refused(location, error.to_string()))?;
        if url.scheme() == "https" && next.scheme() == "http" {
            return Err(refused(next.as_str(), "an https address redirects to plain http".to_owned()));
        }
        url = next;
    }
    Err(failed(named.as_str()).because(format!("more than {MAX_REDIRECTS} redirects")))
}

async fn request(url: &Url, named: bool, limits: Limits<'_>) -> Result<reqwest::Response> {
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
    let options = http::Options {
        timeout: None,
        ca_file: limits.ca_file,
        loopback: addresses.iter().all(|address| address.ip().is_loopback()),
        // The checked addresses are the ones connected to: a name cannot change its mind in between.
        resolve: Some((host, &addresses)),
        ..http::Options::default()
    };
    let response = http::client(&options)?.get(url.clone()).send().await;
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

pub(super) fn objection(ip: IpAddr, named: bool) -> Option<&'static str> {
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

async fn body(url: &Url, response: reqwest::Response, limit: u64) -> Result<Vec<u8>> {
    let status = response.status();
    if !status.is_success() {
        return Err(failed(url.as_str()).because(format!("it answered {status}")));
    }
    if response
        .headers()
        .get(::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"))
    {
        return Err(failed(url.as_str())
            .because("it answered with a web page, not with a file")
            .remedy("Use the address of the raw file."));
    }
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| failed(url.as_str()).because(text::chain(&error)))?);
        if bytes.len() as u64 > limit {
            return Err(Error::new(Code::SourceTooLarge, format!("{url} is larger than {limit} bytes")));
        }
    }
    Ok(bytes)
}

fn refused(address: &str, reason: String) -> Error {
    Error::new(Code::UrlRefused, format!("{address} is not fetched")).because(reason)
}

fn failed(address: &str) -> Error {
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

    #[test]
    fn a_page_of_the_file_browser_means_its_raw_file() {
        let url = parse("https://github.com/o/r/blob/main/dir/p.yaml").unwrap();
        assert_eq!(url.as_str(), "https://raw.githubusercontent.com/o/r/main/dir/p.yaml");
        assert_eq!(parse("https://x.io/a?b=c").unwrap().as_str(), "https://x.io/a?b=c");
    }
}

//! Downloads of what a user names by URL: bounded in size and time, and never from where nobody meant to go.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use url::Url;

use crate::base::error::{Code, Error, Result};
use crate::base::http::guarded::{self, failed, refused};
use crate::base::text;

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
    let reach = guarded::Reach { ca_file: limits.ca_file, private: limits.private };
    let (url, response) = guarded::get(&named, reach).await?;
    body(&url, response, limits.size).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_file_browser_means_its_raw_file() {
        let url = parse("https://github.com/o/r/blob/main/dir/p.yaml").unwrap();
        assert_eq!(url.as_str(), "https://raw.githubusercontent.com/o/r/main/dir/p.yaml");
        assert_eq!(parse("https://x.io/a?b=c").unwrap().as_str(), "https://x.io/a?b=c");
    }
}

//! Push and pull by the OCI distribution specification.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, StatusCode, header};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use super::artifact::{self, Artifact, Blob, Descriptor, LIMIT, MANIFEST};
use super::credentials::{self, Credentials};
use super::reference::Reference;
use crate::base::error::{Code, Error, Result};
use crate::base::{http as outbound, text};

/// Redirects that a blob may take to where it is stored.
const MAX_REDIRECTS: usize = 5;
/// Limit for one exchange where the user sets none; a large blob gets more by its size.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes a second below which a connection counts as stuck.
const SLOWEST: u64 = 64 << 10;
/// Header with the digest of what a registry took.
const TAKEN: &str = "docker-content-digest";

/// How a registry is reached.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Speak plain HTTP, whatever the host.
    pub plain_http: bool,
    /// Limit for one exchange.
    pub timeout: Option<Duration>,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<&'a Path>,
}

/// A blob on its way out.
pub struct Outgoing<'b> {
    /// What it is.
    pub descriptor: &'b Descriptor,
    /// Its bytes, made anew for every attempt to send them.
    pub body: Box<dyn Fn() -> reqwest::Body + Send + Sync + 'b>,
}

impl<'b> Outgoing<'b> {
    /// A blob whose bytes are in memory.
    pub fn of(blob: &'b Blob) -> Self {
        let bytes = Bytes::copy_from_slice(&blob.bytes);
        Self { descriptor: &blob.descriptor, body: Box::new(move || bytes.clone().into()) }
    }
}

/// One repository of a registry.
pub struct Registry<'a> {
    client: reqwest::Client,
    root: Url,
    reference: &'a Reference,
    credentials: Option<Credentials>,
    authorization: Option<String>,
    timeout: Option<Duration>,
}

impl<'a> Registry<'a> {
    /// Prepares the way to the registry of `reference`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none, or docker's config.json cannot be read.
    pub async fn open(reference: &'a Reference, options: Options<'_>) -> Result<Self> {
        let loopback = reference.is_loopback();
        let scheme = if loopback || options.plain_http { "http" } else { "https" };
        let host = if reference.host == "docker.io" { "registry-1.docker.io" } else { &reference.host };
        let root = Url::parse(&format!("{scheme}://{host}/v2/{}/", reference.repository))
            .map_err(|error| Error::new(Code::UsageError, format!("{reference} is not an address")).because(error))?;
        let timeout = Some(options.timeout.unwrap_or(PATIENCE));
        let client =
            outbound::client(&outbound::Options { timeout, ca_file: options.ca_file, loopback, ..Default::default() })?;
        let credentials = credentials::find(&reference.host).await?;
        Ok(Self { client, root, reference, credentials, authorization: None, timeout: options.timeout })
    }

    /// The address that is pushed to or pulled from.
    pub fn reference(&self) -> &Reference {
        self.reference
    }

    /// Pushes an artefact under the reference's tag; blobs that are there already stay. Answers with its digest.
    ///
    /// # Errors
    /// [`Code::RegistryRefused`], [`Code::RegistryFailed`] with the registry's own words.
    pub async fn push(&mut self, artifact: &Artifact) -> Result<String> {
        let blobs: Vec<Outgoing<'_>> = artifact.blobs.iter().map(Outgoing::of).collect();
        self.push_parts(&artifact.manifest, &blobs).await
    }

    /// As [`Registry::push`], for blobs that need not be in memory.
    ///
    /// # Errors
    /// As for [`Registry::push`].
    pub async fn push_parts(&mut self, manifest: &Blob, blobs: &[Outgoing<'_>]) -> Result<String> {
        for blob in blobs {
            self.push_blob(blob).await?;
        }
        let url = self.url(&format!("manifests/{}", self.reference.version))?;
        let bytes = Bytes::copy_from_slice(&manifest.bytes);
        let request = |client: &reqwest::Client| {
            client.put(url.clone()).header(header::CONTENT_TYPE, MANIFEST).body(bytes.clone())
        };
        let reply = self.send(request, "push,pull").await?;
        let reply =
            self.wants(reply, &[StatusCode::CREATED, StatusCode::OK, StatusCode::ACCEPTED], "the manifest").await?;
        let digest = &manifest.descriptor.digest;
        match reply.headers().get(TAKEN).and_then(|value| value.to_str().ok()) {
            Some(other) if other != digest => {
                Err(self.failed().because(format!("it was sent {digest} and says that it took {other}")))
            }
            _ => Ok(digest.clone()),
        }
    }

    async fn push_blob(&mut self, blob: &Outgoing<'_>) -> Result<()> {
        let Descriptor { digest, size, .. } = blob.descriptor;
        let url = self.url(&format!("blobs/{digest}"))?;
        let known = self.send(|client| client.head(url.clone()), "push,pull").await?;
        if known.status().is_success() {
            return Ok(());
        }
        let begin = self.url("blobs/uploads/")?;
        let request = |client: &reqwest::Client| client.post(begin.clone()).header(header::CONTENT_LENGTH, "0");
        let reply = self.send(request, "push,pull").await?;
        let reply = self.wants(reply, &[StatusCode::ACCEPTED], "the upload of a blob").await?;
        let location = reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut target = begin.join(location).map_err(|error| self.failed().because(error))?;
        if location.is_empty() || target.host() != begin.host() || target.scheme() != begin.scheme() {
            return Err(self
                .failed()
                .because(format!("it sends the upload to `{location}`, which is not its own address")));
        }
        target.query_pairs_mut().append_pair("digest", digest);
        let limit = self.timeout.unwrap_or_else(|| PATIENCE + Duration::from_secs(size / SLOWEST));
        let request = |client: &reqwest::Client| {
            let request = client.put(target.clone()).header(header::CONTENT_TYPE, "application/octet-stream");
            // Registries want the length beforehand, which a stream does not tell.
            request.header(header::CONTENT_LENGTH, size.to_string()).timeout(limit).body((blob.body)())
        };
        let reply = self.send(request, "push,pull").await?;
        self.wants(reply, &[StatusCode::CREATED, StatusCode::NO_CONTENT], "a blob").await?;
        Ok(())
    }

    /// Pulls the pattern file of the reference, every digest checked.
    ///
    /// # Errors
    /// As for [`Registry::push`], and [`Code::ArtifactInvalid`] for what holds no pattern.
    pub async fn pull(&mut self) -> Result<String> {
        let what = self.reference.to_string();
        let url = self.url(&format!("manifests/{}", self.reference.version))?;
        let request = |client: &reqwest::Client| client.get(url.clone()).header(header::ACCEPT, MANIFEST);
        let reply = self.send(request, "pull").await?;
        let reply = self.wants(reply, &[StatusCode::OK], "the manifest").await?;
        let manifest = self.body(reply).await?;
        if self.reference.version.contains(':') && artifact::digest(&manifest) != self.reference.version {
            return Err(Error::new(Code::ArtifactInvalid, format!("{what} is damaged"))
                .because(format!("its manifest is {}", artifact::digest(&manifest))));
        }
        let layer = Artifact::layer(&what, &manifest)?;
        let url = self.url(&format!("blobs/{}", layer.digest))?;
        let reply = self.send(|client| client.get(url.clone()), "pull").await?;
        let reply = self.redirected(&url, reply).await?;
        let reply = self.wants(reply, &[StatusCode::OK], "the pattern").await?;
        let bytes = self.body(reply).await?;
        Artifact::text(&what, &layer, bytes)
    }

    /// Blobs may be kept elsewhere; credentials stay with the registry they are for.
    async fn redirected(&self, from: &Url, mut reply: Response) -> Result<Response> {
        let mut at = from.clone();
        for _ in 0..MAX_REDIRECTS {
            if !reply.status().is_redirection() {
                break;
            }
            let location =
                reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let next = at.join(location).map_err(|error| self.failed().because(error))?;
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(self.failed().because(format!("an https address redirects to {next}")));
            }
            reply = self.client.get(next.clone()).send().await.map_err(|error| self.unreachable(&error))?;
            at = next;
        }
        Ok(reply)
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.root.join(path).map_err(|error| self.failed().because(error))
    }

    /// Sends a request; when the registry asks who it is, answers and sends it again.
    async fn send(&mut self, request: impl Fn(&reqwest::Client) -> RequestBuilder, actions: &str) -> Result<Response> {
        let reply = self.once(&request).await?;
        if reply.status() != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let asked =
            reply.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.authorization = Some(self.answer(asked, actions).await?);
        let reply = self.once(&request).await?;
        if matches!(reply.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(self.refused());
        }
        Ok(reply)
    }

    async fn once(&self, request: &impl Fn(&reqwest::Client) -> RequestBuilder) -> Result<Response> {
        let mut request = request(&self.client);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// The answer to a challenge: the credentials themselves, or a token that they buy.
    async fn answer(&self, challenge: &str, actions: &str) -> Result<String> {
        let (scheme, rest) = challenge.split_once(' ').unwrap_or((challenge, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return self.basic().ok_or_else(|| self.refused());
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(self.refused().detail(format!("it asks for `{challenge}`")));
        }
        let parameters = parameters(rest);
        let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let mut realm =
            Url::parse(parameter("realm").unwrap_or_default()).map_err(|error| self.refused().because(error))?;
        if realm.scheme() != "https" && self.root.scheme() == "https" {
            return Err(self
                .refused()
                .because(format!("it wants the credentials sent to {realm}, which is not encrypted")));
        }
        let scope = format!("repository:{}:{actions}", self.reference.repository);
        realm
            .query_pairs_mut()
            .extend_pairs(parameter("service").map(|service| ("service", service)))
            .append_pair("scope", &scope);
        let mut request = self.client.request(Method::GET, realm);
        if let Some(basic) = self.basic() {
            request = request.header(header::AUTHORIZATION, basic);
        }
        let reply = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !reply.status().is_success() {
            return Err(self.refused().detail(format!("its token service answered {}", reply.status())));
        }
        let reply: Value =
            serde_json::from_slice(&self.body(reply).await?).map_err(|error| self.refused().because(error))?;
        let token = reply["token"].as_str().or(reply["access_token"].as_str());
        token
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| self.refused().because("its token service gave no token"))
    }

    fn basic(&self) -> Option<String> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    async fn wants(&self, reply: Response, statuses: &[StatusCode], what: &str) -> Result<Response> {
        let status = reply.status();
        if statuses.contains(&status) {
            return Ok(reply);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(self.refused());
        }
        let said = self.body(reply).await.unwrap_or_default();
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        let words = said["errors"].as_array().into_iter().flatten().map(|error| {
            format!("{}: {}", error["code"].as_str().unwrap_or("error"), error["message"].as_str().unwrap_or_default())
        });
        let failed = if status == StatusCode::NOT_FOUND { self.missing() } else { self.failed() };
        Err(failed.because(format!("{what}: it answered {status}")).details(words.collect::<Vec<_>>()))
    }

    async fn body(&self, reply: Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut stream = reply.bytes_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.unreachable(&error))?);
            if bytes.len() as u64 > LIMIT {
                return Err(self.failed().because(format!("its answer is larger than {} MiB", LIMIT >> 20)));
            }
        }
        Ok(bytes)
    }

    fn failed(&self) -> Error {
        Error::new(Code::RegistryFailed, format!("the registry failed at {}", self.reference))
    }

    fn missing(&self) -> Error {
        Error::new(Code::RegistryFailed, format!("the registry has no {}", self.reference))
            .kind_of(crate::base::Kind::NotFound)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::new(Code::RegistryFailed, format!("the registry {} cannot be reached", self.reference.host))
            .because(text::chain(error))
    }

    fn refused(&self) -> Error {
        let error = Error::new(
            Code::RegistryRefused,
            format!("the registry {} refuses {}", self.reference.host, self.reference),
        );
        match &self.credentials {
            Some(credentials) => {
                error.because(format!("user {} may not do this, or the password is wrong", credentials.user))
            }
            None => error.because("docker's config.json has no credentials for it"),
        }
    }
}

/// `key="value",…` of a challenge.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(inside) => inside.split_once('"').unwrap_or((inside, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key.trim().to_lowercase(), value.to_owned()));
        rest = next.trim_start_matches([',', ' ']);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let found = parameters(r#"realm="https://a/token?x=1",service="reg, one",scope=pull"#);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(found, [pair("realm", "https://a/token?x=1"), pair("service", "reg, one"), pair("scope", "pull")]);
    }
}

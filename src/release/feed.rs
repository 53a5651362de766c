//! Asking a feed, and fetching an archive from it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::Keys;
use super::manifest::{self, Archive, Manifest};
use crate::base::http::guarded::{self, Reach, failed};
use crate::base::{Code, Error, Result, dirs, env, id, text};

/// The feed of a program that was told no other: that of the build, or the release page of the project.
pub const DEFAULT_URL: &str = match option_env!("MESHERY_BUILD_RELEASES_URL") {
    Some(url) => url,
    None => "https://github.com/meshery/meshery/releases/latest/download",
};

/// Largest manifest that is read, in bytes.
const MANIFEST_LIMIT: u64 = 4 << 20;
/// Largest signature that is read, in bytes.
const SIGNATURE_LIMIT: u64 = 64 << 10;
/// Largest archive that is fetched, in bytes.
const ARCHIVE_LIMIT: u64 = 1 << 30;
/// How long a download may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// A feed and the keys it is held to.
#[derive(Debug, Clone)]
pub struct Feed {
    base: Url,
    keys: Keys,
    ca_file: Option<PathBuf>,
    limit: Duration,
}

/// The feed's address that the user's environment names.
pub fn chosen() -> Option<String> {
    env::get(env::MESHERY_RELEASES_URL)
}

/// A feed's address as [`Feed::address`] gives it.
pub fn address_of(text: &str) -> Result<String> {
    base(text).map(String::from)
}

impl Feed {
    /// A feed at an https address, or in a folder of this machine, given as a path or a `file:` address. Plain http is
    /// for this machine alone. `limit` holds for the manifest; a download may take as long as it goes on.
    pub fn open(address: &str, keys: Keys, limit: Duration) -> Result<Self> {
        let base = base(address)?;
        Ok(Self { base, keys, ca_file: None, limit })
    }

    /// With further certificate authorities.
    pub fn with_ca_file(self, ca_file: Option<&Path>) -> Self {
        Self { ca_file: ca_file.map(Path::to_owned), ..self }
    }

    /// Its address, with a slash at the end.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    /// What it offers now; its signature was checked.
    pub async fn manifest(&self) -> Result<Manifest> {
        let address = self.file(manifest::NAME)?;
        let asked = async {
            let json = self.small(&address, MANIFEST_LIMIT).await?;
            let signature = self.small(&self.file(manifest::SIGNATURE)?, SIGNATURE_LIMIT).await?;
            Ok::<_, Error>((json, signature))
        };
        let remedy = "Check the address, or name another feed, which may be a folder, with --releases-url.";
        let (json, signature) = tokio::time::timeout(self.limit, asked)
            .await
            .map_err(|_| {
                failed(address.as_str()).because(format!("no complete answer within {} s", self.limit.as_secs_f64()))
            })
            .flatten()
            .map_err(|error| if error.code() == Code::DownloadFailed { error.remedy(remedy) } else { error })?;
        self.keys.check_manifest(&json, &signature)?;
        let json = String::from_utf8(json).map_err(|error| {
            Error::new(Code::ReleaseManifest, format!("{address} is not text in UTF-8")).because(error)
        })?;
        Manifest::parse(&json, address.as_str())
    }

    /// Fetches an archive into `folder`, under its own name, and checks size, SHA-256 and signature. `tell` hears how many
    /// bytes are there.
    pub async fn fetch(&self, archive: &Archive, folder: &Path, tell: &mut (dyn FnMut(u64) + Send)) -> Result<PathBuf> {
        let address = self.checked(&archive.url)?;
        let is_plain = !archive.name.is_empty() && !archive.name.contains(['/', '\\']) && archive.name != "..";
        if !is_plain || archive.size > ARCHIVE_LIMIT {
            let fault = if is_plain { format!("it would be {} bytes", archive.size) } else { "of its name".to_owned() };
            return Err(Error::new(Code::ReleaseManifest, format!("{} is not fetched", archive.name)).because(fault));
        }
        let path = folder.join(&archive.name);
        let found = self.store(&address, archive.size, &path, tell).await?;
        if found != archive.sha256 {
            return Err(Error::new(Code::ReleaseChecksum, format!("{address} is not the archive that was released"))
                .because(format!("its SHA-256 is {found}, not {}", archive.sha256)));
        }
        let (keys, signed) = (self.keys.clone(), path.clone());
        blocking(move || keys.check_archive(&signed)).await?;
        Ok(path)
    }

    /// Writes what stands at the address into a file; its SHA-256.
    async fn store(&self, address: &Url, size: u64, path: &Path, tell: &mut (dyn FnMut(u64) + Send)) -> Result<String> {
        let mut sink = Sink::create(path, address, size)?;
        if let Some(source) = local(address) {
            let mut file = File::open(&source).map_err(|error| dirs::read_error(&source, &error))?;
            let mut chunk = vec![0; 1 << 20];
            loop {
                let length = file.read(&mut chunk).map_err(|error| dirs::read_error(&source, &error))?;
                if length == 0 {
                    break;
                }
                tell(sink.take(&chunk[..length])?);
            }
            return sink.end();
        }
        let silent = || failed(address.as_str()).because(format!("nothing came for {} s", SILENCE.as_secs()));
        let (_, response) =
            tokio::time::timeout(SILENCE, guarded::get(address, self.reach())).await.map_err(|_| silent())??;
        if !response.status().is_success() {
            return Err(failed(address.as_str()).because(format!("it answered {}", response.status())));
        }
        let mut stream = response.bytes_stream();
        while let Some(chunk) = tokio::time::timeout(SILENCE, stream.next()).await.map_err(|_| silent())? {
            let chunk = chunk.map_err(|error| failed(address.as_str()).because(text::chain(&error)))?;
            tell(sink.take(&chunk)?);
        }
        sink.end()
    }

    fn reach(&self) -> Reach<'_> {
        Reach { ca_file: self.ca_file.as_deref(), private: true }
    }

    fn file(&self, name: &str) -> Result<Url> {
        self.base.join(name).map_err(|error| wrong(self.base.as_str(), &error.to_string()))
    }

    /// The address of an archive, when a feed may send its readers there.
    fn checked(&self, address: &str) -> Result<Url> {
        let url = Url::parse(address).map_err(|error| wrong(address, &error.to_string()))?;
        if url.scheme() == "file" && self.base.scheme() != "file" {
            return Err(wrong(address, "a feed on the web names no files of this machine"));
        }
        allowed(url)
    }

    async fn small(&self, address: &Url, limit: u64) -> Result<Vec<u8>> {
        let absent = |reason: String| {
            Error::new(Code::ReleaseFeed, format!("the release feed has no {address}")).because(reason)
        };
        if let Some(path) = local(address) {
            let file = File::open(&path).map_err(|error| absent(error.to_string()))?;
            let mut bytes = Vec::new();
            file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| dirs::read_error(&path, &error))?;
            return within(address, bytes, limit);
        }
        let (url, response) = guarded::get(address, self.reach()).await?;
        if !response.status().is_success() {
            return Err(absent(format!("{url} answered {}", response.status())));
        }
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| failed(address.as_str()).because(text::chain(&error)))?);
            if bytes.len() as u64 > limit {
                break;
            }
        }
        within(address, bytes, limit)
    }
}

fn within(address: &Url, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>> {
    if bytes.len() as u64 > limit {
        return Err(Error::new(Code::ReleaseManifest, format!("{address} is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// A file that is being written, counted and hashed.
struct Sink<'a> {
    file: File,
    path: &'a Path,
    address: &'a Url,
    hash: Sha256,
    length: u64,
    size: u64,
}

impl<'a> Sink<'a> {
    fn create(path: &'a Path, address: &'a Url, size: u64) -> Result<Self> {
        let file = File::create(path).map_err(|error| super::install::write_error(path, &error))?;
        Ok(Self { file, path, address, hash: Sha256::new(), length: 0, size })
    }

    /// Takes a part; how many bytes are there now.
    fn take(&mut self, chunk: &[u8]) -> Result<u64> {
        self.length += chunk.len() as u64;
        if self.length > self.size {
            return Err(Error::new(Code::ReleaseChecksum, format!("{} is too long", self.address))
                .because(format!("the manifest says {} bytes", self.size)));
        }
        self.hash.update(chunk);
        self.file.write_all(chunk).map_err(|error| super::install::write_error(self.path, &error))?;
        Ok(self.length)
    }

    fn end(self) -> Result<String> {
        if self.length < self.size {
            return Err(
                failed(self.address.as_str()).because(format!("it ended after {} of {} bytes", self.length, self.size))
            );
        }
        Ok(id::hex(&self.hash.finalize()))
    }
}

/// Runs work that blocks beside the runtime.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("work on a thread of its own broke off").because(error))?
}

fn base(address: &str) -> Result<Url> {
    let path = Path::new(address);
    let url = match Url::parse(address) {
        Ok(url) if url.scheme().len() > 1 => url,
        _ if path.is_dir() => {
            let path = std::path::absolute(path).map_err(|error| wrong(address, &error.to_string()))?;
            Url::from_directory_path(path).map_err(|()| wrong(address, "it is no path"))?
        }
        Ok(_) => return Err(wrong(address, "there is no such folder")),
        Err(error) => return Err(wrong(address, &format!("there is no such folder, and as an address: {error}"))),
    };
    let mut url = allowed(url)?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn allowed(url: Url) -> Result<Url> {
    let is_here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(url.host_str().unwrap_or_default(), "it must hold no user and no password"));
    }
    match url.scheme() {
        "https" | "file" => Ok(url),
        "http" if is_here => Ok(url),
        "http" => Err(wrong(url.as_str(), "plain http is for this machine alone")),
        other => Err(wrong(url.as_str(), &format!("scheme {other} is not spoken"))),
    }
}

fn local(url: &Url) -> Option<PathBuf> {
    (url.scheme() == "file").then(|| url.to_file_path().ok())?
}

fn wrong(address: &str, reason: &str) -> Error {
    Error::new(Code::UrlRefused, format!("{address} is no address of a release feed"))
        .because(reason)
        .remedy("Use an https address, or a folder of this machine.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_https_or_of_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().display().to_string();
        let file = format!("file://{folder}/");
        for (address, whole) in [
            ("https://x.example.org/a?b#c", "https://x.example.org/a/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://localhost/a/", "http://localhost/a/"),
            (&folder, &file),
            (&file, &file),
        ] {
            assert_eq!(base(address).unwrap().as_str(), whole);
        }
        for address in ["http://x.example.org", "ftp://x.example.org", "https://u:p@x.example.org", "no/such/folder"] {
            let error = base(address).unwrap_err();
            assert_eq!(error.code(), Code::UrlRefused, "{address}");
            assert!(!error.to_string().contains("u:p"), "{error}");
        }
    }

    #[test]
    fn a_feed_on_the_web_sends_nobody_to_files_or_to_plain_http() {
        let feed = |address| Feed::open(address, Keys::built_in().unwrap(), SILENCE).unwrap();
        let web = feed("https://x.example.org");
        assert!(web.checked("https://cdn.example.org/a").is_ok());
        assert!(web.checked("file:///etc/passwd").is_err() && web.checked("http://x.example.org/a").is_err());
        assert!(feed("file:///tmp/").checked("file:///tmp/a").is_ok());
    }
}

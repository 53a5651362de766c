//! Making a feed of a folder of archives: each is signed, and the signed manifest names them all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zipsign_api::sign::{copy_and_sign_tar, gather_signature_data, read_signing_keys};
use zipsign_api::{Prehash, SigningKey};

use super::manifest::{self, Asset, Document, Entry, compare};
use super::{Channel, Keys, PROGRAM};
use crate::base::{Code, Error, Result, clock, dirs, id};

/// File of SHA-256 sums, as `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";
/// Kinds of processor that begin the name of a target.
const PROCESSORS: &[&str] =
    &["x86_64", "aarch64", "armv7", "arm", "i686", "riscv64gc", "powerpc64le", "s390x", "loongarch64", "universal2"];

/// How to make a feed.
#[derive(Debug)]
pub struct Publish {
    /// The pair that signs.
    pub pair: SigningKey,
    /// Channel of releases that are new to the manifest; by default `edge` for versions with a suffix, else `stable`.
    pub channel: Option<Channel>,
    /// Address of the notes of new releases, `{version}` replaced.
    pub notes_url: Option<String>,
    /// Folder address of the archives, `{version}` replaced; by default they stand beside the manifest.
    pub archives_url: Option<String>,
    /// Versions to take back, and why.
    pub withdraw: Vec<(String, String)>,
}

/// An archive of the feed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Published {
    /// Version of the release.
    pub version: String,
    /// Channel of the release.
    pub channel: Channel,
    /// File name.
    pub name: String,
    /// SHA-256 with its signature.
    pub sha256: String,
    /// Size in bytes with its signature.
    pub size: u64,
}

/// Makes a pair: the private half at `path`, readable by its owner alone, the public one beside it with `.pub` added.
/// The public half's path.
pub fn new_pair(path: &Path) -> Result<PathBuf> {
    let public = PathBuf::from(format!("{}.pub", path.display()));
    if let Some(there) = [path, &public].into_iter().find(|path| path.exists()) {
        return Err(Error::new(Code::ReleaseKey, format!("{} exists already", there.display()))
            .because("a key is not overwritten: what it signed could no longer be checked")
            .remedy("Choose another name."));
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| Error::internal("the system gave no random bytes").because(error))?;
    let pair = SigningKey::from_bytes(&secret);
    dirs::write_atomic(path, &pair.to_keypair_bytes(), 0o600)?;
    dirs::write_atomic(&public, &pair.verifying_key().to_bytes(), 0o644)?;
    Ok(public)
}

/// Reads a pair's private half.
pub fn read_pair(path: &Path) -> Result<SigningKey> {
    let file = File::open(path).map_err(|error| dirs::read_error(path, &error))?;
    let keys = read_signing_keys([Ok(file)]).map_err(|error| {
        Error::new(Code::ReleaseKey, format!("{} is no private release key", path.display())).because(error)
    })?;
    keys.into_iter().next().ok_or_else(|| Error::internal("a key that was read is none"))
}

/// Signs the archives of a folder, and writes `manifest.json`, its signature and `SHA256SUMS` there. Releases that an
/// earlier manifest in the folder names are kept. Doing it again changes nothing. Blocks the thread.
pub fn publish(folder: &Path, how: &Publish) -> Result<Vec<Published>> {
    let archives = archives(folder)?;
    if archives.is_empty() {
        return Err(Error::new(Code::FileNotFound, format!("{} holds no release archive", folder.display()))
            .remedy(format!("Name a folder with archives {}.", manifest::archive_name("VERSION", "TARGET"))));
    }
    let keys = Keys::of_pair(&how.pair);
    let mut document = earlier(folder, &keys)?;
    let mut releases: BTreeMap<String, Vec<Asset>> = BTreeMap::new();
    let mut sums = String::new();
    for (name, version) in archives {
        let path = folder.join(&name);
        sign(&path, &how.pair, &keys)?;
        let (sha256, size) = measure(&path)?;
        sums.extend([&sha256, "  ", &name, "\n"]);
        let beside = how.archives_url.as_ref().map(|url| url.replace("{version}", &version));
        let url = beside.map_or_else(|| name.clone(), |url| format!("{}/{name}", url.trim_end_matches('/')));
        releases.entry(version).or_default().push(Asset { name, url, digest: format!("sha256:{sha256}"), size });
    }
    let made: Vec<String> = releases.keys().cloned().collect();
    for (version, assets) in releases {
        enter(&mut document, &version, assets, how);
    }
    withdraw(&mut document, &how.withdraw)?;
    document.schema = 1;
    document.releases.sort_by(|left, right| compare(&right.version, &left.version));
    write(folder, SUMS, sums.as_bytes())?;
    write_manifest(folder, &document, &how.pair)?;
    Ok(published(&document, &made))
}

fn published(document: &Document, versions: &[String]) -> Vec<Published> {
    let is_made = |entry: &&Entry| versions.contains(&entry.version);
    let of = |entry: &Entry| {
        let channel = entry.channel;
        let version = entry.version.clone();
        let row = move |asset: &Asset| Published {
            version: version.clone(),
            channel,
            name: asset.name.clone(),
            sha256: asset.digest.trim_start_matches("sha256:").to_owned(),
            size: asset.size,
        };
        entry.assets.iter().map(row).collect::<Vec<_>>()
    };
    document.releases.iter().filter(is_made).flat_map(of).collect()
}

/// Names of the folder's archives with their versions, in order.
fn archives(folder: &Path) -> Result<Vec<(String, String)>> {
    let entries = fs::read_dir(folder).map_err(|error| dirs::read_error(folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| dirs::read_error(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(version) = version_of(&name) {
            found.push((name, version));
        }
    }
    found.sort();
    Ok(found)
}

/// The version in an archive's name. It may hold dashes itself; the target begins with a kind of processor.
fn version_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PROGRAM)?.strip_prefix('-')?.strip_suffix(".tar.gz")?;
    let begins =
        |target: &str| PROCESSORS.iter().any(|kind| target.strip_prefix(kind).is_some_and(|t| t.starts_with('-')));
    let at = rest.match_indices('-').map(|(at, _)| at).find(|at| begins(&rest[at + 1..]))?;
    let version = &rest[..at];
    self_update::version::cmp_versions(version, version).is_ok().then(|| version.to_owned())
}

/// The manifest that is there, held to the same key.
fn earlier(folder: &Path, keys: &Keys) -> Result<Document> {
    let path = folder.join(manifest::NAME);
    let Some(json) = dirs::read_optional(&path)? else { return Ok(Document::default()) };
    let signature = folder.join(manifest::SIGNATURE);
    let signature = fs::read(&signature).map_err(|error| dirs::read_error(&signature, &error))?;
    keys.check_manifest(json.as_bytes(), &signature).map_err(|error| {
        error.remedy(format!("Use the key that signed {}, or move it away to begin anew.", path.display()))
    })?;
    serde_json::from_str(&json)
        .map_err(|error| Error::new(Code::ReleaseManifest, format!("{} cannot be read", path.display())).because(error))
}

fn enter(document: &mut Document, version: &str, assets: Vec<Asset>, how: &Publish) {
    if let Some(entry) = document.releases.iter_mut().find(|entry| entry.version == version) {
        entry.channel = how.channel.unwrap_or(entry.channel);
        let is_other = |known: &Asset| !assets.iter().any(|asset| asset.name == known.name);
        entry.assets.retain(is_other);
        entry.assets.extend(assets);
        entry.assets.sort_by(|left, right| left.name.cmp(&right.name));
        return;
    }
    let by_version = if version.contains('-') { Channel::Edge } else { Channel::Stable };
    document.releases.push(Entry {
        version: version.to_owned(),
        channel: how.channel.unwrap_or(by_version),
        date: Some(clock::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        notes_url: how.notes_url.as_ref().map(|url| url.replace("{version}", version)),
        withdrawn: None,
        assets,
    });
}

fn withdraw(document: &mut Document, withdrawn: &[(String, String)]) -> Result<()> {
    for (version, reason) in withdrawn {
        let entry = document.releases.iter_mut().find(|entry| entry.version == *version);
        let entry = entry.ok_or_else(|| {
            Error::new(Code::ReleaseUnknown, format!("version {version} is not in the manifest"))
                .remedy("Withdraw a version that stands in manifest.json.")
        })?;
        entry.withdrawn = Some(reason.clone());
    }
    Ok(())
}

/// Signs an archive in place; one that carries this key's signature is left alone.
fn sign(path: &Path, pair: &SigningKey, keys: &Keys) -> Result<()> {
    if keys.check_archive(path).is_ok() {
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(Code::OutputFailed, format!("{} cannot be signed", path.display())).because(error)
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let signed = path.with_file_name(format!(".{name}.{}", id::short()));
    let make = || {
        let mut input = File::open(path).map_err(|error| failed(&error))?;
        let mut output = File::create(&signed).map_err(|error| failed(&error))?;
        copy_and_sign_tar(&mut input, &mut output, std::slice::from_ref(pair), Some(name.as_bytes()))
            .map_err(|error| failed(&error))?;
        output.sync_all().map_err(|error| failed(&error))?;
        fs::rename(&signed, path).map_err(|error| failed(&error))
    };
    let made = make();
    if made.is_err() {
        let _ = fs::remove_file(&signed);
    }
    made
}

/// SHA-256 and size of a file.
fn measure(path: &Path) -> Result<(String, u64)> {
    let failed = |error: std::io::Error| dirs::read_error(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut chunk).map_err(failed)?;
        if length == 0 {
            break;
        }
        hash.update(&chunk[..length]);
    }
    let size = file.stream_position().map_err(failed)?;
    Ok((id::hex(&hash.finalize()), size))
}

fn write_manifest(folder: &Path, document: &Document, pair: &SigningKey) -> Result<()> {
    let mut json = serde_json::to_string_pretty(document)
        .map_err(|error| Error::internal("the manifest is no JSON").because(error))?;
    json.push('\n');
    let unsigned = |error: &dyn std::fmt::Display| Error::internal("the manifest cannot be signed").because(error);
    let hash = Prehash::calculate(&mut json.as_bytes()).map_err(|error| unsigned(&error))?;
    let name = manifest::NAME.as_bytes();
    let signature =
        gather_signature_data(std::slice::from_ref(pair), &hash, Some(name)).map_err(|error| unsigned(&error))?;
    write(folder, manifest::NAME, json.as_bytes())?;
    write(folder, manifest::SIGNATURE, format!("{}\n", BASE64_STANDARD.encode(signature)).as_bytes())
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    dirs::write_atomic(&folder.join(name), content, 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Manifest, manifest::archive_name};

    fn pair(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn how(seed: u8) -> Publish {
        Publish { pair: pair(seed), channel: None, notes_url: None, archives_url: None, withdraw: Vec::new() }
    }

    fn archive(folder: &Path, version: &str) {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(version.len() as u64);
        tar.append_data(&mut header, "mesheryctl", version.as_bytes()).unwrap();
        let bytes = tar.into_inner().unwrap().finish().unwrap();
        fs::write(folder.join(archive_name(version, "x86_64-unknown-linux-musl")), bytes).unwrap();
    }

    fn manifest(folder: &Path) -> Manifest {
        Manifest::parse(
            &fs::read_to_string(folder.join(manifest::NAME)).unwrap(),
            "https://x.example.org/manifest.json",
        )
        .unwrap()
    }

    #[test]
    fn versions_are_told_from_targets() {
        for (name, version) in [
            ("mesheryctl-0.2.0-x86_64-unknown-linux-musl.tar.gz", Some("0.2.0")),
            ("mesheryctl-0.2.0-edge.7-aarch64-apple-darwin.tar.gz", Some("0.2.0-edge.7")),
            ("mesheryctl-0.2.0.tar.gz", None),
            ("mesheryctl-new-x86_64-unknown-linux-musl.tar.gz", None),
            ("other-0.2.0-x86_64-unknown-linux-musl.tar.gz", None),
            ("SHA256SUMS", None),
        ] {
            assert_eq!(version_of(name).as_deref(), version, "{name}");
        }
    }

    #[test]
    fn a_feed_is_made_grows_and_made_again_stays_the_same() {
        let dir = tempfile::tempdir().unwrap();
        archive(dir.path(), "0.2.0");
        let first = publish(dir.path(), &how(1)).unwrap();
        assert_eq!((first.len(), first[0].channel), (1, Channel::Stable));
        let files = || {
            [manifest::NAME, manifest::SIGNATURE, SUMS, &first[0].name]
                .map(|name| fs::read(dir.path().join(name)).unwrap())
        };
        let before = files();
        publish(dir.path(), &how(1)).unwrap();
        assert!(files() == before, "made again it is the same");

        fs::remove_file(dir.path().join(&first[0].name)).unwrap();
        archive(dir.path(), "0.3.0-edge.1");
        let more = Publish {
            archives_url: Some("https://cdn.example.org/v{version}".to_owned()),
            withdraw: vec![("0.2.0".to_owned(), "too old".to_owned())],
            ..how(1)
        };
        publish(dir.path(), &more).unwrap();
        let releases = manifest(dir.path()).releases;
        assert_eq!((releases[0].version.as_str(), releases[0].channel), ("0.3.0-edge.1", Channel::Edge));
        let url = "https://cdn.example.org/v0.3.0-edge.1/mesheryctl-0.3.0-edge.1-x86_64-unknown-linux-musl.tar.gz";
        assert_eq!(releases[0].archives[0].url, url);
        assert_eq!(releases[1].withdrawn.as_deref(), Some("too old"));
    }

    #[test]
    fn what_is_signed_is_checked_and_nothing_else_passes() {
        let dir = tempfile::tempdir().unwrap();
        archive(dir.path(), "0.2.0");
        let made = publish(dir.path(), &how(1)).unwrap();
        let (own, other) = (Keys::of_pair(&pair(1)), Keys::of_pair(&pair(2)));
        let path = dir.path().join(&made[0].name);
        own.check_archive(&path).unwrap();
        assert_eq!(other.check_archive(&path).unwrap_err().code(), Code::ReleaseSignature);
        let renamed = dir.path().join(archive_name("9.9.9", "x86_64-unknown-linux-musl"));
        fs::copy(&path, &renamed).unwrap();
        assert!(own.check_archive(&renamed).is_err(), "the name is part of what is signed");

        let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
        let (json, signature) = (read(manifest::NAME), read(manifest::SIGNATURE));
        own.check_manifest(&json, &signature).unwrap();
        for (keys, json, signature) in [
            (&other, &json[..], &signature[..]),
            (&own, &json[1..], &signature),
            (&own, &json, b"bm90aGluZw=="),
            (&own, &json, b"!"),
            (&own, &json, b""),
        ] {
            assert_eq!(keys.check_manifest(json, signature).unwrap_err().code(), Code::ReleaseSignature);
        }
        assert_eq!(publish(dir.path(), &how(2)).unwrap_err().code(), Code::ReleaseSignature);
    }

    #[test]
    fn a_pair_is_made_once_and_its_private_half_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let public = new_pair(&path).unwrap();
        assert_eq!(
            Keys::of_file(&public).unwrap().fingerprints(),
            Keys::of_pair(&read_pair(&path).unwrap()).fingerprints()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(new_pair(&path).unwrap_err().code(), Code::ReleaseKey);
        assert_eq!(read_pair(&public).unwrap_err().code(), Code::ReleaseKey);
    }
}

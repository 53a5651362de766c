//! What a feed offers: releases, each with an archive for every kind of machine.
//!
//! The JSON is that of self_update's `manifest` back end, which other programs read too, with three fields more: a
//! release's `channel` and `withdrawn`, and an archive's `size`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Channel, PROGRAM};
use crate::base::{Code, Error, Result, text};

/// Its file name.
pub const NAME: &str = "manifest.json";
/// File name of its signature.
pub const SIGNATURE: &str = "manifest.json.sig";

/// What a feed offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Newest first.
    pub releases: Vec<Release>,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version, without a `v`.
    pub version: String,
    /// Whom it is for.
    pub channel: Channel,
    /// Why it was taken back, where it was.
    pub withdrawn: Option<String>,
    /// Where its notes stand.
    pub notes_url: Option<String>,
    /// Its archives.
    pub archives: Vec<Archive>,
}

/// An archive of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Archive {
    /// File name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
}

/// The JSON, as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Document {
    /// Version of the shape.
    pub schema: u64,
    #[serde(default)]
    pub releases: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub version: String,
    #[serde(default)]
    pub channel: Channel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    #[serde(default)]
    pub assets: Vec<Asset>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asset {
    pub name: String,
    pub url: String,
    pub digest: String,
    pub size: u64,
}

/// Name of the archive of a version for a kind of machine.
pub fn archive_name(version: &str, target: &str) -> String {
    format!("{PROGRAM}-{version}-{target}.tar.gz")
}

/// Orders versions; what is none comes first.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    self_update::version::cmp_versions(left, right).unwrap_or_else(|_| left.cmp(right))
}

impl Manifest {
    /// Reads the JSON that stands at `url`, against which archives' addresses are resolved. Entries whose version is none
    /// are left out.
    pub fn parse(json: &str, url: &str) -> Result<Self> {
        let unusable =
            |reason: String| Error::new(Code::ReleaseManifest, format!("{url} cannot be read")).because(reason);
        let listed = self_update::backends::manifest::parse_manifest(json, url);
        let listed = listed.map_err(|error| unusable(error.to_string()))?;
        let document: Document = serde_json::from_str(json).map_err(|error| unusable(error.to_string()))?;
        let mut entries: BTreeMap<&str, &Entry> =
            document.releases.iter().map(|entry| (entry.version.trim_start_matches('v'), entry)).collect();
        let mut releases = Vec::new();
        for release in listed {
            let Some(entry) = entries.remove(release.version()) else {
                return Err(unusable(format!("version {} stands twice", release.version())));
            };
            releases.push(Release::new(&release, entry).map_err(unusable)?);
        }
        releases.sort_by(|left, right| compare(&right.version, &left.version));
        Ok(Self { releases })
    }

    /// The newest release of a channel that has an archive for one of the targets and was not withdrawn.
    pub fn newest(&self, channel: Channel, targets: &[String]) -> Option<&Release> {
        let is_for = |release: &&Release| channel == Channel::Edge || release.channel == Channel::Stable;
        self.releases
            .iter()
            .filter(is_for)
            .find(|release| release.withdrawn.is_none() && release.find(targets).is_some())
    }

    /// The release of a version, with or without its `v`.
    pub fn named(&self, version: &str) -> Result<&Release> {
        let version = version.strip_prefix('v').unwrap_or(version);
        let known = || self.releases.iter().map(|release| release.version.as_str());
        let found = self.releases.iter().find(|release| release.version == version);
        let release = found.ok_or_else(|| {
            let error = Error::new(Code::ReleaseUnknown, format!("the feed has no release {version}"));
            if let Some(near) = text::did_you_mean(version, known()) {
                return error.detail(near);
            }
            error.detail(format!("known: {}", some_of(known())))
        })?;
        match &release.withdrawn {
            Some(reason) => {
                Err(Error::new(Code::ReleaseWithdrawn, format!("release {version} was withdrawn")).because(reason))
            }
            None => Ok(release),
        }
    }
}

fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}

impl Release {
    fn new(listed: &self_update::Release, entry: &Entry) -> Result<Self, String> {
        let mut archives = Vec::new();
        for (listed, asset) in listed.assets().iter().zip(&entry.assets) {
            let digest = asset.digest.strip_prefix("sha256:").map(str::to_lowercase);
            let sha256 = digest.filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            archives.push(Archive {
                name: asset.name.clone(),
                url: listed.download_url().to_owned(),
                sha256: sha256.ok_or_else(|| format!("{} has no sha256 digest but `{}`", asset.name, asset.digest))?,
                size: asset.size,
            });
        }
        Ok(Self {
            version: listed.version().to_owned(),
            channel: entry.channel,
            withdrawn: entry.withdrawn.clone(),
            notes_url: entry.notes_url.clone(),
            archives,
        })
    }

    fn find(&self, targets: &[String]) -> Option<&Archive> {
        targets.iter().find_map(|target| {
            let name = archive_name(&self.version, target);
            self.archives.iter().find(|archive| archive.name == name)
        })
    }

    /// The archive for the first of the targets that has one.
    pub fn archive(&self, targets: &[String]) -> Result<&Archive> {
        self.find(targets).ok_or_else(|| {
            Error::new(
                Code::ReleaseUnknown,
                format!("release {} has no archive for {}", self.version, targets.join(" or ")),
            )
            .detail(format!("archives: {}", some_of(self.archives.iter().map(|archive| archive.name.as_str()))))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://releases.example.org/mesheryctl/manifest.json";

    fn asset(name: &str, url: &str) -> Value {
        json!({"name": name, "url": url, "digest": format!("sha256:{}", "Ab".repeat(32)), "size": 7})
    }

    fn release(version: &str, channel: &str) -> Value {
        let name = archive_name(version, "a-b-c");
        json!({"version": version, "channel": channel, "assets": [asset(&name, &name)]})
    }

    fn manifest(releases: &[Value]) -> Result<Manifest> {
        Manifest::parse(&json!({"schema": 1, "releases": releases, "more": "is ignored"}).to_string(), URL)
    }

    fn targets() -> Vec<String> {
        vec!["x-y-z".to_owned(), "a-b-c".to_owned()]
    }

    #[test]
    fn the_newest_goes_by_channel_number_target_and_withdrawal() {
        let mut bad = release("0.11.0", "stable");
        bad["withdrawn"] = json!("it ate data");
        let mut elsewhere = release("0.12.0", "stable");
        elsewhere["assets"] = json!([asset(&archive_name("0.12.0", "d-e-f"), "x")]);
        let all = [
            release("0.9.0", "stable"),
            release("0.10.0", "stable"),
            bad,
            elsewhere,
            release("0.11.0-edge.2", "edge"),
            release("nightly", "edge"),
        ];
        let manifest = manifest(&all).unwrap();
        let newest = |channel| manifest.newest(channel, &targets()).map(|release| release.version.as_str());
        assert_eq!((newest(Channel::Stable), newest(Channel::Edge)), (Some("0.10.0"), Some("0.11.0-edge.2")));
        assert_eq!(manifest.named("v0.9.0").unwrap().version, "0.9.0");
        let error = manifest.named("0.11.0").unwrap_err();
        assert_eq!(error.code(), Code::ReleaseWithdrawn);
        assert!(error.to_string().contains("it ate data"), "{error}");
        assert_eq!(manifest.named("7.0.0").unwrap_err().code(), Code::ReleaseUnknown);
        let error = manifest.named("0.12.0").unwrap().archive(&targets()).unwrap_err();
        assert!(error.report().details[0].contains("d-e-f"), "{error:?}");
    }

    #[test]
    fn addresses_are_beside_the_manifest_unless_they_are_whole() {
        let mut one = release("1.0.0", "stable");
        one["assets"] = json!([asset("a", "a.tar.gz"), asset("b", "https://cdn.example.org/b")]);
        let archives = manifest(&[one]).unwrap().releases.remove(0).archives;
        assert_eq!(archives[0].url, "https://releases.example.org/mesheryctl/a.tar.gz");
        assert_eq!(archives[1].url, "https://cdn.example.org/b");
        assert_eq!(archives[0].sha256, "ab".repeat(32));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mut weak = release("1.0.0", "stable");
        weak["assets"][0]["digest"] = json!("md5:0");
        for (what, part) in [
            (manifest(&[weak]), "md5:0"),
            (manifest(&[release("1.0.0", "beta")]), "beta"),
            (manifest(&[release("1.0.0", "edge"), release("1.0.0", "stable")]), "twice"),
            (Manifest::parse(r#"{"schema": 2, "releases": []}"#, URL), "schema"),
            (Manifest::parse("<html>", URL), ""),
        ] {
            let error = what.unwrap_err();
            assert_eq!(error.code(), Code::ReleaseManifest);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}

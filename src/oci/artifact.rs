//! A pattern file as an OCI artefact: a manifest, the empty config, and one layer that is the file byte for byte.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::base::error::{Code, Error, Result};
use crate::base::id;

/// Type of the artefact, and of its layer.
pub const PATTERN: &str = "application/vnd.meshery.pattern.v1+yaml";
/// Type of the manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Type of the config, which says nothing.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Largest blob that is read.
pub const LIMIT: u64 = 64 << 20;

const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";

/// What a manifest says about a blob.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Type.
    pub media_type: String,
    /// `sha256:` and the digest in hexadecimal.
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
    /// Type of the artefact, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// Bytes with their descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub descriptor: Descriptor,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Bytes of a type, with their digest.
    pub(super) fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest: digest(&bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: Map::new(),
        };
        Self { descriptor, bytes }
    }
}

/// `sha256:…` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", id::hex(&Sha256::digest(bytes)))
}

/// A pattern or an image: a manifest and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest.
    pub manifest: Blob,
    /// Config and layers.
    pub blobs: Vec<Blob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    artifact_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

impl Artifact {
    /// The artefact of a pattern file. The same file gives the same digest.
    ///
    /// # Errors
    /// [`Code::Internal`] when the manifest cannot be written.
    pub fn of_pattern(name: &str, version: Option<&str>, text: &str) -> Result<Self> {
        let config = Blob::new(EMPTY, b"{}".to_vec());
        let mut layer = Blob::new(PATTERN, text.as_bytes().to_vec());
        layer.descriptor.annotations.insert(TITLE.to_owned(), json!(format!("{name}.yaml")));
        let mut annotations = Map::from_iter([(TITLE.to_owned(), json!(name))]);
        annotations.extend(version.map(|version| (VERSION.to_owned(), json!(version))));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": PATTERN,
            "config": config.descriptor,
            "layers": [layer.descriptor],
            "annotations": annotations,
        });
        let bytes = serde_json::to_vec(&manifest)
            .map_err(|error| Error::internal("a manifest cannot be written as JSON").because(error))?;
        let mut manifest = Blob::new(MANIFEST, bytes);
        manifest.descriptor.artifact_type = Some(PATTERN.to_owned());
        Ok(Self { manifest, blobs: vec![config, layer] })
    }

    /// The layer that a manifest says holds the pattern.
    ///
    /// # Errors
    /// [`Code::ArtifactInvalid`] for another artefact; `what` names it.
    pub fn layer(what: &str, manifest: &[u8]) -> Result<Descriptor> {
        let invalid =
            |because: String| Error::new(Code::ArtifactInvalid, format!("{what} holds no pattern")).because(because);
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| invalid(format!("its manifest is not one of an OCI image: {error}")))?;
        let own = manifest.layers.iter().find(|layer| layer.media_type == PATTERN);
        match own {
            Some(layer) if layer.size <= LIMIT => Ok(layer.clone()),
            Some(layer) => Err(invalid(format!("the file would be of {} bytes, and {LIMIT} are read", layer.size))),
            None => {
                let kind = manifest.artifact_type.unwrap_or(manifest.config.media_type);
                let hint = if kind.contains("helm") { "; import it with --from helm" } else { "" };
                Err(invalid(format!("it is of type {kind}{hint}")))
            }
        }
    }

    /// The text of a layer, checked against its descriptor.
    ///
    /// # Errors
    /// [`Code::ArtifactInvalid`] when the bytes are not what the descriptor says.
    pub fn text(what: &str, layer: &Descriptor, bytes: Vec<u8>) -> Result<String> {
        check(what, layer, &bytes)?;
        String::from_utf8(bytes)
            .map_err(|_| Error::new(Code::ArtifactInvalid, format!("the pattern in {what} is not text in UTF-8")))
    }
}

/// Whether bytes are those that a descriptor means.
///
/// # Errors
/// [`Code::ArtifactInvalid`] with both digests.
pub fn check(what: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<()> {
    let found = digest(bytes);
    if found == descriptor.digest && bytes.len() as u64 == descriptor.size {
        return Ok(());
    }
    Err(Error::new(Code::ArtifactInvalid, format!("{what} is damaged"))
        .because(format!("a blob is said to be {} and is {found}", descriptor.digest))
        .remedy("Export the pattern again, or pull it again."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_comes_back_byte_for_byte() {
        let text = "name: shop # with a comment\r\nservices: {}\n";
        let artifact = Artifact::of_pattern("shop", Some("1.0"), text).unwrap();
        assert_eq!(artifact, Artifact::of_pattern("shop", Some("1.0"), text).unwrap());
        let layer = Artifact::layer("x", &artifact.manifest.bytes).unwrap();
        let blob = artifact.blobs.iter().find(|blob| blob.descriptor.digest == layer.digest).unwrap();
        assert_eq!(Artifact::text("x", &layer, blob.bytes.clone()).unwrap(), text);
        let error = Artifact::text("x", &layer, b"other".to_vec()).unwrap_err();
        assert!(error.code() == Code::ArtifactInvalid && error.message() == "x is damaged", "{error}");
        assert_eq!(digest(b"{}"), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }

    #[test]
    fn other_artefacts_are_told_apart() {
        let chart = json!({"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:0", "size": 1}, "layers": []});
        let error = Artifact::layer("oci://x/y", chart.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().ends_with("import it with --from helm"), "{error}");
        assert!(Artifact::layer("x", b"{}").is_err() && Artifact::layer("x", b"[").is_err());
    }
}

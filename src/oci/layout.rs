//! An artefact as an OCI image layout: `oci-layout`, `index.json` and `blobs/sha256/…`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::artifact::{Artifact, Descriptor, PATTERN, check};
use crate::base::error::{Code, Error, Result};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The files of a layout: path and bytes.
///
/// # Errors
/// [`Code::Internal`] when the index cannot be written.
pub fn files(artifact: &Artifact, tag: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut descriptor = artifact.manifest.descriptor.clone();
    descriptor.annotations.insert(REF_NAME.to_owned(), json!(tag));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]});
    let mut files = vec![
        ("oci-layout".to_owned(), json(&json!({"imageLayoutVersion": "1.0.0"}))?),
        ("index.json".to_owned(), json(&index)?),
    ];
    for blob in std::iter::once(&artifact.manifest).chain(&artifact.blobs) {
        files.push((path(&blob.descriptor.digest)?, blob.bytes.clone()));
    }
    Ok(files)
}

fn json(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::internal("a layout cannot be written as JSON").because(error))
}

/// Where a blob is. A digest is never taken for a path before it is known to be one.
fn path(digest: &str) -> Result<String> {
    match digest.strip_prefix("sha256:") {
        Some(hex) if hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_hexdigit()) => Ok(format!("blobs/sha256/{hex}")),
        _ => Err(Error::new(Code::ArtifactInvalid, format!("`{digest}` is not a sha256 digest"))),
    }
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// The pattern file in a layout. `read` gives the bytes of a file in it, `what` names it.
///
/// # Errors
/// [`Code::ArtifactInvalid`] for a layout without a pattern, or one that is damaged.
pub fn pattern(what: &str, read: impl Fn(&str) -> Result<Vec<u8>>) -> Result<String> {
    let invalid =
        |because: String| Error::new(Code::ArtifactInvalid, format!("{what} holds no pattern")).because(because);
    let index: Index = serde_json::from_slice(&read("index.json")?)
        .map_err(|error| invalid(format!("its index.json is not one of an OCI layout: {error}")))?;
    let own = index.manifests.iter().find(|manifest| manifest.artifact_type.as_deref() == Some(PATTERN));
    let manifest = own.or(index.manifests.first()).ok_or_else(|| invalid("its index is empty".to_owned()))?;
    let bytes = read(&path(&manifest.digest)?)?;
    check(what, manifest, &bytes)?;
    let layer = Artifact::layer(what, &bytes)?;
    Artifact::text(what, &layer, read(&path(&layer.digest)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_holds_the_pattern_and_tells_when_it_is_damaged() {
        let artifact = Artifact::of_pattern("shop", None, "name: shop\nservices: {}\n").unwrap();
        let mut files = files(&artifact, "latest").unwrap();
        let read = |files: &[(String, Vec<u8>)], path: &str| {
            let found = files.iter().find(|(known, _)| known == path);
            found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| Error::new(Code::FileNotFound, path.to_owned()))
        };
        assert_eq!(files.len(), 5);
        assert_eq!(pattern("x", |path| read(&files, path)).unwrap(), "name: shop\nservices: {}\n");
        files[2].1.push(b' ');
        assert_eq!(pattern("x", |path| read(&files, path)).unwrap_err().message(), "x is damaged");
        files[1].1 = br#"{"manifests": [{"mediaType": "x", "digest": "sha256:../../etc", "size": 1}]}"#.to_vec();
        assert!(pattern("x", |path| read(&files, path)).unwrap_err().message().contains("not a sha256 digest"));
    }
}

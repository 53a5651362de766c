//! The image as an archive: an OCI image layout that is a docker archive at the same time, so that old engines take it too.

use std::io::Write;

use serde_json::{Value, json};

use super::files::{Content, Entry};
use super::layer::{header, refused, write_known};
use super::{Image, name, written};
use crate::base::error::Result;

/// Type of the index.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Writes the archive.
///
/// # Errors
/// When a file of the image changed or went away meanwhile, or `out` refuses.
pub fn write(image: &Image, out: &mut dyn Write) -> Result<()> {
    let (config, layer) = (blob(image.id()), blob(&image.layer.digest));
    let docker = json!([{"Config": config, "RepoTags": [image.reference()], "Layers": [layer]}]);
    put("oci-layout", &written(&json!({"imageLayoutVersion": "1.0.0"}))?, out)?;
    put("index.json", &written(&index(image))?, out)?;
    put("manifest.json", &written(&docker)?, out)?;
    folder("blobs/", out)?;
    folder("blobs/sha256/", out)?;
    put(&config, &image.config.bytes, out)?;
    put(&blob(image.manifest_digest()), &image.manifest.bytes, out)?;
    let head = header(&layer, &entry(Content::Text(String::new())), image.size())?;
    out.write_all(head.as_bytes()).map_err(|error| refused(&error))?;
    // A tar's own length is a multiple of its blocks: nothing has to be filled behind it.
    write_known(&image.files, &image.layer, out)?;
    out.write_all(&[0; 1024]).and_then(|()| out.flush()).map_err(|error| refused(&error))
}

fn blob(digest: &str) -> String {
    digest.replacen("sha256:", "blobs/sha256/", 1)
}

/// The index names the image in the words of OCI and in those of containerd.
fn index(image: &Image) -> Value {
    let mut descriptor = image.manifest.descriptor.clone();
    let tag = name::split(image.reference()).map_or("latest", |(_, tag)| tag);
    descriptor.annotations.insert("org.opencontainers.image.ref.name".to_owned(), json!(tag));
    descriptor.annotations.insert("io.containerd.image.name".to_owned(), json!(name::full(image.reference())));
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]})
}

fn entry(content: Content) -> Entry {
    Entry { content, mode: 0o644, owner: 0 }
}

fn folder(path: &str, out: &mut dyn Write) -> Result<()> {
    let entry = Entry { content: Content::Folder, mode: 0o755, owner: 0 };
    out.write_all(header(path, &entry, 0)?.as_bytes()).map_err(|error| refused(&error))
}

fn put(path: &str, bytes: &[u8], out: &mut dyn Write) -> Result<()> {
    let header = header(path, &entry(Content::Text(String::new())), bytes.len() as u64)?;
    let padding = vec![0; bytes.len().next_multiple_of(512) - bytes.len()];
    let written = out.write_all(header.as_bytes()).and_then(|()| out.write_all(bytes));
    written.and_then(|()| out.write_all(&padding)).map_err(|error| refused(&error))
}

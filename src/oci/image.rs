//! The program as its own container image, assembled in this process: no base image, no engine, no registry.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`elf`] | what an executable needs: architecture, loader, shared objects |
//! | [`files`] | the files of the image |
//! | [`layer`] | the files as one tar, always the same for the same files |
//! | [`archive`] | the image as an archive that engines load |

pub mod archive;
pub mod elf;
pub mod files;
pub mod layer;

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::artifact::{Blob, Descriptor, MANIFEST};
use crate::base::error::{Code, Error, Result};
use crate::plane::spec::{REPOSITORY, SERVER_PORT};
use elf::Architecture;
use files::{DATA, FileSystem, USER};

/// Type of the config (OCI image specification 1.1).
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Type of the layer: a tar without compression, whose digest is that of its content.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image made of this program.
#[derive(Debug, Clone)]
pub struct Image {
    reference: String,
    config: Blob,
    manifest: Blob,
    layer: Descriptor,
    files: FileSystem,
    is_static: bool,
}

impl Image {
    /// Assembles the image of the program at `program`. The same program and the same certificate authorities give the
    /// same digests on every machine. Blocks while it hashes.
    ///
    /// # Errors
    /// [`Code::ImageImpossible`] when the program is none for containers, needs a shared object that is not there, or
    /// this machine has no certificate authorities.
    pub fn of_program(program: &Path) -> Result<Self> {
        let executable = elf::read(program)?;
        let files = FileSystem::of_program(program, &executable)?;
        let (digest, size) = layer::digest(&files)?;
        let layer = Descriptor {
            media_type: LAYER.to_owned(),
            digest: digest.clone(),
            size,
            artifact_type: None,
            annotations: serde_json::Map::new(),
        };
        let config = Blob::new(CONFIG, written(&config(executable.architecture, &digest))?);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor,
            "layers": [layer],
        });
        let manifest = Blob::new(MANIFEST, written(&manifest)?);
        let short = config.descriptor.digest.trim_start_matches("sha256:").get(..12).unwrap_or_default().to_owned();
        let reference = format!("{REPOSITORY}:{}-{short}", env!("CARGO_PKG_VERSION"));
        Ok(Self { reference, config, manifest, layer, files, is_static: executable.needs.is_empty() })
    }

    /// The same image under another name.
    ///
    /// # Errors
    /// [`Code::UsageError`] for what cannot be the name of an image.
    pub fn with_reference(mut self, reference: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
        let (name, tag) = reference.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((reference, ""));
        let is_name =
            !name.is_empty() && !name.ends_with('/') && name.chars().all(|c| allowed(c) && !c.is_ascii_uppercase());
        if !is_name || !tag.chars().all(|c| allowed(c) && c != '/' && c != ':') {
            return Err(Error::new(Code::UsageError, format!("`{reference}` cannot be the name of an image"))
                .remedy("Write it as host/repository:tag, in lower case up to the tag."));
        }
        self.reference = if tag.is_empty() { format!("{name}:latest") } else { reference.to_owned() };
        Ok(self)
    }

    /// Its name: `meshery/mesheryctl:VERSION-DIGEST`, so that another program never has the same.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Digest of its config, which engines call the image's id.
    pub fn id(&self) -> &str {
        &self.config.descriptor.digest
    }

    /// Digest of its manifest, which registries call the image's digest.
    pub fn manifest_digest(&self) -> &str {
        &self.manifest.descriptor.digest
    }

    /// Size of its layer in bytes; the layer is not compressed.
    pub fn size(&self) -> u64 {
        self.layer.size
    }

    /// Whether the program is static.
    pub fn is_static(&self) -> bool {
        self.is_static
    }

    /// Its files.
    pub fn files(&self) -> &FileSystem {
        &self.files
    }

    /// Writes it as an archive that `docker load`, `podman load`, `ctr images import` and readers of OCI layouts take.
    ///
    /// # Errors
    /// When a file of it changed or went away meanwhile, or `out` refuses.
    pub fn archive_to(&self, out: &mut dyn Write) -> Result<()> {
        archive::write(self, out)
    }

    /// The archive in memory.
    ///
    /// # Errors
    /// Those of [`Image::archive_to`].
    pub fn archive(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or_default() + (1 << 16));
        self.archive_to(&mut bytes)?;
        Ok(bytes)
    }

    /// Manifest and blobs, for a registry. The layer is read into memory.
    ///
    /// # Errors
    /// When a file of it changed or went away meanwhile.
    pub fn artifact(&self) -> Result<super::Artifact> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or_default());
        layer::write(&self.files, &mut bytes)?;
        let layer = Blob { descriptor: self.layer.clone(), bytes };
        Ok(super::Artifact { manifest: self.manifest.clone(), blobs: vec![self.config.clone(), layer] })
    }
}

fn config(architecture: Architecture, layer: &str) -> Value {
    json!({
        "architecture": architecture.name(),
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "ExposedPorts": {format!("{SERVER_PORT}/tcp"): {}},
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
                format!("HOME={DATA}"),
                format!("MESHERY_HOME={DATA}"),
                format!("SSL_CERT_FILE=/{}", files::AUTHORITIES),
            ],
            "Entrypoint": [format!("/{}", files::PROGRAM)],
            "Cmd": ["serve", "server", "--host", "0.0.0.0", "--port", SERVER_PORT.to_string()],
            "Volumes": {DATA: {}},
            "WorkingDir": DATA,
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "mesheryctl",
                "org.opencontainers.image.description": env!("CARGO_PKG_DESCRIPTION"),
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    })
}

fn written(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::internal("an image cannot be described as JSON").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_get_a_tag() {
        let image = Image::of_program(&std::env::current_exe().unwrap()).unwrap();
        let named = |name: &str| image.clone().with_reference(name).map(|image| image.reference().to_owned());
        assert_eq!(named("localhost:5000/a/b").unwrap(), "localhost:5000/a/b:latest");
        assert_eq!(named("a/b:V1").unwrap(), "a/b:V1");
        for wrong in ["", "A/b", "a b", "a:b:c/"] {
            assert_eq!(named(wrong).unwrap_err().code(), Code::UsageError, "{wrong}");
        }
    }

    #[test]
    fn the_same_program_gives_the_same_image() {
        let program = std::env::current_exe().unwrap();
        let (one, two) = (Image::of_program(&program).unwrap(), Image::of_program(&program).unwrap());
        assert_eq!(
            (one.id(), one.manifest_digest(), one.reference()),
            (two.id(), two.manifest_digest(), two.reference())
        );
        let (mut first, mut second) = (layer::Digest::default(), layer::Digest::default());
        one.archive_to(&mut first).unwrap();
        two.archive_to(&mut second).unwrap();
        assert_eq!(first.end(), second.end());
    }
}

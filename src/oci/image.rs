//! The program as its own container image, assembled in this process: no base image, no engine, no registry.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`elf`] | one ELF file: architecture, loader, what it names |
//! | [`needs`] | the loader and the shared objects a program needs |
//! | [`stamp`] | which build of mesheryctl a program is |
//! | [`files`] | the files of the image |
//! | [`layer`] | the files as one tar, always the same for the same files |
//! | [`name`] | names of images |
//! | [`archive`] | the image as an archive that engines load |
//! | [`push`] | the image sent to a registry |
//! | [`stream`] | what is written, read as a stream |

pub mod archive;
pub mod elf;
pub mod files;
pub mod layer;
pub mod name;
pub mod needs;
pub mod push;
pub mod stamp;
pub mod stream;

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Map, Value, json};

use super::artifact::{Blob, Descriptor, MANIFEST};
use crate::base::error::{Error, Result};
use crate::plane::spec::{REPOSITORY, SERVER_PORT};
use elf::Architecture;
use files::{DATA, FileSystem, USER};
use stamp::Stamp;

/// Type of the config (OCI image specification 1.1).
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Type of the layer: a tar without compression, whose digest is that of its content.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// When everything in an image was made: never, so that its digest tells of content alone.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// An image made of this program, or of another build of it.
#[derive(Debug, Clone)]
pub struct Image {
    reference: String,
    architecture: Architecture,
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
    /// [`crate::base::Code::ImageImpossible`] when the program is no mesheryctl for Linux, needs a shared object that is
    /// not there, or this machine has no certificate authorities.
    pub fn of_program(program: &Path) -> Result<Self> {
        Self::with_authorities(program, &files::authorities()?)
    }

    /// As [`Image::of_program`], with certificate authorities that the caller names.
    pub(crate) fn with_authorities(program: &Path, authorities: &Path) -> Result<Self> {
        let elf = elf::read(program)?;
        let stamp = stamp::read(program, &elf)?;
        let needs = needs::of(program, &elf)?;
        let files = FileSystem::of_program(program, &needs, authorities);
        let (digest, size) = layer::digest(&files)?;
        let layer = Descriptor { media_type: LAYER.to_owned(), digest, size, ..Descriptor::default() };
        let config = Blob::new(CONFIG, written(&config(elf.architecture, &stamp, &layer.digest))?);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor,
            "layers": [layer],
        });
        let manifest = Blob::new(MANIFEST, written(&manifest)?);
        let reference = reference(&stamp, &config.descriptor.digest);
        Ok(Self {
            reference,
            architecture: elf.architecture,
            config,
            manifest,
            layer,
            files,
            is_static: needs.is_empty(),
        })
    }

    /// The same image under another name; the tag is `latest` where the name has none.
    ///
    /// # Errors
    /// [`crate::base::Code::UsageError`] for what cannot be the name of an image.
    pub fn with_reference(mut self, reference: &str) -> Result<Self> {
        self.reference = name::checked(reference)?;
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

    /// Processor architecture it is for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// Whether the program is static, so that the image holds neither loader nor shared objects.
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

    /// The archive as a stream, some MiB of it in memory at a time. Wants a tokio runtime.
    pub fn into_archive_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static {
        stream::of(move |out| self.archive_to(out))
    }
}

fn config(architecture: Architecture, stamp: &Stamp, layer: &str) -> Value {
    json!({
        "created": CREATED,
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
            "Labels": labels(stamp),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": CREATED, "created_by": "mesheryctl system image"}],
    })
}

/// What the image specification lets an image say of itself; what is not known is not said.
fn labels(stamp: &Stamp) -> Map<String, Value> {
    let known = |value: &str| !value.is_empty() && value != "unknown";
    [
        ("title", "mesheryctl"),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("version", &stamp.version),
        ("revision", &stamp.commit),
        ("source", env!("CARGO_PKG_REPOSITORY")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ]
    .into_iter()
    .filter(|(_, value)| known(value))
    .map(|(label, value)| (format!("org.opencontainers.image.{label}"), json!(value)))
    .collect()
}

/// The name of an image with this config. Tags have no `+`, which versions may have.
fn reference(stamp: &Stamp, config: &str) -> String {
    let digest = config.trim_start_matches("sha256:").get(..12).unwrap_or_default();
    format!("{REPOSITORY}:{}-{digest}", stamp.version.replace('+', "-"))
}

fn written(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::internal("an image cannot be described as JSON").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_gives_the_same_image() {
        let program = std::env::current_exe().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let authorities = dir.path().join("ca.pem");
        std::fs::write(&authorities, "one").unwrap();
        let of = |program: &Path| Image::with_authorities(program, &authorities).unwrap();
        let (one, two) = (of(&program), of(&program));
        assert_eq!(
            (one.id(), one.manifest_digest(), one.reference()),
            (two.id(), two.manifest_digest(), two.reference())
        );
        std::fs::copy(&program, dir.path().join("other")).unwrap();
        assert_eq!(of(&dir.path().join("other")).id(), one.id(), "wherever the program lies");
        let (mut first, mut second) = (layer::Digest::default(), layer::Digest::default());
        one.archive_to(&mut first).unwrap();
        two.archive_to(&mut second).unwrap();
        assert_eq!(first.end(), second.end());
        std::fs::write(&authorities, "two").unwrap();
        assert_ne!(of(&program).id(), one.id(), "other authorities are another image");
        let renamed = one.clone().with_reference("a/b").unwrap();
        assert_eq!((renamed.reference(), renamed.id()), ("a/b:latest", one.id()));
        assert!(one.with_reference("A/b").is_err());
    }

    #[test]
    fn versions_become_tags_and_labels() {
        let stamp = Stamp { version: "1.2.0+x".to_owned(), commit: "unknown".to_owned() };
        assert_eq!(reference(&stamp, "sha256:0123456789abcdef"), format!("{REPOSITORY}:1.2.0-x-0123456789ab"));
        let said = labels(&stamp);
        assert_eq!(said["org.opencontainers.image.version"], "1.2.0+x");
        assert!(!said.contains_key("org.opencontainers.image.revision"), "what is not known is not said");
    }
}

//! `system image`: the program as its own container image.

mod build;
mod push;
mod save;

use std::path::PathBuf;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Code, Error, Result, text};
use crate::ctl::Ctl;
use crate::oci::Image;
use crate::oci::image::files::{Content, USER};

/// The program as its own container image.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system image build -o wide
  mesheryctl system image save -f mesheryctl.tar
  mesheryctl system image push registry.example.org/meshery/mesheryctl:v1.2.0"
)]
pub enum Command {
    #[command(about = "Assemble the image and show what is in it")]
    Build(build::Args),
    #[command(about = "Write the image as an archive that engines load")]
    Save(save::Args),
    #[command(about = "Push the image to a registry")]
    Push(push::Args),
}

/// Of which program the image is made.
#[derive(Debug, clap::Args)]
pub struct ProgramArgs {
    /// Linux build of mesheryctl to make the image of, instead of this program.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    program: Option<PathBuf>,
}

/// What the image is called.
#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// Name of the image, instead of the one made of version and digest.
    #[arg(long, value_name = "REFERENCE")]
    tag: Option<String>,
}

/// An image.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Name.
    pub reference: String,
    /// Digest of its config, which engines call the image's id.
    pub id: String,
    /// Digest of its manifest, which registries call the image's digest.
    pub digest: String,
    /// Size of its layer in bytes, which is not compressed.
    pub size: u64,
    /// Operating system and processor architecture: `linux/amd64` or `linux/arm64`.
    pub platform: String,
    /// How its program is linked.
    pub linkage: Linkage,
    /// User and group it runs as.
    pub user: u32,
    /// Its files.
    pub files: Vec<FileView>,
    /// Where it was written to or pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// It needs nothing but itself.
    Static,
    /// The image holds the loader and the shared objects it needs.
    Dynamic,
}

/// A file of an image.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileView {
    /// Path in the image.
    pub path: String,
    /// Mode, in octal.
    pub mode: String,
    /// Size in bytes.
    pub size: u64,
    /// The file of this machine that it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PathBuf>,
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Build(args) => build::run(ctx, args).await,
            Command::Save(args) => save::run(ctx, args).await,
            Command::Push(args) => push::run(ctx, args).await,
        }
    }
}

/// Assembles the image, beside the signals.
async fn assemble(program: ProgramArgs, tag: Option<String>) -> Result<Image> {
    let program = match program.program {
        Some(program) => program,
        None => std::env::current_exe().map_err(|error| {
            Error::new(Code::ImageImpossible, "the path of this program is unknown")
                .because(error)
                .remedy("Name it with --program.")
        })?,
    };
    blocking(move || {
        let image = Image::of_program(&program)?;
        match &tag {
            Some(tag) => image.with_reference(tag),
            None => Ok(image),
        }
    })
    .await
}

/// Work that reads and hashes many bytes.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("the image was not finished").because(error))?
}

fn view(image: &Image) -> View {
    let files: Vec<FileView> = image
        .files()
        .0
        .iter()
        .filter_map(|(path, entry)| {
            let (size, source) = match &entry.content {
                Content::Folder => return None,
                Content::Text(text) => (text.len() as u64, None),
                Content::Copy(source) => (std::fs::metadata(source).map_or(0, |file| file.len()), Some(source.clone())),
            };
            Some(FileView { path: format!("/{path}"), mode: format!("{:04o}", entry.mode), size, source })
        })
        .collect();
    View {
        reference: image.reference().to_owned(),
        id: image.id().to_owned(),
        digest: image.manifest_digest().to_owned(),
        size: image.size(),
        platform: format!("linux/{}", image.architecture().name()),
        linkage: if image.is_static() { Linkage::Static } else { Linkage::Dynamic },
        user: USER,
        files,
        target: None,
    }
}

fn summary(view: &View) -> String {
    let linkage = match view.linkage {
        Linkage::Static => "static program",
        Linkage::Dynamic => "program with its loader and shared objects",
    };
    format!(
        "{}\n  id        {}\n  digest    {}\n  size      {} in {}\n  platform  {}, {linkage}\n  user      {}",
        view.reference,
        view.id,
        view.digest,
        text::bytes(view.size),
        text::count(view.files.len(), "file"),
        view.platform,
        view.user,
    )
}

//! `pattern export`.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::view;
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::client::archive;
use crate::ctl::source::{AssembleArgs, SourceArgs};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::oci::{Artifact, Reference, layout, registry};
use crate::pattern::export::objects::Options;
use crate::pattern::export::{Exported, chart, manifests, objects};
use crate::pattern::{Bundle, Document};

/// Write a pattern as Kubernetes manifests, a Helm chart or an OCI artefact.
///
/// An OCI artefact holds the pattern file byte for byte, as type application/vnd.meshery.pattern.v1+yaml; it is written as
/// an image layout, or pushed to a registry with the credentials of `docker login`. `pattern import` reads both.
///
/// Manifests come in the order of application and can be piped into `kubectl apply -f -`; without --with-marks they do
/// not say which pattern they are of. A chart has the pattern's `vars` as its values and CRDs in crds/.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern export shop > manifests.yaml
  mesheryctl pattern export -f shop.yaml --format helm --output-dir charts/
  mesheryctl pattern export -f shop.yaml --format oci --output-file shop.tar
  mesheryctl pattern export shop --format oci --push oci://registry.example.org/patterns/shop:1.0")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    assemble: AssembleArgs,
    /// A pattern the plane knows, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", conflicts_with = "files", add = complete::patterns())]
    pattern: Option<String>,
    /// What to make of it.
    #[arg(long, visible_alias = "type", value_name = "FORMAT", value_enum, default_value_t = Form::Manifests)]
    format: Form,
    /// Write to this file; a chart ends in .tgz, an OCI layout in .tar.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "output_dir")]
    output_file: Option<PathBuf>,
    /// Write into this folder: a file an object, a chart's folder, or an OCI layout.
    #[arg(short = 'd', long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    output_dir: Option<PathBuf>,
    /// Push the artefact to this address, such as oci://HOST/REPOSITORY:TAG; implies --format oci.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["output_file", "output_dir"])]
    push: Option<String>,
    /// Speak plain HTTP with a registry that is not this machine.
    #[arg(long, hide_short_help = true)]
    plain_http: bool,
    /// Keep the label and annotations that tell which pattern an object is of.
    #[arg(long)]
    with_marks: bool,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
}

/// What a pattern is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One YAML stream, as kubectl takes it.
    #[value(alias = "manifest", alias = "k8s-manifest", alias = "current")]
    Manifests,
    /// A Helm chart.
    #[value(alias = "helm-chart")]
    Helm,
    /// An OCI artefact that holds the pattern file.
    Oci,
    /// The pattern file itself.
    #[value(alias = "original")]
    Pattern,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Manifests => "manifests",
            Form::Helm => "helm",
            Form::Oci => "oci",
            Form::Pattern => "pattern",
        })
    }
}

/// What was exported.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Name of the pattern.
    pub pattern: String,
    /// `manifests`, `helm`, `oci` or `pattern`.
    pub format: String,
    /// Files that were written.
    pub files: Vec<String>,
    /// The text, where it was not written to files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Digest of the artefact's manifest, for OCI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What the format cannot say.
    pub warnings: Vec<String>,
}

/// A pattern that is exported.
struct Work<'a> {
    ctx: &'a Ctl,
    args: &'a Args,
    bundle: Bundle,
    document: Document,
}

pub(crate) async fn run(ctx: &Ctl, mut args: Args) -> Result<()> {
    if args.push.is_some() {
        args.format = Form::Oci;
    }
    let (bundle, document) = pattern(ctx, &args).await?;
    let work = Work { ctx, args: &args, bundle, document };
    match args.format {
        Form::Manifests => work.manifests(),
        Form::Helm => work.helm(),
        Form::Oci => work.oci().await,
        Form::Pattern => work.original(),
    }
}

/// The one pattern that the arguments mean, assembled.
async fn pattern(ctx: &Ctl, args: &Args) -> Result<(Bundle, Document)> {
    if let Some(wanted) = &args.pattern {
        let record = view::find(ctx, wanted).await?;
        let assembled = args.source.stored(ctx, &args.assemble, record).await?.assemble(ctx).await?;
        return Ok((assembled.bundle, assembled.document));
    }
    if args.source.files.is_empty() {
        return Err(Error::new(Code::UsageError, "there is nothing to export")
            .remedy("Name a file with -f, as in `mesheryctl pattern export -f shop.yaml`, or a stored pattern."));
    }
    let mut assembled = args.source.assembled(ctx, &args.assemble).await?;
    match (assembled.pop(), assembled.len()) {
        (Some(one), 0) => Ok((one.bundle, one.document)),
        (_, more) => Err(Error::new(
            Code::UsageError,
            format!("{} patterns were given, and one is exported at a time", more + 1),
        )),
    }
}

impl Work<'_> {
    fn options(&self) -> Options<'_> {
        let namespace = self.args.namespace.as_deref().or(self.ctx.settings.namespace());
        Options { namespace, marks: self.args.with_marks }
    }

    fn manifests(&self) -> Result<()> {
        let Exported { objects, warnings } = objects(&self.document, self.options())?;
        if let Some(dir) = &self.args.output_dir {
            let width = objects.len().to_string().len().max(2);
            let mut files = Vec::with_capacity(objects.len());
            for (index, object) in objects.iter().enumerate() {
                let name = format!("{index:0width$}-{}.yaml", file_name(&object.service));
                files.push((name, manifests::text(std::slice::from_ref(object))?));
            }
            return self.folder(dir, files, warnings);
        }
        self.text(manifests::text(&objects)?, warnings)
    }

    fn helm(&self) -> Result<()> {
        let chart = chart::chart(&self.document, self.options())?;
        if let Some(dir) = &self.args.output_dir {
            return self.folder(&dir.join(&chart.name), chart.files, chart.warnings);
        }
        let Some(path) = &self.args.output_file else {
            return Err(self.needs_target("a chart is a folder or an archive"));
        };
        let files = chart.files.into_iter().map(|(path, text)| (format!("{}/{path}", chart.name), text.into_bytes()));
        let bytes = archive::pack(&files.collect::<Vec<_>>(), true)?;
        self.file(path, &bytes, chart.warnings)
    }

    async fn oci(&self) -> Result<()> {
        let pattern = &self.document.pattern;
        let text = self.bundle.one_file(&self.document)?;
        let artifact = Artifact::of_pattern(&pattern.name, pattern.version.as_deref(), &text)?;
        let digest = artifact.manifest.descriptor.digest.clone();
        if let Some(address) = &self.args.push {
            let reference: Reference = address.parse()?;
            let settings = &self.ctx.settings;
            let options = registry::Options {
                plain_http: self.args.plain_http,
                timeout: settings.timeout(),
                ca_file: settings.ca_file(),
            };
            let digest = registry::Registry::open(&reference, options).await?.push(&artifact).await?;
            let line = format!("pattern {} pushed to {reference} as {digest}", pattern.name);
            return self.tell(&View { digest: Some(digest), ..self.view(Vec::new(), Vec::new()) }, line);
        }
        let files = layout::files(&artifact, pattern.version.as_deref().unwrap_or("latest"))?;
        let target = self.args.output_dir.as_ref().or(self.args.output_file.as_ref());
        let Some(target) = target else { return Err(self.needs_target("a layout is a folder or an archive")) };
        if self.args.output_dir.is_some() {
            refuse_full(target)?;
            for (name, bytes) in &files {
                dirs::write_atomic(&target.join(name), bytes, 0o644)?;
            }
        } else {
            dirs::write_atomic(target, &archive::pack(&files, false)?, 0o644)?;
        }
        let line = format!("pattern {} written as oci to {} as {digest}", pattern.name, target.display());
        let view = self.view(vec![target.display().to_string()], Vec::new());
        self.tell(&View { digest: Some(digest), ..view }, line)
    }

    /// The pattern as it stands in its file; with overlays, values and imports, as one file that has them worked in.
    fn original(&self) -> Result<()> {
        let text = self.bundle.one_file(&self.document)?;
        if let Some(dir) = &self.args.output_dir {
            let name = format!("{}.yaml", file_name(&self.document.pattern.name));
            return self.folder(dir, vec![(name, text)], Vec::new());
        }
        self.text(text, Vec::new())
    }

    fn needs_target(&self, because: &str) -> Error {
        Error::new(Code::ExportTarget, format!("the form `{}` does not go to standard output", self.args.format))
            .because(because)
            .remedy("Name a file with --output-file, or a folder with --output-dir.")
    }

    fn text(&self, text: String, warnings: Vec<String>) -> Result<()> {
        if let Some(path) = &self.args.output_file {
            return self.file(path, text.as_bytes(), warnings);
        }
        self.tell(&View { content: Some(text.clone()), ..self.view(Vec::new(), warnings) }, text)
    }

    fn file(&self, path: &Path, bytes: &[u8], warnings: Vec<String>) -> Result<()> {
        dirs::write_atomic(path, bytes, 0o644)?;
        let view = self.view(vec![path.display().to_string()], warnings);
        let line = format!("pattern {} written as {} to {}", view.pattern, view.format, path.display());
        self.tell(&view, line)
    }

    fn folder(&self, dir: &Path, files: Vec<(String, String)>, warnings: Vec<String>) -> Result<()> {
        refuse_full(dir)?;
        let mut written = Vec::with_capacity(files.len());
        for (name, text) in files {
            let path = dir.join(name);
            dirs::write_atomic(&path, text.as_bytes(), 0o644)?;
            written.push(path.display().to_string());
        }
        let count = text::count(written.len(), "file");
        let view = self.view(written, warnings);
        let line = format!("pattern {} written as {} to {} ({count})", view.pattern, view.format, dir.display());
        self.tell(&view, line)
    }

    fn view(&self, files: Vec<String>, warnings: Vec<String>) -> View {
        let pattern = self.document.pattern.name.clone();
        View { pattern, format: self.args.format.to_string(), files, content: None, digest: None, warnings }
    }

    fn tell(&self, view: &View, text: String) -> Result<()> {
        for warning in self.document.warnings.iter().chain(&view.warnings).collect::<std::collections::BTreeSet<_>>() {
            self.ctx.ui.warn(warning)?;
        }
        self.ctx.ui.print(&Rendered::one(view, text)?.names([view.pattern.clone()]))
    }
}

/// What is in a folder is never mixed with what is written.
pub(in crate::ctl::cmd) fn refuse_full(dir: &Path) -> Result<()> {
    let full = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if full || dir.is_file() {
        return Err(Error::new(Code::ExportTarget, format!("{} is not empty", dir.display())));
    }
    Ok(())
}

/// A file name made of a service key or pattern name.
fn file_name(key: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    key.chars().map(safe).collect::<String>().trim_matches('.').to_owned()
}

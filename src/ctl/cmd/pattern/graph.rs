//! `pattern graph`.

use std::path::{Path, PathBuf};

use super::view;
use crate::base::error::{Code, Error, Result};
use crate::ctl::source::{AssembleArgs, SourceArgs};
use crate::ctl::ui::{Format, Paint, Picture, Rendered, Tone};
use crate::ctl::{Ctl, complete};
use crate::model::pattern::{ServiceHealth, ServiceStatus};
use crate::pattern::graph::layout::Layout;
use crate::pattern::graph::text::Part;
use crate::pattern::graph::{Graph, dot, mermaid, png, svg, text};
use crate::pattern::identify::Kinds;
use crate::pattern::{Bundle, Document, bundle, compile};
use crate::wire::rest::StatusRequest;

/// Draw the services of a pattern, what each needs first, and the waves in which they are applied.
///
/// Without -o it is drawn with characters; -o takes text, dot, mermaid, svg and png besides the usual forms. Kinds of
/// meshes and other CRDs are shown by their type, because no cluster is asked; --status colours the services by the live
/// health of the applied pattern. What Kubernetes implies (a namespace before its content, a CRD before its objects) is
/// dotted, and left out where other arrows say it already.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern graph -f shop.yaml
  mesheryctl pattern graph -f shop.yaml -o svg --output-file shop.svg
  mesheryctl pattern graph shop --status
  mesheryctl pattern graph -f shop.yaml -o mermaid")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    assemble: AssembleArgs,
    /// Pattern the plane knows, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", add = complete::patterns())]
    pattern: Option<String>,
    /// Show the live health of every service.
    #[arg(long)]
    status: bool,
    /// Write to a file; without -o its ending says what: .txt, .dot, .mmd, .svg, .png, .json or .yaml.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output_file: Option<PathBuf>,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let format = args.format(ctx)?;
    let document = args.document(ctx).await?;
    let namespace = args.namespace.as_deref().or(ctx.settings.namespace()).unwrap_or("default");
    let compiled = compile(&document, &Kinds::offline(), namespace)?;
    let mut graph = Graph::of(&compiled);
    if args.status {
        let status = health(ctx, &graph.pattern).await?;
        graph = graph.with_status(&status);
    }
    let bytes = draw(ctx, &graph, &format, args.output_file.is_none())?;
    match &args.output_file {
        None => ctx.ui.bytes(&bytes),
        Some(path) => {
            std::fs::write(path, &bytes).map_err(|error| {
                Error::new(Code::OutputFailed, format!("cannot write {}", path.display())).because(error)
            })?;
            ctx.ui.note(&format!("Drawn to {}.", path.display()))
        }
    }
}

impl Args {
    /// The form that -o or the file's ending wants.
    fn format(&self, ctx: &Ctl) -> Result<Format> {
        let format = match (ctx.ui.format(), self.output_file.as_deref().and_then(ending)) {
            (Format::Table, Some(by_ending)) => by_ending,
            (given, _) => given.clone(),
        };
        if format == Format::Picture(Picture::Png) && self.output_file.is_none() && ctx.ui.has_terminal() {
            return Err(Error::new(Code::UsageError, "a terminal cannot show a PNG")
                .remedy("Write it to a file with --output-file graph.png, or use -o text."));
        }
        Ok(format)
    }

    /// The one pattern that is meant.
    async fn document(&self, ctx: &Ctl) -> Result<Document> {
        let Some(name) = &self.pattern else {
            let mut assembled = self.source.assembled(ctx, &self.assemble).await?;
            return match assembled.len() {
                1 => Ok(assembled.remove(0).document),
                0 => Err(Error::new(Code::UsageError, "there is nothing to draw").remedy(
                    "Name a file with -f, as in `mesheryctl pattern graph -f shop.yaml`, or a stored pattern.",
                )),
                several => Err(Error::new(Code::UsageError, format!("-f names {several} patterns; one is drawn"))
                    .details(
                        assembled
                            .iter()
                            .map(|one| format!("{} in {}", one.document.pattern.name, one.bundle.base.name)),
                    )
                    .remedy("Draw them one by one.")),
            };
        };
        if !self.source.files.is_empty() {
            return Err(
                Error::new(Code::UsageError, "a stored pattern and -f were both given").remedy("Use one of them.")
            );
        }
        let record = view::find(ctx, name).await?;
        let (values, set) = self.assemble.values(ctx, &self.source).await?;
        bundle::assemble(&Bundle { values, set, ..Bundle::of_text(record.name, record.pattern_file) })
    }
}

fn ending(path: &Path) -> Option<Format> {
    Some(match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "txt" => Format::Picture(Picture::Text),
        "dot" | "gv" => Format::Picture(Picture::Dot),
        "mmd" | "mermaid" => Format::Picture(Picture::Mermaid),
        "svg" => Format::Picture(Picture::Svg),
        "png" => Format::Picture(Picture::Png),
        "json" => Format::Json,
        "yaml" | "yml" => Format::Yaml,
        _ => return None,
    })
}

/// Live health by service; a pattern that is nowhere applied has none, and its services show that.
async fn health(ctx: &Ctl, pattern: &str) -> Result<Vec<ServiceStatus>> {
    let request = StatusRequest {
        pattern: pattern.to_owned(),
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
    };
    match ctx.client().await?.pattern_status(&request).await {
        Ok(status) => Ok(status.services),
        Err(error) if matches!(error.code(), Code::PatternNotApplied | Code::PatternNotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn draw(ctx: &Ctl, graph: &Graph, format: &Format, to_stdout: bool) -> Result<Vec<u8>> {
    let text = match format {
        Format::Picture(Picture::Png) => return png::write(&Layout::of(graph)),
        Format::Picture(Picture::Svg) => svg::write(&Layout::of(graph)),
        Format::Picture(Picture::Dot) => dot::write(graph),
        Format::Picture(Picture::Mermaid) => mermaid::write(graph),
        Format::Picture(Picture::Text) | Format::Table | Format::Wide => {
            characters(graph, if to_stdout { ctx.ui.paint() } else { Paint::default() }, ctx.ui.is_unicode())
        }
        other => {
            let names = graph.services.iter().map(|node| node.service.clone());
            ctx.ui.written(&Rendered::one(graph, "")?.records(&graph.services)?.names(names), other)?
        }
    };
    Ok(text.into_bytes())
}

/// The graph in characters, coloured where stdout is.
pub(in crate::ctl::cmd) fn characters(graph: &Graph, paint: Paint, unicode: bool) -> String {
    text::write(graph, unicode, &|part, piece| {
        let tone = match part {
            Part::Plain => return piece.to_owned(),
            Part::Heading => Tone::Heading,
            Part::Faint => Tone::Faint,
            Part::Health(health) => tone(health),
        };
        paint.apply(tone, piece).into_owned()
    })
}

/// The tone of a health.
pub(in crate::ctl::cmd) fn tone(health: ServiceHealth) -> Tone {
    match health {
        ServiceHealth::Ready => Tone::Good,
        ServiceHealth::InProgress | ServiceHealth::Terminating => Tone::Busy,
        ServiceHealth::Failed | ServiceHealth::Missing => Tone::Bad,
        ServiceHealth::NotApplied | ServiceHealth::Unknown => Tone::Warning,
    }
}

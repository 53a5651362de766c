//! `pattern render`.

use serde_json::{Value, json};

use super::view;
use crate::base::error::{Code, Error, Result};
use crate::ctl::source::{AssembleArgs, SourceArgs, Sourced};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::pattern::identify::Kinds;
use crate::pattern::render::{Rendering, Stage, Wanted, render};

/// Show what becomes of a pattern, stage by stage; by default the Kubernetes objects that apply would send.
///
/// A second -f of the same name, or without a name, goes over the first: mappings merge, null takes a key away, lists of
/// mappings with a name of their own merge by it, everything else is replaced. --values and --set come after all files.
/// Without --kube-context no cluster is asked: kinds of meshes and other CRDs then need an `apiVersion` in their service.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern render -f shop.yaml | kubectl apply -f -
  mesheryctl pattern render -f base.yaml -f prod.yaml --set replicas=3 --origin
  mesheryctl pattern render -f shop.yaml --stage resolve
  mesheryctl pattern render shop
  mesheryctl pattern render -f shop.yaml --stage order --kube-context staging -o json")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    assemble: AssembleArgs,
    /// A stored pattern, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", conflicts_with = "files", add = complete::patterns())]
    pattern: Option<String>,
    /// Stage to show.
    #[arg(long, value_name = "STAGE", default_value = "objects",
        value_parser = clap::builder::PossibleValuesParser::new(Stage::NAMES.map(|(name, _)| name)))]
    stage: String,
    /// Tell where each value comes from: file and line, --set, an import, a variable.
    #[arg(long)]
    origin: bool,
    /// Ask no cluster, also when a context is set.
    #[arg(long)]
    offline: bool,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let stage = Stage::NAMES.iter().find(|(name, _)| *name == args.stage).map_or(Stage::Objects, |(_, stage)| *stage);
    let patterns = patterns(ctx, &args).await?;
    let kinds = if needs_kinds(stage) { kinds(ctx, args.offline).await? } else { Kinds::offline() };
    let namespace = args.namespace.as_deref().or(ctx.settings.namespace()).unwrap_or("default");
    let wanted = Wanted { stage, kinds: &kinds, namespace, origin: args.origin };
    let mut all = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        all.push(render(&pattern.gather(ctx).await?, &wanted)?);
    }
    for warning in all.iter().flat_map(|rendering| &rendering.warnings) {
        ctx.ui.warn(warning)?;
    }
    show(ctx, stage, args.origin, &all)
}

async fn patterns(ctx: &Ctl, args: &Args) -> Result<Vec<Sourced>> {
    if let Some(wanted) = &args.pattern {
        let record = view::find(ctx, wanted).await?;
        return Ok(vec![args.source.stored(ctx, &args.assemble, record).await?]);
    }
    if args.source.files.is_empty() {
        return Err(Error::new(Code::UsageError, "there is nothing to render")
            .remedy("Name a file with -f, as in `mesheryctl pattern render -f shop.yaml`, or a stored pattern."));
    }
    args.source.sourced(ctx, &args.assemble).await
}

fn needs_kinds(stage: Stage) -> bool {
    !matches!(stage, Stage::Parse | Stage::Import | Stage::Resolve)
}

/// The kinds of the chosen cluster, or Kubernetes' own.
async fn kinds(ctx: &Ctl, offline: bool) -> Result<Kinds> {
    match ctx.settings.kube_contexts() {
        [context] if !offline => {
            let kubeconfig = ctx.settings.kubeconfig_list();
            Ok(Kinds::of_cluster(ctx.client().await?.kinds(context, kubeconfig.as_deref()).await?))
        }
        [] | [_] => Ok(Kinds::offline().guessing()),
        several if !offline => {
            Err(Error::new(Code::UsageError, format!("{} contexts are chosen; render takes one", several.len()))
                .remedy("Name one with --kube-context, or ask none with --offline."))
        }
        _ => Ok(Kinds::offline().guessing()),
    }
}

fn show(ctx: &Ctl, stage: Stage, origin: bool, all: &[Rendering]) -> Result<()> {
    let documents: Vec<&Value> = all.iter().flat_map(|rendering| &rendering.documents).collect();
    let yaml = texts(stage, all);
    let names = all.iter().flat_map(|rendering| rendering.names.clone());
    let value = match (origin, stage) {
        (true, _) => json!(all.iter().flat_map(|rendering| rendering.origins.clone()).collect::<Vec<_>>()),
        (false, Stage::Objects) => json!({"apiVersion": "v1", "kind": "List", "items": documents}),
        (false, _) => match documents.as_slice() {
            [one] => (*one).clone(),
            several => json!(several),
        },
    };
    let mut rendered = Rendered::one(&value, yaml.clone())?.yaml(yaml).names(names);
    if stage == Stage::Objects && !origin {
        rendered = rendered.records(&documents)?;
    }
    ctx.ui.print(&rendered)
}

/// One stream of documents, each parted from the next.
fn texts(stage: Stage, all: &[Rendering]) -> String {
    let parts: Vec<&str> = all.iter().map(|rendering| rendering.yaml.as_str()).collect();
    // Objects begin with their own separator each.
    parts
        .concat()
        .strip_prefix("---\n")
        .filter(|_| stage == Stage::Objects)
        .map_or_else(|| parts.join("---\n"), str::to_owned)
}

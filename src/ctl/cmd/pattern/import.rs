//! `pattern import`.

pub mod gather;

use std::path::PathBuf;

use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::client::import::{self, Options};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::wire::rest::exchange::{ClusterSource, ImportReply, ImportRequest};
use crate::wire::rest::{PatternData, SavePatternRequest};
use gather::GatherArgs;

/// Make a pattern of Kubernetes manifests, a kustomize folder, a Compose file, a Helm chart, an OCI artefact or a
/// running namespace.
///
/// The pattern goes to standard output. Bodies of objects are kept whole; what the API server wrote (status, uid and the
/// like) is left out and counted. The format is told from the content. Charts are rendered by `helm`, kustomize folders by
/// `kustomize` or `kubectl`; both must be on PATH. Of a namespace only what users own is taken, as they said it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern import -f manifests/ -R --name shop > shop.yaml
  mesheryctl pattern import -f compose.yaml --save
  mesheryctl pattern import -f ./chart --values prod.yaml --release-name shop
  mesheryctl pattern import --from-cluster shop --kube-context staging --output-file shop.yaml")]
pub struct Args {
    #[command(flatten)]
    gather: GatherArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Write the pattern to this file instead of standard output.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output_file: Option<PathBuf>,
    /// Store the pattern in the plane.
    #[arg(long)]
    save: bool,
}

/// Flags about a running namespace.
#[derive(Debug, Clone, clap::Args)]
pub struct ClusterArgs {
    /// Take the objects that users own in this namespace, instead of -f.
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "files")]
    from_cluster: Option<String>,
    /// Kinds to take, such as Deployment or services; repeatable, or separated by commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', requires = "from_cluster")]
    kinds: Vec<String>,
    /// Label selector of the objects to take.
    #[arg(short = 'l', long, value_name = "SELECTOR", requires = "from_cluster")]
    selector: Option<String>,
    /// Take Secrets too, with their content.
    #[arg(long, requires = "from_cluster")]
    include_secrets: bool,
}

impl ClusterArgs {
    fn request(&self, ctx: &Ctl, name: Option<String>) -> Result<Option<ImportRequest>> {
        let Some(namespace) = self.from_cluster.clone() else { return Ok(None) };
        let context = match ctx.settings.kube_contexts() {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                return Err(Error::new(
                    Code::UsageError,
                    format!("{} are named, and a namespace is of one cluster", text::count(several.len(), "context")),
                )
                .remedy("Name one --kube-context."));
            }
        };
        let (kinds, selector) = (self.kinds.clone(), self.selector.clone());
        let cluster = ClusterSource { namespace, context, kinds, selector, include_secrets: self.include_secrets };
        let kubeconfig = ctx.settings.kubeconfig_list();
        Ok(Some(ImportRequest {
            name,
            cluster: Some(cluster),
            save: Some(false),
            kubeconfig,
            ..ImportRequest::default()
        }))
    }
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let mut reply = pattern(ctx, &args.gather, Some(&args.cluster)).await?;
    if args.save {
        reply.id = Some(save(ctx, &reply, &[]).await?);
    }
    let services = text::count(reply.services, "service");
    if let Some(path) = &args.output_file {
        dirs::write_atomic(path, reply.pattern_file.as_bytes(), 0o644)?;
        let line = format!("pattern {} with {services} written to {}", reply.name, path.display());
        return ctx.ui.print(&Rendered::one(&reply, line)?.names([reply.name.clone()]));
    }
    if args.save {
        ctx.ui.note(&format!("pattern {} with {services} stored", reply.name))?;
    }
    ctx.ui.print(&Rendered::one(&reply, reply.pattern_file.clone())?.names([reply.name.clone()]))
}

/// Makes the pattern and tells on stderr what became of the source.
pub(crate) async fn pattern(ctx: &Ctl, gather: &GatherArgs, cluster: Option<&ClusterArgs>) -> Result<ImportReply> {
    let request = cluster.map(|cluster| cluster.request(ctx, gather.name().map(str::to_owned))).transpose()?.flatten();
    let reply = match request {
        Some(request) => ctx.client().await?.import(&request).await?,
        None => local(ctx, gather).await?,
    };
    for note in &reply.notes {
        ctx.ui.note(note)?;
    }
    for warning in &reply.warnings {
        ctx.ui.warn(warning)?;
    }
    Ok(reply)
}

/// Sources of this machine are read here, so that nothing of it has to travel.
async fn local(ctx: &Ctl, gather: &GatherArgs) -> Result<ImportReply> {
    let gathered = gather.gather(ctx).await?;
    let options: Options = gather.options()?;
    let outcome = import::import(gathered.parts, &options).await?;
    let mut notes = outcome.told;
    notes.extend(outcome.imported.notes);
    Ok(ImportReply {
        id: None,
        name: outcome.imported.name,
        format: gathered.format.unwrap_or(outcome.format).word().to_owned(),
        services: outcome.imported.services,
        pattern_file: outcome.imported.text,
        notes,
        warnings: outcome.imported.warnings,
    })
}

/// Stores an imported pattern, with further facts about where it came from.
pub(crate) async fn save(ctx: &Ctl, reply: &ImportReply, facts: &[(&str, &str)]) -> Result<uuid::Uuid> {
    let own = [("type", "local"), ("source_type", reply.format.as_str())];
    let location = own.iter().chain(facts);
    let data = PatternData {
        id: None,
        name: Some(reply.name.clone()),
        pattern_file: reply.pattern_file.clone(),
        location: location.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let request = SavePatternRequest { pattern_data: Some(data), url: None, save: true };
    let saved = ctx.client().await?.save_pattern(&request).await?;
    saved.first().map(|record| record.id).ok_or_else(|| Error::internal("the plane stored nothing and said nothing"))
}

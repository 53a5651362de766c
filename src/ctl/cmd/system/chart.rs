//! `system chart`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::cluster_args::ClusterArgs;
use super::manifest::{self, Wanted};
use super::plane;
use crate::base::{Result, dirs, text};
use crate::ctl::Ctl;
use crate::ctl::cmd::pattern::export::refuse_full;
use crate::ctl::ui::Rendered;
use crate::model::context::Platform;
use crate::plane::kubernetes::{Wishes, chart};
use crate::plane::spec::BROKER_IMAGE;

/// Write a Helm chart of the plane.
///
/// It installs what `mesheryctl system start -p kubernetes` applies; the flags are the defaults of its values, which are
/// image, storage, adapters, broker, the way in, what the plane may do, and resources.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system chart -d meshery-chart --image registry.example.org/meshery/mesheryctl:v1.0.0
  helm install meshery meshery-chart --namespace meshery --create-namespace")]
pub struct Args {
    /// Folder to write the chart to; it must be empty or not there.
    #[arg(short = 'd', long, value_name = "FOLDER")]
    pub output_dir: PathBuf,
    /// Image of the plane; one made of this program, which a registry has to be given, without it.
    #[arg(long, value_name = "REFERENCE")]
    pub image: Option<String>,
    /// Run a broker (NATS) beside the server, of the usual image or of the one that is named.
    #[arg(long, value_name = "REFERENCE", num_args = 0..=1, require_equals = true, default_missing_value = BROKER_IMAGE)]
    pub broker: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The chart's folder.
    pub folder: String,
    /// Its files, from the folder on.
    pub files: Vec<String>,
    /// Image that its values name.
    pub image: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let mut context = plane::context(ctx, None)?;
    context.platform = Platform::Kubernetes;
    refuse_full(&args.output_dir)?;
    let wishes = Wishes { image: args.image.clone(), broker: args.broker.clone(), ..args.cluster.wishes(None) };
    let Wanted { spec, options, .. } = manifest::wanted(ctx, context, wishes).await?;
    let files = chart::files(&spec, &options)?;
    for (path, text) in &files {
        dirs::write_atomic(&args.output_dir.join(path), text.as_bytes(), 0o644)?;
    }
    let view = View {
        folder: args.output_dir.display().to_string(),
        files: files.into_iter().map(|(path, _)| path).collect(),
        image: spec.server().image.clone(),
    };
    if args.image.is_none() {
        ctx.ui.note(&format!(
            "No registry has {}: push it with `mesheryctl system image push REFERENCE`, and set the value `image`.",
            view.image
        ))?;
    }
    let line = format!("chart {} written to {} ({})", chart::NAME, view.folder, text::count(view.files.len(), "file"));
    ctx.ui.print(&Rendered::one(&view, line)?.names([view.folder.clone()]))
}

//! `system image push`.

use super::{ImageArgs, View, blocking, summary, view};
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Rendered, Tone};
use crate::oci::{Reference, registry};

/// Push the image of this program to a registry.
///
/// Credentials are those that `docker login` left. What the registry has already is not sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system image push registry.example.org/meshery/mesheryctl:v1.2.0
  mesheryctl system image push localhost:5000/mesheryctl:dev -o json")]
pub struct Args {
    /// Where to: host, repository and tag, with or without `oci://`.
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Speak plain HTTP to a host that is not this machine.
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    image: ImageArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let reference: Reference = args.reference.parse()?;
    let image = args.image.assemble().await?;
    let mut view = view(&image);
    let artifact = blocking(move || image.artifact()).await?;
    let options = registry::Options {
        plain_http: args.plain_http,
        timeout: ctx.settings.timeout(),
        ca_file: ctx.settings.ca_file(),
    };
    let steps = ctx.ui.progress();
    let step = steps.step("image");
    step.state(format!("pushing to {reference}"));
    view.digest = registry::Registry::open(&reference, options).await?.push(&artifact).await?;
    step.end(Tone::Good, "pushed");
    let view = View { target: Some(reference.to_string()), ..view };
    ctx.ui.print(
        &Rendered::one(&view, format!("{}\npushed to {reference}", summary(&view)))?.names([view.digest.clone()]),
    )
}

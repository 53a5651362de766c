//! `system image push`.

use std::time::Duration;

use super::{ProgramArgs, View, assemble, summary, view};
use crate::base::{Result, text};
use crate::ctl::Ctl;
use crate::ctl::ui::{Rendered, Tone};
use crate::oci::image::push::Sent;
use crate::oci::registry::{self, Registry};
use crate::oci::{Image, Reference};

/// How often the share that was sent is shown on a terminal.
const TICK: Duration = Duration::from_millis(200);

/// Push the image of this program to a registry.
///
/// Credentials are those that `docker login` left. What the registry has already is not sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system image push registry.example.org/meshery/mesheryctl:v1.2.0
  mesheryctl system image push oci://localhost:5000/mesheryctl:dev -o json")]
pub struct Args {
    /// Where to: host, repository and tag, with or without `oci://`.
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Speak plain HTTP with a registry that is not this machine.
    #[arg(long, hide_short_help = true)]
    plain_http: bool,
    #[command(flatten)]
    program: ProgramArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let reference: Reference = args.reference.parse()?;
    let image = assemble(args.program, None).await?;
    let options = registry::Options {
        plain_http: args.plain_http,
        timeout: ctx.settings.timeout(),
        ca_file: ctx.settings.ca_file(),
    };
    let digest = send(ctx, &image, &mut Registry::open(&reference, options).await?).await?;
    let name = format!("{}/{}:{}", reference.host, reference.repository, reference.version);
    let view = View { target: Some(reference.to_string()), reference: name, digest, ..view(&image) };
    let text = format!("{}\npushed to {reference}", summary(&view));
    ctx.ui.print(&Rendered::one(&view, text)?.names([format!("{}@{}", view.reference, view.digest)]))
}

async fn send(ctx: &Ctl, image: &Image, registry: &mut Registry<'_>) -> Result<String> {
    let steps = ctx.ui.progress();
    let step = steps.step("image");
    step.state(format!("pushing {} to {}", text::bytes(image.size()), registry.reference()));
    let sent = Sent::default();
    let mut tick = tokio::time::interval(TICK);
    let pushed = {
        let mut push = std::pin::pin!(image.push(registry, &sent));
        loop {
            tokio::select! {
                pushed = &mut push => break pushed,
                // Off a terminal each state is a line, and this would be hundreds.
                _ = tick.tick(), if ctx.ui.is_animated() => {
                    step.state(format!("{} of {} sent", text::bytes(sent.bytes()), text::bytes(image.size())));
                }
            }
        }
    };
    match &pushed {
        Ok(_) => step.end(Tone::Good, "pushed"),
        Err(_) => step.end(Tone::Bad, "not pushed"),
    }
    pushed
}

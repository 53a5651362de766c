//! `system dashboard`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{managed, plane};
use crate::base::{Code, Error, Result};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, browser};
use crate::model::context::{Context, Platform};
use crate::platform;

/// Show the address of the plane's server, and open it in a browser.
///
/// The server is asked first, so that the address is known to answer. A plane in a Kubernetes cluster that is not exposed
/// has no address on this machine by itself: --port-forward gives it one until Ctrl-C. A browser is opened on a terminal
/// with a display only, and never fails the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system dashboard
  mesheryctl system dashboard --show-url
  mesheryctl system dashboard --port-forward --port 0")]
pub struct Args {
    /// Only show the address.
    #[arg(long, visible_alias = "skip-browser")]
    pub show_url: bool,
    /// Forward a port of this machine to the plane until Ctrl-C (kubernetes).
    #[arg(long)]
    pub port_forward: bool,
    /// Port of this machine to forward, instead of that of the context's endpoint; 0 takes a free one.
    #[arg(long, value_name = "PORT", requires = "port_forward")]
    pub port: Option<u16>,
}

/// Where the server answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Address.
    pub url: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = plane::context(ctx, None)?;
    if args.port_forward {
        return forward(ctx, context, args).await;
    }
    let client = ctx.client().await?;
    client.health().await?;
    if client.name() == "in-process" {
        return Err(
            Error::new(Code::ServerUnreachable, "no server runs").remedy("Start it with `mesheryctl system start`.")
        );
    }
    if let Some(place) = client.tunnel() {
        return Err(Error::new(
            Code::ServerUnreachable,
            format!("the plane in {place} has no address on this machine"),
        )
        .because("it is not exposed: commands open a port-forward for themselves")
        .remedy("Give it one with --port-forward, or expose it with `mesheryctl system start --expose node-port`."));
    }
    show(ctx, client.name(), args.show_url)
}

/// Keeps a port open until the user has enough.
async fn forward(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    if context.platform != Platform::Kubernetes {
        return Err(Error::new(
            Code::PlatformUnsupported,
            format!("context `{}` has platform {}, whose plane has its port already", context.name, context.platform),
        )
        .remedy("Leave --port-forward out."));
    }
    let _guard = ctx.cancel.guard();
    let cancelled = ctx.cancel.token();
    let plane = managed::plane(ctx, context)?;
    let mut forward = platform::kubernetes::forward(&plane, args.port).await?;
    show(ctx, &format!("http://{}", forward.address()), args.show_url)?;
    ctx.ui.note("Forwarding until Ctrl-C.")?;
    tokio::select! {
        () = forward.closed() => {
            let lost = Error::new(Code::ServerUnreachable, "the port-forward broke");
            Err(forward.trouble().iter().fold(lost, Error::because))
        }
        // A signal is how forwarding ends.
        () = cancelled.cancelled() => Ok(()),
    }
}

fn show(ctx: &Ctl, url: &str, only: bool) -> Result<()> {
    ctx.ui.print(&Rendered::one(&View { url: url.to_owned() }, url)?.names([url]))?;
    if !only && ctx.ui.format().is_table() && browser::is_likely(&ctx.ui) && !browser::open(url) {
        ctx.ui.note("No browser could be opened.")?;
    }
    Ok(())
}

//! `sample start`.

use std::path::Path;

use super::View;
use crate::base::{Code, Error, Result, dirs};
use crate::client::process::{self, Role, Running};
use crate::ctl::cmd::system::local::role;
use crate::ctl::ui::Tone;
use crate::ctl::{Ctl, paste};

/// Start the practice cluster apart from the terminal.
///
/// Its kubeconfig is written to ~/.meshery/practice/kubeconfig.yaml, where the plane finds the context `practice`; for
/// kubectl, `export KUBECONFIG=~/.meshery/practice/kubeconfig.yaml`. Starting a running one changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl sample start\n  mesheryctl sample start --port 6443")]
pub struct Args {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let home = ctx.settings.home()?;
    let kubeconfig = dirs::practice_kubeconfig(&home);
    if let Some(running) = process::find(Role::Sample, &home)? {
        if args.port != 0 && args.port != running.port {
            return Err(Error::new(
                Code::ServerRunning,
                format!("the practice cluster runs already on port {}, not on port {}", running.port, args.port),
            )
            .because(format!("it is process {}", running.pid))
            .remedy(format!(
                "Stop it first with `mesheryctl sample stop`, which ends what is in it; then `mesheryctl sample start \
                 --port {}`.",
                args.port
            )));
        }
        ctx.ui.note(&format!("The practice cluster runs already, as process {}.", running.pid))?;
        ctx.ui.note(&for_kubectl(&kubeconfig))?;
        return View::of(&running, kubeconfig).print(ctx);
    }
    let (running, _) = up(ctx, args.port).await?;
    ctx.ui.note(&for_kubectl(&kubeconfig))?;
    View::of(&running, kubeconfig).print(ctx)
}

/// Brings the practice cluster up; whether it was started by this.
pub(in crate::ctl::cmd) async fn up(ctx: &Ctl, port: u16) -> Result<(Running, bool)> {
    let home = ctx.settings.home()?;
    if let Some(running) = process::find(Role::Sample, &home)? {
        return Ok((running, false));
    }
    process::clean(Role::Sample, &home)?;
    let mut launch = role(ctx, Role::Sample, &home)?;
    launch.arguments.extend(["--port".into(), port.to_string().into()]);
    let progress = ctx.ui.progress();
    let step = progress.step("practice cluster");
    step.state("starting");
    let running = process::start(&launch).await?;
    step.end(Tone::Good, format!("serves on {}; use it with --kube-context {}", running.reachable(), super::CONTEXT));
    Ok((running, true))
}

/// How kubectl finds the practice cluster, to be pasted into a shell.
fn for_kubectl(kubeconfig: &Path) -> String {
    format!("For kubectl: export KUBECONFIG={}", paste::quoted(&kubeconfig.display().to_string()))
}

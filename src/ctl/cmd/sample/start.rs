//! `sample start`.

use super::View;
use crate::base::{Result, dirs};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::system::start::role;
use crate::ctl::ui::Tone;

/// Start the practice cluster apart from the terminal.
///
/// Its kubeconfig is written to ~/.meshery/practice/kubeconfig.yaml, where the plane finds the context `practice`.
/// Starting a running one changes nothing.
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
        ctx.ui.note(&format!("The practice cluster runs already, as process {}.", running.pid))?;
        return View::of(&running, kubeconfig).print(ctx);
    }
    process::clean(Role::Sample, &home)?;
    let mut launch = role(ctx, Role::Sample, &home)?;
    launch.arguments.extend(["--port".into(), args.port.to_string().into()]);
    let progress = ctx.ui.progress();
    let step = progress.step("practice cluster");
    step.state("starting");
    let running = process::start(&launch).await?;
    step.end(Tone::Good, format!("serves on {}; use it with --kube-context {}", running.reachable(), super::CONTEXT));
    View::of(&running, kubeconfig).print(ctx)
}

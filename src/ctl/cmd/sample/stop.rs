//! `sample stop`.

use std::path::Path;
use std::time::Duration;

use crate::base::{Code, Error, Result, dirs};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::system::stop::{View, text};
use crate::ctl::ui::Rendered;

/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Stop the practice cluster; what was in it is gone.
///
/// Stopping one that does not run changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl sample stop")]
pub struct Args {}

pub(crate) async fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let view = down(&ctx.settings.home()?).await?;
    let text = text(Role::Sample, &view);
    if ctx.ui.is_quiet() && ctx.ui.format().is_table() {
        return Ok(());
    }
    ctx.ui.print(&Rendered::one(&view, text)?)
}

/// Brings the practice cluster of a home down.
pub(in crate::ctl::cmd) async fn down(home: &Path) -> Result<View> {
    let (outcome, running) = process::stop(Role::Sample, home, GRACE).await?;
    remove(&dirs::practice_kubeconfig(home))?;
    Ok(View::of_process(outcome, running.as_ref()))
}

/// The kubeconfig goes with the process also when that was killed: a dead address only makes others wait.
fn remove(kubeconfig: &Path) -> Result<()> {
    match std::fs::remove_file(kubeconfig) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::ConfigWrite, format!("cannot remove {}", kubeconfig.display())).because(error))
        }
        _ => Ok(()),
    }
}

//! `system context switch`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Edit};

/// Choose the current context.
///
/// Only config.yaml is changed: a plane that runs keeps running, and a note says so. For one command or one shell,
/// --context and MESHERY_CONTEXT do without a change.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context switch staging")]
pub struct Args {
    /// Name of the context.
    #[arg(value_name = "NAME", add = complete::contexts())]
    name: String,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let before = config::update(&ctx.settings.config_path()?, |config| {
        config.find(&args.name)?;
        let before = config.current.clone();
        let is_same = before.as_deref() == Some(args.name.as_str());
        Ok((if is_same { Vec::new() } else { vec![Edit::SetCurrent(args.name.clone())] }, before))
    })?;
    if before.as_deref() == Some(args.name.as_str()) {
        return Change::new("context", &args.name, "unchanged").value("it is the current context already").print(ctx);
    }
    if let Some(before) = before.filter(|_| ctx.settings.local_plane_is_recorded()) {
        ctx.ui.note(&format!(
            "A plane that was started on this machine keeps running; stop it with `mesheryctl system stop --context {before}`."
        ))?;
    }
    Change::new("context", &args.name, "switched").value("it is the current context now").print(ctx)
}

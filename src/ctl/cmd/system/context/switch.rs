//! `system context switch`.

use crate::base::Result;
use crate::client::http::is_loopback;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Edit};
use crate::model::context::{Context, Platform};

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
    let (is_same, before) = config::update(&ctx.settings.config_path()?, |config| {
        config.find(&args.name)?;
        let before = config.current.as_ref().and_then(|name| config.find(name).ok()).cloned();
        let is_same = config.current.as_deref() == Some(args.name.as_str());
        Ok((if is_same { Vec::new() } else { vec![Edit::SetCurrent(args.name.clone())] }, (is_same, before)))
    })?;
    if is_same {
        return Change::new("context", &args.name, "unchanged").value("it is the current context already").print(ctx);
    }
    if let Some(before) = before.filter(is_here)
        && ctx.settings.local_plane_is_recorded()
    {
        ctx.ui.note(&format!(
            "The plane on this machine keeps running; stop it with `mesheryctl system stop --context {}`.",
            before.name
        ))?;
    }
    Change::new("context", &args.name, "switched").value("it is the current context now").print(ctx)
}

/// Whether the context stands for a plane of this machine.
fn is_here(context: &Context) -> bool {
    context.platform == Platform::Local && url::Url::parse(&context.endpoint).is_ok_and(|url| is_loopback(&url))
}

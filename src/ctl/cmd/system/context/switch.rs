//! `system context switch`.

use crate::base::Result;
use crate::client::http::is_loopback;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::{start, stop};
use crate::ctl::complete;
use crate::ctl::config::{self, Edit};
use crate::model::context::{Context, Platform};

/// Choose the current context.
///
/// Planes of several contexts run beside each other, so that only config.yaml is changed: a plane that runs keeps
/// running, and a note says so. --stop ends the plane of the context before, --start brings up the one of the new. For
/// one command or one shell, --context and MESHERY_CONTEXT do without a change.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context switch staging
  mesheryctl system context switch staging --stop")]
pub struct Args {
    /// Name of the context.
    #[arg(value_name = "NAME", add = complete::contexts())]
    name: String,
    /// Stop the plane of the context that was current; its data stays.
    #[arg(long)]
    stop: bool,
    /// Start the plane of the new context.
    #[arg(long)]
    start: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let now = ctx.settings.config().find(&args.name)?.clone();
    let before = ctx.settings.config().current.as_ref().and_then(|name| ctx.settings.config().find(name).ok()).cloned();
    if let Some(before) = before.filter(|before| before.name != args.name) {
        leave(ctx, &before, args.stop).await?;
    }
    let change = switch(ctx, &args.name)?;
    if !args.start {
        return change.print(ctx);
    }
    ctx.ui.note(&format!("context {} is the current context now", args.name))?;
    start::plane_of(ctx, now, &start::Args::default()).await
}

fn switch(ctx: &Ctl, name: &str) -> Result<Change> {
    let is_same = config::update(&ctx.settings.config_path()?, |config| {
        config.find(name)?;
        let is_same = config.current.as_deref() == Some(name);
        Ok((if is_same { Vec::new() } else { vec![Edit::SetCurrent(name.to_owned())] }, is_same))
    })?;
    Ok(if is_same {
        Change::new("context", name, "unchanged").value("it is the current context already")
    } else {
        Change::new("context", name, "switched").value("it is the current context now")
    })
}

/// Stops the plane of the context before, or says that it goes on.
async fn leave(ctx: &Ctl, before: &Context, stop: bool) -> Result<()> {
    if stop {
        let (_, text) = stop::plane_of(ctx, before.clone(), &stop::Args::default()).await?;
        return ctx.ui.note(&text);
    }
    if is_here(before) && ctx.settings.local_plane_is_recorded() {
        ctx.ui.note(&format!(
            "The plane on this machine keeps running; stop it with `mesheryctl system stop --context {}`.",
            before.name
        ))?;
    }
    Ok(())
}

/// Whether the context stands for a plane of this machine.
fn is_here(context: &Context) -> bool {
    context.platform == Platform::Local && url::Url::parse(&context.endpoint).is_ok_and(|url| is_loopback(&url))
}

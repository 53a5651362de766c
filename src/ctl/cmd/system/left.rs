//! A plane that is left running where its context does not point any more.

use std::time::Duration;

use super::managed;
use crate::base::{Code, Error, Result};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::model::context::{Context, Platform};
use crate::model::plane::State;
use crate::platform;

/// Limit for the look at a platform; one that does not answer keeps nobody from leaving it.
const LOOK: Duration = Duration::from_secs(5);

/// Warns when the plane of a context runs on a platform that the context is about to leave.
pub(super) async fn warn(ctx: &Ctl, context: &Context) -> Result<()> {
    let Some(what) = running(ctx, context).await? else { return Ok(()) };
    let Context { name, platform, .. } = context;
    ctx.ui.warn(&format!(
        "{what} goes on running on platform {platform}; end it with `mesheryctl system stop -p {platform} --context {name}`."
    ))
}

/// Fails when the plane of a context that is to be deleted runs; without the context no command would find it.
///
/// The server of this machine belongs to the home and stays in reach of every other context.
pub(super) async fn refuse(ctx: &Ctl, context: &Context) -> Result<()> {
    if context.platform == Platform::Local {
        return Ok(());
    }
    let Some(what) = running(ctx, context).await? else { return Ok(()) };
    let Context { name, platform, .. } = context;
    Err(Error::new(Code::PlaneRuns, format!("context `{name}` has a plane on platform {platform}"))
        .because(format!("{what} runs there, and without the context no command would find it"))
        .remedy(format!(
            "Stop it first: `mesheryctl system stop --context {name}`, with --reset to remove its data too."
        )))
}

/// What runs of the context's plane on its platform, in words; `None` also when the platform cannot tell.
async fn running(ctx: &Ctl, context: &Context) -> Result<Option<String>> {
    if context.platform == Platform::Local {
        let server = process::find(Role::Server, &ctx.settings.home()?)?;
        return Ok(server.map(|server| format!("The server of this machine, process {},", server.pid)));
    }
    let Ok(plane) = managed::plane(ctx, context.clone()) else { return Ok(None) };
    Ok(match tokio::time::timeout(LOOK, platform::status(&plane)).await {
        Ok(Ok(status)) if status.state != State::Stopped && status.state != State::Foreign => {
            Some(format!("The plane of context {}", context.name))
        }
        _ => None,
    })
}

//! `system status`.

pub use super::plane::Status;
use super::plane::{self, State};
use super::show;
use crate::base::error::Kind;
use crate::base::{Result, exit};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::model::context::Platform;

/// Show whether the plane's server runs, and where.
///
/// The exit code is 0 when it runs and 3 when it does not; commands work without it too.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system status\n  mesheryctl system status -o json")]
pub struct Args {}

pub(crate) async fn run(ctx: &Ctl, _args: &Args) -> Result<Outcome> {
    let context = ctx.settings.context()?;
    let status = if context.platform == Platform::Local && plane::local(ctx, None).is_ok() {
        plane::look(&plane::local(ctx, None)?).await?
    } else {
        remote(ctx).await?
    };
    show::print(ctx, &status)?;
    if let Some(note) = &status.note {
        ctx.ui.note(note)?;
    }
    if status.state == State::Running {
        return Ok(Outcome::GOOD);
    }
    if status.state == State::Stopped {
        ctx.ui.note("Start it with `mesheryctl system start`; commands work without it too.")?;
    }
    Ok(Outcome::verdict(exit::code(Kind::Unreachable)))
}

/// A plane elsewhere: what its API says of itself.
async fn remote(ctx: &Ctl) -> Result<Status> {
    let context = ctx.settings.context()?;
    let client = ctx.client().await?;
    let version = client.version().await?;
    let health = client.health().await.ok();
    Ok(Status {
        state: health.as_ref().map_or(State::Running, |report| plane::of_phase(report.phase)),
        context: context.name,
        endpoint: context.endpoint,
        pid: health.map(|report| report.pid),
        version: Some(version.build),
        platform: context.platform,
        started_at: None,
        log: None,
        components: Vec::new(),
        note: None,
    })
}

//! `system status`.

use super::cluster_args::Place;
pub use super::plane::Status;
use super::plane::{self, State};
use super::{managed, show};
use crate::base::error::Kind;
use crate::base::{Error, Result, exit};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::model::context::{Context, Platform};
use crate::platform;

/// Show the plane's components: which are ready, and where the server answers.
///
/// The exit code is 0 when every component is ready, 7 when the server runs and another component is not ready, and 3
/// when the server does not run; on platform local commands work without it too. A
/// plane whose platform cannot be asked from here is asked over its API.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system status\n  mesheryctl system status -o wide")]
pub struct Args {
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", hide_short_help = true)]
    pub platform: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let context = plane::context(ctx, args.platform.as_deref())?;
    args.place.namespace_of(&context)?;
    let status = match context.platform {
        Platform::Local => match plane::local(ctx, args.platform.as_deref()) {
            Ok(plane) => plane::look(&plane).await?,
            Err(_) => remote(ctx, &context).await?,
        },
        Platform::Docker | Platform::Kubernetes => elsewhere(ctx, context, &args.place).await?,
    };
    show::print(ctx, &status)?;
    if let Some(note) = &status.note {
        ctx.ui.note(note)?;
    }
    if status.state == State::Running {
        let is_whole = status.components.iter().all(|component| component.ready >= component.wanted);
        return Ok(if is_whole { Outcome::GOOD } else { Outcome::verdict(exit::code(Kind::Partial)) });
    }
    if status.state == State::Stopped {
        let beside = if status.platform == Platform::Local { "; commands work without it too" } else { "" };
        ctx.ui.note(&format!("Start it with `mesheryctl system start`{beside}."))?;
    }
    Ok(Outcome::verdict(exit::code(Kind::Unreachable)))
}

/// What the platform says; a plane that others manage is known by its API only.
async fn elsewhere(ctx: &Ctl, context: Context, place: &Place) -> Result<Status> {
    let plane = managed::plane_in(ctx, context, place)?;
    let asked = platform::status(&plane).await;
    match asked {
        Ok(status) if status.state != State::Stopped || !status.components.is_empty() => Ok(status),
        Ok(status) => Ok(remote(ctx, &plane.context).await.unwrap_or(status)),
        Err(error) => match remote(ctx, &plane.context).await {
            Ok(status) => Ok(Status { note: Some(unasked(&plane.context, &error)), ..status }),
            Err(_) => Err(error),
        },
    }
}

fn unasked(context: &Context, error: &Error) -> String {
    format!("Its components are not known: {} cannot be asked from here: {error}", context.platform)
}

/// A plane elsewhere: what its API says of itself.
async fn remote(ctx: &Ctl, context: &Context) -> Result<Status> {
    let client = ctx.client().await?;
    let version = client.version().await?;
    let health = client.health().await.ok();
    Ok(Status {
        state: health.as_ref().map_or(State::Running, |report| plane::of_phase(report.phase)),
        context: context.name.clone(),
        platform: context.platform,
        endpoint: context.endpoint.clone(),
        pid: health.map(|report| report.pid),
        version: Some(version.build),
        started_at: None,
        log: None,
        components: Vec::new(),
        note: None,
    })
}

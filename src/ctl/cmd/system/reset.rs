//! `system reset`.

use super::plane::{self, State};
use super::{local, managed, show, stop};
use crate::base::{Code, Error, Result};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::ui::Question;
use crate::model::context::{Context, Platform};
use crate::platform::{self, Start, Stop};

/// Remove the plane with its data, and start it anew when it ran.
///
/// config.yaml and tokens stay. On platform local the data is moved to ~/.meshery/archive; on docker and kubernetes the
/// volume or claim is deleted. What patterns applied to clusters stays there.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system reset
  mesheryctl system reset --confirm local")]
pub struct Args {
    /// Consent without a question, for scripts: the name of the context, so that no other one's plane goes.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = plane::context(ctx, None)?;
    consent(ctx, &context, args.confirm.as_deref())?;
    match context.platform {
        Platform::Local => here(ctx).await,
        Platform::Docker | Platform::Kubernetes => elsewhere(ctx, context).await,
    }
}

fn consent(ctx: &Ctl, context: &Context, name: Option<&str>) -> Result<()> {
    match name {
        Some(name) if name == context.name => Ok(()),
        Some(name) => Err(Error::new(
            Code::UsageError,
            format!("--confirm {name} is not the context whose plane would be reset, which is {}", context.name),
        )
        .remedy(format!("Repeat with --confirm {}, or choose the context with --context.", context.name))),
        None => {
            let Context { name, platform, channel, version, .. } = context;
            let text =
                format!("Remove the plane of context {name} ({platform}, {channel}, {version}) with all its data?");
            ctx.ui.confirm(Question { text: &text, flag: "--confirm NAME or --yes" })
        }
    }
}

fn not_started(ctx: &Ctl) -> Result<()> {
    ctx.ui.note("The plane did not run and was not started; `mesheryctl system start` does that.")
}

async fn here(ctx: &Ctl) -> Result<()> {
    let plane = plane::local(ctx, None)?;
    let before = process::find(Role::Server, &plane.home)?;
    stop::down(&plane, false).await?;
    stop::archive(ctx, &plane.home)?;
    if let Some(before) = before {
        local::up(ctx, &plane, Some(before.port)).await?;
    } else {
        not_started(ctx)?;
    }
    show::print(ctx, &plane::look(&plane).await?)
}

async fn elsewhere(ctx: &Ctl, context: Context) -> Result<()> {
    let plane = managed::plane(ctx, context)?;
    let ran = platform::status(&plane).await?.state != State::Stopped;
    let steps = ctx.ui.progress();
    let progress = managed::Shown::new(&steps);
    let removed = platform::stop(&plane, Stop { reset: true, keep_namespace: ran, force: false }, &progress).await?;
    if ran {
        platform::start(&plane, &Start::default(), &progress).await?;
    }
    drop(progress);
    if !ran {
        ctx.ui.note(&stop::removed_text(&plane.context, &removed))?;
        not_started(ctx)?;
    }
    show::print(ctx, &platform::status(&plane).await?)
}

//! `system channel switch`.

use url::Url;

use super::{Choice, check_known, note_release};
use crate::base::error::Kind;
use crate::base::{Result, exit};
use crate::client::http::is_loopback;
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::update::{self, UpdateOutcome, Updated};
use crate::ctl::cmd::system::{local, managed, plane, stop};
use crate::ctl::complete;
use crate::ctl::ui::Question;
use crate::model::context::{Context, Platform};
use crate::model::plane::State;
use crate::platform;

/// Set the release channel and version of a context, and bring its running plane to it.
///
/// A plane on Docker or Kubernetes gets the images of that release, one component after the other; one that does not become
/// ready gets its old image back. A plane of this machine is this program itself and is started anew; `mesheryctl self
/// update` changes the program. A plane that does not run, or runs on another machine, is left alone. Data stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system channel switch edge
  mesheryctl system channel switch v0.6.0 --context staging --yes")]
pub struct Args {
    /// stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    #[arg(value_name = "CHANNEL", add = complete::channels())]
    channel: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let choice = Choice::parse(&args.channel)?;
    check_known(ctx, &choice).await?;
    let (channel, version) = (choice.channel.clone(), choice.release.clone());
    let context = Context { channel, version, ..ctx.settings.context()? };
    let change = Change::new("channel", &choice.to_string(), "switched").context(&context.name);
    if is_elsewhere(&context) {
        choice.set(ctx)?;
        let value = "its plane is on another machine and was left alone";
        return change.value(value).print(ctx).map(Into::into);
    }
    let Some(running) = Running::look(ctx, context).await? else {
        note_release(ctx, &choice.set(ctx)?, &choice)?;
        return change.value("its plane does not run").print(ctx).map(Into::into);
    };
    if let Running::Here(plane, _) = &running {
        update::has_release(&plane.context)?;
    }
    ctx.ui.confirm(Question { text: &running.question(&choice), flag: "--yes" })?;
    choice.set(ctx)?;
    let updated = running.update(ctx).await?;
    change.value(summary(&updated)).print(ctx)?;
    for one in &updated {
        if let Some(reason) = &one.reason {
            ctx.ui.warn(&update::warning(one, reason))?;
        }
    }
    let failed = updated.iter().any(|one| one.outcome.is_failure());
    Ok(if failed { Outcome::verdict(exit::code(Kind::Partial)) } else { Outcome::GOOD })
}

/// Whether the plane is a process of another machine.
pub(super) fn is_elsewhere(context: &Context) -> bool {
    let is_here = Url::parse(&context.endpoint).is_ok_and(|url| is_loopback(&url));
    context.platform == Platform::Local && !is_here
}

/// A plane that runs.
enum Running {
    /// A process of this machine, and its port.
    Here(plane::Plane, u16),
    /// Containers or pods.
    There(Context),
}

impl Running {
    async fn look(ctx: &Ctl, context: Context) -> Result<Option<Self>> {
        if context.platform == Platform::Local {
            let plane = plane::local_of(ctx, context)?;
            let running = process::find(Role::Server, &plane.home)?;
            return Ok(running.map(|running| Self::Here(plane, running.port)));
        }
        let status = platform::status(&managed::plane(ctx, context.clone())?).await?;
        Ok((status.state != State::Stopped).then_some(Self::There(context)))
    }

    fn question(&self, choice: &Choice) -> String {
        match self {
            Running::Here(..) => "The plane of this machine is restarted; running operations end first. Go on?".into(),
            Running::There(context) => format!(
                "The plane of context {} gets the images of {choice}, one component after the other. Go on?",
                context.name
            ),
        }
    }

    /// Brings it to the new release; what happened to each component, none on this machine.
    async fn update(self, ctx: &Ctl) -> Result<Vec<Updated>> {
        match self {
            Running::Here(plane, port) => {
                stop::down(&plane, false).await?;
                local::up(ctx, &plane, Some(port)).await?;
                Ok(Vec::new())
            }
            Running::There(context) => {
                let all = update::Args::default();
                update::elsewhere(ctx, context, &all).await
            }
        }
    }
}

fn summary(updated: &[Updated]) -> String {
    if updated.is_empty() {
        return "its plane was restarted".to_owned();
    }
    let count = |outcome| updated.iter().filter(|one| one.outcome == outcome).count();
    format!(
        "components updated: {}, unchanged: {}, rolled back: {}",
        count(UpdateOutcome::Updated),
        count(UpdateOutcome::Unchanged),
        count(UpdateOutcome::RolledBack)
    )
}

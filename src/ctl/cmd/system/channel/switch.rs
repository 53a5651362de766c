//! `system channel switch`.

use super::{Choice, check_known};
use crate::base::Result;
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::{plane, start, stop};
use crate::ctl::complete;
use crate::ctl::ui::{Progress as Steps, Question, Tone};
use crate::model::context::{Context, Platform};
use crate::model::plane::{State, UpdateOutcome};
use crate::platform::{self, Plane, Progress};

/// Set the release channel and version of a context, and bring its running plane to it.
///
/// A plane on Docker or Kubernetes gets the images of that release, one component after the other; one that does not become
/// ready gets its old image back. A plane of this machine is this program itself and is started anew; `mesheryctl self
/// update` changes the program. A plane that does not run is left alone. Data stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system channel switch edge
  mesheryctl system channel switch v0.6.0 --context staging --yes")]
pub struct Args {
    /// stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    #[arg(value_name = "CHANNEL", add = complete::channels())]
    channel: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let choice = Choice::parse(&args.channel)?;
    check_known(ctx, &choice).await?;
    let context = Context {
        channel: choice.channel.clone(),
        version: choice.release.clone(),
        ..ctx.settings.context()?
    };
    let change = Change::new("channel", &choice.to_string(), "switched").context(&context.name);
    let Some(running) = Running::look(ctx, context).await? else {
        choice.set(ctx)?;
        return change.value("its plane does not run").print(ctx);
    };
    ctx.ui.confirm(Question { text: &running.question(&choice), flag: "--yes" })?;
    choice.set(ctx)?;
    let outcome = running.update(ctx).await?;
    change.value(outcome).print(ctx)
}

/// A plane that runs.
enum Running {
    /// A process of this machine.
    Here { plane: plane::Plane, port: u16 },
    /// Containers or pods.
    There(Box<Plane>),
}

impl Running {
    async fn look(ctx: &Ctl, context: Context) -> Result<Option<Self>> {
        if context.platform == Platform::Local {
            let plane = plane::local(ctx, None)?;
            let running = process::find(Role::Server, &plane.home)?;
            return Ok(running.map(|running| Self::Here { plane, port: running.port }));
        }
        let plane = managed(ctx, context)?;
        let status = platform::status(&plane).await?;
        Ok((status.state != State::Stopped).then(|| Self::There(Box::new(plane))))
    }

    fn question(&self, choice: &Choice) -> String {
        match self {
            Running::Here { .. } => "The plane of this machine is restarted; running operations end first. Go on?".into(),
            Running::There(plane) => format!(
                "The plane of context {} gets the images of {choice}, one component after the other. Go on?",
                plane.context.name
            ),
        }
    }

    /// Brings it to the new release; what happened, in a few words.
    async fn update(self, ctx: &Ctl) -> Result<String> {
        match self {
            Running::Here { plane, port } => {
                stop::down(&plane, false).await?;
                start::up(ctx, &plane, Some(port)).await?;
                Ok("its plane was restarted".to_owned())
            }
            Running::There(plane) => {
                let progress = Shown { steps: ctx.ui.progress() };
                let updated = platform::update(&plane, &platform::Update::default(), &progress).await?;
                let count = |outcome| updated.iter().filter(|one| one.outcome == outcome).count();
                Ok(format!(
                    "components updated: {}, unchanged: {}, rolled back: {}",
                    count(UpdateOutcome::Updated),
                    count(UpdateOutcome::Unchanged),
                    count(UpdateOutcome::RolledBack)
                ))
            }
        }
    }
}

/// How long components may take to become ready, where the user set no limit.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

fn managed(ctx: &Ctl, context: Context) -> Result<Plane> {
    let home = ctx.settings.home()?;
    let token_file = ctx.settings.token_path(&context).unwrap_or_else(|| crate::base::dirs::token_file(&home));
    Ok(Plane {
        token_file,
        home,
        kubeconfig: ctx.settings.kubeconfig_list(),
        kube_context: ctx.settings.kube_contexts().first().cloned(),
        program: crate::release::Installed::here()?.path().to_owned(),
        limit: ctx.settings.timeout().unwrap_or(LIMIT),
        context,
    })
}

/// Steps of a platform as lines on stderr.
struct Shown<'u> {
    steps: Steps<'u>,
}

impl Progress for Shown<'_> {
    fn state(&self, component: &str, state: &str) {
        self.steps.step(component).state(state);
    }

    fn done(&self, component: &str, outcome: &str) {
        self.steps.step(component).end(Tone::Good, outcome);
    }

    fn failed(&self, component: &str, outcome: &str) {
        self.steps.step(component).end(Tone::Bad, outcome);
    }

    fn note(&self, note: &str) {
        self.steps.line(note);
    }
}

//! `system update`.

use super::cluster_args::{Place, reference};
use super::flags::{self, OF_IMAGES, flag};
use super::plane;
use super::{local, logs, managed, stop};
use crate::base::error::Kind;
use crate::base::{Code, Error, Result, exit};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::{Context, Platform};
pub use crate::model::plane::{UpdateOutcome, Updated};
use crate::model::version::Version;
use crate::plane::spec::SERVER;
use crate::platform;

/// Bring the plane's components to the version that the context's channel says.
///
/// One by one: a component that does not become ready gets its old image back. On platform local the server is
/// restarted when it is of another version than this program. The program itself is updated by `mesheryctl self update`;
/// a context that is set to another version than the program's cannot be followed, which is an error.
/// The exit code is 7 when a component was rolled back or is missing.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system update
  mesheryctl system update meshery-istio
  mesheryctl system update --image registry.example.org/meshery/mesheryctl:v1.2.0")]
pub struct Args {
    /// Components, such as `meshery` or `meshery-istio`; all without one.
    #[arg(value_name = "COMPONENT")]
    pub component: Vec<String>,
    /// Image, instead of what the context's channel and version say.
    #[arg(long, value_name = "REFERENCE", value_parser = reference)]
    pub image: Option<String>,
    /// Kept for old scripts: no files are downloaded.
    #[arg(long, hide_short_help = true)]
    pub skip_reset: bool,
    #[command(flatten)]
    pub place: Place,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let context = plane::context(ctx, None)?;
    args.place.namespace_of(&context)?;
    flags::warn_idle(ctx, context.platform, &[flag("--image", args.image.is_some(), OF_IMAGES)])?;
    let updated = if context.platform == Platform::Local {
        here(ctx, args).await?
    } else {
        elsewhere(ctx, context, args).await?
    };
    print(ctx, &updated)?;
    let failed = updated.iter().any(|one| one.outcome.is_failure());
    Ok(if failed { Outcome::verdict(exit::code(Kind::Partial)) } else { Outcome::GOOD })
}

/// Brings a plane of a platform up to date.
pub(super) async fn elsewhere(ctx: &Ctl, context: Context, args: &Args) -> Result<Vec<Updated>> {
    let plane = managed::plane_in(ctx, context, &args.place)?;
    let how = platform::Update { components: args.component.clone(), image: args.image.clone() };
    let steps = ctx.ui.progress();
    platform::update(&plane, &how, &managed::Shown::new(&steps)).await
}

/// Restarts a server that is of another version than this program.
async fn here(ctx: &Ctl, args: &Args) -> Result<Vec<Updated>> {
    logs::of_local(&args.component)?;
    let plane = plane::local(ctx, None)?;
    has_release(&plane.context)?;
    let Some(running) = process::find(Role::Server, &plane.home)? else {
        ctx.ui.note("No server runs; it will be of this version when it is started.")?;
        return Ok(Vec::new());
    };
    let own = Version::current().build;
    let outcome = if running.version == own {
        UpdateOutcome::Unchanged
    } else {
        stop::down(&plane, false).await?;
        local::up(ctx, &plane, Some(running.port)).await?;
        UpdateOutcome::Updated
    };
    Ok(vec![Updated { component: SERVER.to_owned(), from: running.version, to: own, outcome, reason: None }])
}

/// What is told of a component that is not as it should be.
pub(super) fn warning(one: &Updated, reason: &str) -> String {
    match one.outcome {
        UpdateOutcome::Missing => format!("{} is missing: {reason}", one.component),
        _ => format!("{} keeps {}: {reason}", one.component, one.from),
    }
}

/// Fails when a plane of this machine is to be of a release that this program is not.
pub(super) fn has_release(context: &Context) -> Result<()> {
    let (wanted, own) = (&context.version, Version::current().build);
    if wanted == "latest" || wanted.strip_prefix('v').unwrap_or(wanted) == own {
        return Ok(());
    }
    Err(Error::new(
        Code::ProgramRelease,
        format!("the plane of context `{}` cannot be of release {wanted}", context.name),
    )
    .because(format!("on platform local the plane is this program, which is of release {own}"))
    .remedy(format!(
        "Change the program with `mesheryctl self update --version {wanted}`, or follow it with `mesheryctl system \
             channel set {}`.",
        context.channel
    )))
}

fn print(ctx: &Ctl, updated: &[Updated]) -> Result<()> {
    let columns = [
        Column::new("NAME", |one: &Updated| one.component.clone()),
        Column::new("OUTCOME", |one: &Updated| {
            match one.outcome {
                UpdateOutcome::Unchanged => "unchanged",
                UpdateOutcome::Updated => "updated",
                UpdateOutcome::RolledBack => "rolled back",
                UpdateOutcome::Missing => "missing",
            }
            .to_owned()
        }),
        Column::new("IMAGE", |one: &Updated| match one.outcome {
            UpdateOutcome::RolledBack => one.from.clone(),
            UpdateOutcome::Missing => "-".to_owned(),
            UpdateOutcome::Unchanged | UpdateOutcome::Updated => one.to.clone(),
        }),
        Column::wide("FROM", |one: &Updated| one.from.clone()),
    ];
    let names: Vec<String> = updated.iter().map(|one| one.component.clone()).collect();
    ctx.ui.print(&Rendered::list("components", updated, &columns)?.names(names))?;
    for one in updated {
        if let Some(reason) = &one.reason {
            ctx.ui.warn(&warning(one, reason))?;
        }
    }
    Ok(())
}

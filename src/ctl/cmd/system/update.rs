//! `system update`.

use super::cluster_args::{Place, reference};
use super::plane;
use super::{local, managed, stop};
use crate::base::error::Kind;
use crate::base::{Result, exit};
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
/// restarted when it is of another version than this program. The program itself is updated by `mesheryctl self update`.
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
    let updated =
        if context.platform == Platform::Local { here(ctx).await? } else { elsewhere(ctx, context, args).await? };
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
async fn here(ctx: &Ctl) -> Result<Vec<Updated>> {
    let plane = plane::local(ctx, None)?;
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

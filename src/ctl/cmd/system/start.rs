//! `system start`.

use super::cluster_args::{ClusterArgs, reference};
use super::flags::{self, OF_IMAGES, flag};
use super::plane::{self, State};
use super::{left, local, managed, show, stop};
use crate::base::Result;
use crate::ctl::Ctl;
use crate::model::context::{Context, Platform};
use crate::model::provider;
use crate::plane::kubernetes::Load;
use crate::plane::spec::BROKER_IMAGE;
use crate::platform::{self, Start};

/// Start the plane of the context, and wait until it serves.
///
/// On platform local it is a process of this program; its data is ~/.meshery/data and its token ~/.meshery/auth.json,
/// made when missing. On docker and kubernetes it runs from an image that is made of this program and brought there
/// without a registry, with an adapter for each component of the context. Starting what runs changes nothing; what a
/// start left behind that was broken off is completed by the next.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system start
  mesheryctl system start --port 9082
  mesheryctl system start -p docker
  mesheryctl system start -p kubernetes --timeout 5m")]
pub struct Args {
    /// Platform, instead of the context's own, which it becomes: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Port, instead of that of the context's endpoint; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Image of the plane, instead of one made of this program (docker and kubernetes).
    #[arg(long, value_name = "REFERENCE", value_parser = reference)]
    pub image: Option<String>,
    /// Ask the image's registry for a newer one first (docker).
    #[arg(long)]
    pub pull: bool,
    /// Run a broker (NATS) beside the server, of the usual image or of the one that is named.
    #[arg(long, value_name = "REFERENCE", num_args = 0..=1, require_equals = true, default_missing_value = BROKER_IMAGE, value_parser = reference)]
    pub broker: Option<String>,
    /// Remove the plane with its data first, and start anew.
    #[arg(long)]
    pub reset: bool,
    /// Kept for old scripts: nothing is updated at a start.
    #[arg(long, hide_short_help = true)]
    pub skip_update: bool,
    /// Kept for old scripts: no browser is opened.
    #[arg(long, hide_short_help = true)]
    pub skip_browser: bool,
    /// Provider of the plane's users, instead of the context's own.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub provider: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// How the image made of this program reaches the nodes: auto, kind, k3d, minikube, containerd[=SOCKET], or none.
    #[arg(long, value_name = "HOW", help_heading = "Kubernetes")]
    pub load: Option<Load>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    plane_of(ctx, plane::context(ctx, args.platform.as_deref())?, args).await
}

/// Starts the plane of a context.
pub(super) async fn plane_of(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    warn_idle(ctx, context.platform, args)?;
    match context.platform {
        Platform::Local => here(ctx, context, args).await,
        Platform::Docker | Platform::Kubernetes => elsewhere(ctx, context, args).await,
    }
}

/// Tells of flags that do nothing where this plane runs.
fn warn_idle(ctx: &Ctl, platform: Platform, args: &Args) -> Result<()> {
    let mut flags = args.cluster.flags();
    flags.extend([
        flag("--load", args.load.is_some(), &[Platform::Kubernetes]),
        flag("--image", args.image.is_some(), OF_IMAGES),
        flag("--broker", args.broker.is_some(), OF_IMAGES),
        flag("--pull", args.pull, &[Platform::Docker]),
        flag("--provider", args.provider.as_deref().is_some_and(|name| !provider::is_local(name)), OF_IMAGES),
    ]);
    flags::warn_idle(ctx, platform, &flags)
}

/// Remembers the platform of a context; a plane that is left running on the old one is told.
async fn move_to(ctx: &Ctl, context: &Context) -> Result<()> {
    if managed::is_remembered(ctx, context) {
        return Ok(());
    }
    left::warn(ctx, ctx.settings.config().find(&context.name)?).await?;
    managed::remember_platform(ctx, context)
}

async fn here(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    let plane = plane::local_of(ctx, context)?;
    if args.reset {
        stop::consent_to_reset(ctx, &plane.context)?;
        stop::down(&plane, false).await?;
        stop::archive(ctx, &plane.home)?;
    }
    move_to(ctx, &plane.context).await?;
    let (running, fresh) = local::up(ctx, &plane, args.port).await?;
    if !fresh {
        ctx.ui.note(&format!("The server runs already, as process {}.", running.pid))?;
    }
    show::print(ctx, &plane::of_process(&plane.context, &running, State::Running))
}

async fn elsewhere(ctx: &Ctl, mut context: Context, args: &Args) -> Result<()> {
    if let Some(provider) = &args.provider {
        context.provider.clone_from(provider);
    }
    let plane = managed::plane(ctx, context)?;
    let plane = platform::Plane { namespace: args.cluster.namespace.clone(), ..plane };
    if !managed::is_remembered(ctx, &plane.context) {
        left::warn(ctx, ctx.settings.config().find(&plane.context.name)?).await?;
    }
    let steps = ctx.ui.progress();
    let progress = managed::Shown::new(&steps).starting(ctx, &plane.context);
    if args.reset {
        stop::consent_to_reset(ctx, &plane.context)?;
        platform::stop(&plane, platform::Stop { reset: true, ..platform::Stop::default() }, &progress).await?;
    }
    let how = Start {
        image: args.image.clone(),
        port: args.port,
        broker: args.broker.clone(),
        pull: args.pull,
        kubernetes: args.cluster.wishes(args.load.clone()),
    };
    let started = platform::start(&plane, &how, &progress).await?;
    drop(progress);
    managed::remember_endpoint(ctx, &plane.context, &started.status.endpoint)?;
    if !started.changed {
        ctx.ui.note("The plane runs already, as it is wanted.")?;
    }
    show::print(ctx, &started.status)
}

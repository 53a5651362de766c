//! Rank 5: the life of a plane on a platform: start, stop, status, logs, update. It joins what a plane is (`plane`) with
//! the gateways to the platforms. Platform local is processes of this machine and stands in `client::process`.
//!
//! Every act is idempotent and can be broken off at any moment: the next call completes it. Nothing is touched that does
//! not carry the marks of this plane.

mod component;
pub mod docker;
pub mod kubeconfig;
pub mod kubernetes;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::{Error, Result};
use crate::model::check::Check;
use crate::model::context::{Context, Platform};
pub use crate::model::plane::LogLine;
use crate::model::plane::{PlaneStatus, Removed, Updated};
pub use crate::plane::kubernetes::Wishes;

/// Which plane is meant, and how its platform is reached.
#[derive(Debug, Clone)]
pub struct Plane {
    /// The context; its platform says who runs it.
    pub context: Context,
    /// Folder of config.yaml, auth.json and data on this machine.
    pub home: PathBuf,
    /// The token file of the context. The plane's token is what it holds; a start makes one where there is none.
    pub token_file: PathBuf,
    /// Kubeconfig files, separated as in PATH, where this shell means some.
    pub kubeconfig: Option<String>,
    /// Kubernetes context, where the user chose one.
    pub kube_context: Option<String>,
    /// Namespace, where the user chose one; else that of the last start.
    pub namespace: Option<String>,
    /// This program, of which the plane's image is made.
    pub program: PathBuf,
    /// Limit for waiting until components are ready, or gone.
    pub limit: Duration,
}

/// How to start.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Image, instead of the one made of this program.
    pub image: Option<String>,
    /// Port under which the plane is reached on this machine, instead of that of the context's endpoint.
    pub port: Option<u16>,
    /// Image of the broker, where one is wanted.
    pub broker: Option<String>,
    /// Ask the image's registry for a newer one, also when the platform has it.
    pub pull: bool,
    /// What is wished on Kubernetes; its image and broker are the ones above.
    pub kubernetes: Wishes,
}

/// A plane that was started.
#[derive(Debug, Clone)]
pub struct Started {
    /// What runs now; `status.endpoint` answered.
    pub status: PlaneStatus,
    /// Whether anything had to be done.
    pub changed: bool,
}

/// How to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stop {
    /// Remove the plane's data as well.
    pub reset: bool,
    /// Leave the namespace (Kubernetes).
    pub keep_namespace: bool,
    /// Do not wait for what runs to end.
    pub force: bool,
}

/// Which lines of which logs.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// Components; empty for all.
    pub components: Vec<String>,
    /// Go on with what is written from now on, over restarts, until cancelled.
    pub follow: bool,
    /// Lines to begin with, from the end; `None` for all.
    pub tail: Option<u32>,
}

/// Takes lines; its error ends the reading.
pub type TakeLine<'a> = dyn FnMut(LogLine) -> Result<()> + Send + 'a;

/// How to update.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Components; empty for all.
    pub components: Vec<String>,
    /// Image, instead of what the context's channel and version say.
    pub image: Option<String>,
}

/// Hears how the work goes on. Off a terminal each state is shown once.
pub trait Progress: Send + Sync {
    /// A start has settled everything that can be known before, and makes its first change now; an error keeps it from
    /// that.
    fn begin(&self) -> Result<()> {
        Ok(())
    }
    /// A component is at a state, such as `pulling`, or waits for something.
    fn state(&self, component: &str, state: &str);
    /// A component is done.
    fn done(&self, component: &str, outcome: &str);
    /// A component failed.
    fn failed(&self, component: &str, outcome: &str);
    /// Something the user should know.
    fn note(&self, note: &str);
}

/// Brings the plane up and waits until every component is ready and the endpoint answers.
pub async fn start(plane: &Plane, how: &Start, progress: &dyn Progress) -> Result<Started> {
    match plane.context.platform {
        Platform::Docker => docker::start(plane, how, progress).await,
        Platform::Kubernetes => kubernetes::start(plane, how, progress).await,
        Platform::Local => Err(local()),
    }
}

/// Removes exactly what was started and waits until it is gone. Nothing to stop is success.
pub async fn stop(plane: &Plane, how: Stop, progress: &dyn Progress) -> Result<Removed> {
    match plane.context.platform {
        Platform::Docker => docker::stop(plane, how, progress).await,
        Platform::Kubernetes => kubernetes::stop(plane, how, progress).await,
        Platform::Local => Err(local()),
    }
}

/// Ends the processes of the plane and starts them anew; data and objects stay.
pub async fn restart(plane: &Plane, progress: &dyn Progress) -> Result<Started> {
    match plane.context.platform {
        Platform::Docker => docker::restart(plane, progress).await,
        Platform::Kubernetes => kubernetes::restart(plane, progress).await,
        Platform::Local => Err(local()),
    }
}

/// What runs.
pub async fn status(plane: &Plane) -> Result<PlaneStatus> {
    match plane.context.platform {
        Platform::Docker => docker::status(plane).await,
        Platform::Kubernetes => kubernetes::status(plane).await,
        Platform::Local => Err(local()),
    }
}

/// Reads logs, each line marked with its component. A followed one ends with the plane; `progress` hears of that, and why
/// a component has written nothing.
pub async fn logs(plane: &Plane, which: &Logs, take: &mut TakeLine<'_>, progress: &dyn Progress) -> Result<()> {
    match plane.context.platform {
        Platform::Docker => docker::logs(plane, which, take, progress).await,
        Platform::Kubernetes => kubernetes::logs(plane, which, take, progress).await,
        Platform::Local => Err(local()),
    }
}

/// Gives components another image, one by one; one that does not become ready gets its old image back.
pub async fn update(plane: &Plane, how: &Update, progress: &dyn Progress) -> Result<Vec<Updated>> {
    match plane.context.platform {
        Platform::Docker => docker::update(plane, how, progress).await,
        Platform::Kubernetes => kubernetes::update(plane, how, progress).await,
        Platform::Local => Err(local()),
    }
}

/// What the platform needs and has. `preflight` leaves out what only a started plane has.
pub async fn checks(plane: &Plane, preflight: bool) -> Vec<Check> {
    match plane.context.platform {
        Platform::Docker => docker::checks(plane, preflight).await,
        Platform::Kubernetes => kubernetes::checks(plane, preflight).await,
        Platform::Local => Vec::new(),
    }
}

fn local() -> Error {
    Error::internal("platform local is not managed here")
}

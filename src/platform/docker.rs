//! A plane on Docker.
//!
//! | module | what it does |
//! | --- | --- |
//! | `session` | what every verb begins with: the engine, the plane's labels, one change at a time |
//! | `wanted` | the containers as they are wanted, each with a digest that tells a change |
//! | `payload` | token and kubeconfig, which the server gets as files |
//! | `clusters` | kubeconfigs that point at this machine |
//! | `image` | which images, and how they get to the engine |
//! | `up` | brings containers to the wanted state |
//! | `ready` | waits until everything runs and the server answers |
//! | `adapters` | whether adapters answer |
//! | `down` | removes what is ours |
//! | `status` | what runs |
//! | `logs` | what it wrote |
//! | `update` | another image for each component, and back |
//! | `check` | what `system check` looks at |

mod adapters;
mod check;
mod clusters;
mod down;
mod image;
mod logs;
mod payload;
mod ready;
mod session;
mod status;
mod up;
mod update;
mod wanted;

use super::{Logs, Plane, Progress, Start, Started, Stop, TakeLine, Update};
use crate::base::Result;
use crate::model::check::Check;
use crate::model::plane::{PlaneStatus, Removed, Updated};
use session::Session;

/// See [`super::start`].
pub async fn start(plane: &Plane, how: &Start, progress: &dyn Progress) -> Result<Started> {
    let mut session = Session::open(plane).await?;
    session.lock(progress).await?;
    up::start(&session, how, progress).await
}

/// See [`super::stop`].
pub async fn stop(plane: &Plane, how: Stop, progress: &dyn Progress) -> Result<Removed> {
    let mut session = Session::open(plane).await?;
    session.lock(progress).await?;
    down::stop(&session, how, progress).await
}

/// See [`super::restart`].
pub async fn restart(plane: &Plane, progress: &dyn Progress) -> Result<Started> {
    let mut session = Session::open(plane).await?;
    session.lock(progress).await?;
    down::halt(&session, progress).await?;
    let started = up::start(&session, &Start::default(), progress).await?;
    Ok(Started { changed: true, ..started })
}

/// See [`super::status`].
pub async fn status(plane: &Plane) -> Result<PlaneStatus> {
    status::status(&Session::open(plane).await?).await
}

/// See [`super::logs`].
pub async fn logs(plane: &Plane, which: &Logs, take: &mut TakeLine<'_>, progress: &dyn Progress) -> Result<()> {
    logs::logs(&Session::open(plane).await?, which, take, progress).await
}

/// See [`super::update`].
pub async fn update(plane: &Plane, how: &Update, progress: &dyn Progress) -> Result<Vec<Updated>> {
    let mut session = Session::open(plane).await?;
    session.lock(progress).await?;
    update::update(&session, how, progress).await
}

/// See [`super::checks`].
pub async fn checks(plane: &Plane, preflight: bool) -> Vec<Check> {
    check::checks(plane, preflight).await
}

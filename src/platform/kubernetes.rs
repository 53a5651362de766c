//! A plane on Kubernetes: brought up and taken away in one cluster and one namespace.
//!
//! | module | what it does |
//! | --- | --- |
//! | `target` | which cluster and namespace |
//! | `record` | what this machine remembers of the plane |
//! | `inventory` | what the cluster remembers of it |
//! | `access`, `storage`, `namespace` | what is looked at before anything is changed |
//! | `prepare`, `start` | a start, first thought through, then carried out |
//! | `images`, `load`, `own` | which image, and how it reaches the nodes |
//! | `apply`, `ready`, `endpoint` | applying, waiting, the way in |
//! | `restart`, `update`, `stop`, `status`, `logs`, `checks` | the other verbs |
//! | `reach` | the way that commands take to the plane |

mod access;
mod apply;
mod checks;
mod endpoint;
mod images;
mod inventory;
mod load;
mod logs;
mod namespace;
mod own;
mod prepare;
mod reach;
mod ready;
mod record;
mod restart;
mod start;
mod status;
mod stop;
mod storage;
mod target;
mod update;

pub use inventory::token_text;
pub use reach::{Reach, forward, reach};

pub use crate::cluster::forward::Forward;

use std::path::Path;
use std::time::Duration;

use super::{Logs, Plane, Progress, Start, Started, Stop, TakeLine, Update, Wishes};
use crate::base::{Result, dirs};
use crate::model::check::Check;
use crate::model::plane::{PlaneStatus, Removed, Updated};
use crate::plane::kubernetes::Load;
use crate::plane::spec;

/// How often a lock that another process holds is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was wished at the last start of a context's plane from this machine; nothing where there was none.
///
/// # Errors
/// A record that cannot be read.
pub fn remembered(home: &Path, context: &str) -> Result<Wishes> {
    let record = record::Record::read(home, context)?;
    Ok(record.map(|record| record.wishes).unwrap_or_default())
}

/// See [`super::start`].
pub async fn start(plane: &Plane, how: &Start, progress: &dyn Progress) -> Result<Started> {
    let _lock = lock(plane, progress).await?;
    start::start(plane, how, progress).await
}

/// See [`super::stop`].
pub async fn stop(plane: &Plane, how: Stop, progress: &dyn Progress) -> Result<Removed> {
    let _lock = lock(plane, progress).await?;
    stop::stop(plane, how, progress).await
}

/// See [`super::restart`].
pub async fn restart(plane: &Plane, progress: &dyn Progress) -> Result<Started> {
    let _lock = lock(plane, progress).await?;
    restart::restart(plane, progress).await
}

/// See [`super::status`].
pub async fn status(plane: &Plane) -> Result<PlaneStatus> {
    status::status(plane).await
}

/// See [`super::logs`].
pub async fn logs(plane: &Plane, which: &Logs, take: &mut TakeLine<'_>, progress: &dyn Progress) -> Result<()> {
    logs::logs(plane, which, take, progress).await
}

/// See [`super::update`].
pub async fn update(plane: &Plane, how: &Update, progress: &dyn Progress) -> Result<Vec<Updated>> {
    let _lock = lock(plane, progress).await?;
    update::update(plane, how, progress).await
}

/// See [`super::checks`].
pub async fn checks(plane: &Plane, preflight: bool) -> Vec<Check> {
    checks::checks(plane, preflight).await
}

/// Brings the image that is made of this program to the nodes of the cluster that the user chose, where they lack it; its
/// name. A context's plane plays no part in it.
///
/// # Errors
/// A cluster that cannot be reached, or whose nodes lack the image and cannot be loaded into.
pub async fn bring_image(plane: &Plane, load: &Load, progress: &dyn Progress) -> Result<String> {
    images::clean(plane)?;
    let wanted: Vec<String> = plane.kube_context.iter().cloned().collect();
    let target = target::Target::choose(plane, plane.kubeconfig.clone(), &wanted).await?;
    let own = own::Own::of(plane).await?;
    let delivery = images::Delivery::prepare(&target, &own, load).await?;
    delivery.carry_out(plane, &own, false, progress).await?;
    Ok(own.reference().to_owned())
}

/// One command of this machine changes a plane at a time; the lock ends with the process that holds it.
async fn lock(plane: &Plane, progress: &dyn Progress) -> Result<dirs::Lock> {
    let path = dirs::run(&plane.home).join(format!("kubernetes-{}.lock", spec::instance(&plane.context.name)));
    let mut told = false;
    loop {
        if let Some(lock) = dirs::Lock::take(&path)? {
            return Ok(lock);
        }
        if !told {
            progress.note("Another mesheryctl is changing this plane: waiting for its end.");
            told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

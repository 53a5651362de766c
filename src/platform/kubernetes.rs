//! A plane on Kubernetes.

use super::{Logs, Plane, Progress, Start, Started, Stop, TakeLine, Update, unsupported};
use crate::base::Result;
use crate::model::check::Check;
use crate::model::plane::{PlaneStatus, Removed, Updated};

/// See [`super::start`].
pub async fn start(plane: &Plane, _how: &Start, _progress: &dyn Progress) -> Result<Started> {
    Err(unsupported(plane))
}

/// See [`super::stop`].
pub async fn stop(plane: &Plane, _how: Stop, _progress: &dyn Progress) -> Result<Removed> {
    Err(unsupported(plane))
}

/// See [`super::restart`].
pub async fn restart(plane: &Plane, _progress: &dyn Progress) -> Result<Started> {
    Err(unsupported(plane))
}

/// See [`super::status`].
pub async fn status(plane: &Plane) -> Result<PlaneStatus> {
    Err(unsupported(plane))
}

/// See [`super::logs`].
pub async fn logs(plane: &Plane, _which: &Logs, _take: &mut TakeLine<'_>) -> Result<()> {
    Err(unsupported(plane))
}

/// See [`super::update`].
pub async fn update(plane: &Plane, _how: &Update, _progress: &dyn Progress) -> Result<Vec<Updated>> {
    Err(unsupported(plane))
}

/// See [`super::checks`].
pub async fn checks(plane: &Plane, _preflight: bool) -> Vec<Check> {
    vec![Check::fail("platform", &unsupported(plane))]
}

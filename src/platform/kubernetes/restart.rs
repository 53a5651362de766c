//! Ending the plane's pods, so that new ones take their place.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::inventory::Inventory;
use super::ready::{self, Limit};
use super::target::{Target, kind_of, named};
use super::{endpoint, status};
use crate::base::{Code, Error, Result};
use crate::plane::kubernetes::marks;
use crate::platform::{Plane, Progress, Start, Started};

/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(250);

/// See [`crate::platform::restart`]. A plane that is not there is started as it was last wanted.
pub(super) async fn restart(plane: &Plane, progress: &dyn Progress) -> Result<Started> {
    let limit = Limit::of(plane.limit);
    let target = Target::find(plane).await?;
    let inventory = Inventory::read(&target).await?;
    let Some(inventory) = inventory.filter(|inventory| !inventory.objects.is_empty()) else {
        return super::start::start(plane, &Start::default(), progress).await;
    };
    inventory.claim(plane, &target).await?;
    let parts = status::running(&target).await?;
    if parts.is_empty() {
        return super::start::start(plane, &Start::default(), progress).await;
    }
    replace_pods(&target, &parts, None, limit, progress).await?;
    ready::wait(&target, &parts, limit, progress).await?;
    let expose = inventory.wishes.expose.clone().unwrap_or_default();
    let found = endpoint::find(plane, &target, (&expose, None), limit, progress).await?;
    let status = status::of(plane, &target, &found.endpoint).await?;
    Ok(Started { status, changed: true })
}

/// Deletes the pods of components and waits until those very pods are gone and others are there; `grace` is how many
/// seconds their processes get to end.
///
/// # Errors
/// [`Code::PlaneNotReady`] at the limit.
pub(super) async fn replace_pods(
    target: &Target,
    parts: &[String],
    grace: Option<u32>,
    limit: Limit,
    progress: &dyn Progress,
) -> Result<()> {
    let kind = kind_of("v1", "Pod")?;
    let mut old = HashSet::new();
    for part in parts {
        for pod in pods(target, part).await? {
            progress.state(part, "ending");
            let (_, name) = named(&pod)?;
            let uid = uid(&pod);
            target.cluster.delete_within(&kind, &name, Some(&uid), grace).await?;
            old.insert(uid);
        }
    }
    for part in parts {
        loop {
            let now = pods(target, part).await?;
            if !now.is_empty() && now.iter().all(|pod| !old.contains(&uid(pod))) {
                break;
            }
            progress.state(part, "waiting for the old pod to end");
            if limit.is_over() {
                return Err(Error::new(
                    Code::PlaneNotReady,
                    format!("the old pod of {part} was not replaced after {} s", limit.seconds()),
                ));
            }
            sleep(PAUSE.min(limit.rest())).await;
        }
    }
    Ok(())
}

/// The pods of a component.
pub(super) async fn pods(target: &Target, part: &str) -> Result<Vec<Value>> {
    target.list("v1", "Pod", &marks::pods(&target.instance, part)).await
}

fn uid(pod: &Value) -> String {
    pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

//! A start, carried out. Each step can be broken off; the next start does what is left.

use super::images::clean;
use super::prepare::Plan;
use super::ready::{self, Limit};
use super::restart::{pods, replace_pods};
use super::{apply, endpoint, images, namespace, status};
use crate::base::{Code, Result};
use crate::model::kubernetes::ObjectRef;
use crate::plane::kubernetes::{self, Expose};
use crate::plane::spec::SERVER;
use crate::platform::{Plane, Progress, Start, Started};

/// Why a pod waits whose node lacks an image that is never pulled.
const NO_IMAGE: &str = "ErrImageNeverPull";

/// See [`crate::platform::start`].
pub(super) async fn start(plane: &Plane, how: &Start, progress: &dyn Progress) -> Result<Started> {
    let limit = Limit::of(plane.limit);
    let mut plan = Plan::make(plane, how, limit, progress).await?;
    clean(plane)?;
    let loaded = deliver(plane, &plan, false, progress).await?;
    let mut changed = write(plane, &plan, limit, progress).await?;
    if loaded {
        changed |= renew_stuck(&plan, limit, progress).await?;
    }
    changed |= wait(plane, &plan, limit, progress).await?;
    if plan.options.expose == Expose::LoadBalancer {
        changed |= tell_hosts(&mut plan, limit, progress).await?;
    }
    let way = (&plan.options.expose, how.port);
    let found = endpoint::find(plane, &plan.target, way, limit, progress).await?;
    changed |= accept_token(plane, &plan, &found.address, limit, progress).await?;
    let exposed = found.tunnel.is_none().then(|| found.endpoint.clone());
    remember(plane, &plan, exposed).await?;
    let status = status::of(plane, &plan.target, &found.endpoint).await?;
    Ok(Started { status, changed })
}

/// Only what worked is what the next start goes by.
async fn remember(plane: &Plane, plan: &Plan, exposed: Option<String>) -> Result<()> {
    let objects = kept(&plan.earlier(), plan.references()?);
    plan.inventory(plane, &plan.after, objects).write(&plan.target).await?;
    plan.record(plane, &plan.after, exposed).write(&plane.home, &plane.context.name)
}

/// Brings everything into the cluster; whether anything was changed by it.
async fn write(plane: &Plane, plan: &Plan, limit: Limit, progress: &dyn Progress) -> Result<bool> {
    let known = plan.target.record.as_ref().and_then(|record| record.endpoint.clone());
    progress.begin()?;
    plan.record(plane, &plan.before, known).write(&plane.home, &plane.context.name)?;
    let (first, rest) = plan.objects.iter().cloned().partition::<Vec<_>, _>(|object| object["kind"] == "Namespace");
    let was_missing = namespace::get(&plan.target).await?.is_none();
    let mut count = apply::apply(&plan.target, &first, limit, progress).await?;
    let wanted = plan.references()?;
    let earlier = plan.earlier();
    plan.inventory(plane, &plan.before, union(&earlier, &wanted)).write(&plan.target).await?;
    count += apply::apply(&plan.target, &rest, limit, progress).await?;
    progress.done("objects", &format!("{} applied, {count} changed", plan.objects.len()));
    let pruned = apply::prune(&plan.target, &earlier, &wanted).await?;
    plan.inventory(plane, &plan.before, kept(&earlier, wanted)).write(&plan.target).await?;
    Ok(was_missing || count > 0 || pruned)
}

async fn deliver(plane: &Plane, plan: &Plan, again: bool, progress: &dyn Progress) -> Result<bool> {
    let (Some(delivery), Some(own)) = (&plan.delivery, &plan.images.own) else { return Ok(false) };
    delivery.carry_out(plane, own, again, progress).await
}

/// Earlier objects, then those that are new.
fn union(earlier: &[ObjectRef], wanted: &[ObjectRef]) -> Vec<ObjectRef> {
    let new = wanted.iter().filter(|one| !earlier.iter().any(|known| known.identity() == one.identity()));
    earlier.iter().chain(new).cloned().collect()
}

/// What is wanted, and what a start never takes away: data of an earlier one.
fn kept(earlier: &[ObjectRef], wanted: Vec<ObjectRef>) -> Vec<ObjectRef> {
    let stays = ["PersistentVolume", "PersistentVolumeClaim"];
    let data = earlier.iter().filter(|one| stays.contains(&one.kind.as_str()));
    let data: Vec<ObjectRef> =
        data.filter(|one| !wanted.iter().any(|known| known.identity() == one.identity())).cloned().collect();
    data.into_iter().chain(wanted).collect()
}

/// Replaces pods that found no image on their node when they were made, now that it has it; whether there were any.
async fn renew_stuck(plan: &Plan, limit: Limit, progress: &dyn Progress) -> Result<bool> {
    let mut stuck = Vec::new();
    for part in plan.parts() {
        if pods(&plan.target, &part).await?.iter().any(|pod| status::word(pod) == NO_IMAGE) {
            stuck.push(part);
        }
    }
    replace_pods(&plan.target, &stuck, Some(0), limit, progress).await?;
    Ok(!stuck.is_empty())
}

/// Waits until the components are ready; whether a node had lost the image, which it gets once more then.
async fn wait(plane: &Plane, plan: &Plan, limit: Limit, progress: &dyn Progress) -> Result<bool> {
    let waited = ready::wait(&plan.target, &plan.parts(), limit, progress).await;
    let lost = |error: &crate::base::Error| {
        let cause = error.report().probable_cause.unwrap_or_default();
        error.code() == Code::PlaneBlocked && cause.contains(NO_IMAGE)
    };
    match waited {
        Err(error) if lost(&error) && plan.delivery.as_ref().is_some_and(images::Delivery::can_load) => {
            deliver(plane, plan, true, progress).await?;
            replace_pods(&plan.target, &plan.parts(), Some(0), limit, progress).await?;
            ready::wait(&plan.target, &plan.parts(), limit, progress).await.map(|()| true)
        }
        outcome => outcome.map(|()| false),
    }
}

/// Tells the server the host names of its load balancer, to which it would not answer otherwise.
async fn tell_hosts(plan: &mut Plan, limit: Limit, progress: &dyn Progress) -> Result<bool> {
    let hosts = endpoint::balancer_hosts(&plan.target, limit, progress).await?;
    if hosts == plan.options.hosts {
        return Ok(false);
    }
    plan.options.hosts = hosts;
    let objects = kubernetes::objects(&plan.spec, &plan.options);
    let server = |object: &serde_json::Value| object["kind"] == "Deployment" && object["metadata"]["name"] == SERVER;
    let server: Vec<_> = objects.into_iter().filter(server).collect();
    let changed = apply::apply(&plan.target, &server, limit, progress).await? > 0;
    ready::wait(&plan.target, &[SERVER.to_owned()], limit, progress).await?;
    Ok(changed)
}

/// A server that was started with another token reads the new one when it is started anew.
async fn accept_token(
    plane: &Plane,
    plan: &Plan,
    address: &str,
    limit: Limit,
    progress: &dyn Progress,
) -> Result<bool> {
    let client = endpoint::client(plane, address, Some(&plan.token))?;
    match client.preferences().await {
        Err(error) if error.code() == Code::AuthRequired => {}
        outcome => return outcome.map(|_| false),
    }
    progress.state(SERVER, "starting anew with the new token");
    let server = [SERVER.to_owned()];
    replace_pods(&plan.target, &server, None, limit, progress).await?;
    ready::wait(&plan.target, &server, limit, progress).await?;
    endpoint::wait(plane, address, limit, progress).await?;
    endpoint::client(plane, address, Some(&plan.token))?.preferences().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str) -> ObjectRef {
        ObjectRef { api_version: "v1".into(), kind: kind.into(), namespace: Some("n".into()), name: name.into() }
    }

    #[test]
    fn the_inventory_never_loses_data_of_an_earlier_start() {
        let earlier = [object("PersistentVolumeClaim", "meshery-data"), object("Service", "old")];
        let wanted = vec![object("Service", "meshery")];
        assert_eq!(union(&earlier, &wanted).len(), 3);
        assert_eq!(
            kept(&earlier, wanted),
            [object("PersistentVolumeClaim", "meshery-data"), object("Service", "meshery")]
        );
    }
}

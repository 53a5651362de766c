//! Applying the objects of a plane, and taking away those that are no longer wanted.

use std::collections::HashSet;

use futures_util::StreamExt;
use serde_json::Value;

use super::target::{Target, named, short};
use crate::base::{Code, Error, Result};
use crate::cluster::apply::Options as Applying;
use crate::cluster::delete::Deletion;
use crate::model::kubernetes::ObjectRef;
use crate::model::pattern::Action;
use crate::plane::kubernetes::marks::{HOME, MANAGED_BY, MANAGER, is_of};
use crate::platform::Progress;

use super::ready::Limit;

/// Objects looked at at the same time.
const AT_ONCE: usize = 8;

/// The objects that are to be applied: without a namespace and definitions that others made.
///
/// # Errors
/// [`Code::PlaneForeign`] when others made an object of that name.
pub(super) async fn ours(target: &Target, objects: Vec<Value>, progress: &dyn Progress) -> Result<Vec<Value>> {
    let looks = futures_util::stream::iter(objects).map(async |object| {
        let (kind, name) = named(&object)?;
        let live = target.cluster.get(&kind, &name).await?;
        Ok::<_, Error>((object, name, live))
    });
    let mut looks = looks.buffered(AT_ONCE);
    let (mut wanted, mut foreign) = (Vec::new(), Vec::new());
    while let Some(look) = looks.next().await {
        let (object, name, live) = look?;
        match live.filter(|live| !is_ours(live, target)) {
            None => wanted.push(object),
            Some(_) if object["kind"] == "Namespace" => {}
            Some(_) if object["kind"] == "CustomResourceDefinition" => {
                progress.note(&format!("{name} was made by others and stays as it is."));
            }
            Some(_) => foreign.push(name.to_string()),
        }
    }
    if foreign.is_empty() {
        return Ok(wanted);
    }
    Err(Error::new(
        Code::PlaneForeign,
        format!("cluster `{}` has objects with the plane's names that others made", target.cluster.context),
    )
    .because(foreign.join(", "))
    .remedy(format!(
        "Choose another namespace, as in `--namespace {}-{}`, or remove them.",
        target.namespace, target.instance
    )))
}

/// Whether an object was made for the plane of the target.
pub(super) fn is_ours(live: &Value, target: &Target) -> bool {
    let labels = &live["metadata"]["labels"];
    if live["kind"] == "CustomResourceDefinition" {
        return labels[MANAGED_BY] == MANAGER;
    }
    is_of(live, &target.instance) && (labels[HOME].is_null() || labels[HOME] == target.namespace.as_str())
}

/// Applies the objects in order; how many of them that changed.
///
/// # Errors
/// The first refusal. What was applied before it stays and is in the inventory.
pub(super) async fn apply(target: &Target, objects: &[Value], limit: Limit, progress: &dyn Progress) -> Result<usize> {
    let mut changed = 0;
    for object in objects {
        let (kind, name) = named(object)?;
        progress.state("objects", &short(&name));
        // What is marked as this plane's is this plane's, whoever touched it since.
        let options = Applying { force: true, gone_within: limit.rest(), ..Applying::default() };
        let applied = target.cluster.apply(&kind, &name, object, options).await.map_err(explained)?;
        changed += usize::from(applied.action != Action::Unchanged);
    }
    Ok(changed)
}

fn explained(error: Error) -> Error {
    match error.code() {
        Code::ObjectImmutable => error.remedy(
            "Storage cannot be changed in place. Start without --storage, --storage-size and --storage-class to keep the \
             storage and the data that the plane has; to change it, remove the plane with its data with `mesheryctl \
             system stop --reset`, and start anew.",
        ),
        Code::ObjectConflict => error.remedy("Start again; when it happens again, look who else manages the object."),
        _ => error,
    }
}

/// Deletes what an earlier start applied and this one does not want any more.
pub(super) async fn prune(target: &Target, earlier: &[ObjectRef], wanted: &[ObjectRef]) -> Result<bool> {
    let wanted: HashSet<_> = wanted.iter().map(ObjectRef::identity).collect();
    let mut changed = false;
    for object in earlier.iter().rev().filter(|object| !wanted.contains(&object.identity())) {
        // Definitions and data are taken away by a stop alone.
        let stays = ["CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume", "Namespace"];
        if !stays.contains(&object.kind.as_str()) {
            changed |= remove(target, object, None).await? == Some(Deletion::Begun);
        }
    }
    Ok(changed)
}

/// Deletes an object if it is this plane's; `None` when others made it.
pub(super) async fn remove(target: &Target, object: &ObjectRef, grace: Option<u32>) -> Result<Option<Deletion>> {
    let kind = super::target::kind_of(&object.api_version, &object.kind)?;
    let Some(live) = target.cluster.get(&kind, object).await? else { return Ok(Some(Deletion::Absent)) };
    if !is_ours(&live, target) {
        return Ok(None);
    }
    let uid = live["metadata"]["uid"].as_str();
    target.cluster.delete_within(&kind, object, uid, grace).await.map(Some)
}

//! What `system check` says of a cluster.

use serde_json::Value;

use super::inventory::Inventory;
use super::load::without_image;
use super::target::{Target, kind_of, named, short};
use super::{namespace, prepare, status, stop, storage};
use crate::base::{Code, Error, Result, text};
use crate::model::check::Check;
use crate::plane::kubernetes::{Options, Wishes, marks};
use crate::platform::Plane;

/// See [`crate::platform::checks`].
pub(super) async fn checks(plane: &Plane, preflight: bool) -> Vec<Check> {
    let id = |name: &str| format!("kubernetes/{name}");
    let target = match Target::find(plane).await {
        Ok(target) => target,
        Err(error) => return vec![Check::fail(id("cluster"), &error)],
    };
    let Target { cluster, .. } = &target;
    let mut checks = vec![Check::pass(id("cluster"), format!("`{}` answers at {}", cluster.context, cluster.server))];
    checks.push(Check::of(id("version"), target.version().await.map(|version| format!("Kubernetes {version}"))));
    let inventory = Inventory::read(&target).await;
    let known = inventory.as_ref().ok().cloned().flatten();
    let wishes = wishes(&target, known.as_ref());
    checks.push(Check::of(id("namespace"), space(plane, &target, inventory).await));
    checks.push(Check::of(id("access"), permitted(plane, &target, &wishes).await));
    checks.push(Check::of(id("storage"), stored(&target, &wishes).await));
    if !preflight {
        checks.push(images(&target).await.unwrap_or_else(|error| Check::fail(id("image"), &error)));
        checks.push(Check::of(id("components"), components(plane, &target).await));
        checks.extend(objects(&target, known.as_ref()).await);
    }
    checks.push(leftovers(&target).await.unwrap_or_else(|error| match error.code() {
        Code::ClusterForbidden => {
            let remedy = error.report().suggested_remediation.unwrap_or_default();
            Check::warn(id("leftovers"), format!("not known: {error}"), remedy)
        }
        _ => Check::fail(id("leftovers"), &error),
    }));
    checks
}

fn wishes(target: &Target, inventory: Option<&Inventory>) -> Wishes {
    let known = inventory.map(|inventory| inventory.wishes.clone());
    let known = known.or_else(|| target.record.as_ref().map(|record| record.wishes.clone()));
    Wishes { namespace: Some(target.namespace.clone()), ..known.unwrap_or_default() }
}

/// The namespace is free, or this plane's.
async fn space(plane: &Plane, target: &Target, inventory: Result<Option<Inventory>>) -> Result<String> {
    let name = &target.namespace;
    let Some(live) = namespace::get(target).await? else {
        return Ok(format!("{name} is not there; a start makes it"));
    };
    if namespace::is_leaving(&live) {
        return Err(Error::new(Code::NamespaceTerminating, format!("namespace {name} is being deleted")));
    }
    match inventory? {
        Some(inventory) => {
            inventory.claim(plane, target).await?;
            Ok(format!("{name} holds this context's plane"))
        }
        None => Ok(format!("{name} is there and holds no plane")),
    }
}

/// This user may do what a start needs.
async fn permitted(plane: &Plane, target: &Target, wishes: &Wishes) -> Result<String> {
    prepare::review(plane, target, wishes).await?;
    let user = target.cluster.user().await?.unwrap_or_else(|| "this user".to_owned());
    Ok(format!("{user} may start and stop the plane"))
}

async fn stored(target: &Target, wishes: &Wishes) -> Result<String> {
    let options = Options::of(wishes);
    storage::check(target, &options).await?;
    Ok(format!("there is a place for the data ({})", options.storage))
}

/// The nodes have the images that the components run.
async fn images(target: &Target) -> Result<Check> {
    let id = "kubernetes/image";
    let Some(nodes) = target.cluster.objects_in(&kind_of("v1", "Node")?, "", None).await? else {
        let remedy = "When a component does not start for its image, `mesheryctl system status` tells.";
        return Ok(Check::warn(id, "this user may not look at nodes, so that their images are not known", remedy));
    };
    let deployments = status::deployments(target).await?;
    if nodes.is_empty() || deployments.is_empty() {
        return Ok(Check::pass(id, "no component runs, so that none needs an image"));
    }
    let image =
        |one: &Value| one["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    let mut lacking = Vec::new();
    for image in deployments.iter().map(image) {
        let without = without_image(&nodes, &image);
        // One node is enough for a component of one pod; that none has it is worth a word.
        if without.len() == super::load::usable(&nodes).count() && !lacking.contains(&image) {
            lacking.push(image);
        }
    }
    if lacking.is_empty() {
        return Ok(Check::pass(id, "the nodes have the components' images"));
    }
    Ok(Check::warn(
        id,
        format!("no node tells of {}; nodes tell of their largest fifty images only", lacking.join(", ")),
        "When a component does not start for it, load it again with `mesheryctl system start`.",
    ))
}

/// Everything is there that the last start applied; nothing to tell of where no plane is.
async fn objects(target: &Target, inventory: Option<&Inventory>) -> Option<Check> {
    let id = "kubernetes/objects";
    let inventory = inventory.filter(|inventory| inventory.is_started() && inventory.instance == target.instance)?;
    Some(match inventory.missing(target).await {
        Err(error) => Check::fail(id, &error),
        Ok(missing) if missing.is_empty() => {
            let count = text::count(inventory.objects.len(), "object");
            Check::pass(id, format!("{count} of the last start, none is missing"))
        }
        Ok(missing) => {
            let names: Vec<String> = missing.iter().map(short).collect();
            let error = Error::new(Code::PlaneBlocked, format!("{} is missing", names.join(", ")))
                .because("the last start applied it, and somebody else deleted it")
                .remedy("Bring it back with `mesheryctl system start`.");
            Check::fail(id, &error)
        }
    })
}

/// Every component is ready.
async fn components(plane: &Plane, target: &Target) -> Result<String> {
    let status = status::of(plane, target, &plane.context.endpoint).await?;
    if status.components.is_empty() {
        return Err(super::logs::absent(plane, target));
    }
    let waiting: Vec<_> = status.components.iter().filter(|one| one.ready < one.wanted).collect();
    let Some(first) = waiting.first() else {
        return Ok(format!("{} ready", text::count(status.components.len(), "component")));
    };
    let error =
        Error::new(Code::PlaneNotReady, format!("{} is not ready ({} of {})", first.name, first.ready, first.wanted));
    let error = match &first.message {
        Some(message) => error.because(message),
        None => error,
    };
    Err(error.details(waiting.iter().skip(1).map(|one| format!("{} is not ready either", one.name))))
}

/// Objects of no namespace that a plane left whose namespace is gone.
async fn leftovers(target: &Target) -> Result<Check> {
    let id = "kubernetes/leftovers";
    let selector = format!("{}={},{}", marks::MANAGED_BY, marks::MANAGER, marks::HOME);
    let mut left = Vec::new();
    for (api_version, kind) in [
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("v1", "PersistentVolume"),
    ] {
        for object in target.look(api_version, kind, &selector).await? {
            let home = object["metadata"]["labels"][marks::HOME].as_str().unwrap_or_default().to_owned();
            if target.get("v1", "Namespace", &home).await?.is_none() {
                left.push(short(&named(&object)?.1));
            }
        }
    }
    if !stop::has_planes(target, "").await?.unwrap_or(true) {
        left.extend(stop::definitions(target).await?.iter().map(short));
    }
    if left.is_empty() {
        return Ok(Check::pass(id, "nothing is left of planes that are gone"));
    }
    Ok(Check::warn(
        id,
        format!("{} is left of a plane whose namespace is gone", left.join(", ")),
        "Remove what is left of this context's plane with `mesheryctl system stop --reset`.",
    ))
}

//! What `system check` says of a cluster.

use serde_json::Value;

use super::inventory::Inventory;
use super::load::without_image;
use super::target::{Target, named, short};
use super::{access, namespace, status, storage};
use crate::base::{Code, Error, Result};
use crate::model::check::Check;
use crate::plane::kubernetes::access::Act;
use crate::plane::kubernetes::{self, Options, Wishes, marks};
use crate::plane::spec::Spec;
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
    let wishes = wishes(&target, inventory.as_ref().ok().and_then(Option::as_ref));
    checks.push(Check::of(id("namespace"), space(plane, &target, inventory).await));
    checks.push(Check::of(id("access"), permitted(plane, &target, &wishes).await));
    checks.push(Check::of(id("storage"), stored(&target, &wishes).await));
    if !preflight {
        checks.push(images(&target).await.unwrap_or_else(|error| Check::fail(id("image"), &error)));
        checks.push(Check::of(id("components"), components(plane, &target).await));
    }
    checks.push(leftovers(&target).await.unwrap_or_else(|error| Check::fail(id("leftovers"), &error)));
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
    let spec = Spec::new(&plane.context, "check", wishes.broker.as_deref())?;
    let options = Options { token: Some(String::new()), ..Options::of(wishes) };
    let objects = kubernetes::objects(&spec, &options);
    access::review(target, Act::Start, &objects, &options).await?;
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
    let nodes = target.list("v1", "Node", "").await?;
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

/// Every component is ready.
async fn components(plane: &Plane, target: &Target) -> Result<String> {
    let status = status::of(plane, target, &plane.context.endpoint).await?;
    if status.components.is_empty() {
        return Err(super::logs::absent(plane, target));
    }
    let waiting: Vec<_> = status.components.iter().filter(|one| one.ready < one.wanted).collect();
    let Some(first) = waiting.first() else {
        return Ok(format!("{} ready", crate::base::text::count(status.components.len(), "component")));
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
        for object in target.list(api_version, kind, &selector).await? {
            let home = object["metadata"]["labels"][marks::HOME].as_str().unwrap_or_default().to_owned();
            if target.get("v1", "Namespace", &home).await?.is_none() {
                left.push(short(&named(&object)?.1));
            }
        }
    }
    if left.is_empty() {
        return Ok(Check::pass(id, "nothing is left of planes that are gone"));
    }
    Ok(Check::warn(
        id,
        format!("the namespace of {} is gone", left.join(", ")),
        "Remove what is left of this context's plane with `mesheryctl system stop --reset`.",
    ))
}

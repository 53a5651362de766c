//! Whether the cluster has storage for the plane's data, looked at before anything is applied.

use serde_json::Value;

use super::load::usable;
use super::target::Target;
use crate::base::{Code, Error, Result, text};
use crate::plane::kubernetes::{CLAIM, Options, Storage};

/// Annotations of the class that claims get which name none.
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// Fails when the data would have no place. What may not be listed is taken to be in order: the wait will tell.
///
/// # Errors
/// [`Code::StorageMissing`] with the ways that are left.
pub(super) async fn check(target: &Target, options: &Options) -> Result<()> {
    match &options.storage {
        Storage::Ephemeral => Ok(()),
        Storage::HostPath { path, node } => folder(target, path, node.as_deref()).await,
        Storage::Claim => claim(target, options).await,
    }
}

async fn claim(target: &Target, options: &Options) -> Result<()> {
    let bound = target.get("v1", "PersistentVolumeClaim", CLAIM).await?;
    if bound.is_some_and(|claim| claim["status"]["phase"] == "Bound") {
        return Ok(());
    }
    let Some(classes) = classes(target).await? else { return Ok(()) };
    let names: Vec<&str> = classes.iter().filter_map(|class| class["metadata"]["name"].as_str()).collect();
    let missing = match &options.class {
        Some(class) if names.contains(&class.as_str()) => return Ok(()),
        Some(class) => Error::new(
            Code::StorageMissing,
            format!("cluster `{}` has no storage class `{class}`", target.cluster.context),
        )
        .details(text::did_you_mean(class, names.iter().copied())),
        None if classes.iter().any(is_default) || fits(target, options).await? => return Ok(()),
        None => Error::new(
            Code::StorageMissing,
            format!("cluster `{}` has no default storage class and no free volume", target.cluster.context),
        )
        .because(format!("the claim {CLAIM} would stay Pending")),
    };
    let known = (!names.is_empty()).then(|| format!("storage classes: {}", names.join(", ")));
    Err(missing.details(known).remedy(
        "Use --storage hostpath=FOLDER@NODE for a folder of a node, --storage ephemeral for data that goes with the \
         pod, or name a class with --storage-class.",
    ))
}

/// The storage classes; `None` where they may not be listed.
pub(super) async fn classes(target: &Target) -> Result<Option<Vec<Value>>> {
    let kind = super::target::kind_of("storage.k8s.io/v1", "StorageClass")?;
    target.cluster.objects_in(&kind, "", None).await
}

/// Whether claims that name no class get this one.
pub(super) fn is_default(class: &Value) -> bool {
    DEFAULT.iter().any(|key| class["metadata"]["annotations"][*key] == "true")
}

/// Whether a volume is free that has no class and is meant for nobody else.
async fn fits(target: &Target, options: &Options) -> Result<bool> {
    let kind = super::target::kind_of("v1", "PersistentVolume")?;
    let Some(volumes) = target.cluster.objects_in(&kind, "", None).await? else { return Ok(true) };
    let ours =
        |claim: &Value| claim.is_null() || (claim["name"] == CLAIM && claim["namespace"] == options.namespace.as_str());
    Ok(volumes.iter().any(|volume| {
        volume["status"]["phase"] == "Available"
            && volume["spec"]["storageClassName"].as_str().unwrap_or_default().is_empty()
            && ours(&volume["spec"]["claimRef"])
    }))
}

/// A folder that could be on any of several nodes would lose its data when the pod moves.
async fn folder(target: &Target, path: &str, node: Option<&str>) -> Result<()> {
    let nodes = target.list("v1", "Node", "").await?;
    let names: Vec<&str> = usable(&nodes).filter_map(|node| node["metadata"]["name"].as_str()).collect();
    match node {
        Some(node) if !names.is_empty() && !names.contains(&node) => Err(Error::new(
            Code::StorageMissing,
            format!("cluster `{}` has no node `{node}` that takes pods", target.cluster.context),
        )
        .detail(format!("nodes: {}", names.join(", ")))
        .remedy("Name one of the nodes behind the `@` of --storage.")),
        None if names.len() > 1 => Err(Error::new(
            Code::StorageMissing,
            format!("{path} is a folder of one node, and cluster `{}` has {}", target.cluster.context, names.len()),
        )
        .because("the data would be lost when the pod moves to another node")
        .detail(format!("nodes: {}", names.join(", ")))
        .remedy(format!("Name the node: --storage hostpath={path}@{}", names[0]))),
        _ => Ok(()),
    }
}

//! What runs, as the cluster tells it.

use serde_json::Value;

use super::inventory::Inventory;
use super::ready;
use super::restart::pods;
use super::target::Target;
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::plane::{Component, PlaneStatus, State};
use crate::plane::kubernetes::marks::{INSTANCE, NAME};
use crate::plane::spec::{BROKER, SERVER};
use crate::platform::Plane;

/// See [`crate::platform::status`].
pub(super) async fn status(plane: &Plane) -> Result<PlaneStatus> {
    let target = Target::find(plane).await?;
    let endpoint = target.record.as_ref().and_then(|record| record.endpoint.clone());
    let endpoint = endpoint.unwrap_or_else(|| plane.context.endpoint.clone());
    of(plane, &target, &endpoint).await
}

/// The plane of a target.
pub(super) async fn of(plane: &Plane, target: &Target, endpoint: &str) -> Result<PlaneStatus> {
    let mut components = Vec::new();
    let mut version = None;
    for deployment in deployments(target).await? {
        if deployment["metadata"]["name"] == SERVER {
            version = deployment["metadata"]["labels"]["app.kubernetes.io/version"].as_str().map(str::to_owned);
        }
        components.push(component(target, &deployment).await?);
    }
    components.sort_by_key(|component| (order(&component.name), component.name.clone()));
    let server = components.iter().find(|component| component.name == SERVER);
    let state = match server {
        None => State::Stopped,
        Some(server) if server.ready > 0 => State::Running,
        Some(server) if server.wanted == 0 => State::Stopped,
        Some(_) => State::Starting,
    };
    Ok(PlaneStatus {
        context: plane.context.name.clone(),
        platform: plane.context.platform,
        state,
        endpoint: endpoint.to_owned(),
        pid: None,
        version,
        started_at: server.and_then(|server| server.started_at),
        log: None,
        note: note(target).await?,
        components,
    })
}

/// The server first, the broker last.
fn order(name: &str) -> u8 {
    match name {
        SERVER => 0,
        BROKER => 2,
        _ => 1,
    }
}

/// The Deployments of the target's plane.
pub(super) async fn deployments(target: &Target) -> Result<Vec<Value>> {
    target.look("apps/v1", "Deployment", &crate::plane::kubernetes::marks::selector(&target.instance)).await
}

/// Names of the components that are there, the server first.
pub(super) async fn running(target: &Target) -> Result<Vec<String>> {
    let found = deployments(target).await?;
    let names = found.iter().filter_map(|one| one["metadata"]["name"].as_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_by_key(|name| (order(name), name.clone()));
    Ok(names)
}

/// Another context's plane in the same namespace is worth a word.
async fn note(target: &Target) -> Result<Option<String>> {
    let other = match Inventory::read(target).await {
        Ok(found) => found.filter(|found| found.instance != target.instance),
        Err(error) => return Ok(Some(error.to_string())),
    };
    Ok(other.map(|other| {
        format!(
            "namespace {} of cluster `{}` holds the plane of context {}",
            target.namespace, target.cluster.context, other.context
        )
    }))
}

async fn component(target: &Target, deployment: &Value) -> Result<Component> {
    let name = deployment["metadata"]["labels"][NAME].as_str().unwrap_or_default().to_owned();
    debug_assert!(deployment["metadata"]["labels"][INSTANCE].is_string(), "it was chosen by this label");
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let wanted = number(&deployment["spec"]["replicas"]).unwrap_or(1);
    let ready = number(&deployment["status"]["readyReplicas"]).unwrap_or(0);
    let pods = pods(target, &name).await?;
    let newest = pods.iter().max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned));
    let message = if ready < wanted { ready::message(target, &name, deployment).await } else { None };
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    Ok(Component {
        ready,
        wanted,
        status: newest.map_or_else(|| "Missing".to_owned(), word),
        restarts: newest.map(restarts).unwrap_or_default(),
        started_at: newest.and_then(started),
        image: text(&container["image"]),
        instance: newest.and_then(|pod| text(&pod["metadata"]["name"])),
        address: newest.and_then(|pod| text(&pod["status"]["podIP"])),
        node: newest.and_then(|pod| text(&pod["spec"]["nodeName"])),
        message,
        name,
    })
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten()
}

/// The state of a pod as `kubectl get pods` words it.
pub(super) fn word(pod: &Value) -> String {
    if pod["metadata"]["deletionTimestamp"].is_string() {
        return "Terminating".to_owned();
    }
    let reason = |state: &str| containers(pod).find_map(|one| one["state"][state]["reason"].as_str());
    let status = &pod["status"];
    let text = reason("waiting").or_else(|| reason("terminated")).or(status["reason"].as_str());
    text.or(status["phase"].as_str()).unwrap_or("Unknown").to_owned()
}

fn restarts(pod: &Value) -> u32 {
    containers(pod).filter_map(|one| one["restartCount"].as_u64()).sum::<u64>().try_into().unwrap_or(u32::MAX)
}

/// When its container began to run, else when the pod was made.
fn started(pod: &Value) -> Option<Timestamp> {
    let running = containers(pod).find_map(|one| one["state"]["running"]["startedAt"].as_str());
    running.or(pod["metadata"]["creationTimestamp"].as_str())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_are_worded_as_kubectl_does() {
        let waiting = json!({"status": {"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "restartCount": 2}
        ]}});
        assert_eq!((word(&waiting).as_str(), restarts(&waiting)), ("ImagePullBackOff", 2));
        assert_eq!(word(&json!({"status": {"phase": "Running"}})), "Running");
        assert_eq!(
            word(&json!({"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Running"}})),
            "Terminating"
        );
        let running =
            json!({"status": {"containerStatuses": [{"state": {"running": {"startedAt": "2026-11-26T10:00:00Z"}}}]}});
        assert!(started(&running).is_some());
    }

    #[test]
    fn the_server_stands_first_and_the_broker_last() {
        let mut names = ["broker", "meshery-istio", "meshery"];
        names.sort_by_key(|name| order(name));
        assert_eq!(names, ["meshery", "meshery-istio", "broker"]);
    }
}

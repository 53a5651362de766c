//! Why worker pods do not become ready, how long that is worth waiting for, and what helps against it.

use std::time::Duration;

use serde_json::Value;

/// Longest wait until every pod is ready.
pub(super) const READY: Duration = Duration::from_mins(3);
/// Longest wait for room on the nodes: an autoscaler may add one, but that is no matter of a measurement.
const ROOM: Duration = Duration::from_secs(30);
/// Longest wait until the first pod is made at all.
const MADE: Duration = Duration::from_secs(10);

/// What keeps pods from being ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A node does not get the image.
    Image,
    /// A container ended, or cannot be made.
    Container,
    /// No node has room.
    Unschedulable,
    /// There are no pods: a quota or a policy refuses them.
    Refused,
    /// Nothing that is known: they are being started.
    Starting,
}

impl Blocked {
    /// Of a Job's pods: what is worth the shortest wait.
    pub(super) fn of(pods: &[Value]) -> Self {
        if pods.is_empty() {
            return Self::Refused;
        }
        let waiting = pods.iter().filter(|pod| !is_ready(pod)).map(Self::of_pod);
        waiting.min_by_key(|blocked| blocked.patience()).unwrap_or(Self::Starting)
    }

    fn of_pod(pod: &Value) -> Self {
        let status = &pod["status"];
        let state = &status["containerStatuses"][0]["state"];
        match state["waiting"]["reason"].as_str() {
            Some("ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName") => return Self::Image,
            Some("CreateContainerError" | "RunContainerError") => return Self::Container,
            _ => {}
        }
        if status["phase"] == "Failed" || state["terminated"].is_object() {
            return Self::Container;
        }
        let conditions = status["conditions"].as_array().into_iter().flatten();
        let has_no_room = |one: &Value| one["type"] == "PodScheduled" && one["reason"] == "Unschedulable";
        if conditions.into_iter().any(has_no_room) { Self::Unschedulable } else { Self::Starting }
    }

    /// How long it may last.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Image | Self::Container => Duration::ZERO,
            Self::Refused => MADE,
            Self::Unschedulable => ROOM,
            Self::Starting => READY,
        }
    }

    /// The next step.
    pub(super) fn remedy(self, namespace: &str) -> String {
        match self {
            Self::Image => "Bring this program's image to the nodes with --worker-load auto, kind, k3d, minikube or \
                            containerd=SOCKET, or push it with `mesheryctl system image push REFERENCE` and name it with \
                            --worker-image."
                .to_owned(),
            Self::Container => {
                "--worker-image has to be an image of this version of mesheryctl: leave it out, or bring this program's \
                 own with --worker-load."
                    .to_owned()
            }
            Self::Unschedulable => format!(
                "Make room on the nodes, or ask for fewer workers; `kubectl describe limitrange --namespace {namespace}` \
                 tells whether the namespace gives each container a request of its own."
            ),
            Self::Refused => format!(
                "See which quota or policy of namespace {namespace} refuses the pods, or name another namespace with \
                 --worker-namespace."
            ),
            Self::Starting => format!("`kubectl describe pods --namespace {namespace}` on a new run tells what they do."),
        }
    }
}

/// What the node says of the first container that waits for something: with the image's name, where it is that.
pub(super) fn words(pods: &[Value]) -> Option<String> {
    let message =
        |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"].as_str().map(str::to_owned);
    pods.iter().find_map(message)
}

/// Whether a pod takes connections.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn waiting(reason: &str) -> Value {
        json!({"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}})
    }

    #[test]
    fn what_no_waiting_helps_against_ends_the_wait() {
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let ended =
            json!({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 2}}}]}});
        let no_room = json!({"status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
        for (pods, blocked) in [
            (vec![], Blocked::Refused),
            (vec![ready.clone()], Blocked::Starting),
            (vec![waiting("ContainerCreating"), ready.clone()], Blocked::Starting),
            (vec![waiting("ErrImagePull")], Blocked::Starting),
            (vec![no_room.clone(), waiting("ContainerCreating")], Blocked::Unschedulable),
            (vec![ready, no_room, waiting("ImagePullBackOff")], Blocked::Image),
            (vec![ended], Blocked::Container),
        ] {
            assert_eq!(Blocked::of(&pods), blocked, "{pods:?}");
        }
        assert_eq!(Blocked::Image.patience(), Duration::ZERO);
        assert!(Blocked::Unschedulable.patience() < Blocked::Starting.patience());
    }

    #[test]
    fn the_node_names_the_image() {
        let mut pod = waiting("ImagePullBackOff");
        assert_eq!(words(std::slice::from_ref(&pod)), None);
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = json!("Back-off pulling image \"a:1\"");
        assert_eq!(words(&[json!({}), pod]).unwrap(), "Back-off pulling image \"a:1\"");
    }

    #[test]
    fn each_has_its_next_step() {
        assert!(Blocked::Image.remedy("load").contains("--worker-load"));
        assert!(Blocked::Unschedulable.remedy("load").contains("--namespace load"));
        assert!(Blocked::Refused.remedy("load").contains("quota or policy of namespace load"));
    }
}

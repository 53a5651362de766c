//! What keeps a workload from being ready: the pod, its container, the last event, the last line of its log.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::apply::retry;

/// What is known of a blocker, each part as one sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocker {
    /// Which pod and container, and why, such as `pod web-1: container web: CrashLoopBackOff (exit code 1)`.
    pub reason: Option<String>,
    /// The last warning about it, such as `FailedScheduling: 0/1 nodes are available`.
    pub event: Option<String>,
    /// The last line that a crashing container wrote.
    pub log: Option<String>,
}

impl Blocker {
    /// The parts that are known, as sentences.
    pub fn lines(&self) -> Vec<String> {
        let event = self.event.as_ref().map(|event| format!("last event: {event}"));
        let log = self.log.as_ref().map(|log| format!("last log line: {log}"));
        [self.reason.clone(), event, log].into_iter().flatten().collect()
    }
}

impl Cluster {
    /// Looks for what keeps `live` from being ready. What cannot be asked (for lack of permission) is left out.
    pub async fn blocker(&self, live: &Value) -> Blocker {
        let Some(namespace) = live["metadata"]["namespace"].as_str() else { return Blocker::default() };
        let pods = match live["kind"].as_str() {
            Some("Pod") => serde_json::from_value(live.clone()).ok().into_iter().collect(),
            _ => self.pods(namespace, &live["spec"]["selector"]["matchLabels"]).await,
        };
        let Some((pod, stuck)) = pods.iter().find_map(|pod| Some((pod, stuck(pod)?))) else {
            let uids = self.owned(namespace, live).await;
            // That no volume fits a claim is told as an ordinary event.
            let warnings = live["kind"] != "PersistentVolumeClaim";
            return Blocker { event: self.last_event(namespace, &uids, warnings).await, ..Blocker::default() };
        };
        let log = match &stuck.crashed {
            Some(container) => self.last_line(namespace, pod, container).await,
            None => None,
        };
        let event = self.last_event(namespace, &pod.metadata.uid.iter().cloned().collect::<Vec<_>>(), true).await;
        Blocker { reason: Some(stuck.reason), event, log }
    }

    async fn pods(&self, namespace: &str, labels: &Value) -> Vec<Pod> {
        let Some(labels) = labels.as_object().filter(|labels| !labels.is_empty()) else { return Vec::new() };
        let selector: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().labels(&selector.join(","));
        retry(|| api.list(&params)).await.map(|list| list.items).unwrap_or_default()
    }

    /// The object itself and, of a Deployment, its replica sets: refusals to make pods are told of those.
    async fn owned(&self, namespace: &str, live: &Value) -> Vec<String> {
        let uid = live["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let api: Api<k8s_openapi::api::apps::v1::ReplicaSet> = Api::namespaced(self.client.clone(), namespace);
        let (mut found, params) = (vec![uid.clone()], ListParams::default());
        if live["kind"] == "Deployment"
            && let Ok(sets) = retry(|| api.list(&params)).await
        {
            let owned = sets
                .items
                .into_iter()
                .filter(|set| set.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid));
            found.extend(owned.filter_map(|set| set.metadata.uid));
        }
        found
    }

    /// The newest event about one of the objects; of warnings, when only those are wanted.
    async fn last_event(&self, namespace: &str, uids: &[String], warnings: bool) -> Option<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let params = if warnings { ListParams::default().fields("type=Warning") } else { ListParams::default() };
        let events = retry(|| api.list(&params)).await.ok()?.items;
        let about = |event: &&Event| event.involved_object.uid.as_ref().is_some_and(|uid| uids.contains(uid));
        let newest = events.iter().filter(about).max_by_key(|event| {
            let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
            let times = [series.map(|time| time.0), event.event_time.as_ref().map(|time| time.0)];
            let last = event.last_timestamp.as_ref().map(|time| time.0);
            times.into_iter().flatten().chain(last).max()
        })?;
        let text = newest.message.clone().unwrap_or_default();
        Some(format!("{}: {}", newest.reason.clone().unwrap_or_default(), one_line(&text)))
    }

    /// The last line of the container's log; of the one before, when it has just started anew.
    async fn last_line(&self, namespace: &str, pod: &Pod, container: &str) -> Option<String> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let name = pod.metadata.name.as_deref()?;
        for previous in [true, false] {
            let params = LogParams {
                container: Some(container.to_owned()),
                previous,
                tail_lines: Some(1),
                ..LogParams::default()
            };
            let text = api.logs(name, &params).await.ok().map(|text| one_line(&text)).filter(|text| !text.is_empty());
            if text.is_some() {
                return text;
            }
        }
        None
    }
}

/// Why a pod is not ready.
struct Stuck {
    reason: String,
    /// Name of the container that crashed, whose log may tell more.
    crashed: Option<String>,
}

/// `None` for a pod that is ready or done.
fn stuck(pod: &Pod) -> Option<Stuck> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let status = pod.status.as_ref()?;
    let condition = |kind: &str| status.conditions.iter().flatten().find(|condition| condition.type_ == kind);
    if status.phase.as_deref() == Some("Succeeded") || condition("Ready").is_some_and(|ready| ready.status == "True") {
        return None;
    }
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    for container in containers.filter(|container| !container.ready) {
        let state = container.state.as_ref();
        let ended = state
            .and_then(|state| state.terminated.as_ref())
            .or_else(|| container.last_state.as_ref()?.terminated.as_ref());
        let waiting = state.and_then(|state| state.waiting.as_ref()).and_then(|waiting| waiting.reason.clone());
        let code = ended.map(|ended| format!(" (exit code {})", ended.exit_code)).unwrap_or_default();
        let crashed = ended.filter(|ended| ended.exit_code != 0).map(|_| container.name.clone());
        match waiting.or_else(|| ended.and_then(|ended| ended.reason.clone())) {
            Some(reason) if reason != "Completed" && reason != "PodInitializing" => {
                let reason = format!("pod {name}: container {}: {reason}{code}", container.name);
                return Some(Stuck { reason, crashed });
            }
            _ => {}
        }
    }
    let unscheduled = condition("PodScheduled").filter(|condition| condition.status == "False");
    let reason = match unscheduled.or_else(|| condition("Ready")) {
        Some(condition) => {
            let reason = condition.reason.clone().unwrap_or_default();
            let text = condition.message.as_deref().map(|text| format!(": {}", one_line(text))).unwrap_or_default();
            format!("pod {name}: {reason}{text}")
        }
        None => format!("pod {name}: {}", status.phase.clone().unwrap_or_default()),
    };
    Some(Stuck { reason, crashed: None })
}

/// The last line that says something, without what would move a terminal's cursor, in a length one can read.
fn one_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reason(status: &Value) -> Option<(String, Option<String>)> {
        let pod = json!({"metadata": {"name": "web-1"}, "status": status});
        stuck(&serde_json::from_value(pod).unwrap()).map(|stuck| (stuck.reason, stuck.crashed))
    }

    fn container(state: &Value, last: &Value) -> Value {
        json!({"phase": "Running", "containerStatuses": [
            {"name": "web", "ready": false, "image": "i", "imageID": "", "restartCount": 3, "state": state, "lastState": last}
        ]})
    }

    #[test]
    fn a_crashing_container_is_named_with_its_exit_code() {
        let status = container(
            &json!({"waiting": {"reason": "CrashLoopBackOff"}}),
            &json!({"terminated": {"exitCode": 3, "reason": "Error"}}),
        );
        let text = "pod web-1: container web: CrashLoopBackOff (exit code 3)".to_owned();
        assert_eq!(reason(&status), Some((text, Some("web".to_owned()))));
    }

    #[test]
    fn a_missing_image_and_a_full_cluster_have_no_log() {
        let image = container(&json!({"waiting": {"reason": "ErrImagePull"}}), &json!({}));
        assert_eq!(reason(&image), Some(("pod web-1: container web: ErrImagePull".to_owned(), None)));
        let full = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
        ]});
        assert_eq!(reason(&full), Some(("pod web-1: Unschedulable: 0/1 nodes are available".to_owned(), None)));
    }

    #[test]
    fn ready_and_finished_pods_block_nothing() {
        assert_eq!(reason(&json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})), None);
        assert_eq!(reason(&json!({"phase": "Succeeded"})), None);
    }

    #[test]
    fn log_lines_are_safe_to_print() {
        assert_eq!(one_line("first\n\u{1b}[31mlast\u{7}  \n\n"), "[31mlast");
    }
}

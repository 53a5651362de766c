//! Workers as the pods of an Indexed Job, each reached through a forwarded port.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Site;
use super::controller::Seat;
use crate::base::{Code, Error, Result, id};
use crate::client::worker::PORT;
use crate::cluster::Cluster;
use crate::cluster::apply::Options;
use crate::cluster::forward::{Forward, Pods};
use crate::cluster::kubeconfig;
use crate::model::adapter::Location;
use crate::model::kubernetes::{GroupVersionKind, KindInfo, ObjectRef};
use crate::model::performance::plan::Plan;

/// The plane's server, whose image the pods run when no other is named.
const SERVER: &str = "meshery";
/// Longest wait until every pod is ready.
const READY: Duration = Duration::from_mins(3);
/// Pause between looks at the pods.
const PAUSE: Duration = Duration::from_millis(500);
/// What a Job may take beyond its plan, after which the cluster ends it by itself.
const MARGIN: Duration = Duration::from_mins(5);
/// Longest Job of a plan without a planned time.
const UNBOUNDED: Duration = Duration::from_hours(6);
/// After so many seconds the cluster removes a Job that has ended, should nobody else.
const TTL: u32 = 60;
/// The label by which pods of one Job know their number.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Key of the token in its Secret.
const TOKEN: &str = "token";

/// Which pods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    /// How many.
    pub replicas: u32,
    /// Context of the kubeconfig.
    pub context: Option<&'w str>,
    /// Namespace.
    pub namespace: &'w str,
    /// Image of this program.
    pub image: Option<&'w str>,
}

/// Pods that are ready, and the ways to them.
pub(super) struct Crew {
    /// Where they are, as seen from here.
    pub seats: Vec<Seat>,
    /// Their token, made for them.
    pub token: String,
    job: Job,
    _forwards: Vec<Forward>,
}

impl Crew {
    /// Takes them away; what could not be, as a warning.
    pub(super) async fn end(self) -> Option<String> {
        self.job.remove().await
    }
}

/// Starts the pods and waits until each is ready. After a failure nothing is left behind.
///
/// # Errors
/// A cluster that cannot be reached or refuses; [`Code::WorkerUnreachable`] when the pods do not become ready, with the
/// cluster's reason.
pub(super) async fn start(wanted: Wanted<'_>, plan: &Plan, site: &Site) -> Result<Crew> {
    let merged = kubeconfig::load(site.kubeconfig.as_deref().map(OsStr::new), &site.home)?;
    let names: Vec<String> = wanted.context.iter().map(|name| (*name).to_owned()).collect();
    let chosen = kubeconfig::choose(&merged, &names, &[])?;
    let [context] = chosen.as_slice() else {
        return Err(Error::new(Code::WorkersInvalid, format!("workers run in one cluster, not in {}", chosen.len())));
    };
    let cluster = Cluster::connect_for_streams(&merged, context).await?;
    let image = match wanted.image {
        Some(image) => image.to_owned(),
        None => image_of_plane(&cluster, wanted.namespace).await?,
    };
    let token = id::secret()?;
    let job =
        Job { cluster, namespace: wanted.namespace.to_owned(), name: format!("mesheryctl-worker-{}", id::short()) };
    match job.bring_up(&image, wanted.replicas, limit(plan), &token).await {
        Ok((seats, forwards)) => Ok(Crew { seats, token, job, _forwards: forwards }),
        Err(error) => {
            let warning = job.remove().await;
            Err(error.details(warning))
        }
    }
}

/// How long a Job may run.
fn limit(plan: &Plan) -> Duration {
    plan.duration.map_or(UNBOUNDED, |length| plan.warm_up + length + plan.timeout) + READY + MARGIN
}

async fn image_of_plane(cluster: &Cluster, namespace: &str) -> Result<String> {
    let (kind, object) = named("apps/v1", "Deployment", namespace, SERVER);
    let live = cluster.get(&kind, &object).await?;
    let image = live.as_ref().and_then(|live| live["spec"]["template"]["spec"]["containers"][0]["image"].as_str());
    image.map(str::to_owned).ok_or_else(|| {
        Error::new(
            Code::WorkersInvalid,
            format!("namespace {namespace} of `{}` has no plane whose image workers could run", cluster.context),
        )
        .remedy("Name the image, or start a plane there with `mesheryctl system start --platform kubernetes`.")
    })
}

/// A Job and its Secret, of one name.
struct Job {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl Job {
    async fn bring_up(
        &self,
        image: &str,
        replicas: u32,
        limit: Duration,
        token: &str,
    ) -> Result<(Vec<Seat>, Vec<Forward>)> {
        let secret = secret(&self.namespace, &self.name, token);
        let job = job(&self.namespace, &self.name, image, (replicas, limit));
        for object in [secret, job] {
            let kind = object["kind"].as_str().unwrap_or_default().to_owned();
            let (info, reference) =
                named(object["apiVersion"].as_str().unwrap_or_default(), &kind, &self.namespace, &self.name);
            self.cluster.apply(&info, &reference, &object, Options::default()).await?;
        }
        self.wait(replicas).await?;
        let mut seats = Vec::new();
        let mut forwards = Vec::new();
        for index in 0..replicas {
            let pods = Pods {
                namespace: self.namespace.clone(),
                selector: format!("job-name={},{INDEX}={index}", self.name),
                port: PORT,
            };
            let forward = Forward::open(self.cluster.clone(), pods, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
            let address = forward.address();
            seats.push(Seat {
                name: format!("{}-{index}", self.name),
                location: Location::new(&address.ip().to_string(), address.port()),
            });
            forwards.push(forward);
        }
        Ok((seats, forwards))
    }

    /// Waits until every pod is ready.
    async fn wait(&self, replicas: u32) -> Result<()> {
        let deadline = Instant::now() + READY;
        let (kind, _) = named("v1", "Pod", &self.namespace, "");
        let selector = format!("job-name={}", self.name);
        loop {
            let pods = self.cluster.objects_in(&kind, &self.namespace, Some(&selector)).await?.unwrap_or_default();
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            if ready >= replicas as usize {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let error = Error::new(
                    Code::WorkerUnreachable,
                    format!("{ready} of {replicas} worker pods are ready after {} s", READY.as_secs()),
                );
                return Err(error.details(pods.iter().filter(|pod| !is_ready(pod)).map(reason)));
            }
            sleep(PAUSE).await;
        }
    }

    /// Deletes both. Each is tried, and what is left is told.
    async fn remove(&self) -> Option<String> {
        let mut left = Vec::new();
        for (api_version, kind) in [("batch/v1", "Job"), ("v1", "Secret")] {
            let (info, object) = named(api_version, kind, &self.namespace, &self.name);
            if let Err(error) = self.cluster.delete_within(&info, &object, None, Some(0)).await {
                left.push(format!("{kind}/{}: {error}", self.name));
            }
        }
        (!left.is_empty())
            .then(|| format!("workers could not be taken away from namespace {}: {}", self.namespace, left.join("; ")))
    }
}

fn named(api_version: &str, kind: &str, namespace: &str, name: &str) -> (KindInfo, ObjectRef) {
    let info = KindInfo {
        gvk: GroupVersionKind::parse(api_version, kind),
        plural: format!("{}s", kind.to_lowercase()),
        namespaced: true,
        preferred: true,
    };
    let object = ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    };
    (info, object)
}

fn labels(name: &str) -> Value {
    json!({
        "app.kubernetes.io/name": "mesheryctl-worker",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "mesheryctl",
    })
}

fn secret(namespace: &str, name: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace, "labels": labels(name) },
        "type": "Opaque",
        "stringData": { TOKEN: token },
    })
}

/// One pod a worker. No sidecar: the measurement is of the targets' mesh, not of a proxy beside the generator.
fn job(namespace: &str, name: &str, image: &str, (replicas, limit): (u32, Duration)) -> Value {
    let mut pod_labels = labels(name);
    pod_labels["sidecar.istio.io/inject"] = json!("false");
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": namespace, "labels": labels(name) },
        "spec": {
            "completionMode": "Indexed",
            "completions": replicas,
            "parallelism": replicas,
            "backoffLimit": 0,
            "activeDeadlineSeconds": limit.as_secs(),
            "ttlSecondsAfterFinished": TTL,
            "template": {
                "metadata": { "labels": pod_labels, "annotations": { "linkerd.io/inject": "disabled" } },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [container(name, image)],
                },
            },
        },
    })
}

fn container(name: &str, image: &str) -> Value {
    json!({
        "name": "worker",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["serve", "worker", "--listen", format!("0.0.0.0:{PORT}")],
        "env": [{
            "name": crate::base::env::MESHERY_WORKER_TOKEN,
            "valueFrom": { "secretKeyRef": { "name": name, "key": TOKEN } },
        }],
        "ports": [{ "name": "grpc", "containerPort": PORT }],
        "readinessProbe": { "tcpSocket": { "port": PORT }, "periodSeconds": 1 },
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
    })
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Why a pod is not ready, in the cluster's words.
fn reason(pod: &Value) -> String {
    let name = pod["metadata"]["name"].as_str().unwrap_or("a pod");
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    let scheduling = pod["status"]["conditions"].as_array().into_iter().flatten().find(|one| one["status"] == "False");
    let words = [
        &waiting["message"],
        &waiting["reason"],
        &scheduling.unwrap_or(&Value::Null)["message"],
        &pod["status"]["phase"],
    ];
    let words = words.iter().find_map(|value| value.as_str().filter(|text| !text.is_empty()));
    format!("{name}: {}", words.unwrap_or("no reason is told"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_indexed_ends_by_itself_and_holds_no_secret() {
        let made = job("ns", "w", "image:1", (3, Duration::from_secs(90)));
        let spec = &made["spec"];
        assert_eq!(
            (&spec["completionMode"], &spec["completions"], &spec["parallelism"]),
            (&json!("Indexed"), &json!(3), &json!(3))
        );
        assert_eq!((&spec["activeDeadlineSeconds"], &spec["ttlSecondsAfterFinished"]), (&json!(90), &json!(60)));
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!(container["env"][0]["valueFrom"]["secretKeyRef"]["name"], "w");
        assert_eq!(secret("ns", "w", "t")["stringData"]["token"], "t");
    }

    #[test]
    fn a_pod_that_is_not_ready_says_why() {
        let pulling = json!({"metadata": {"name": "p"}, "status": {"phase": "Pending",
            "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}});
        assert!(!is_ready(&pulling));
        assert_eq!(reason(&pulling), "p: no such image");
        let unscheduled = json!({"metadata": {"name": "p"}, "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]}});
        assert_eq!(reason(&unscheduled), "p: 0/1 nodes are available");
        assert!(is_ready(&json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})));
    }
}

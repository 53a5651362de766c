//! Workers as the pods of an Indexed Job, each reached through a forwarded port.

mod blocked;

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::blocked::{Blocked, READY, is_ready};
use super::Site;
use super::controller::{Seat, cancelled};
use crate::base::error::Kind;
use crate::base::{Code, Error, Result, id};
use crate::client::worker::PORT;
use crate::cluster::Cluster;
use crate::cluster::apply::{Applied, Options};
use crate::cluster::forward::{Forward, Pods};
use crate::cluster::kubeconfig;
use crate::model::adapter::Location;
use crate::model::kubernetes::{GroupVersionKind, KindInfo, ObjectRef};
use crate::model::performance::plan::Plan;
use crate::perf::control::Control;

/// The plane's server, whose image the pods run when no other is named.
const SERVER: &str = "meshery";
/// Pause between looks at the pods.
const PAUSE: Duration = Duration::from_millis(500);
/// What a Job may take beyond its plan, after which the cluster ends it by itself.
const MARGIN: Duration = Duration::from_mins(5);
/// Longest Job of a plan without a planned time.
const UNBOUNDED: Duration = Duration::from_hours(6);
/// How many seconds a worker gets to end.
const GRACE: u32 = 5;
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

/// Starts the pods and waits until each is ready, or until the measurement is stopped. After a failure nothing is left
/// behind.
///
/// # Errors
/// A cluster that cannot be reached or refuses; [`Code::WorkersNotReady`] when the pods do not become ready, with the
/// cluster's reason; [`Code::OperationCancelled`].
pub(super) async fn start(wanted: Wanted<'_>, plan: &Plan, site: &Site, control: &Control) -> Result<Crew> {
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
    match job.bring_up(&image, (wanted.replicas, limit(plan)), &token, control).await {
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
        .remedy(
            "Bring this program's own image there with --worker-load auto, kind, k3d, minikube or containerd=SOCKET, name \
             one with --worker-image, or start a plane with `mesheryctl system start --platform kubernetes`.",
        )
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
        (replicas, limit): (u32, Duration),
        token: &str,
        control: &Control,
    ) -> Result<(Vec<Seat>, Vec<Forward>)> {
        // The Secret belongs to the Job: where this process dies, the cluster takes both away. Pods wait for it.
        let made = self.apply(&job(&self.namespace, &self.name, image, (replicas, limit))).await;
        let made = made.map_err(|error| self.homeless(error))?;
        let uid = made.uid.unwrap_or_default();
        self.apply(&secret(&self.namespace, &self.name, token, &uid)).await?;
        self.wait(replicas, control).await?;
        self.open(replicas).await
    }

    async fn apply(&self, object: &Value) -> Result<Applied> {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        let (info, reference) = named(text("apiVersion"), text("kind"), &self.namespace, &self.name);
        self.cluster.apply(&info, &reference, object, Options::default()).await
    }

    /// The refusal of a Job in a namespace that is not there, with what helps a measurement.
    fn homeless(&self, error: Error) -> Error {
        let is_missing = format!("namespaces \"{}\" not found", self.namespace);
        if !error.report().probable_cause.is_some_and(|cause| cause.contains(&is_missing)) {
            return error;
        }
        let message = format!("cluster `{}` has no namespace {} for workers", self.cluster.context, self.namespace);
        Error::new(Code::WorkersInvalid, message).kind_of(Kind::NotFound).because(is_missing).remedy(format!(
            "Create it with `kubectl create namespace {}`, or name another with --worker-namespace.",
            self.namespace
        ))
    }

    /// A way to each pod.
    async fn open(&self, replicas: u32) -> Result<(Vec<Seat>, Vec<Forward>)> {
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

    /// Waits until every pod is ready, as long as that can be hoped for.
    async fn wait(&self, replicas: u32, control: &Control) -> Result<()> {
        let began = Instant::now();
        let (kind, _) = named("v1", "Pod", &self.namespace, "");
        let selector = format!("job-name={}", self.name);
        loop {
            let pods = self.cluster.objects_in(&kind, &self.namespace, Some(&selector)).await?.unwrap_or_default();
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            if ready >= replicas as usize {
                return Ok(());
            }
            if control.stopped().is_some() {
                return Err(cancelled());
            }
            let blocked = Blocked::of(&pods);
            if began.elapsed() >= blocked.patience() {
                let text = format!(
                    "{ready} of {replicas} worker pods are ready in namespace {} after {} s",
                    self.namespace,
                    began.elapsed().as_secs()
                );
                return Err(self.explain(Error::new(Code::WorkersNotReady, text), blocked, &pods).await);
            }
            sleep(PAUSE).await;
        }
    }

    /// The error with the cluster's own words and what helps.
    async fn explain(&self, error: Error, blocked: Blocked, pods: &[Value]) -> Error {
        let (kind, object) = named("batch/v1", "Job", &self.namespace, &self.name);
        let lines = match self.cluster.get(&kind, &object).await {
            Ok(Some(live)) => self.cluster.blocker(&live).await.lines(),
            // Words that cannot be had leave the state of the pods, which is known.
            _ => Vec::new(),
        };
        let mut lines = lines.into_iter().chain(blocked::words(pods));
        let error = match lines.next() {
            Some(first) => error.because(first),
            None => error,
        };
        error.details(lines).remedy(blocked.remedy(&self.namespace))
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

fn secret(namespace: &str, name: &str, token: &str, job: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels(name),
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job }],
        },
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
            // A worker that dies is the measurement's loss; without this it would take the others with it.
            "backoffLimit": replicas,
            "activeDeadlineSeconds": limit.as_secs(),
            "ttlSecondsAfterFinished": TTL,
            "template": {
                "metadata": { "labels": pod_labels, "annotations": { "linkerd.io/inject": "disabled" } },
                "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": GRACE,
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
        assert_eq!(secret("ns", "w", "t", "u")["stringData"]["token"], "t");
        assert_eq!(secret("ns", "w", "t", "u")["metadata"]["ownerReferences"][0]["uid"], "u");
        assert_eq!(spec["backoffLimit"], 3, "one that dies does not take the others with it");
    }
}

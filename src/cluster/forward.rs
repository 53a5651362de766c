//! A port of this machine that leads to a port of a pod, through the API server.
//!
//! Each connection gets a stream of its own and looks for a ready pod when it is made, so that the port goes on working
//! when the pod is replaced.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::cluster::Cluster;
use crate::cluster::apply::retry;

/// How long a connection waits for a pod that is ready.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between looks for a pod.
const PAUSE: Duration = Duration::from_millis(300);

/// Which pods, and which port of theirs.
#[derive(Debug, Clone)]
pub struct Pods {
    /// Namespace.
    pub namespace: String,
    /// Label selector.
    pub selector: String,
    /// Port inside the pod.
    pub port: u16,
}

/// A port that is open until this is dropped.
#[derive(Debug)]
pub struct Forward {
    address: SocketAddr,
    trouble: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Forward {
    /// Opens it. `listen` with port 0 takes a free port. Nothing is sent to the cluster before somebody connects.
    ///
    /// # Errors
    /// [`Code::ListenFailed`], [`Code::PortTaken`].
    pub async fn open(cluster: Cluster, pods: Pods, listen: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            let code = if error.kind() == std::io::ErrorKind::AddrInUse { Code::PortTaken } else { Code::ListenFailed };
            Error::new(code, format!("cannot listen on {listen}"))
                .because(error)
                .remedy("Choose another port; 0 takes a free one.")
        })?;
        let address =
            listener.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
        let trouble = Arc::default();
        let way = Way { cluster, pods, known: Arc::default(), trouble: Arc::clone(&trouble) };
        Ok(Self { address, trouble, task: tokio::spawn(accept(listener, way)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the last connection that failed did so; `None` when the last one worked.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the port is closed, which it is only when the system takes it away.
    pub async fn closed(&mut self) {
        // A task that ended in whatever way is what is waited for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Way {
    cluster: Cluster,
    pods: Pods,
    /// The pod that was ready last.
    known: Arc<Mutex<Option<String>>>,
    trouble: Arc<Mutex<Option<String>>>,
}

async fn accept(listener: TcpListener, way: Way) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(carry(way.clone(), socket));
                }
                // Out of file handles, for a moment.
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn carry(way: Way, mut socket: TcpStream) {
    let set = |place: &Mutex<Option<String>>, value| *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
    let (mut forwarder, mut stream) = match way.open().await {
        Ok(opened) => opened,
        Err(reason) => return set(&way.trouble, Some(reason)),
    };
    let refused = forwarder.take_error(way.pods.port);
    set(&way.trouble, None);
    let copied = copy_bidirectional(&mut socket, &mut stream).await;
    drop(stream);
    let said = match refused {
        Some(refused) => tokio::time::timeout(PAUSE, refused).await.ok().flatten(),
        None => None,
    };
    // A side that hangs up is how connections end; what the pod's node says is a reason.
    if let Some(said) = said.filter(|said| !said.trim().is_empty()) {
        tracing::debug!(%said, "a forwarded connection ended");
        set(&way.known, None);
        set(&way.trouble, Some(said.trim().to_owned()));
    } else if copied.is_err() {
        set(&way.known, None);
    }
    forwarder.abort();
}

type Opened = (kube::api::Portforwarder, tokio::io::DuplexStream);

impl Way {
    /// A stream to a pod that is ready, which is waited for.
    async fn open(&self) -> Result<Opened, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reason = match self.attempt().await {
                Ok(opened) => return Ok(opened),
                Err(Attempt::Useless(reason)) => return Err(reason),
                Err(Attempt::Again(reason)) => reason,
            };
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
            if Instant::now() >= deadline {
                return Err(reason);
            }
            sleep(PAUSE).await;
        }
    }

    async fn attempt(&self) -> Result<Opened, Attempt> {
        let api: Api<Pod> = Api::namespaced(self.cluster.client.clone(), &self.pods.namespace);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pod = match known {
            Some(pod) => pod,
            None => self.ready_pod(&api).await?,
        };
        let port = self.pods.port;
        let mut forwarder = api.portforward(&pod, &[port]).await.map_err(|error| Attempt::of(&error))?;
        let stream = forwarder.take_stream(port).ok_or_else(|| Attempt::Again("no stream was given".to_owned()))?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(pod);
        Ok((forwarder, stream))
    }

    async fn ready_pod(&self, api: &Api<Pod>) -> Result<String, Attempt> {
        let params = ListParams::default().labels(&self.pods.selector);
        let found = retry(|| api.list(&params)).await.map_err(|error| Attempt::of(&error))?;
        let ready = found.items.into_iter().find(is_ready).and_then(|pod| pod.metadata.name);
        ready.ok_or_else(|| {
            Attempt::Again(format!("no pod of namespace {} with {} is ready", self.pods.namespace, self.pods.selector))
        })
    }
}

enum Attempt {
    Again(String),
    Useless(String),
}

impl Attempt {
    fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => Attempt::Useless(status.message.clone()),
            kube::Error::Api(status) => Attempt::Again(status.message.clone()),
            other => Attempt::Again(text::chain(other)),
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

//! The cluster as a handle: its state, its token, and how it is served.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connection::{Certificate, Cut, Listener};
use super::decode;
use super::faults::Faults;
use super::life::{self, Pace};
use super::store::{Key, State};
use super::{seed, serve};
use crate::base::{Error, Result, id};

/// A practice cluster. Clones share one state; the last one takes it away.
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    pending: Mutex<HashSet<Key>>,
    token: String,
    pace: Pace,
    faults: Faults,
    news: watch::Sender<u64>,
    closing: watch::Sender<bool>,
    pretended: Mutex<Option<String>>,
}

impl Cluster {
    /// A new cluster with what every cluster holds from the start. Fails only when the system gives no random bytes.
    pub fn new() -> Result<Cluster> {
        Cluster::with_pace(Pace::default())
    }

    /// As [`Cluster::new`], with the time that things take.
    pub fn with_pace(pace: Pace) -> Result<Cluster> {
        let mut state = State::default();
        seed::fill(&mut state);
        state.take_touched();
        let inner = Inner {
            state: Mutex::new(state),
            pending: Mutex::default(),
            token: id::secret()?,
            pace,
            faults: Faults::default(),
            news: watch::channel(0).0,
            closing: watch::channel(false).0,
            pretended: Mutex::default(),
        };
        Ok(Cluster(Arc::new(inner)))
    }

    /// The bearer token that every call must bring.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// The faults that tests switch on.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Makes the cluster say that it is of another version of Kubernetes, such as `v1.20.15`.
    pub fn pretend_version(&self, version: &str) {
        *self.0.pretended.lock().unwrap_or_else(PoisonError::into_inner) = Some(version.to_owned());
    }

    /// The version that the cluster pretends to be of.
    pub(super) fn pretended_version(&self) -> Option<String> {
        self.0.pretended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The API as a router.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve::handle).with_state(self.clone())
    }

    /// Serves the API on a listener over plain HTTP until `shutdown` ends; open watches are ended then.
    ///
    /// kubectl sends a token over TLS only: what it is to reach is served by [`Cluster::serve_tls`].
    pub async fn serve<F>(self, listener: TcpListener, shutdown: F) -> Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.serve_on(Listener::new(listener, None), shutdown).await
    }

    /// Serves the API on a listener over HTTPS until `shutdown` ends.
    pub async fn serve_tls<F>(self, listener: TcpListener, certificate: &Certificate, shutdown: F) -> Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.serve_on(Listener::new(listener, Some(certificate)), shutdown).await
    }

    async fn serve_on<F>(self, listener: Listener, shutdown: F) -> Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let service = self.router().into_make_service_with_connect_info::<Cut>();
        let closing = self.clone();
        let graceful = async move {
            shutdown.await;
            closing.0.closing.send_replace(true);
        };
        let served = axum::serve(listener, service).with_graceful_shutdown(graceful).await;
        served.map_err(|error| Error::internal("the practice cluster stopped serving").because(error))
    }

    /// Reads the state.
    pub(super) fn read<T>(&self, reader: impl FnOnce(&State) -> T) -> T {
        reader(&self.lock())
    }

    /// Changes the state; watches hear of it, and what follows by itself is scheduled.
    pub(super) fn write<T>(&self, writer: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = writer(&mut state);
        let (version, touched) = (state.version(), state.take_touched());
        drop(state);
        self.0.news.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        for key in touched {
            self.schedule(key);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at an object's life after its pace, once, however often it is asked for meanwhile.
    fn schedule(&self, key: Key) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !pending.insert(key.clone()) {
            return;
        }
        drop(pending);
        let pace = self.0.pace.of(&key);
        let weak: Weak<Inner> = Arc::downgrade(&self.0);
        runtime.spawn(async move {
            tokio::time::sleep(pace).await;
            let Some(inner) = weak.upgrade() else { return };
            inner.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            Cluster(inner).write(|state| life::step(state, &key));
        });
    }

    /// Rings after every change, with the newest resourceVersion.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Turns true when the cluster stops.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }
}

/// Name of the context, cluster and user in the kubeconfig of a practice cluster.
pub const NAME: &str = "practice";

/// A kubeconfig with the one context `practice`, which is its current one.
pub fn kubeconfig(server_url: &str, token: &str) -> String {
    document(server_url, token, "")
}

/// As [`kubeconfig`], for a cluster served with [`Cluster::serve_tls`].
pub fn kubeconfig_tls(server_url: &str, token: &str, certificate: &Certificate) -> String {
    let authority = decode::base64(certificate.pem().as_bytes());
    document(server_url, token, &format!("    certificate-authority-data: {authority}\n"))
}

fn document(server_url: &str, token: &str, authority: &str) -> String {
    // JSON strings are YAML strings, so that nothing in an address or a token can change the document.
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let (server, token) = (text(server_url), text(token));
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {NAME}\n\
         clusters:\n- name: {NAME}\n  cluster:\n    server: {server}\n{authority}\
         users:\n- name: {NAME}\n  user:\n    token: {token}\n\
         contexts:\n- name: {NAME}\n  context:\n    cluster: {NAME}\n    user: {NAME}\n    namespace: default\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_kubeconfig_names_one_context() {
        let read = crate::base::yaml::read_kubernetes(&kubeconfig("http://127.0.0.1:1", "a\"b")).unwrap();
        assert_eq!(read["current-context"], "practice");
        assert_eq!(read["users"][0]["user"]["token"], "a\"b");
        assert_eq!(
            read["contexts"][0]["context"],
            json!({"cluster": "practice", "user": "practice", "namespace": "default"})
        );
    }

    #[test]
    fn every_cluster_has_its_own_token() {
        assert_ne!(Cluster::new().unwrap().token(), Cluster::new().unwrap().token());
    }
}

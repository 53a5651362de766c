//! A client for one context.

use std::time::Duration;

use http::Request;
use jiff::fmt::rfc2822;
use k8s_openapi::api::core::v1::Namespace;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::base::error::{Code, Error, Result};
use crate::base::{clock, id, tls};
use crate::cluster::fault;

/// One Kubernetes cluster, reached through one context. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    /// Context name.
    pub context: String,
    /// Namespace for objects that name none: the context's own, else `default`.
    pub namespace: String,
    /// Address of the API server, for messages.
    pub server: String,
    pub(super) client: Client,
}

impl Cluster {
    /// Prepares a client for `context`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Code::KubeconfigInvalid`] when an entry is missing or credentials cannot be loaded.
    pub async fn connect(kubeconfig: &Kubeconfig, context: &str) -> Result<Self> {
        Self::with_silence(kubeconfig, context, Some(Duration::from_mins(1))).await
    }

    /// As [`Cluster::connect`], for streams that may be silent for as long as they like.
    ///
    /// # Errors
    /// As [`Cluster::connect`].
    pub async fn connect_for_streams(kubeconfig: &Kubeconfig, context: &str) -> Result<Self> {
        Self::with_silence(kubeconfig, context, None).await
    }

    async fn with_silence(kubeconfig: &Kubeconfig, context: &str, silence: Option<Duration>) -> Result<Self> {
        tls::install();
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let invalid = |cause: String| {
            Error::new(Code::KubeconfigInvalid, format!("context `{context}` of the kubeconfig cannot be used"))
                .because(cause)
        };
        let mut config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options)
            .await
            .map_err(|error| invalid(error.to_string()))?;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.read_timeout = silence;
        let (namespace, server) = (config.default_namespace.clone(), config.cluster_url.to_string());
        let client = Client::try_from(config).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { context: context.to_owned(), namespace, server: server.trim_end_matches('/').to_owned(), client })
    }

    /// What tells this cluster from every other, whatever its context is called: the uid of `kube-system`.
    ///
    /// A user who may not read that namespace gets an id made from the server's address instead.
    pub async fn identity(&self) -> Result<String> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        match namespaces.get("kube-system").await {
            Ok(namespace) => Ok(namespace.metadata.uid.unwrap_or_else(|| self.address_id())),
            Err(kube::Error::Api(status)) if status.is_forbidden() || status.is_not_found() => Ok(self.address_id()),
            Err(error) => Err(fault::of_call(self, &error)),
        }
    }

    fn address_id(&self) -> String {
        id::stable("cluster", &self.server).to_string()
    }

    /// Version of the API server, such as `v1.36.3`.
    pub async fn version(&self) -> Result<String> {
        let info = self.client.apiserver_version().await.map_err(|error| fault::of_call(self, &error))?;
        Ok(info.git_version)
    }

    /// Version of the API server, and the seconds by which its clock is ahead of ours, where it sends a date.
    pub async fn version_and_clock(&self) -> Result<(String, Option<i64>)> {
        let request = Request::get("/version").body(Body::empty()).map_err(kube::Error::HttpError);
        let asked = async { self.client.send(request?).await }.await;
        let date = asked.map_err(|error| fault::of_call(self, &error))?.headers().get(http::header::DATE).cloned();
        let date = date.as_ref().and_then(|value| value.to_str().ok()).and_then(|text| rfc2822::parse(text).ok());
        let ahead = date.map(|there| there.timestamp().as_second() - clock::now().as_second());
        Ok((self.version().await?, ahead))
    }
}

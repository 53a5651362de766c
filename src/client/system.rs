//! Calls about the server itself: version, health, providers, token, preferences, Kubernetes contexts.

use std::collections::BTreeMap;

use http::Method;

use super::Client;
use super::call::with_query;
use crate::base::Result;
use crate::model::kubernetes::{KindInfo, KubeContext};
use crate::model::preference::Preferences;
use crate::model::provider::Provider;
use crate::model::version::Version;
use crate::wire::rest::session::{DatabaseReport, KeptContexts, KubePing, LoggedOut, SyncReport, User};
use crate::wire::rest::{HealthReport, TokenFile, paths};

impl Client {
    /// Kinds that the cluster behind a context serves.
    pub async fn kinds(&self, context: &str, kubeconfig: Option<&str>) -> Result<Vec<KindInfo>> {
        let query: Vec<(&str, &str)> =
            [("context", context)].into_iter().chain(kubeconfig.map(|files| ("kubeconfig", files))).collect();
        self.get(&with_query(paths::KUBE_KINDS[0], &query)).await
    }

    /// Version of the server.
    pub async fn version(&self) -> Result<Version> {
        self.get(paths::VERSION[0]).await
    }

    /// Phase, process id and version of the server, whatever its phase; an error when it is not one of ours.
    pub async fn health(&self) -> Result<HealthReport> {
        self.get(paths::HEALTH_LIVE[0]).await
    }

    /// Providers by name.
    pub async fn providers(&self) -> Result<BTreeMap<String, Provider>> {
        self.get(paths::PROVIDERS[0]).await
    }

    /// What the chosen provider can do.
    pub async fn provider_capabilities(&self) -> Result<Provider> {
        self.get(paths::PROVIDER_CAPABILITIES[0]).await
    }

    /// The content of a token file for this server.
    pub async fn token(&self) -> Result<TokenFile> {
        self.get(paths::TOKEN[0]).await
    }

    /// The user that the plane takes the caller for.
    pub async fn user(&self) -> Result<User> {
        self.get(paths::USER[0]).await
    }

    /// Ends the session at its provider.
    pub async fn logout(&self) -> Result<LoggedOut> {
        self.send_empty(Method::POST, paths::LOGOUT[0]).await
    }

    /// What the user's provider does not have yet.
    pub async fn provider_sync(&self) -> Result<SyncReport> {
        self.get(paths::PROVIDER_SYNC[0]).await
    }

    /// Preferences of the user.
    pub async fn preferences(&self) -> Result<Preferences> {
        self.get(paths::PREFERENCES[0]).await
    }

    /// Replaces the preferences; answers with what is stored now.
    pub async fn set_preferences(&self, preferences: &Preferences) -> Result<Preferences> {
        self.send_json(Method::POST, paths::PREFERENCES[0], preferences).await
    }

    /// Contexts of the kubeconfig that this client means.
    pub async fn kube_contexts(&self) -> Result<Vec<KubeContext>> {
        let query: Vec<(&str, &str)> = self.kubeconfig.iter().map(|list| ("kubeconfig", list.as_str())).collect();
        self.get(&with_query(paths::KUBE_CONTEXTS[0], &query)).await
    }

    /// Lets the plane keep a kubeconfig: only the named context, or all. The contexts it keeps.
    pub async fn keep_kubeconfig(&self, text: &str, context: Option<&str>) -> Result<Vec<KubeContext>> {
        let fields: Vec<(&str, &str)> =
            [("k8sfile", text)].into_iter().chain(context.map(|name| ("contextName", name))).collect();
        let kept: KeptContexts = self.send_form(paths::KUBE_CONFIG[0], &fields).await?;
        Ok(kept.registered_contexts)
    }

    /// Version and clock of the cluster behind a Kubernetes context.
    pub async fn ping_cluster(&self, context: &str) -> Result<KubePing> {
        let kubeconfig = self.kubeconfig.iter().map(|list| ("kubeconfig", list.as_str()));
        let query: Vec<(&str, &str)> = [("context", context)].into_iter().chain(kubeconfig).collect();
        self.get(&with_query(paths::KUBE_PING[0], &query)).await
    }

    /// Where the server's database is and whether it is sound.
    pub async fn database(&self) -> Result<DatabaseReport> {
        self.get(paths::DATABASE[0]).await
    }
}

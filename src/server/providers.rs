//! Remote providers as this plane uses them: what they are, whether a session at one holds, and what they are to get.
//!
//! A provider that does not answer never keeps the plane from starting or its own token from working: it is asked in
//! the background or when it is needed, each time with a short limit, and what it said last is remembered.

mod remote;
mod sessions;
pub mod sync;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::base::{Code, Error, Result, env};
use crate::model::provider::{self, Provider, Status};
use crate::store::Store;

pub use remote::Remote;
pub use sessions::{Session, broken};

/// How long a session that its provider confirmed is taken for valid, unless told otherwise.
pub const CHECK_EVERY: Duration = Duration::from_secs(30);
/// Limit of one exchange with a provider.
const LIMIT: Duration = Duration::from_secs(5);

/// What the server is told of providers.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Addresses of remote providers.
    pub urls: Vec<String>,
    /// The one provider that is offered, by name or address.
    pub only: Option<String>,
    /// Where providers send browsers to, when the address a browser asked at is not the one.
    pub callback: Option<String>,
    /// How long a session that its provider confirmed is taken for valid.
    pub check_every: Duration,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self { urls: Vec::new(), only: None, callback: None, check_every: CHECK_EVERY, ca_file: None }
    }
}

impl ProviderSettings {
    /// What the environment says.
    pub fn from_env() -> Self {
        let list = env::get(env::PROVIDER_BASE_URLS).unwrap_or_default();
        let urls = list.split([',', ' ', '\t', '\n']).map(str::trim).filter(|url| !url.is_empty());
        Self {
            urls: urls.map(str::to_owned).collect(),
            only: env::get(env::PROVIDER),
            callback: env::get(env::MESHERY_SERVER_CALLBACK_URL),
            ..Self::default()
        }
    }
}

/// Which provider a request means.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// The plane itself.
    Local,
    /// A remote one, with the name it has here.
    Remote(Arc<Remote>, String),
}

/// The providers of a plane.
pub struct Providers {
    remotes: Vec<Arc<Remote>>,
    settings: ProviderSettings,
    store: Store,
    sessions: sessions::Sessions,
    sync: sync::Sync,
}

impl Providers {
    /// Reads what is remembered of the providers; asks none of them.
    ///
    /// # Errors
    /// [`Code::ConfigValue`] for an address that is none, and for an only provider that no address can stand for.
    pub async fn open(settings: ProviderSettings, store: Store) -> Result<Self> {
        let mut remotes: Vec<Arc<Remote>> = Vec::new();
        let is_local_only = settings.only.as_deref().is_some_and(provider::is_local);
        for url in settings.urls.iter().filter(|_| !is_local_only) {
            let remote = Remote::open(url, settings.ca_file.as_deref(), LIMIT, &store).await?;
            if !remotes.iter().any(|known| known.address() == remote.address()) {
                remotes.push(Arc::new(remote));
            }
        }
        if let Some(only) = settings.only.as_deref().filter(|name| !provider::is_local(name) && remotes.is_empty()) {
            return Err(Error::new(Code::ConfigValue, format!("the only provider `{only}` has no address"))
                .because(format!("{} names none", env::PROVIDER_BASE_URLS))
                .remedy(format!("Set {}, or {}=None.", env::PROVIDER_BASE_URLS, env::PROVIDER)));
        }
        let sessions = sessions::Sessions::new(settings.check_every);
        Ok(Self { remotes, settings, store, sessions, sync: sync::Sync::default() })
    }

    /// Whether there is any remote provider.
    pub fn is_empty(&self) -> bool {
        self.remotes.is_empty()
    }

    /// Where providers send browsers to, when that was said.
    pub fn callback(&self) -> Option<&str> {
        self.settings.callback.as_deref()
    }

    /// Asks every provider once what it is, so that the answer is there when it is needed.
    pub async fn look(&self) {
        join_all(self.remotes.iter().map(|remote| remote.properties(&self.store))).await;
    }

    /// Every remote provider that is offered, under the name it has here.
    pub async fn list(&self) -> Vec<(String, Provider)> {
        let asked = join_all(self.remotes.iter().map(|remote| remote.properties(&self.store))).await;
        let named = self.named(asked);
        named.into_iter().map(|(_, name, provider)| (name, provider)).collect()
    }

    /// Gives each its name: two of one name are told apart by their hosts, and none can pass for the local one.
    fn named(&self, asked: Vec<Provider>) -> Vec<(Arc<Remote>, String, Provider)> {
        let mut named: Vec<(Arc<Remote>, String, Provider)> = Vec::new();
        for (remote, mut provider) in self.remotes.iter().zip(asked) {
            let mut name = provider.provider_name.clone();
            if named.iter().any(|(_, taken, _)| taken.eq_ignore_ascii_case(&name)) {
                name = format!("{name}@{}", remote.host());
            }
            provider.provider_name.clone_from(&name);
            named.push((remote.clone(), name, provider));
        }
        let Some(only) = self.settings.only.as_deref() else { return named };
        named.retain(|(remote, name, provider)| {
            // One that never answered may be the one: its name is not known yet.
            name.eq_ignore_ascii_case(only)
                || remote.address() == only.trim_end_matches('/')
                || provider.status == Some(Status::Unknown)
        });
        named
    }

    fn remembered(&self) -> Vec<(Arc<Remote>, String, Provider)> {
        self.named(self.remotes.iter().map(|remote| remote.remembered()).collect())
    }

    /// The provider of a name; without a name the only one, or the single remote one where `sole` allows it.
    ///
    /// # Errors
    /// [`Code::ProviderNotFound`]; [`Code::ProviderUnreachable`] when the name may belong to one that never answered.
    pub async fn choose(&self, name: Option<&str>, sole: bool) -> Result<Chosen> {
        match name.map(str::trim) {
            Some(name) if provider::is_local(name) && !name.is_empty() => Ok(Chosen::Local),
            Some(name) if !name.is_empty() => self.find(name).await,
            _ => self.default(sole).await,
        }
    }

    async fn default(&self, sole: bool) -> Result<Chosen> {
        match self.settings.only.as_deref() {
            Some(only) if !provider::is_local(only) => return self.find(only).await,
            Some(_) => return Ok(Chosen::Local),
            None => {}
        }
        if sole && self.remotes.len() == 1 {
            self.look().await;
        }
        match self.remembered().as_slice() {
            [(remote, name, _)] if sole => Ok(Chosen::Remote(remote.clone(), name.clone())),
            _ => Ok(Chosen::Local),
        }
    }

    async fn find(&self, name: &str) -> Result<Chosen> {
        let wanted = |(remote, known, _): &&(Arc<Remote>, String, Provider)| {
            known.eq_ignore_ascii_case(name) || remote.address() == name.trim_end_matches('/')
        };
        let remembered = self.remembered();
        if let Some((remote, name, _)) = remembered.iter().find(wanted) {
            return Ok(Chosen::Remote(remote.clone(), name.clone()));
        }
        self.look().await;
        let now = self.remembered();
        if let Some((remote, name, _)) = now.iter().find(wanted) {
            return Ok(Chosen::Remote(remote.clone(), name.clone()));
        }
        let silent = now.iter().find(|(_, _, provider)| provider.status == Some(Status::Unknown));
        if let Some((remote, ..)) = silent {
            return Err(Error::new(
                Code::ProviderUnreachable,
                format!("the provider at {} never answered, so that it may or may not be `{name}`", remote.address()),
            ));
        }
        let names = now.iter().map(|(_, name, _)| format!("`{name}`"));
        let known: Vec<String> =
            [format!("`{}`, also called `Local`", provider::LOCAL)].into_iter().chain(names).collect();
        Err(Error::new(Code::ProviderNotFound, format!("this server has no provider `{name}`"))
            .detail(format!("it has {}", known.join(", "))))
    }

    /// Who a token belongs to at a provider. The answer holds for a while; what failed is asked again sooner.
    ///
    /// # Errors
    /// [`Code::AuthSession`] when the session does not hold, [`Code::ProviderUnreachable`] when nobody can tell.
    pub async fn session(&self, remote: &Arc<Remote>, name: &str, raw: &str) -> Result<Arc<Session>> {
        // A provider that was never asked what it is has no name to call it by, nor features.
        let session = self.sessions.check(remote, name, raw).await?;
        self.sync.lives(&session);
        Ok(session)
    }

    /// Ends a session at its provider and forgets it here.
    pub async fn end(&self, session: &Session) -> Result<()> {
        self.sessions.forget(session);
        self.sync.forget(session);
        session.remote.revoke(&session.token).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn providers(settings: ProviderSettings) -> Result<(tempfile::TempDir, Providers)> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("meshery.db")).await.unwrap();
        Ok((dir, Providers::open(settings, store).await?))
    }

    fn urls(urls: &[&str]) -> ProviderSettings {
        ProviderSettings { urls: urls.iter().map(|url| (*url).to_owned()).collect(), ..ProviderSettings::default() }
    }

    #[tokio::test]
    async fn an_unreachable_provider_is_listed_by_its_host_and_never_passes_for_another() {
        let (_dir, providers) = providers(urls(&["http://127.0.0.1:1/", "http://127.0.0.1:1"])).await.unwrap();
        let list = providers.list().await;
        assert_eq!(list.len(), 1, "one address is one provider");
        assert_eq!((list[0].0.as_str(), list[0].1.status), ("127.0.0.1:1", Some(Status::Unknown)));
        let named = providers.choose(Some("Team"), true).await.unwrap_err();
        assert_eq!(named.code(), Code::ProviderUnreachable);
        assert!(matches!(providers.choose(None, true).await.unwrap(), Chosen::Remote(..)));
        assert!(matches!(providers.choose(None, false).await.unwrap(), Chosen::Local));
        for local in ["None", "local", "LOCAL"] {
            assert!(matches!(providers.choose(Some(local), true).await.unwrap(), Chosen::Local), "{local}");
        }
    }

    #[tokio::test]
    async fn an_only_provider_needs_an_address_and_none_leaves_the_local_one() {
        let only = |name: &str, list: &[&str]| ProviderSettings { only: Some(name.into()), ..urls(list) };
        assert_eq!(providers(only("Team", &[])).await.err().unwrap().code(), Code::ConfigValue);
        let (_dir, local) = providers(only("None", &["http://127.0.0.1:1"])).await.unwrap();
        assert!(local.is_empty() && matches!(local.choose(None, true).await.unwrap(), Chosen::Local));
        let (_dir, by_address) = providers(only("http://127.0.0.1:1", &["http://127.0.0.1:1"])).await.unwrap();
        assert!(matches!(by_address.choose(None, false).await.unwrap(), Chosen::Remote(..)));
        let wrong = providers(urls(&["provider.example"])).await.err().unwrap();
        assert_eq!(wrong.code(), Code::ConfigValue);
    }

    #[tokio::test]
    async fn an_unknown_name_lists_the_known_ones() {
        let (_dir, providers) = providers(ProviderSettings::default()).await.unwrap();
        let error = providers.choose(Some("Meshery"), true).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderNotFound);
        assert!(error.report().details[0].contains("`None`"), "{error:?}");
    }
}

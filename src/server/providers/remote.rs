//! One remote provider: what it is, asked seldom and remembered.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Result;
use crate::client::provider::RemoteProvider;
use crate::model::provider::{Provider, REMOTE_TYPE, Status, is_local};
use crate::store::Store;

/// How long an answer holds.
const FRESH: Duration = Duration::from_mins(10);
/// How long one that did not answer is left in peace.
const PAUSE: Duration = Duration::from_secs(15);
/// Longest name of a provider.
const LONGEST_NAME: usize = 64;

/// A remote provider.
#[derive(Debug)]
pub struct Remote {
    client: RemoteProvider,
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Known {
    provider: Provider,
    asked: Option<Instant>,
}

impl std::ops::Deref for Remote {
    type Target = RemoteProvider;

    fn deref(&self) -> &RemoteProvider {
        &self.client
    }
}

impl Remote {
    /// The provider at an address, as it is remembered.
    pub(super) async fn open(url: &str, ca_file: Option<&Path>, limit: Duration, store: &Store) -> Result<Self> {
        let client = RemoteProvider::new(url, ca_file, limit)?;
        let remembered = store.provider_sync().known(client.address()).await?;
        let provider = match remembered {
            Some(provider) => Provider { status: Some(Status::Offline), ..provider },
            None => nameless(&client),
        };
        Ok(Self { client, known: Mutex::new(Known { provider, asked: None }), asking: tokio::sync::Mutex::default() })
    }

    /// What is remembered of it.
    pub fn remembered(&self) -> Provider {
        self.lock().provider.clone()
    }

    /// What it is; asks it when the last answer is old. One that does not answer is what it was, but offline.
    pub(super) async fn properties(&self, store: &Store) -> Provider {
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let _turn = self.asking.lock().await;
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let provider = match self.client.capabilities().await {
            Ok(said) => {
                let provider = self.proper(said);
                if let Err(error) = store.provider_sync().remember(self.client.address(), &provider).await {
                    tracing::warn!(%error, "what a provider is could not be remembered");
                }
                provider
            }
            Err(error) => {
                tracing::info!(%error, "a provider was asked what it is");
                let before = self.remembered();
                let status = if before.status == Some(Status::Unknown) { Status::Unknown } else { Status::Offline };
                Provider { status: Some(status), ..before }
            }
        };
        *self.lock() = Known { provider: provider.clone(), asked: Some(Instant::now()) };
        provider
    }

    fn fresh(&self) -> Option<Provider> {
        let known = self.lock();
        let age = known.asked?.elapsed();
        let limit = if known.provider.status == Some(Status::Online) { FRESH } else { PAUSE };
        (age < limit).then(|| known.provider.clone())
    }

    /// What a provider says of itself, with a name that can stand in cookies and is nobody else's.
    fn proper(&self, said: Provider) -> Provider {
        let name = said.provider_name.trim();
        let fine = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '"' | '\\' | '=') || c == ' ';
        let usable = !is_local(name) && name.len() <= LONGEST_NAME && name.chars().all(fine);
        let provider_name = if usable { name.to_owned() } else { self.client.host() };
        Provider { provider_name, provider_type: REMOTE_TYPE.to_owned(), status: Some(Status::Online), ..said }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A provider of which only the address is known.
fn nameless(client: &RemoteProvider) -> Provider {
    Provider {
        provider_type: REMOTE_TYPE.to_owned(),
        provider_name: client.host(),
        provider_description: vec!["It has not answered yet.".to_owned()],
        provider_url: client.address().to_owned(),
        capabilities: Vec::new(),
        status: Some(Status::Unknown),
    }
}

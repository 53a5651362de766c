//! Rank 5: the management plane's server. `app` runs it as a process of its own, or inside a command.

pub mod adapters;
mod caller;
pub mod clusters;
pub mod deploy;
pub mod gate;
pub mod import;
pub mod in_process;
pub mod kubeconfig;
pub mod operations;
pub mod performance;
pub mod providers;
pub mod rest;
pub mod schedules;
pub mod security;
mod sender;
pub mod serve;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::{Result, clock, dirs};
use crate::store::Store;
use crate::store::events::Keep;
use operations::Operations;
use providers::{ProviderSettings, Providers};

pub use caller::Caller;
pub use sender::Sender;

/// Events kept at most.
const KEEP_EVENTS: u64 = 100_000;
/// Events older than this are dropped.
const KEEP_EVENTS_FOR: Duration = Duration::from_hours(24 * 90);
/// Ended operations kept at most.
const KEEP_OPERATIONS: u64 = 5_000;

/// What a server is told at its start.
#[derive(Clone)]
pub struct Settings {
    /// Folder of database and practice kubeconfig.
    pub home: PathBuf,
    /// The token that requests must carry.
    pub token: String,
    /// Kubeconfig files, separated as in PATH; without them KUBECONFIG, else ~/.kube/config.
    pub kubeconfig: Option<String>,
    /// Host names, besides loopback ones, under which clients may address this server.
    pub allow_hosts: Vec<String>,
    /// Whether this server lives inside a command, where the caller is the user at the terminal.
    pub in_process: bool,
    /// Remote providers.
    pub providers: ProviderSettings,
}

/// What handlers share.
pub struct State {
    /// The database.
    pub store: Store,
    /// Running and past operations, and the event log.
    pub operations: Operations,
    /// Remote providers.
    pub providers: Providers,
    /// What the server was told at its start.
    pub settings: Settings,
    /// Adapters, and how they were when they were asked last.
    pub adapters: adapters::Adapters,
    /// What runs by itself at its time.
    pub schedules: schedules::Schedules,
    /// Which measurement makes load now, and which ones wait.
    pub turns: performance::turns::Turns,
    /// Held while preferences are read, changed and stored: they are one row, and what others change meanwhile would be lost.
    pub preferences: tokio::sync::Mutex<()>,
    /// Cancelled when streams of events are to end, because the server does.
    pub closing: CancellationToken,
}

/// [`State`] as handlers hold it.
pub type Shared = Arc<State>;

/// A server with its database open.
#[derive(Clone)]
pub struct Server {
    state: Shared,
}

impl Server {
    /// Opens the database of `settings.home` and settles what dead processes left behind. Needs a Tokio runtime.
    pub async fn open(settings: Settings) -> Result<Self> {
        let store = Store::open(&dirs::database(&settings.home)).await?;
        let operations = Operations::open(store.clone()).await?;
        performance::settle::settle(&store).await?;
        let adapters = adapters::Adapters::of_environment();
        let providers = Providers::open(settings.providers.clone(), store.clone()).await?;
        let closing = CancellationToken::new();
        let schedules = schedules::Schedules::default();
        let turns = performance::turns::Turns::default();
        let preferences = tokio::sync::Mutex::default();
        let state = Arc::new(State {
            store,
            operations,
            providers,
            settings,
            adapters,
            schedules,
            turns,
            preferences,
            closing,
        });
        if !state.settings.in_process {
            adapters::listen(&state).await?;
            tokio::spawn(schedules::run(Arc::downgrade(&state)));
        }
        if !state.settings.in_process && !state.providers.is_empty() {
            let looking = state.clone();
            tokio::spawn(async move { looking.providers.look().await });
            tokio::spawn(providers::sync::retry(Arc::downgrade(&state)));
        }
        Ok(Self { state })
    }

    /// What handlers share.
    pub fn state(&self) -> &Shared {
        &self.state
    }

    /// The REST API as a service.
    pub fn router(&self) -> axum::Router {
        rest::router(self.state.clone())
    }

    /// Takes no new operations and waits until those that run have ended; after `limit` they are cancelled.
    pub async fn drain(&self, limit: Duration) {
        self.state.operations.drain(limit).await;
        self.state.closing.cancel();
    }

    /// Drops old events and operations, and files that nothing needs any more. Once a day is enough.
    pub async fn trim(&self) -> Result<()> {
        let age = jiff::SignedDuration::try_from(KEEP_EVENTS_FOR).unwrap_or(jiff::SignedDuration::MAX);
        let since = clock::now().checked_sub(age).unwrap_or(clock::Timestamp::MIN);
        self.state.store.events().trim(Keep { count: KEEP_EVENTS, since }).await?;
        self.state.store.operations().trim(KEEP_OPERATIONS).await?;
        performance::trim(&self.state.settings.home, &self.state.store).await
    }
}

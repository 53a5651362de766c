//! Rank 6: a small remote provider, so that a team can share planes: users with passwords, sessions, and what each user
//! keeps. It speaks the remote provider protocol, whose bodies stand in `wire::provider`; planes are its clients.
//!
//! A login ends with the browser carrying a token to the plane or the command line that asked for it. The access part
//! is short-lived and opaque: planes ask here whether it holds, so that a revoked one is refused everywhere at once.

mod callback;
pub mod desk;
mod failure;
mod listener;
mod login;
mod objects;
mod pages;
mod password;
mod rest;
pub mod serve;
mod throttle;
mod tokens;
mod users_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::Result;
use crate::store::accounts::Accounts;
use callback::Allowed;
use throttle::Throttle;

/// Passwords that are hashed at the same time: each takes 19 MiB and a core for a while.
const HASHING: usize = 2;

/// What a provider is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name, by which planes and token files call it.
    pub name: String,
    /// Address under which browsers and planes reach it, when that is not the one they ask at.
    pub public_url: Option<String>,
    /// Addresses, besides those of the user's own machine, that tokens are sent to.
    pub allow_callbacks: Vec<String>,
    /// How long an access token holds.
    pub token_lifetime: Duration,
    /// How long a session can be renewed.
    pub session_lifetime: Duration,
}

/// What handlers share.
struct State {
    accounts: Accounts,
    settings: Settings,
    allowed: Allowed,
    throttle: Throttle,
    hashing: Arc<Semaphore>,
    /// Whether browsers reach it by https, so that cookies may say so.
    secure: bool,
}

type Shared = Arc<State>;

impl State {
    async fn new(data: &Path, settings: Settings, tls: bool) -> Result<Shared> {
        let secure = tls || settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        Ok(Arc::new(Self {
            accounts: Accounts::open(&database(data)).await?,
            allowed: Allowed::new(&settings.allow_callbacks)?,
            throttle: Throttle::default(),
            hashing: Arc::new(Semaphore::new(HASHING)),
            settings,
            secure,
        }))
    }
}

/// The database in a provider's data folder.
fn database(data: &Path) -> PathBuf {
    data.join("provider.db")
}

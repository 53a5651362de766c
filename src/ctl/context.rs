//! What a verb works with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::settings::Settings;
use super::signal::Cancel;
use super::ui::Ui;
use super::{ServeAdapterArgs, ServeProviderArgs, ServeSampleArgs, ServeServerArgs, ServeWorkerArgs};
use crate::base::clock::{self, Timestamp};
use crate::base::{Result, env};
use crate::client::Client;
use crate::model::account::{Account, AccountSession, NewAccount};
use crate::model::context::Context;
use crate::wire::rest::TokenFile;

/// What is needed to reach a plane.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    /// The context, its endpoint already replaced by `--endpoint` where given.
    pub context: Context,
    /// Whether the endpoint was chosen by flag, variable or project file rather than taken from the context.
    pub endpoint_chosen: bool,
    /// Where the token comes from.
    pub token: TokenSource,
    /// Folder of the plane's data; `None` when the user has no home.
    pub home: Option<PathBuf>,
    /// Kubeconfig files, separated as in PATH, for work done in this process.
    pub kubeconfig: Option<String>,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Limit for a whole exchange, where the user set one.
    pub timeout: Option<Duration>,
}

/// Where the server's token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// `MESHERY_TOKEN` holds it.
    Value(String),
    /// A token that was just got, which is not stored yet.
    Given {
        /// The token with its provider.
        file: TokenFile,
        /// What to call the place it came from, such as `standard input`.
        origin: String,
    },
    /// A token file. `chosen` when the user named it, so that its absence is an error.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether the user named it by flag or variable.
        chosen: bool,
    },
    /// No file is known (the user has no home).
    None,
}

impl TokenSource {
    /// The token file, where there is one.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            TokenSource::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What to call the place of a token that stands in no token file.
    pub fn origin(&self) -> Option<String> {
        match self {
            TokenSource::Value(_) => Some(env::MESHERY_TOKEN.to_owned()),
            TokenSource::Given { origin, .. } => Some(origin.clone()),
            TokenSource::File { .. } | TokenSource::None => None,
        }
    }

    /// Whether the user named a token file by flag or variable.
    pub fn is_chosen(&self) -> bool {
        matches!(self, TokenSource::File { chosen: true, .. })
    }
}

/// Makes the way to a plane; `app` decides between HTTP and this process.
pub type ConnectFn = Box<dyn Fn(ConnectRequest) -> BoxFuture<'static, Result<Client>> + Send + Sync>;

/// A long-running role, run in the foreground until its token is cancelled.
pub type Role<A> = Box<dyn Fn(A, RoleContext) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What a role gets besides its arguments.
#[derive(Debug, Clone)]
pub struct RoleContext {
    /// Folder of config.yaml, auth.json and data.
    pub home: PathBuf,
    /// Kubeconfig files, separated as in PATH, where flag or variable names some.
    pub kubeconfig: Option<String>,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Cancelled by SIGINT and SIGTERM: finish what runs and return.
    pub cancel: CancellationToken,
    /// Tells the user at the terminal something.
    pub note: Note,
}

/// A way to tell the user at the terminal something, silent with --quiet.
#[derive(Clone)]
pub struct Note(Arc<Say>);

type Say = dyn Fn(&str) -> Result<()> + Send + Sync;

impl Note {
    pub(super) fn new(say: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(say))
    }

    /// Says it.
    pub fn say(&self, note: &str) -> Result<()> {
        (self.0)(note)
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Note")
    }
}

/// Opens the users and tokens of the provider in a data folder.
pub type OpenAccounts = Box<dyn Fn(PathBuf) -> BoxFuture<'static, Result<Box<dyn Accounts>>> + Send + Sync>;

/// The roles that `app` hands in, because `ctl` may not import services.
pub struct Roles {
    /// `serve server`.
    pub server: Role<ServeServerArgs>,
    /// `serve adapter`.
    pub adapter: Role<ServeAdapterArgs>,
    /// `serve sample`.
    pub sample: Role<ServeSampleArgs>,
    /// `serve provider`.
    pub provider: Role<ServeProviderArgs>,
    /// `serve worker`.
    pub worker: Role<ServeWorkerArgs>,
    /// The users and tokens of the provider in a data folder.
    pub accounts: OpenAccounts,
}

/// A one-time code; it is shown once and kept nowhere.
#[derive(Debug, Clone)]
pub struct OneTimeCode {
    /// The code.
    pub code: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What an administrator does with the users and tokens of a provider of this machine.
pub trait Accounts: Send + Sync {
    /// Makes a user, with a password or else with a one-time code.
    fn add(&self, new: NewAccount, password: Option<String>) -> BoxFuture<'_, Result<(Account, Option<OneTimeCode>)>>;
    /// Gives a user another password or a one-time code, and ends their sessions.
    fn reset(&self, name: String, password: Option<String>) -> BoxFuture<'_, Result<(Account, Option<OneTimeCode>)>>;
    /// Every user.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Account>>>;
    /// Deletes a user with all they keep.
    fn delete(&self, name: String) -> BoxFuture<'_, Result<Account>>;
    /// The hash of a password, for the users' file.
    fn hash(&self, password: String) -> BoxFuture<'_, Result<String>>;
    /// Makes a token for a program.
    fn make_token(
        &self,
        user: String,
        purpose: String,
        lifetime: Duration,
    ) -> BoxFuture<'_, Result<(AccountSession, String)>>;
    /// Sessions that have not ended; of one user, or of all.
    fn tokens(&self, user: Option<String>) -> BoxFuture<'_, Result<Vec<AccountSession>>>;
    /// Ends a session, named by its id or the beginning of it.
    fn revoke(&self, id: String) -> BoxFuture<'_, Result<AccountSession>>;
}

/// The run context: settings, output, the way to the plane, time and cancellation.
pub struct Ctl {
    /// Resolved settings with their origins.
    pub settings: Settings,
    /// The only door for output and questions.
    pub ui: Ui,
    /// Ctrl-C and SIGTERM.
    pub cancel: Cancel,
    pub(super) roles: Roles,
    connect: ConnectFn,
    client: OnceCell<Client>,
    events: AtomicBool,
}

impl Ctl {
    pub(super) fn new(settings: Settings, ui: Ui, cancel: Cancel, connect: ConnectFn, roles: Roles) -> Self {
        Self { settings, ui, cancel, roles, connect, client: OnceCell::new(), events: AtomicBool::new(false) }
    }

    /// The client of the chosen context's plane, made on first use.
    pub async fn client(&self) -> Result<&Client> {
        self.client
            .get_or_try_init(|| async {
                let request = self.settings.connect_request()?;
                (self.connect)(request).await
            })
            .await
    }

    /// A client of the same plane with another token, or with none but the plane's own.
    pub async fn client_with(&self, token: TokenSource) -> Result<Client> {
        (self.connect)(ConnectRequest { token, ..self.settings.connect_request()? }).await
    }

    /// Whether operations are followed event by event on stdout.
    pub(super) fn streams_events(&self) -> bool {
        self.events.load(Ordering::Relaxed)
    }

    /// Decides that.
    pub(super) fn stream_events(&self, wanted: bool) {
        self.events.store(wanted, Ordering::Relaxed);
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        clock::now()
    }
}

//! The provider as a process: one for a data folder, listening until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listener::{self, Listener, Peer};
use super::{Settings, Shared, State, rest, users_file};
use crate::base::{Code, Error, Result, clock, dirs};
use crate::client::process::holder;

/// How long open connections may take to end.
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(2);
/// How often sessions that ended are dropped.
const TRIM_EVERY: Duration = Duration::from_hours(1);

/// How to serve.
pub struct Options {
    /// What the provider is told.
    pub settings: Settings,
    /// Folder of its database.
    pub data: PathBuf,
    /// The users' file.
    pub users: Option<PathBuf>,
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// PEM files of certificate chain and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Cancelled when the provider is to stop.
    pub stop: CancellationToken,
    /// Hears the address under which it is reached.
    pub ready: Box<Ready>,
}

/// Hears where the provider listens.
pub type Ready = dyn FnOnce(&str) -> Result<()> + Send;

/// Serves until `options.stop`.
pub async fn serve(options: Options) -> Result<()> {
    let tls = options.tls.as_ref().map(|(certificate, key)| listener::tls(certificate, key)).transpose()?;
    let users = options.users.as_deref().map(users_file::read).transpose()?;
    dirs::create_private(&options.data)?;
    let _claim = dirs::Lock::take(&options.data.join("serve.lock"))?.ok_or_else(|| {
        Error::new(Code::ServerRunning, format!("another provider works on {} already", options.data.display()))
            .remedy("Use that one, stop it, or name another folder with --data.")
    })?;
    let tcp = listen(&options.host, options.port).await?;
    let address = tcp.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
    let is_tls = tls.is_some();
    let state = State::new(&options.data, options.settings, is_tls).await?;
    if let Some(users) = users {
        for user in state.accounts.users().merge_file(&users).await? {
            state.accounts.sessions().revoke_all(user).await?;
        }
    }
    let app = rest::router(state.clone()).into_make_service_with_connect_info::<Peer>();
    let closed = options.stop.clone().cancelled_owned();
    let serving = axum::serve(Listener::new(tcp, tls), app).with_graceful_shutdown(closed);
    let serving = tokio::spawn(async move { serving.await });
    let trimming = tokio::spawn(trim(state.clone()));
    (options.ready)(&endpoint(address, is_tls))?;
    options.stop.cancelled().await;
    trimming.abort();
    // Connections that stay open are cut when the process ends; nothing is in flight on them.
    let _ = tokio::time::timeout(CONNECTIONS_LIMIT, serving).await;
    state.accounts.clone().close().await;
    Ok(())
}

/// The address as this machine reaches it.
fn endpoint(mut address: SocketAddr, tls: bool) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let scheme = if tls { "https" } else { "http" };
    if address.ip() == std::net::Ipv4Addr::LOCALHOST {
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}

async fn listen(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        if error.kind() != std::io::ErrorKind::AddrInUse {
            return Error::new(Code::ListenFailed, format!("cannot listen on {host}, port {port}")).because(error);
        }
        let who = holder::of_port(port).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
        Error::new(Code::PortTaken, format!("port {port} of {host} is taken")).because(format!("{who} listens there"))
    })
}

async fn trim(state: Shared) {
    loop {
        if let Err(error) = state.accounts.sessions().trim(clock::now()).await {
            tracing::warn!(%error, "old sessions were not dropped");
        }
        tokio::time::sleep(TRIM_EVERY).await;
    }
}

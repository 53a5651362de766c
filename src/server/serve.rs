//! The server as a process: claim the home, listen, open the database, serve, drain, leave nothing behind.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::{Server, Settings};
use crate::base::{Code, Error, Result, text};
use crate::client::process::{Claim, Role, Running, holder};

/// How long open connections may take to end after the last operation.
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(2);
/// How often old events and operations are dropped.
const TRIM_EVERY: Duration = Duration::from_hours(24);

/// How to serve.
pub struct Options {
    /// What the server is told.
    pub settings: Settings,
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// How long running operations may take after the server was asked to stop.
    pub drain: Duration,
    /// Where the output of this process goes, when that is a log.
    pub log: Option<PathBuf>,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
    /// Hears where the server listens, when it is ready.
    pub ready: Box<Ready>,
}

/// Hears where the server listens.
pub type Ready = dyn FnOnce(&Running) -> Result<()> + Send;

/// Serves until `options.stop`; returns when everything that ran has ended or was cancelled.
pub async fn serve(mut options: Options) -> Result<()> {
    let mut claim = Claim::take(Role::Server, &options.settings.home)?;
    let listener = listen(&options.host, options.port).await?;
    let address =
        listener.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
    options.settings.allow_hosts.push(address.ip().to_string());
    options.settings.allow_hosts.push(options.host.clone());
    let running = Running::here(address, options.log.take());
    claim.announce(running.clone())?;

    let gate = Gate::new(options.settings.home.clone());
    let closed = CancellationToken::new();
    let app = gate.router().into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(closed.clone().cancelled_owned());
    let serving = tokio::spawn(async move { serving.await });

    let server = Server::open(options.settings).await?;
    gate.open(server.router());
    tokio::spawn(trim(server.clone()));
    tracing::info!(%address, "serving");
    (options.ready)(&running)?;

    options.stop.cancelled().await;
    let left = text::count(server.state().operations.running(), "running operation");
    tracing::info!("stopping, after {left}");
    server.drain(options.drain).await;
    closed.cancel();
    // Connections that stay open are cut when the process ends; nothing is in flight on them.
    let _ = tokio::time::timeout(CONNECTIONS_LIMIT, serving).await;
    server.state().store.clone().close().await;
    drop(claim);
    Ok(())
}

/// Listens on an address of this machine; a taken port is named with its holder.
pub async fn listen(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        if error.kind() != std::io::ErrorKind::AddrInUse {
            return Error::new(Code::ListenFailed, format!("cannot listen on {host}, port {port}")).because(error);
        }
        let taken = Error::new(Code::PortTaken, format!("port {port} of {host} is taken"));
        match holder::of_port(port) {
            Some(holder) => taken.because(format!("{holder} listens there")),
            None => taken.because("another process listens there"),
        }
    })
}

async fn trim(server: Server) {
    loop {
        if let Err(error) = server.trim().await {
            tracing::warn!(%error, "old events were not dropped");
        }
        tokio::time::sleep(TRIM_EVERY).await;
    }
}

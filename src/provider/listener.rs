//! Connections, plain or with TLS, each with the address of its peer.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::base::{Code, Error, Result, tls};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection.
pub(super) struct Stream(Box<dyn Bytes>);

/// A listener.
pub(super) struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    shaken: mpsc::Receiver<(Stream, SocketAddr)>,
    shaking: mpsc::Sender<(Stream, SocketAddr)>,
}

/// Reads a certificate chain and its key.
pub(super) fn tls(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    tls::install();
    let wrong = |path: &Path, what: &str, reason: String| {
        Error::new(Code::ConfigValue, format!("{} cannot be used as {what}", path.display())).because(reason)
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, "certificate", error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, "key", error.to_string()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| wrong(certificate, "certificate", error.to_string()))
}

impl Listener {
    /// Plain connections, or TLS ones with this configuration.
    pub fn new(tcp: TcpListener, tls: Option<ServerConfig>) -> Self {
        let (shaking, shaken) = mpsc::channel(16);
        Self { tcp, tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))), shaken, shaking }
    }

    /// Handshakes happen aside, so that a slow caller keeps nobody waiting.
    fn shake(&self, acceptor: &TlsAcceptor, tcp: TcpStream, address: SocketAddr) {
        let (acceptor, shaking) = (acceptor.clone(), self.shaking.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
                // The receiver is gone only when the provider has stopped.
                Ok(Ok(stream)) => drop(shaking.send((Stream(Box::new(stream)), address)).await),
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
}

impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            let (tcp, address) = tokio::select! {
                Some(ready) = self.shaken.recv() => return ready,
                accepted = axum::serve::Listener::accept(&mut self.tcp) => accepted,
            };
            match &self.tls {
                Some(acceptor) => self.shake(acceptor, tcp, address),
                None => return (Stream(Box::new(tcp)), address),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

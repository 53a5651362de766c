//! The connection: plain or with TLS, and with a way to cut it, for a broken call must end without an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::base::{Error, Result, tls};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Cuts one connection.
#[derive(Debug, Clone, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Nothing more is written to the connection.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection that can be cut.
pub struct Stream {
    inner: Box<dyn Bytes>,
    cut: Cut,
}

impl Stream {
    fn new(inner: impl Bytes + 'static) -> Stream {
        Stream { inner: Box::new(inner), cut: Cut::default() }
    }
}

type Accepted = (Stream, std::net::SocketAddr);

/// A listener whose connections can be cut.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    shaken: mpsc::Receiver<Accepted>,
    shaking: mpsc::Sender<Accepted>,
}

impl Listener {
    /// Plain connections, or TLS ones with this certificate.
    pub fn new(tcp: TcpListener, certificate: Option<&Certificate>) -> Listener {
        let (shaking, shaken) = mpsc::channel(16);
        let tls = certificate.map(|certificate| TlsAcceptor::from(Arc::clone(&certificate.config)));
        Listener { tcp, tls, shaken, shaking }
    }

    /// Handshakes happen aside, so that a slow caller keeps nobody waiting.
    fn shake(&self, acceptor: &TlsAcceptor, tcp: TcpStream, address: std::net::SocketAddr) {
        let (acceptor, shaking) = (acceptor.clone(), self.shaking.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
                Ok(Ok(stream)) => {
                    // The receiver is gone only when the server has stopped.
                    let _ = shaking.send((Stream::new(stream), address)).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
}

impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> Accepted {
        loop {
            let (tcp, address) = tokio::select! {
                Some(ready) = self.shaken.recv() => return ready,
                accepted = axum::serve::Listener::accept(&mut self.tcp) => accepted,
            };
            // Watches send small pieces that must not wait for each other.
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            match &self.tls {
                Some(acceptor) => self.shake(acceptor, tcp, address),
                None => return (Stream::new(tcp), address),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().cut.clone()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if stream.cut.0.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut stream.inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// A certificate for loopback names, made for one cluster and trusted by its kubeconfig alone.
#[derive(Clone)]
pub struct Certificate {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// Makes a key and signs a certificate with it.
    pub fn new() -> Result<Certificate> {
        tls::install();
        let fault = |error: &dyn std::fmt::Display| {
            Error::internal("the practice cluster's certificate could not be made").because(error)
        };
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| fault(&error))?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .map_err(|error| fault(&error))?;
        Ok(Certificate { pem: made.cert.pem(), config: Arc::new(config) })
    }

    /// The certificate, which is its own authority, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

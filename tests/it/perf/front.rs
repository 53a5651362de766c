//! TLS before a server that speaks without it, and what each client asked for and showed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::servers::{Authority, Pair};

/// What a client asked for and showed in one handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The name it asked for.
    pub name: Option<String>,
    /// The protocol that was agreed on.
    pub alpn: Option<String>,
    /// Whether it showed a certificate.
    pub has_certificate: bool,
}

/// A server of TLS; it ends with the test process.
pub struct Front {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// How a [`Front`] shakes hands.
pub struct Manners<'a> {
    /// Its certificate.
    pub pair: &'a Pair,
    /// The authority whose clients alone are let in.
    pub clients: Option<&'a Authority>,
    /// The protocol that it agrees to; none where it knows nothing of ALPN.
    pub alpn: Option<&'a str>,
}

impl Front {
    /// Passes what comes over TLS on to `backend`.
    pub fn start(backend: SocketAddr, manners: &Manners<'_>) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(configuration(manners)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let record = Arc::clone(&seen);
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(pass(stream, acceptor.clone(), backend, Arc::clone(&record)));
                }
            });
        });
        Self { address, seen }
    }

    /// Every handshake that was carried through.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn configuration(manners: &Manners<'_>) -> ServerConfig {
    mesheryctl::base::tls::install();
    let builder = match manners.clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            ServerConfig::builder()
                .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        }
        None => ServerConfig::builder().with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_slice(manners.pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::try_from(manners.pair.key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = manners.alpn.map(|name| name.as_bytes().to_vec()).into_iter().collect();
    config
}

async fn pass(stream: TcpStream, acceptor: TlsAcceptor, backend: SocketAddr, seen: Arc<Mutex<Vec<Seen>>>) {
    let Ok(mut secure) = acceptor.accept(stream).await else { return };
    seen.lock().unwrap().push(look(secure.get_ref().1));
    let mut plain = TcpStream::connect(backend).await.unwrap();
    // Both ends may go at any time.
    let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
}

fn look(session: &ServerConnection) -> Seen {
    Seen {
        name: session.server_name().map(str::to_owned),
        alpn: session.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap()),
        has_certificate: session.peer_certificates().is_some(),
    }
}

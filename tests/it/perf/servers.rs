//! Small servers on loopback, each with one way to behave. They end with the test process.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mesheryctl::base::tls;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A whole response.
pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Gives every connection to `serve`, each on a thread of its own.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Answers every request by `answer`, which gets the request's text; the connection ends where it gives nothing.
pub fn http(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    listen(move |stream| converse(stream, &answer))
}

/// One that nobody can connect to: it never accepts, and no further connection has room in its queue.
#[cfg(target_os = "linux")]
pub fn black_hole() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(stream);
    }
    thread::spawn(move || {
        let _held = (listener, held);
        thread::sleep(Duration::from_hours(1));
    });
    address
}

/// Answers well for so long, and never again.
pub fn until(lifetime: Duration) -> SocketAddr {
    let end = Instant::now() + lifetime;
    http(move |_| {
        if Instant::now() >= end {
            thread::sleep(Duration::from_mins(1));
        }
        Some(OK.to_vec())
    })
}

fn converse(mut stream: impl Read + Write, answer: &impl Fn(&str) -> Option<Vec<u8>>) {
    while let Some(request) = request(&mut stream) {
        let Some(bytes) = answer(&request) else { return };
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// One request: its head, and its body by `Content-Length`. None at the end of the stream.
pub fn request(stream: &mut impl Read) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
    let head = String::from_utf8_lossy(&text).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

/// A certificate with its key, signed by `issuer`, and changed by `change` before.
pub struct Authority {
    certificate: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

/// A certificate and its key as PEM.
pub struct Pair {
    pub certificate: String,
    pub key: rcgen::KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { certificate: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub fn issue(&self, name: &str, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Pair {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.certificate).unwrap().pem();
        Pair { certificate, key }
    }
}

/// A server of HTTP/1.1 over TLS; with `clients` it wants a certificate of that authority.
pub fn https(pair: &Pair, clients: Option<&Authority>) -> SocketAddr {
    secure(session(pair, clients, b"http/1.1"), |stream| converse(stream, &|_: &str| Some(OK.to_vec())))
}

/// As [`http2`], over TLS; with `clients` it wants a certificate of that authority.
pub fn https2(
    pair: &Pair,
    clients: Option<&Authority>,
    answer: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
) -> SocketAddr {
    secure(session(pair, clients, b"h2"), move |stream| converse2(stream, &answer))
}

/// What a server of TLS shows, wants and agrees to speak.
fn session(pair: &Pair, clients: Option<&Authority>, protocol: &[u8]) -> Arc<ServerConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    tls::install();
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::try_from(pair.key.serialize_der()).unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
        None => ServerConfig::builder().with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn secure(
    config: Arc<ServerConfig>,
    serve: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
) -> SocketAddr {
    listen(move |stream| serve(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)))
}

/// A server of HTTP/2 with prior knowledge: every request is answered by the frames that `answer` gives for its stream.
pub fn http2(answer: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    listen(move |stream| converse2(stream, &answer))
}

/// One connection of [`http2`].
pub fn converse2(mut stream: impl Read + Write, answer: &impl Fn(u32) -> Vec<u8>) {
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).is_err() || !preface.starts_with(b"PRI * HTTP/2.0") {
        return;
    }
    let _ = stream.write_all(&frame(4, 0, 0, &[]));
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).is_err() {
            return;
        }
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let is_end = matches!(head[3], 0 | 1) && head[4] & 1 != 0;
        if is_end && stream.write_all(&answer(id)).is_err() {
            return;
        }
    }
}

/// A frame of HTTP/2.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// An answer of gRPC: a message in its frame, and a code.
pub fn grpc_answer(stream: u32, message: &[u8], code: &str) -> Vec<u8> {
    let trailer = [&[0, 11], &b"grpc-status"[..], &[u8::try_from(code.len()).unwrap()], code.as_bytes()].concat();
    let body = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message].concat();
    [frame(1, 4, stream, &[0x88]), frame(0, 0, stream, &body), frame(1, 5, stream, &trailer)].concat()
}

/// Sends every datagram back, where `is_answering`.
pub fn udp(is_answering: bool) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if is_answering {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
    address
}

/// A response of HTTP/2 with status 200 and no body.
pub fn http2_answer(stream: u32) -> Vec<u8> {
    frame(1, 5, stream, &[0x88])
}

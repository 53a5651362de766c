//! A non-blocking way to the far side: TCP, TLS over TCP, or UDP. Nothing here waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::model::performance::result::Cause;

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes. Where `more` is false, nothing is left for now, and the queue will tell of further bytes.
    Bytes {
        /// How many.
        count: usize,
        /// Whether to read on.
        more: bool,
    },
    /// Nothing for now.
    Nothing,
    /// The far side has closed.
    End,
}

/// An open socket.
pub enum Transport {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<ClientConnection>, TcpStream),
    /// UDP, connected, so that refusals are heard.
    Udp(UdpSocket),
}

impl Transport {
    /// Begins to connect by TCP.
    ///
    /// # Errors
    /// The system refuses at once.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self::Tcp(TcpStream::from(socket))),
            Err(problem) => Err(problem.into()),
        }
    }

    /// A UDP socket that speaks to one address.
    ///
    /// # Errors
    /// The system refuses.
    pub fn udp(address: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(address)?;
        Ok(Self::Udp(socket))
    }

    /// Goes on with TLS, once TCP is connected.
    ///
    /// # Errors
    /// The configuration cannot begin a session.
    pub fn secure(self, config: &Arc<ClientConfig>, name: &ServerName<'static>) -> Result<Self, Cause> {
        let Self::Tcp(stream) = self else { return Ok(self) };
        let session = ClientConnection::new(Arc::clone(config), name.clone()).map_err(|_| Cause::Tls)?;
        Ok(Self::Tls(Box::new(session), stream))
    }

    /// What connecting came to, when the socket has become writable: none while it has not.
    pub fn connected(&self) -> Option<Result<(), Cause>> {
        let Self::Tcp(stream) = self else { return Some(Ok(())) };
        match stream.take_error() {
            Ok(Some(problem)) | Err(problem) => return Some(Err(connecting(&problem))),
            Ok(None) => {}
        }
        match stream.peer_addr() {
            Ok(_) => Some(Ok(())),
            Err(problem) if problem.kind() == ErrorKind::NotConnected => None,
            Err(problem) => Some(Err(connecting(&problem))),
        }
    }

    /// Goes on with the handshake of TLS. True once it is done. Why a certificate is not taken stands in `refusal` then.
    ///
    /// # Errors
    /// Why the two cannot agree.
    pub fn shake_hands(&mut self, refusal: &mut Option<String>) -> Result<bool, Cause> {
        let Self::Tls(session, stream) = self else { return Ok(true) };
        loop {
            drain(session, stream)?;
            if !session.is_handshaking() {
                return Ok(true);
            }
            match session.read_tls(stream) {
                Ok(0) => return Err(Cause::Closed),
                Ok(_) => process(session, stream, refusal)?,
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
                Err(problem) => return Err(talking(&problem)),
            }
        }
    }

    /// Whether the far side agreed to speak `protocol`; always true without TLS.
    pub fn agreed(&self, protocol: &[u8]) -> bool {
        match self {
            Self::Tls(session, _) => session.alpn_protocol() == Some(protocol),
            _ => true,
        }
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<Received, Cause> {
        loop {
            let (read, is_datagram) = match self {
                Self::Tcp(stream) => (stream.read(buffer), false),
                Self::Udp(socket) => (socket.recv(buffer), true),
                Self::Tls(session, stream) => return receive_tls(session, stream, buffer),
            };
            return match read {
                Ok(0) if !is_datagram => Ok(Received::End),
                Ok(count) => Ok(Received::Bytes { count, more: is_datagram || count == buffer.len() }),
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => Ok(Received::Nothing),
                Err(problem) if problem.kind() == ErrorKind::Interrupted => continue,
                Err(problem) => Err(talking(&problem)),
            };
        }
    }

    /// Sends as much as the system takes, and says how much that was.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, Cause> {
        loop {
            let sent = match self {
                Self::Tcp(stream) => stream.write(bytes),
                Self::Udp(socket) => socket.send(bytes),
                Self::Tls(session, stream) => {
                    drain(session, stream)?;
                    if session.wants_write() {
                        return Ok(0);
                    }
                    let taken = session.writer().write(bytes).map_err(|problem| talking(&problem))?;
                    drain(session, stream)?;
                    return Ok(taken);
                }
            };
            return match sent {
                Ok(count) => Ok(count),
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => Ok(0),
                Err(problem) if problem.kind() == ErrorKind::Interrupted => continue,
                Err(problem) => Err(talking(&problem)),
            };
        }
    }

    /// Whether bytes that were taken wait inside TLS for room in the socket.
    pub fn holds_back(&self) -> bool {
        matches!(self, Self::Tls(session, _) if session.wants_write())
    }

    /// Sends what TLS holds back.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn push(&mut self) -> Result<(), Cause> {
        match self {
            Self::Tls(session, stream) => drain(session, stream),
            _ => Ok(()),
        }
    }

    /// Makes the close immediate. The side that closes first keeps the port for a minute otherwise, and a run with a
    /// connection for each request would be out of ports in that time.
    pub fn forget(&self) {
        if let Self::Tcp(stream) | Self::Tls(_, stream) = self {
            // where it fails, the port is kept
            let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
    }
}

impl AsFd for Transport {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) | Self::Tls(_, stream) => stream.as_fd(),
            Self::Udp(socket) => socket.as_fd(),
        }
    }
}

fn receive_tls(session: &mut ClientConnection, stream: &mut TcpStream, buffer: &mut [u8]) -> Result<Received, Cause> {
    loop {
        match session.reader().read(buffer) {
            Ok(0) => return Ok(Received::End),
            Ok(count) => return Ok(Received::Bytes { count, more: true }),
            Err(problem) if problem.kind() == ErrorKind::WouldBlock => {}
            // closed without TLS's goodbye; whether a response is cut, its own length says
            Err(problem) if problem.kind() == ErrorKind::UnexpectedEof => return Ok(Received::End),
            Err(problem) => return Err(talking(&problem)),
        }
        match session.read_tls(stream) {
            Ok(0) => return Ok(Received::End),
            Ok(_) => process(session, stream, &mut None)?,
            Err(problem) if problem.kind() == ErrorKind::WouldBlock => return Ok(Received::Nothing),
            Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
            Err(problem) => return Err(talking(&problem)),
        }
    }
}

/// Reads records. An alert of ours goes out before the failure is told.
fn process(session: &mut ClientConnection, stream: &mut TcpStream, refusal: &mut Option<String>) -> Result<(), Cause> {
    match session.process_new_packets() {
        Ok(_) => drain(session, stream),
        Err(problem) => {
            let _ = drain(session, stream);
            Err(match problem {
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                    refusal.get_or_insert_with(|| problem.to_string());
                    Cause::Certificate
                }
                _ => Cause::Tls,
            })
        }
    }
}

fn drain(session: &mut ClientConnection, stream: &mut TcpStream) -> Result<(), Cause> {
    while session.wants_write() {
        match session.write_tls(stream) {
            Ok(_) => {}
            Err(problem) if problem.kind() == ErrorKind::WouldBlock => break,
            Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
            Err(problem) => return Err(talking(&problem)),
        }
    }
    Ok(())
}

/// Why a connection could not be made.
pub fn connecting(problem: &io::Error) -> Cause {
    match problem.kind() {
        ErrorKind::TimedOut => Cause::ConnectTimeout,
        _ => talking(problem),
    }
}

/// Why a connection broke.
fn talking(problem: &io::Error) -> Cause {
    match problem.kind() {
        ErrorKind::ConnectionRefused => return Cause::Refused,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => return Cause::Reset,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            return Cause::Unreachable;
        }
        ErrorKind::TimedOut => return Cause::Timeout,
        ErrorKind::UnexpectedEof => return Cause::Closed,
        ErrorKind::AddrNotAvailable | ErrorKind::OutOfMemory | ErrorKind::QuotaExceeded => return Cause::Local,
        _ => {}
    }
    let local = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::AGAIN, Errno::MSGSIZE];
    match problem.raw_os_error().map(Errno::from_raw_os_error) {
        Some(errno) if local.contains(&errno) => Cause::Local,
        _ => Cause::Other,
    }
}

//! Requests and responses on one connection: a state machine for each protocol, fed with bytes, without a socket.

mod echo;
mod grpc;
mod hpack;
mod http1;
mod http2;

use std::sync::Arc;

use echo::Echo;
use http1::Http1;
use http2::Http2;
use url::Url;

use super::recorder::{Flight, Status};
use super::site::Prepared;
use crate::model::performance::plan::{Plan, Protocol};
use crate::model::performance::result::Cause;

/// A whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: Status,
    /// Where it redirects to, when redirects are followed.
    pub location: Option<String>,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The request.
    pub flight: Flight,
    /// What became of it.
    pub outcome: Result<Reply, Cause>,
}

/// What timeouts did to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// It goes on.
    Usable,
    /// An answer that comes now would be taken for another's: it has to be closed.
    Spoilt,
}

/// The state of one connection.
pub enum Exchange {
    /// HTTP/1.1.
    Http1(Http1),
    /// HTTP/2, and gRPC over it.
    Http2(Box<Http2>),
    /// TCP and UDP.
    Echo(Echo),
}

impl Exchange {
    /// The state of a new connection.
    pub fn new(plan: &Plan) -> Self {
        match plan.protocol {
            Protocol::Http1 => Self::Http1(Http1::new(plan.redirects > 0)),
            Protocol::Http2 | Protocol::Grpc | Protocol::GrpcHealth => Self::Http2(Box::new(Http2::new(plan))),
            Protocol::Tcp => Self::Echo(Echo::new(true)),
            Protocol::Udp => Self::Echo(Echo::new(false)),
        }
    }

    /// The name that TLS has to agree on; none where the protocol is the same without.
    pub fn alpn(&self) -> Option<&'static [u8]> {
        matches!(self, Self::Http2(_)).then_some(b"h2")
    }

    /// What a new connection says first.
    pub fn greet(&self, out: &mut Vec<u8>) {
        if let Self::Http2(_) = self {
            Http2::greet(out);
        }
    }

    /// Whether requests may be sent.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Http2(http2) => http2.is_ready(),
            Self::Http1(_) | Self::Echo(_) => true,
        }
    }

    /// Requests that may be on their way at one time.
    pub fn lanes(&self) -> u32 {
        match self {
            Self::Http2(http2) => http2.lanes(),
            Self::Http1(_) | Self::Echo(_) => 1,
        }
    }

    /// Whether a further request may be sent now.
    pub fn has_room(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_idle(),
            Self::Http2(http2) => http2.has_room(),
            Self::Echo(echo) => echo.is_idle(),
        }
    }

    /// Writes a request.
    pub fn begin(&mut self, request: &Prepared, flight: Flight, out: &mut Vec<u8>) {
        match self {
            Self::Http1(http1) => http1.begin(request, flight, out),
            Self::Http2(http2) => http2.begin(request, flight, out),
            Self::Echo(echo) => echo.begin(request, flight, out),
        }
    }

    /// Reads bytes; what is over goes to `done`, what has to be said to `out`.
    ///
    /// # Errors
    /// The bytes do not follow the protocol. Requests on their way have to be taken by [`Self::abandon`].
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<(), Cause> {
        match self {
            Self::Http1(http1) => http1.receive(bytes, done),
            Self::Http2(http2) => http2.receive(bytes, out, done),
            Self::Echo(echo) => echo.receive(bytes, done),
        }
    }

    /// The far side has closed: what that completes goes to `done`.
    pub fn end(&mut self, done: &mut Vec<Done>) {
        if let Self::Http1(http1) = self {
            http1.end(done);
        }
    }

    /// Whether the connection may carry a further request.
    pub fn keeps(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.keeps(),
            Self::Http2(http2) => http2.keeps(),
            Self::Echo(echo) => echo.keeps(),
        }
    }

    /// Gives up what was sent at or before `moment`.
    pub fn overdue(&mut self, moment: u64, out: &mut Vec<u8>, done: &mut Vec<Done>) -> Overdue {
        match self {
            Self::Http1(http1) => http1.overdue(moment, done),
            Self::Http2(http2) => http2.overdue(moment, out, done),
            Self::Echo(echo) => echo.overdue(moment, done),
        }
    }

    /// Takes every request that is on its way.
    pub fn abandon(&mut self, cause: Cause, done: &mut Vec<Done>) {
        match self {
            Self::Http1(http1) => http1.abandon(cause, done),
            Self::Http2(http2) => http2.abandon(cause, done),
            Self::Echo(echo) => echo.abandon(cause, done),
        }
    }

    /// Requests on their way.
    pub fn in_flight(&self) -> usize {
        match self {
            Self::Http1(http1) => usize::from(!http1.is_idle()),
            Self::Http2(http2) => http2.in_flight(),
            Self::Echo(echo) => usize::from(!echo.is_idle()),
        }
    }
}

/// A request as it goes out.
pub struct Message {
    /// The whole message of HTTP/1.1, the header block of HTTP/2, nothing for TCP and UDP.
    pub head: Vec<u8>,
    /// The header block of HTTP/2 where it follows the same request on the same connection; nothing otherwise.
    pub again: Vec<u8>,
    /// The body, where it is not part of the head.
    pub body: Arc<[u8]>,
}

/// Writes a request.
pub fn prepare(plan: &Plan, url: &Url, method: &str, body: &[u8]) -> Message {
    let whole = |head, body| Message { head, again: Vec::new(), body };
    match plan.protocol {
        Protocol::Http1 => whole(http1::message(plan, url, method, body), Arc::default()),
        Protocol::Http2 | Protocol::Grpc | Protocol::GrpcHealth => http2::prepare(plan, url, method, body),
        Protocol::Tcp | Protocol::Udp => whole(Vec::new(), body.into()),
    }
}

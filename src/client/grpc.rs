//! Connections for gRPC: plain HTTP/2, with a limit, and never to where nobody meant to go.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic::{Code as Status, Response};

use crate::base::http::guarded;
use crate::base::{Error, Result, text};
use crate::model::adapter::Location;

/// How a connection is watched: one whose far side says nothing is broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    /// Silence after which the far side is asked whether it is still there.
    pub silence: Duration,
    /// How long it may take to say so.
    pub answer: Duration,
}

impl Watch {
    /// For calls that may take their time.
    pub(super) const USUAL: Self = Self { silence: Duration::from_secs(30), answer: Duration::from_secs(10) };
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// No connection was made; the reason.
    Refused(String),
    /// The limit passed.
    Slow,
    /// The connection was made, but what came over it was no gRPC, or it broke; the reason.
    Broken(String),
    /// The far side answered with an error of its own.
    Status(Status, String),
}

impl Fault {
    /// Whether the far side is an adapter that does not have the call.
    pub(super) fn is_unimplemented(&self) -> bool {
        matches!(self, Fault::Status(Status::Unimplemented, _))
    }

    /// The reason, for people.
    pub(super) fn reason(&self, limit: Duration) -> String {
        match self {
            Fault::Refused(reason) | Fault::Broken(reason) => reason.clone(),
            Fault::Slow => format!("no answer within {} ms", limit.as_millis()),
            Fault::Status(code, message) if message.is_empty() => format!("it answered {code:?}"),
            Fault::Status(code, message) => format!("it answered {code:?}: {message}"),
        }
    }
}

impl From<tonic::Status> for Fault {
    /// A status that came over the wire has no source; those that were made here, for what was no gRPC, have one or say so.
    fn from(status: tonic::Status) -> Self {
        const NO_GRPC: [&str; 2] = ["grpc-status header missing", "protocol error"];
        let made_here = std::error::Error::source(&status).is_some();
        let by_other_http = NO_GRPC.iter().any(|words| status.message().starts_with(words));
        if made_here || by_other_http {
            return Fault::Broken(plain(&status));
        }
        Fault::Status(status.code(), status.message().to_owned())
    }
}

/// An error with its sources, without the library's own words for "it went wrong on the way".
fn plain(error: &dyn std::error::Error) -> String {
    let text = text::chain(error);
    text.strip_prefix("transport error: ").map(str::to_owned).unwrap_or(text)
}

/// Connects; the addresses of a name are tried one after the other.
pub(super) async fn channel(location: &Location, limit: Duration) -> Result<Channel, Fault> {
    watched(location, limit, Watch::USUAL).await
}

/// As [`channel`], with a watch of its own.
pub(super) async fn watched(location: &Location, limit: Duration, watch: Watch) -> Result<Channel, Fault> {
    match tokio::time::timeout(limit, connect(location, limit, watch)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::Slow),
    }
}

async fn connect(location: &Location, limit: Duration, watch: Watch) -> Result<Channel, Fault> {
    let refused = |error: &dyn std::error::Error| Fault::Refused(plain(error));
    let origin: http::Uri =
        format!("http://{location}").parse().map_err(|error: http::uri::InvalidUri| refused(&error))?;
    let found = tokio::net::lookup_host((location.host.as_str(), location.port)).await;
    let mut last = Fault::Refused(format!("the name {} has no address", location.host));
    for address in found.map_err(|error| refused(&error))? {
        if let Some(reason) = guarded::objection(address.ip(), true) {
            return Err(Fault::Refused(reason.to_owned()));
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .and_then(|endpoint| endpoint.user_agent(concat!("mesheryctl/", env!("CARGO_PKG_VERSION"))))
            .map_err(|error| refused(&error))?
            .origin(origin.clone())
            .connect_timeout(limit)
            .http2_keep_alive_interval(watch.silence)
            .keep_alive_timeout(watch.answer);
        match endpoint.connect().await {
            Ok(channel) => return Ok(channel),
            Err(error) => last = refused(&error),
        }
    }
    Err(last)
}

/// The reply of a call that has a limit.
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<Response<T>, tonic::Status>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => Ok(outcome?.into_inner()),
        Err(_) => Err(Fault::Slow),
    }
}

/// Adds the reason to an error.
pub(super) fn because(error: Error, fault: &Fault, limit: Duration) -> Error {
    error.because(fault.reason(limit))
}

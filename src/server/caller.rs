//! Where a request comes from.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

use super::Shared;
use crate::base::{Code, Error, Result};

/// Where a request comes from. A path in it is opened on this machine, so only callers of this machine may name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The command this server lives in, a process beside it, or the server itself.
    Here,
    /// Another machine, or nobody knows.
    Elsewhere,
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let here = state.settings.in_process || peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
        Ok(if here { Self::Here } else { Self::Elsewhere })
    }
}

impl Caller {
    /// Whether the caller may name a kubeconfig of this machine.
    ///
    /// # Errors
    /// [`Code::RequestInvalid`] when one is named from elsewhere.
    pub fn may_name(self, kubeconfig: Option<&str>) -> Result<()> {
        match (self, kubeconfig) {
            (Self::Elsewhere, Some(path)) => Err(Error::new(
                Code::RequestInvalid,
                format!("kubeconfig `{path}` cannot be chosen from another machine"),
            )
            .remedy("Choose a context of the server's own kubeconfig.")),
            _ => Ok(()),
        }
    }
}

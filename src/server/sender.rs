//! Who sent a request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Shared;
use super::providers::Session;

/// Who sent a request that was let in.
#[derive(Debug, Clone)]
pub enum Sender {
    /// One who has the plane's own token.
    Plane,
    /// A user of a remote provider.
    User(Arc<Session>),
}

impl Sender {
    /// The session at a remote provider, where there is one.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Sender::Plane => None,
            Sender::User(session) => Some(session),
        }
    }
}

impl FromRequestParts<Shared> for Sender {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &Shared) -> Result<Self, Self::Rejection> {
        // Set for every path that wants a token; the others let in everybody and store nothing for anybody.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self::Plane))
    }
}

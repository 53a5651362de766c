//! Rank 4: typed calls of the REST API over a transport: HTTP, or the server's own router in this process.

pub mod adapter;
mod adapters;
pub mod archive;
pub mod call;
pub mod callback;
pub mod credentials;
pub mod fetch;
mod grpc;
pub mod health;
pub mod http;
pub mod import;
mod operations;
mod patterns;
mod performance;
pub mod probe;
pub mod process;
pub mod prometheus;
pub mod provider;
pub mod refused;
pub mod remote_error;
pub mod sse;
mod system;
pub mod tool;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::base::{Error, Result};

pub use http::HttpTransport;
pub use performance::ResultsWanted;

/// A response body as it arrives.
pub type Body = BoxStream<'static, Result<Bytes>>;

/// The way to a server.
pub trait Transport: Send + Sync {
    /// Sends one request; the path is relative to the server's root, credentials are added by the transport.
    fn send(&self, request: ::http::Request<Bytes>) -> BoxFuture<'_, Result<::http::Response<Body>>>;

    /// What to call the server in messages: its endpoint, or `in-process`.
    fn name(&self) -> &str;

    /// Where the server is, when the way to it is a tunnel that ends with this command.
    fn tunnel(&self) -> Option<&str> {
        None
    }

    /// What a refused token means for the one who sent it.
    fn refused(&self, error: Error) -> Error {
        error
    }
}

/// Name of a server that lives in this process.
pub const IN_PROCESS: &str = "in-process";

/// The REST API as typed calls. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    kubeconfig: Option<String>,
}

impl Client {
    /// A client over a transport.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, kubeconfig: None }
    }

    /// The kubeconfig files that calls about clusters mean, separated as in PATH; without them the server's own.
    pub fn with_kubeconfig(self, kubeconfig: Option<String>) -> Self {
        Self { kubeconfig, ..self }
    }

    /// Whether the server lives in this process.
    pub fn is_in_process(&self) -> bool {
        self.name() == IN_PROCESS
    }

    /// What to call the server in messages: its endpoint, or `in-process`.
    pub fn name(&self) -> &str {
        self.transport.name()
    }

    /// Where the server is, when the way to it is a tunnel that ends with this command.
    pub fn tunnel(&self) -> Option<&str> {
        self.transport.tunnel()
    }
}

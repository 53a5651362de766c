//! Rank 6: a worker of distributed measurements: a gRPC service that carries its share of a plan out when it is told to.
//!
//! | module | what it does |
//! | --- | --- |
//! | `guard` | who may call |
//! | `service` | the calls of meshery.worker.v1.Worker |
//! | `measurement` | one measurement, from its plan to its result |

mod guard;
mod measurement;
mod service;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::base::{Error, Result, text};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::perf::engine;
use crate::wire::worker::worker_server::WorkerServer;

/// How long open connections may take to end after the worker was asked to stop.
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(2);
/// Silence on a connection after which its other end is asked whether it is still there: a controller that is gone must
/// not leave load behind.
const KEEPALIVE: Duration = Duration::from_secs(2);

/// What carries a plan out; blocks until it is done.
pub type Engine = Arc<dyn Fn(&Plan, &Control) -> Result<PerfResult> + Send + Sync>;

/// How a worker serves.
pub struct Settings {
    /// The secret that every call has to bring.
    pub token: String,
    /// What carries plans out.
    pub engine: Engine,
}

impl Settings {
    /// With the native generator.
    pub fn native(token: String) -> Self {
        Self { token, engine: Arc::new(engine::run) }
    }
}

/// Serves until `stop`; a measurement that is under way then ends.
///
/// # Errors
/// A listener that breaks.
pub async fn serve(listener: TcpListener, settings: Settings, stop: CancellationToken) -> Result<()> {
    let service = service::Service::new(settings.engine, stop.clone());
    let guard = guard::Guard::new(settings.token);
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(WorkerServer::with_interceptor(service, guard))
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            stop.clone().cancelled_owned(),
        );
    tokio::select! {
        served = serving => {
            served.map_err(|error| Error::internal("the worker's listener broke").because(text::chain(&error)))
        }
        () = async { stop.cancelled().await; tokio::time::sleep(CONNECTIONS_LIMIT).await } => Ok(()),
    }
}

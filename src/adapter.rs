//! Rank 6: an adapter as a process of its own: the gRPC service that servers of every era speak to, and gRPC's health
//! service for the probes of containers.
//!
//! | module | what it does |
//! | --- | --- |
//! | `service` | the calls of meshes.MeshService |
//! | `validate` | what a call must bring |
//! | `events` | the events, for every listener at its own pace |
//! | `health` | grpc.health.v1.Health |

mod events;
mod health;
mod service;
mod validate;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::base::{Error, Result, text};
use crate::plane::adapter::Adapter;
use crate::wire::health::health_server::HealthServer;
use crate::wire::meshops::mesh_service_server::MeshServiceServer;

/// How long open connections may take to end after the adapter was asked to stop.
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(2);
/// Silence on a connection after which its other end is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Calls that one connection may have open at a time.
const STREAMS_LIMIT: u32 = 256;

/// Serves an adapter until `stop`. Streams of events end then, after what was left to say.
///
/// # Errors
/// A listener that breaks.
pub async fn serve(listener: TcpListener, adapter: Adapter, stop: CancellationToken) -> Result<()> {
    let service = MeshServiceServer::new(service::Service::new(adapter, stop.clone()));
    let health = HealthServer::new(health::Health::new(stop.clone()));
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .max_concurrent_streams(STREAMS_LIMIT)
        .add_service(health)
        .add_service(service)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            stop.clone().cancelled_owned(),
        );
    tokio::select! {
        served = serving => {
            served.map_err(|error| Error::internal("the adapter's listener broke").because(text::chain(&error)))
        }
        () = async { stop.cancelled().await; tokio::time::sleep(CONNECTIONS_LIMIT).await } => Ok(()),
    }
}

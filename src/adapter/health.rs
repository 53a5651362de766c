//! gRPC's health service: it serves until the adapter is asked to stop.

use std::convert::Infallible;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::wire::health::health_check_response::ServingStatus;
use crate::wire::health::health_server;
use crate::wire::health::{HealthCheckRequest, HealthCheckResponse};
use crate::wire::meshops::mesh_service_server::SERVICE_NAME;

/// Health of the adapter.
pub(super) struct Health {
    stop: CancellationToken,
}

impl Health {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { stop }
    }

    fn status(&self) -> ServingStatus {
        if self.stop.is_cancelled() { ServingStatus::NotServing } else { ServingStatus::Serving }
    }
}

/// Whether a name is that of the whole server or of a service it has.
fn is_known(service: &str) -> bool {
    [String::new(), SERVICE_NAME.to_owned(), health_server::SERVICE_NAME.to_owned()].contains(&service.to_owned())
}

fn reply(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !is_known(&service) {
            return Err(Status::not_found(format!("there is no service `{service}`; there is {SERVICE_NAME}")));
        }
        Ok(Response::new(reply(self.status())))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let known = is_known(&request.into_inner().service);
        let now = if known { self.status() } else { ServingStatus::ServiceUnknown };
        let stop = self.stop.clone();
        let end = stream::once(async move {
            stop.cancelled().await;
            reply(if known { ServingStatus::NotServing } else { ServingStatus::ServiceUnknown })
        });
        let states = stream::once(async move { reply(now) }).chain(end).map(Ok::<_, Infallible>);
        Ok(Response::new(states.map(|state| state.map_err(|never| match never {})).boxed()))
    }
}

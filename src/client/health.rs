//! Health of a service, as probes of containers ask for it.

use std::time::Duration;

use url::Url;

use super::grpc::{self, within};
use super::http::is_loopback;
use crate::base::http as outbound;
use crate::base::{Code, Error, Result, text};
use crate::model::adapter::Location;
use crate::wire::health::HealthCheckRequest;
use crate::wire::health::health_check_response::ServingStatus;
use crate::wire::health::health_client::HealthClient;

/// Asks by gRPC's health protocol; `service` is the full name of one, or empty for the whole server. Success is SERVING.
///
/// # Errors
/// [`Code::ProbeFailed`] with the state or the reason.
pub async fn grpc(location: &Location, service: &str, limit: Duration) -> Result<()> {
    let whose = if service.is_empty() { location.to_string() } else { format!("{service} at {location}") };
    let failed = |fault: grpc::Fault| grpc::because(unhealthy(&whose), &fault, limit);
    let channel = grpc::channel(location, limit).await.map_err(failed)?;
    let request = HealthCheckRequest { service: service.to_owned() };
    let reply = within(limit, HealthClient::new(channel).check(request)).await.map_err(failed)?;
    match reply.status() {
        ServingStatus::Serving => Ok(()),
        other => Err(unhealthy(&whose).because(format!("it says {}", other.as_str_name()))),
    }
}

/// Asks by HTTP GET; success is any status from 200 to 399, as for Kubernetes. Gives the status.
///
/// # Errors
/// [`Code::ProbeFailed`] with the status or the reason.
pub async fn http(url: &Url, limit: Duration) -> Result<u16> {
    let client = outbound::client(&outbound::Options {
        connect_timeout: limit,
        timeout: Some(limit),
        loopback: is_loopback(url),
        ..outbound::Options::default()
    })?;
    let response = client.get(url.clone()).send().await;
    let status = response.map_err(|error| unhealthy(url.as_str()).because(text::chain(&error)))?.status();
    if status.is_success() || status.is_redirection() {
        return Ok(status.as_u16());
    }
    let error = unhealthy(url.as_str()).because(format!("it answered {status}"));
    Err(match status.as_u16() {
        404 => error.remedy("Correct the path: the service answers, but has nothing there."),
        401 | 403 => error.remedy("Choose a path that needs no login: probes send none."),
        _ => error,
    })
}

fn unhealthy(whose: &str) -> Error {
    Error::new(Code::ProbeFailed, format!("{whose} is not healthy"))
}

//! The server, its version, its database, its adapters and its clusters.

use super::{Check, adapters, clusters};
use crate::base::{Code, Error, Result};
use crate::client::Client;
use crate::ctl::Ctl;
use crate::ctl::cmd::system::plane::{self, State};
use crate::model::context::{Context, Platform};
use crate::model::version::Version;

/// Checks over the plane's API.
pub(super) async fn all(ctx: &Ctl, context: &Context, preflight: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if context.platform == Platform::Local {
        checks.push(local(ctx, context).await);
    } else if preflight {
        return checks;
    }
    if ctx.settings.context().is_ok_and(|own| own.platform != context.platform) {
        return checks;
    }
    match ctx.client().await {
        Ok(client) => {
            if context.platform != Platform::Local {
                checks.push(elsewhere(client).await);
            }
            if !preflight {
                checks.push(version(client).await);
            }
            checks.push(Check::of("database", database(client).await));
            if !preflight {
                checks.extend(adapters::known(client).await);
            }
            checks.extend(clusters::all(client, preflight).await);
        }
        Err(error) => checks.push(Check::fail("plane", &error)),
    }
    checks
}

/// The server runs, or the port it would take is free.
async fn local(ctx: &Ctl, context: &Context) -> Check {
    let plane = match plane::local_of(ctx, context.clone()) {
        Ok(plane) => plane,
        Err(error) if error.code() == Code::PlatformUnsupported => return answering(ctx).await,
        Err(error) => return Check::fail("server", &error),
    };
    let status = match plane::look(&plane).await {
        Ok(status) => status,
        Err(error) => return Check::fail("server", &error),
    };
    let endpoint = &status.endpoint;
    match status.state {
        State::Running => Check::pass("server", format!("it runs at {endpoint}")),
        State::Starting | State::Draining => Check::pass("server", format!("it is starting or stopping at {endpoint}")),
        State::Stopped => Check::pass("server", format!("none runs; the port of {endpoint} is free")),
        State::Silent => Check::fail(
            "server",
            &Error::new(Code::ServerStart, format!("its process is there but does not answer at {endpoint}"))
                .remedy("Start it anew with `mesheryctl system restart --force`."),
        ),
        State::Foreign => {
            let error = Error::new(Code::ServerNotMeshery, format!("something else answers at {endpoint}"));
            Check::fail("server", &status.note.iter().fold(error, Error::because))
        }
    }
}

/// A plane at an address that is not this machine's.
async fn answering(ctx: &Ctl) -> Check {
    match ctx.client().await {
        Ok(client) => elsewhere(client).await,
        Err(error) => Check::fail("server", &error),
    }
}

async fn elsewhere(client: &Client) -> Check {
    Check::of("server", client.version().await.map(|version| format!("it answers with version {}", version.build)))
}

async fn version(client: &Client) -> Check {
    let own = Version::current().build;
    if client.name() == "in-process" {
        return Check::pass("version", format!("client is {own}; no server runs to compare it with"));
    }
    match client.version().await {
        Ok(version) if version.build == own => Check::pass("version", format!("client and server are {own}")),
        Ok(version) => Check::warn(
            "version",
            format!("client {own} and server {} differ", version.build),
            "Bring the plane to this version with `mesheryctl system update`, or update mesheryctl.",
        ),
        Err(error) => Check::fail("version", &error),
    }
}

async fn database(client: &Client) -> Result<String> {
    let report = client.database().await?;
    if report.faults.is_empty() {
        return Ok(format!("{} is sound", report.path));
    }
    Err(Error::new(Code::StoreFailed, format!("{} is damaged", report.path)).because(report.faults.join("; ")).remedy(
        "Stop the plane and put a copy of the file in its place, or begin anew with `mesheryctl system reset`.",
    ))
}

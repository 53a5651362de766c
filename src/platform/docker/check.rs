//! What `system check` looks at.

use std::net::{Ipv4Addr, TcpListener};

use super::session::Session;
use super::wanted::port_of;
use super::{image, payload, up};
use crate::base::error::{Code, Error, Result};
use crate::docker::Engine;
use crate::docker::container::Found;
use crate::model::check::Check;
use crate::plane::spec::Spec;
use crate::platform::Plane;

/// What the platform needs and has. Without an engine there is nothing more to look at.
pub(super) async fn checks(plane: &Plane, preflight: bool) -> Vec<Check> {
    let session = match Session::open(plane).await {
        Ok(session) => session,
        Err(error) => return vec![Check::fail("docker", &error)],
    };
    let mut found = vec![Check::pass("docker", engine(&session.engine))];
    let ours = match session.ours().await {
        Ok(ours) => ours,
        Err(error) => {
            found.push(Check::fail("docker/containers", &error));
            return found;
        }
    };
    found.push(Check::of("docker/names", names(&session).await));
    found.push(port(&session, &ours).await);
    found.push(own_image(&session, &ours).await);
    found.extend(clusters(&session).await);
    if !preflight {
        found.extend(ours.iter().map(container));
    }
    found
}

fn engine(engine: &Engine) -> String {
    format!("Docker engine {} at {}, API {}", engine.version(), engine.address(), engine.api())
}

async fn names(session: &Session<'_>) -> Result<String> {
    let spec = Spec::new(&session.plane.context, "", None)?;
    let names: Vec<String> = spec.parts.iter().map(|part| session.container_name(&part.name)).collect();
    session.refuse_strangers(names.iter().map(String::as_str)).await?;
    Ok(format!("the names of the plane, {}…, are its own or free", session.name()))
}

async fn port(session: &Session<'_>, ours: &[Found]) -> Check {
    const ID: &str = "docker/port";
    let port = port_of(&session.plane.context.endpoint);
    if ours.iter().any(|found| found.published == Some(port) && found.is_alive()) {
        return Check::pass(ID, format!("port {port} is the plane's"));
    }
    if !session.engine.address().is_local() {
        return Check::warn(
            ID,
            format!("port {port} is one of the machine of the engine, {}", session.engine.address()),
            format!("Forward it to reach the plane: `ssh -NL {port}:localhost:{port} HOST`."),
        );
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Check::pass(ID, format!("port {port} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Check::fail(ID, &up::taken(session, port, &error.to_string()).await)
        }
        Err(error) => {
            Check::fail(ID, &Error::new(Code::ListenFailed, format!("port {port} cannot be tried")).because(error))
        }
    }
}

async fn own_image(session: &Session<'_>, ours: &[Found]) -> Check {
    const ID: &str = "docker/image";
    if let Some(running) = ours.iter().find(|found| found.is_running()) {
        return Check::pass(ID, format!("the plane runs {}", running.image));
    }
    let has = image::has_own(session, &session.plane.program).await;
    Check::of(
        ID,
        has.map(|(reference, there)| {
            if there {
                format!("the engine has {reference}")
            } else {
                format!("{reference} is made of this program and loaded at the start")
            }
        }),
    )
}

/// The kubeconfig as the server would get it.
async fn clusters(session: &Session<'_>) -> Vec<Check> {
    const ID: &str = "docker/kubeconfig";
    let made = match payload::kubeconfig(session).await {
        Ok(made) => made,
        Err(error) => return vec![Check::fail(ID, &error)],
    };
    if made.notes.is_empty() {
        let message = match made.contexts.as_slice() {
            [] => "there is no kubeconfig: the server will know no cluster".to_owned(),
            contexts => format!("the server in the container can use {}", contexts.join(", ")),
        };
        return vec![Check::pass(ID, message)];
    }
    let warn = |note: &String| {
        let (message, remedy) = note.split_once(". ").unwrap_or((note, ""));
        Check::warn(ID, message, remedy)
    };
    made.notes.iter().map(warn).collect()
}

fn container(found: &Found) -> Check {
    let id = format!("docker/{}", super::session::component(found));
    if found.is_running() {
        return Check::pass(id, format!("container {} runs {}", found.name, found.image));
    }
    let cause = super::status::blocker(found).unwrap_or_default();
    let error = Error::new(Code::DockerComponentFailed, format!("container {} is {}", found.name, found.state.status))
        .because(cause)
        .remedy("Start it with `mesheryctl system start`; its log: `mesheryctl system logs`.");
    Check::fail(id, &error)
}

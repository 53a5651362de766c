//! What the verbs about the plane's life share: which plane is meant, and how it is shown.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::base::{Code, Error, Result};
use crate::client::http::is_loopback;
use crate::client::probe::{Probe, probe};
use crate::client::process::{self, Role, Running, holder};
use crate::ctl::Ctl;
use crate::model::context::{Context, Platform};
pub use crate::model::plane::{PlaneStatus as Status, State};
use crate::wire::rest::Phase;

/// Limit for a look at a port of this machine.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// A plane of this machine.
pub(in crate::ctl::cmd) struct Plane {
    /// Its data.
    pub home: PathBuf,
    /// The context that was chosen.
    pub context: Context,
}

/// The chosen context, on the platform that a flag names where it does.
pub(super) fn context(ctx: &Ctl, platform: Option<&str>) -> Result<Context> {
    let mut context = ctx.settings.context()?;
    if let Some(platform) = platform {
        context.platform = platform.parse().map_err(|reason: String| {
            Error::new(Code::ConfigValue, format!("--platform {platform} is not allowed")).because(reason)
        })?;
    }
    Ok(context)
}

/// The plane of the chosen context, when this machine's processes are it.
pub(in crate::ctl::cmd) fn local(ctx: &Ctl, platform: Option<&str>) -> Result<Plane> {
    local_of(ctx, context(ctx, platform)?)
}

/// The plane of a context, when this machine's processes are it.
pub(super) fn local_of(ctx: &Ctl, context: Context) -> Result<Plane> {
    if context.platform != Platform::Local {
        return Err(Error::new(
            Code::PlatformUnsupported,
            format!(
                "context `{}` has platform {}, and this command is for platform local",
                context.name, context.platform
            ),
        ));
    }
    let here = Url::parse(&context.endpoint).is_ok_and(|url| is_loopback(&url));
    if !here {
        return Err(Error::new(
            Code::PlatformUnsupported,
            format!("context `{}` points at {}, which is not this machine", context.name, context.endpoint),
        )
        .remedy("Choose a context with a loopback endpoint, or manage that plane on its own machine."));
    }
    Ok(Plane { home: ctx.settings.home()?, context })
}

/// A plane without a process.
fn without(context: &Context, state: State) -> Status {
    Status {
        context: context.name.clone(),
        platform: context.platform,
        state,
        endpoint: context.endpoint.clone(),
        pid: None,
        version: None,
        started_at: None,
        log: None,
        components: Vec::new(),
        note: None,
    }
}

/// A running process.
pub(super) fn of_process(context: &Context, running: &Running, state: State) -> Status {
    Status {
        endpoint: running.endpoint(),
        pid: Some(running.pid),
        version: Some(running.version.clone()),
        started_at: Some(running.started_at),
        log: running.log.clone(),
        ..without(context, state)
    }
}

/// Looks at the server of a local plane.
pub(super) async fn look(plane: &Plane) -> Result<Status> {
    if let Some(running) = process::find(Role::Server, &plane.home)? {
        let state = match probe(running.reachable(), LOOK).await {
            Probe::Ours(report) => of_phase(report.phase),
            Probe::Other | Probe::Nobody => State::Silent,
        };
        return Ok(of_process(&plane.context, &running, state));
    }
    let url = Url::parse(&plane.context.endpoint).ok();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    Ok(match probe(address, LOOK).await {
        Probe::Nobody => without(&plane.context, State::Stopped),
        Probe::Ours(report) if report.home == Some(process::home_id(&plane.home)) => Status {
            pid: Some(report.pid),
            version: Some(report.version),
            ..without(&plane.context, of_phase(report.phase))
        },
        Probe::Ours(report) => Status {
            note: Some(format!("the server of another Meshery home, process {}, listens there", report.pid)),
            ..without(&plane.context, State::Foreign)
        },
        Probe::Other => Status {
            note: holder::of_port(port).map(|holder| format!("{holder} listens there")),
            ..without(&plane.context, State::Foreign)
        },
    })
}

pub(super) fn of_phase(phase: Phase) -> State {
    match phase {
        Phase::Starting => State::Starting,
        Phase::Ready => State::Running,
        Phase::Draining => State::Draining,
    }
}

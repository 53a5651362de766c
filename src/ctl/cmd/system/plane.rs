//! What the verbs about the plane's life share: which plane is meant, and how it is shown.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::base::clock::{self, Timestamp};
use crate::base::{Code, Error, Result};
use crate::client::http::is_loopback;
use crate::client::probe::{Probe, probe};
use crate::client::process::{self, Role, Running, holder};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::{Context, Platform};
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

/// The plane of the chosen context, when this machine's processes are it.
pub(in crate::ctl::cmd) fn local(ctx: &Ctl, platform: Option<&str>) -> Result<Plane> {
    let mut context = ctx.settings.context()?;
    if let Some(platform) = platform {
        context.platform = platform.parse().map_err(|reason: String| {
            Error::new(Code::ConfigValue, format!("--platform {platform} is not allowed")).because(reason)
        })?;
    }
    if context.platform != Platform::Local {
        return Err(Error::new(
            Code::PlatformUnsupported,
            format!("context `{}` has platform {}, which this build cannot manage", context.name, context.platform),
        )
        .because("this build starts and stops planes of platform local only; it can use planes of every platform"));
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

/// How a plane's server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It serves.
    Running,
    /// It opens its database.
    Starting,
    /// It finishes what runs and takes no new work.
    Draining,
    /// Its process is there but does not answer.
    Silent,
    /// There is none.
    Stopped,
    /// Something else listens at the endpoint.
    Foreign,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Starting => "starting",
            State::Draining => "draining",
            State::Silent => "silent",
            State::Stopped => "stopped",
            State::Foreign => "foreign",
        }
    }
}

/// The server of a plane.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status {
    /// The context.
    pub context: String,
    /// How the server is.
    pub state: State,
    /// Its address; the context's own when it does not run.
    pub endpoint: String,
    /// Process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// What is odd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Status {
    fn without(context: &Context, state: State) -> Self {
        Self {
            context: context.name.clone(),
            state,
            endpoint: context.endpoint.clone(),
            pid: None,
            version: None,
            started_at: None,
            log: None,
            note: None,
        }
    }

    /// A running process.
    pub(super) fn of(context: &Context, running: &Running, state: State) -> Self {
        Self {
            endpoint: running.endpoint(),
            pid: Some(running.pid),
            version: Some(running.version.clone()),
            started_at: Some(running.started_at),
            log: running.log.clone(),
            ..Self::without(context, state)
        }
    }

    /// Shows it as a table of one row.
    pub(super) fn print(&self, ctx: &Ctl) -> Result<()> {
        let now = clock::now();
        let dash = || "-".to_owned();
        let columns = [
            Column::new("CONTEXT", |status: &Status| status.context.clone()),
            Column::new("STATE", |status: &Status| status.state.word().to_owned()),
            Column::new("ENDPOINT", |status: &Status| status.endpoint.clone()),
            Column::new("PID", move |status: &Status| status.pid.map_or_else(dash, |pid| pid.to_string())),
            Column::new("VERSION", move |status: &Status| status.version.clone().unwrap_or_else(dash)),
            Column::new("AGE", move |status: &Status| {
                status.started_at.map_or_else(dash, |since| clock::age(since, now))
            }),
            Column::wide("LOG", move |status: &Status| {
                status.log.as_ref().map_or_else(dash, |path| path.display().to_string())
            }),
        ];
        ctx.ui.print(&Rendered::table(self, std::slice::from_ref(self), &columns)?.names([self.state.word()]))
    }
}

/// Looks at the server of a local plane.
pub(super) async fn look(plane: &Plane) -> Result<Status> {
    if let Some(running) = process::find(Role::Server, &plane.home)? {
        let state = match probe(running.reachable(), LOOK).await {
            Probe::Ours(report) => of_phase(report.phase),
            Probe::Other | Probe::Nobody => State::Silent,
        };
        return Ok(Status::of(&plane.context, &running, state));
    }
    let url = Url::parse(&plane.context.endpoint).ok();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    Ok(match probe(address, LOOK).await {
        Probe::Nobody => Status::without(&plane.context, State::Stopped),
        Probe::Ours(report) if report.home == Some(process::home_id(&plane.home)) => Status {
            pid: Some(report.pid),
            version: Some(report.version),
            ..Status::without(&plane.context, of_phase(report.phase))
        },
        Probe::Ours(report) => Status {
            note: Some(format!("the server of another Meshery home, process {}, listens there", report.pid)),
            ..Status::without(&plane.context, State::Foreign)
        },
        Probe::Other => Status {
            note: holder::of_port(port).map(|holder| format!("{holder} listens there")),
            ..Status::without(&plane.context, State::Foreign)
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

//! A plane of platform local: a process of this machine.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::plane::{self, LOOK, Plane, State};
use crate::base::{Code, Error, Result, clock, dirs, env};
use crate::client::probe::{Probe, probe};
use crate::client::process::{self, Launch, Role, Running, holder};
use crate::ctl::Ctl;
use crate::ctl::ui::Tone;

/// How long the server may take until it serves.
const LIMIT: Duration = Duration::from_secs(30);

/// Brings the server up; whether it was started by this.
pub(in crate::ctl::cmd) async fn up(ctx: &Ctl, plane: &Plane, wanted: Option<u16>) -> Result<(Running, bool)> {
    if let Some(running) = process::find(Role::Server, &plane.home)? {
        if let Some(port) = wanted.filter(|port| *port != 0 && *port != running.port) {
            return Err(Error::new(
                Code::ServerRunning,
                format!("the server runs already on port {}, not on port {port}", running.port),
            )
            .because(format!("it is process {}", running.pid))
            .remedy(format!("Move it with `mesheryctl system restart --port {port}`.")));
        }
        settled(&running).await?;
        return Ok((running, false));
    }
    if let Some(stale) = process::clean(Role::Server, &plane.home)? {
        ctx.ui.note(&format!(
            "The last server, process {}, was gone without a word; its record is removed.",
            stale.pid
        ))?;
    }
    let port = wanted.or_else(|| port(&plane.context.endpoint)).unwrap_or(crate::model::context::DEFAULT_PORT);
    free(port).await?;
    let progress = ctx.ui.progress();
    let step = progress.step("server");
    step.state("starting");
    match process::start(&launch(ctx, plane, port)?).await {
        Ok(running) => {
            step.end(Tone::Good, format!("serves at {}", running.endpoint()));
            Ok((running, true))
        }
        // Somebody else started it in the same moment: what was wanted is there.
        Err(error) => match process::find(Role::Server, &plane.home)? {
            Some(running) => {
                settled(&running).await?;
                Ok((running, false))
            }
            None => Err(error),
        },
    }
}

/// Waits for a running server that is still opening its database.
async fn settled(running: &Running) -> Result<()> {
    let deadline = std::time::Instant::now() + LIMIT;
    loop {
        let answer = probe(running.reachable(), LOOK).await;
        if matches!(&answer, Probe::Ours(report) if plane::of_phase(report.phase) == State::Running) {
            return Ok(());
        }
        if std::time::Instant::now() >= deadline || !matches!(answer, Probe::Ours(_)) {
            return Err(Error::new(
                Code::ServerStart,
                format!("process {} has {} but does not serve", running.pid, running.endpoint()),
            )
            .remedy("Start it anew with `mesheryctl system restart --force`."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Fails when somebody listens on the port, and names them.
///
/// # Errors
/// [`Code::PortTaken`] when somebody does.
pub(super) async fn free(port: u16) -> Result<()> {
    if port == 0 {
        return Ok(());
    }
    let taken = Error::new(Code::PortTaken, format!("port {port} is taken"));
    let taken = match probe(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LOOK).await {
        Probe::Nobody => return Ok(()),
        Probe::Ours(report) => {
            taken.because(format!("a mesheryctl server of another Meshery home, process {}, serves there", report.pid))
        }
        Probe::Other => match holder::of_port(port) {
            Some(holder) => taken.because(format!("{holder} listens there")),
            None => taken.because("another process listens there"),
        },
    };
    Err(taken.remedy("Stop the holder, or choose another port: `--port 0` takes a free one."))
}

/// The port of an endpoint.
pub(crate) fn port(endpoint: &str) -> Option<u16> {
    Url::parse(endpoint).ok()?.port_or_known_default()
}

fn launch(ctx: &Ctl, plane: &Plane, port: u16) -> Result<Launch> {
    let mut launch = role(ctx, Role::Server, &plane.home)?;
    launch.arguments.extend(["--port".into(), port.to_string().into()]);
    Ok(launch)
}

/// How a role of this program is started apart from the terminal.
pub(in crate::ctl::cmd) fn role(ctx: &Ctl, role: Role, home: &Path) -> Result<Launch> {
    let program = std::env::current_exe()
        .map_err(|error| Error::new(Code::ServerStart, "the path of this program is unknown").because(error))?;
    let log = absolute(role.log()?);
    let mut arguments: Vec<OsString> = ["serve", role.name(), "--detached", "--log-file"].map(Into::into).to_vec();
    arguments.push(log.clone().into_os_string());
    if ctx.settings.config_path().is_ok_and(|path| path.exists()) {
        arguments.extend(["--config".into(), absolute(ctx.settings.config_path()?).into_os_string()]);
    }
    let mut environment: Vec<(OsString, OsString)> = Vec::new();
    if env::is_set(env::MESHERY_HOME) {
        environment.push((env::MESHERY_HOME.into(), absolute(home.to_owned()).into_os_string()));
    }
    if let Some(list) = ctx.settings.kubeconfig_list() {
        environment.push((env::KUBECONFIG.into(), list.into()));
    }
    Ok(Launch { role, home: home.to_owned(), program, arguments, environment, log, limit: LIMIT })
}

/// Paths mean the same to a process with another working folder only when they are absolute.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Moves the plane's data aside, into a folder below `archive`; where it went, `None` when there was none.
///
/// # Errors
/// [`Code::ConfigWrite`] when it cannot be moved; nothing is lost then.
pub(super) fn archive_data(home: &Path) -> Result<Option<PathBuf>> {
    let data = dirs::data(home);
    if !data.exists() {
        return Ok(None);
    }
    let archive = home.join("archive");
    dirs::create_private(&archive)?;
    let name = format!("data-{}", clock::now().strftime("%Y%m%dT%H%M%S%.3fZ"));
    let target = archive.join(name);
    std::fs::rename(&data, &target).map_err(|error| {
        Error::new(Code::ConfigWrite, format!("cannot move {} to {}", data.display(), target.display())).because(error)
    })?;
    Ok(Some(target))
}

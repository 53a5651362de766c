//! `system start`.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::plane::{self, LOOK, Plane, State};
use super::show;
use crate::base::{Code, Error, Result, env};
use crate::client::probe::{Probe, probe};
use crate::client::process::{self, Launch, Role, Running, holder};
use crate::ctl::Ctl;
use crate::ctl::ui::Tone;

/// How long the server may take until it serves.
const LIMIT: Duration = Duration::from_secs(30);

/// Start the plane's server apart from the terminal, and wait until it serves.
///
/// On platform local it is a process of this program; its data is ~/.meshery/data and its token ~/.meshery/auth.json,
/// made when missing. Starting a running server changes nothing.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system start\n  mesheryctl system start --port 9082")]
pub struct Args {
    /// Platform, instead of the context's own: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Port, instead of that of the context's endpoint; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Kept for old scripts: nothing is updated at a start.
    #[arg(long, hide_short_help = true)]
    pub skip_update: bool,
    /// Kept for old scripts: no browser is opened.
    #[arg(long, hide_short_help = true)]
    pub skip_browser: bool,
    /// Kept for old scripts: on platform local there are no files to reset.
    #[arg(long, hide_short_help = true)]
    pub reset: bool,
    /// Kept for old scripts: a local plane has the provider None.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub provider: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let plane = plane::local(ctx, args.platform.as_deref())?;
    if args.reset {
        ctx.ui.note("--reset does nothing on platform local: there are no downloaded files to reset.")?;
    }
    if let Some(provider) = args.provider.as_deref().filter(|name| !crate::model::provider::is_local(name)) {
        ctx.ui.note(&format!("--provider {provider} does nothing on platform local: its provider is None."))?;
    }
    let (running, fresh) = up(ctx, &plane, args.port).await?;
    if !fresh {
        ctx.ui.note(&format!("The server runs already, as process {}.", running.pid))?;
    }
    show::print(ctx, &plane::of_process(&plane.context, &running, State::Running))
}

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
async fn free(port: u16) -> Result<()> {
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
    Err(taken.remedy("Stop the holder, or choose another port: `mesheryctl system start --port 0` takes a free one."))
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

//! `version`.

use schemars::JsonSchema;
use serde::Serialize;

use super::self_::own_channel;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::Platform;
use crate::model::version::Version;
use crate::release::feed;
use crate::release::known::{self, Known};

/// Show the version of this program and of the context's plane.
///
/// On platform local, no server is looked for when none was started on this machine. A server that does not answer is
/// told in the table; the exit code is 0 all the same. A newer release is shown when the release feed was asked lately; no
/// request is made for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl version\n  mesheryctl version --client -o json")]
pub struct Args {
    /// Show this program's version only, without looking for a server.
    #[arg(long)]
    pub client: bool,
}

/// Versions of both sides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Versions {
    /// This program.
    pub client: Version,
    /// The plane; absent with --client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// The newest release of this program's channel, when it is known and newer than this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Newest>,
}

/// A release that is newer than this program.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Newest {
    /// Its version.
    pub build: String,
    /// When the feed said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

/// The plane's side.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Server {
    /// How it is.
    pub state: State,
    /// Address of the server.
    pub endpoint: String,
    /// Its version, when it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Why it cannot be reached, when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It answers.
    Running,
    /// None was started on this machine; commands do the work themselves.
    NotRunning,
    /// It does not answer.
    Unreachable,
}

struct Row {
    side: &'static str,
    version: String,
    commit: String,
    endpoint: String,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let server = if args.client { None } else { Some(server(ctx).await?) };
    let newest = if args.client { None } else { newest() };
    let versions = Versions { client: Version::current(), server, newest };
    let mut rows = vec![row("Client", &versions.client, "-")];
    if let Some(server) = &versions.server {
        rows.push(match (&server.version, server.state) {
            (Some(version), _) => row("Server", version, &server.endpoint),
            (None, state) => Row {
                side: "Server",
                version: if state == State::NotRunning { "not running" } else { "unreachable" }.to_owned(),
                commit: "-".to_owned(),
                endpoint: server.endpoint.clone(),
            },
        });
        tell(ctx, &versions.client, server)?;
    }
    if let Some(newest) = &versions.newest {
        let (version, commit, endpoint) = (newest.build.clone(), "-".to_owned(), "-".to_owned());
        rows.push(Row { side: "Newest", version, commit, endpoint });
    }
    let columns = [
        Column::new("SIDE", |row: &Row| row.side.to_owned()),
        Column::new("VERSION", |row: &Row| row.version.clone()),
        Column::new("COMMIT", |row: &Row| row.commit.clone()),
        Column::wide("ENDPOINT", |row: &Row| row.endpoint.clone()),
    ];
    ctx.ui.print(&Rendered::table(&versions, &rows, &columns)?.names([versions.client.build.clone()]))
}

fn row(side: &'static str, version: &Version, endpoint: &str) -> Row {
    Row { side, version: version.build.clone(), commit: version.commitsha.clone(), endpoint: endpoint.to_owned() }
}

/// What the feed said last.
fn newest() -> Option<Newest> {
    let feed = feed::address_of(&feed::chosen().unwrap_or_else(|| feed::DEFAULT_URL.to_owned())).ok()?;
    let known = Known::of(&known::path().ok()?, &feed, own_channel());
    let build = known.later_than(env!("CARGO_PKG_VERSION"))?.to_owned();
    Some(Newest { build, asked_at: known.asked_at })
}

async fn server(ctx: &Ctl) -> Result<Server> {
    let request = ctx.settings.connect_request()?;
    let endpoint = request.context.endpoint.clone();
    let is_here = request.context.platform == Platform::Local && !request.endpoint_chosen;
    if is_here && !ctx.settings.local_plane_is_recorded() {
        return Ok(Server { state: State::NotRunning, endpoint, version: None, reason: None });
    }
    let answer = async {
        let client = ctx.client().await?;
        Ok::<_, Error>((client.name() == IN_PROCESS, client.version().await?))
    };
    Ok(match answer.await {
        Ok((true, _)) => Server { state: State::NotRunning, endpoint, version: None, reason: None },
        Ok((false, version)) => Server { state: State::Running, endpoint, version: Some(version), reason: None },
        Err(error) => Server { state: State::Unreachable, endpoint, version: None, reason: Some(error.to_string()) },
    })
}

/// What a client over the server's own router calls itself.
const IN_PROCESS: &str = "in-process";

fn tell(ctx: &Ctl, client: &Version, server: &Server) -> Result<()> {
    if let Some(reason) = &server.reason {
        return ctx.ui.warn(&format!("the server cannot be asked: {reason}"));
    }
    match &server.version {
        Some(version) if version.build != client.build => ctx.ui.warn(&format!(
            "client {} and server {} differ; restart the plane with `mesheryctl system restart` or update mesheryctl",
            client.build, version.build
        )),
        _ => Ok(()),
    }
}

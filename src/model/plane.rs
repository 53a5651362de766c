//! A plane as its platform runs it: components, their state, and what its verbs report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context::Platform;
use crate::base::clock::Timestamp;

/// How a plane's server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It serves.
    Running,
    /// It opens its database, or its platform is still bringing it up.
    Starting,
    /// It finishes what runs and takes no new work.
    Draining,
    /// It is there but does not answer.
    Silent,
    /// There is none.
    Stopped,
    /// Something else listens at the endpoint.
    Foreign,
}

impl State {
    /// The word for tables.
    pub fn word(self) -> &'static str {
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

/// One component of a plane: the server, an adapter or the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Name, such as `meshery`, `meshery-istio` or `broker`.
    pub name: String,
    /// Instances that are ready.
    pub ready: u32,
    /// Instances that are wanted.
    pub wanted: u32,
    /// State in the platform's own word, such as `Running` or `ImagePullBackOff`.
    pub status: String,
    /// How often it was restarted.
    pub restarts: u32,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Image it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Container or pod that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Address inside the platform's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Node it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What keeps it from being ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The whole plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaneStatus {
    /// The context.
    pub context: String,
    /// Where it runs.
    pub platform: Platform,
    /// How the server is.
    pub state: State,
    /// Address of the server.
    pub endpoint: String,
    /// Process id, on platform local.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Its log, on platform local.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<std::path::PathBuf>,
    /// Its components; empty when there is none, and on platform local, where the server is all.
    pub components: Vec<Component>,
    /// What is odd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a stop removed and left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// What is gone, such as `container/meshery-local` or `Deployment/meshery`.
    pub removed: Vec<String>,
    /// What was kept on purpose, such as `volume/meshery-local`.
    pub kept: Vec<String>,
}

/// What an update did to one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Updated {
    /// Name of the component, or `KIND/NAME` of an object of the plane that is missing.
    pub component: String,
    /// Image it had.
    pub from: String,
    /// Image it was to get.
    pub to: String,
    /// How it went.
    pub outcome: UpdateOutcome,
    /// Why it was rolled back, or what brings it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How an update of a component went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOutcome {
    /// It has that image already.
    Unchanged,
    /// It runs the new image and is ready.
    Updated,
    /// The new image did not become ready; the old one runs again.
    RolledBack,
    /// The plane should have it and it is not there: that is for a start to change.
    Missing,
}

impl UpdateOutcome {
    /// Whether it was not done as asked.
    pub fn is_failure(self) -> bool {
        matches!(self, UpdateOutcome::RolledBack | UpdateOutcome::Missing)
    }
}

impl Updated {
    /// A component or object that is not there.
    pub fn missing(component: impl Into<String>) -> Self {
        Self {
            component: component.into(),
            from: String::new(),
            to: String::new(),
            outcome: UpdateOutcome::Missing,
            reason: Some("`mesheryctl system start` brings it back".to_owned()),
        }
    }
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Component that wrote it.
    pub component: String,
    /// The line, without its end.
    pub text: String,
}

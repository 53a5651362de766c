//! Contexts of config.yaml: which plane a command talks to.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a plane runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// A process of this machine, from this binary; without one, commands do the work themselves.
    #[default]
    Local,
    /// Containers of a Docker engine.
    Docker,
    /// Pods of a Kubernetes cluster.
    Kubernetes,
}

impl Platform {
    /// Every platform, for help and errors.
    pub const NAMES: &'static [&'static str] = &["local", "docker", "kubernetes"];

    /// Its name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Local => "local",
            Platform::Docker => "docker",
            Platform::Kubernetes => "kubernetes",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Platform::Local),
            "docker" => Ok(Platform::Docker),
            "kubernetes" => Ok(Platform::Kubernetes),
            other => Err(format!("`{other}` is not one of {}", Self::NAMES.join(", "))),
        }
    }
}

/// One context with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Context {
    /// Name.
    pub name: String,
    /// Address of the server.
    pub endpoint: String,
    /// Name of the token entry.
    pub token: String,
    /// Where the plane runs.
    pub platform: Platform,
    /// Adapters (`components` in later files), such as `meshery-istio`.
    pub components: Vec<String>,
    /// Release channel: `stable` or `edge`.
    pub channel: String,
    /// `latest` or a tag such as `v0.6.0`.
    pub version: String,
    /// Provider; empty means the server's default.
    pub provider: String,
}

/// Address of a plane that says nothing else.
pub const DEFAULT_ENDPOINT: &str = "http://localhost:9081";
/// Port of a plane that says nothing else.
pub const DEFAULT_PORT: u16 = 9081;

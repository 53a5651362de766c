//! Versions of the program.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A build of the program. The channel is read in the spelling of 2026 too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Version of the build.
    pub build: String,
    /// Commit it was built from; `unknown` when the build did not say.
    #[serde(default)]
    pub commitsha: String,
    /// Channel of the build: `stable` or `edge`.
    #[serde(default, alias = "releaseChannel")]
    pub release_channel: String,
}

impl Version {
    /// This build.
    pub fn current() -> Self {
        Self {
            build: env!("CARGO_PKG_VERSION").to_owned(),
            commitsha: option_env!("MESHERY_BUILD_COMMIT").unwrap_or("unknown").to_owned(),
            release_channel: option_env!("MESHERY_BUILD_CHANNEL").unwrap_or("stable").to_owned(),
        }
    }
}

//! Providers: who knows the user and keeps what is theirs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the local provider in files and cookies; `Local` is its alias.
pub const LOCAL: &str = "None";

/// Whether a name stands for the local provider.
pub fn is_local(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case(LOCAL) || name.eq_ignore_ascii_case("local")
}

/// What a provider says of itself. An empty `provider_url` means local.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// `local` or `remote`.
    #[serde(alias = "providerType")]
    pub provider_type: String,
    /// Name; the key of the provider list.
    #[serde(alias = "providerName")]
    pub provider_name: String,
    /// Lines that describe it.
    #[serde(default, alias = "providerDescription")]
    pub provider_description: Vec<String>,
    /// Address of a remote provider.
    #[serde(default, alias = "providerUrl")]
    pub provider_url: String,
    /// Features it persists.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
}

/// One feature of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// Feature name, such as `persist-meshery-patterns`.
    pub feature: String,
    /// Path of the feature at the provider.
    pub endpoint: String,
}

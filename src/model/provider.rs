//! Providers: who knows the user and keeps what is theirs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the local provider in files and cookies; `Local` is its alias.
pub const LOCAL: &str = "None";

/// `provider_type` of the local provider.
pub const LOCAL_TYPE: &str = "local";
/// `provider_type` of providers elsewhere.
pub const REMOTE_TYPE: &str = "remote";

/// Whether a remote provider answered when it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It answered.
    Online,
    /// It did not; what is told of it is what it said earlier.
    Offline,
    /// It never answered, so that even its name is not known; its host stands for it.
    Unknown,
}

/// Whether a name stands for the local provider.
pub fn is_local(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case(LOCAL) || name.eq_ignore_ascii_case("local")
}

/// What a provider says of itself. An empty `provider_url` means local. Sent in the spellings of 2021 and of 2026,
/// read in either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Spellings", into = "Spellings")]
pub struct Provider {
    /// `local` or `remote`.
    pub provider_type: String,
    /// Name; the key of the provider list.
    pub provider_name: String,
    /// Lines that describe it.
    pub provider_description: Vec<String>,
    /// Address of a remote provider.
    pub provider_url: String,
    /// Features it persists.
    pub capabilities: Vec<Capability>,
    /// Whether it answers; absent for the local one.
    pub status: Option<Status>,
}

impl Provider {
    /// Whether it lives in the plane itself.
    pub fn is_local(&self) -> bool {
        self.provider_url.is_empty()
    }

    /// The path of a feature at the provider, where it has that feature.
    pub fn endpoint(&self, feature: &str) -> Option<&str> {
        let found = self.capabilities.iter().find(|capability| capability.feature == feature);
        found.map(|capability| capability.endpoint.as_str())
    }
}

/// The text of a provider in one spelling of its keys.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Spellings {
    provider_type: String,
    provider_name: String,
    provider_description: Vec<String>,
    provider_url: String,
    #[serde(rename = "providerType")]
    type_2026: String,
    #[serde(rename = "providerName")]
    name_2026: String,
    #[serde(rename = "providerDescription")]
    description_2026: Vec<String>,
    #[serde(rename = "providerUrl")]
    url_2026: String,
    capabilities: Vec<Capability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl From<Provider> for Spellings {
    fn from(provider: Provider) -> Self {
        Self {
            type_2026: provider.provider_type.clone(),
            name_2026: provider.provider_name.clone(),
            description_2026: provider.provider_description.clone(),
            url_2026: provider.provider_url.clone(),
            provider_type: provider.provider_type,
            provider_name: provider.provider_name,
            provider_description: provider.provider_description,
            provider_url: provider.provider_url,
            capabilities: provider.capabilities,
            status: provider.status,
        }
    }
}

impl From<Spellings> for Provider {
    fn from(text: Spellings) -> Self {
        let either = |new: String, old: String| if new.is_empty() { old } else { new };
        Self {
            provider_type: either(text.type_2026, text.provider_type),
            provider_name: either(text.name_2026, text.provider_name),
            provider_description: if text.description_2026.is_empty() {
                text.provider_description
            } else {
                text.description_2026
            },
            provider_url: either(text.url_2026, text.provider_url),
            capabilities: text.capabilities,
            status: text.status,
        }
    }
}

/// One feature of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// Feature name, such as `persist-meshery-patterns`.
    pub feature: String,
    /// Path of the feature at the provider.
    pub endpoint: String,
}

//! Users of a provider that `serve provider` runs, and their sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;

/// Whether a user can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccountState {
    /// With a password.
    Active,
    /// With a one-time code, to choose a password.
    Invited,
    /// Not at all.
    Disabled,
}

impl AccountState {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            AccountState::Active => "active",
            AccountState::Invited => "invited",
            AccountState::Disabled => "disabled",
        }
    }
}

/// A user. Secrets are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Id.
    pub id: Uuid,
    /// Name to log in with.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address; may be empty.
    pub email: String,
    /// Whether the user can log in.
    pub state: AccountState,
    /// Whether the user stands in the file of `--users`, which then decides.
    pub from_file: bool,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user last logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
}

/// A session: what a login or a made token began. Its token is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountSession {
    /// Id.
    pub id: Uuid,
    /// Name of the user.
    pub user: String,
    /// What it is for: `login`, or what was said when the token was made.
    pub purpose: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends for good.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// What makes a user.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// Name to log in with.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
}

//! What a plane and a remote provider say to each other: paths, features and bodies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::id;

/// Paths of a provider that are no feature.
pub mod paths {
    /// What the provider is and keeps; planes ask with their build in front.
    pub const CAPABILITIES: &str = "/capabilities";
    /// The login page.
    pub const LOGIN: &str = "/login";
    /// Gives a new token for an old one.
    pub const REFRESH: &str = "/refresh";
    /// Keys that signed tokens are checked with.
    pub const KEYS: &str = "/keys";
    /// Tells whether a token holds.
    pub const INTROSPECT: &str = "/introspect";
    /// Ends the session of a token.
    pub const REVOKE: &str = "/revoke";
    /// The user, as planes of 2021 ask.
    pub const USER: &str = "/user";
    /// The user, as planes of 2026 ask.
    pub const PROFILE: &str = "/api/identity/users/profile";
}

/// Feature names that this program's plane makes use of.
pub mod feature {
    /// Preferences of the user.
    pub const PREFERENCES: &str = "sync-prefs";
    /// Patterns.
    pub const PATTERNS: &str = "persist-meshery-patterns";
    /// Applications.
    pub const APPLICATIONS: &str = "persist-meshery-applications";
    /// The user.
    pub const PROFILE: &str = "users-profile";
}

/// How a provider answers to a new object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200 and a list of the one object.
    List,
    /// 200 and the object.
    Object,
    /// 201 and its id.
    Id,
}

/// A sort of objects that a provider keeps for each user.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Name in the capabilities.
    pub name: &'static str,
    /// Path of the list; one object stands below it by its id.
    pub endpoint: &'static str,
    /// Key of the rows in a list, and the name of the collection: features that share it share their objects.
    pub plural: &'static str,
    /// Keys under which an object may be wrapped when it is sent; none where it never is.
    pub envelopes: &'static [&'static str],
    /// How a new object is answered.
    pub answer: Answer,
}

const fn of(name: &'static str, endpoint: &'static str, plural: &'static str, answer: Answer) -> Feature {
    Feature { name, endpoint, plural, envelopes: &[], answer }
}

/// Every feature that keeps objects, at its customary path.
pub const FEATURES: &[Feature] = &[
    Feature {
        envelopes: &["pattern_data", "patternData"],
        ..of(feature::PATTERNS, "/patterns", "patterns", Answer::List)
    },
    of("persist-meshery-pattern-resources", "/patterns/resources", "resources", Answer::Object),
    Feature {
        envelopes: &["filter_data", "filterData"],
        ..of("persist-meshery-filters", "/filter", "filters", Answer::List)
    },
    Feature {
        envelopes: &["application_data", "applicationData"],
        ..of(feature::APPLICATIONS, "/applications", "applications", Answer::List)
    },
    of("persist-performance-profiles", "/user/performance/profiles", "profiles", Answer::Object),
    of("persist-schedules", "/user/schedules", "schedules", Answer::Object),
    of("persist-smp-test-profile", "/user/test-config", "test_configs", Answer::Object),
    of("persist-results", "/results", "results", Answer::Id),
    of("persist-result", "/result", "results", Answer::Id),
    of("persist-smi-results", "/smi/results", "smi_results", Answer::Id),
    of("persist-smi-result", "/smi/result", "smi_results", Answer::Id),
    of("persist-events", "/events", "events", Answer::Object),
    of("persist-connection", "/connections", "connections", Answer::Object),
    of("persist-credentials", "/credentials", "credentials", Answer::Object),
    of("environments", "/environments", "environments", Answer::Object),
    of("workspaces", "/workspaces", "workspaces", Answer::Object),
];

/// Path under which a profile's results stand, with `{id}` for the profile.
pub const PROFILE_RESULTS: &str = "/user/performance/profiles/{id}/results";
/// Path of preferences.
pub const PREFERENCES: &str = "/user/preferences";
/// Path at which the metrics of a result are put.
pub const METRICS: &str = "/result/metrics";

/// Features that keep no objects of their own, and their paths.
pub const OTHER_FEATURES: &[(&str, &str)] =
    &[(feature::PREFERENCES, PREFERENCES), ("persist-metrics", METRICS), (feature::PROFILE, paths::PROFILE)];

/// A body that is a token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TokenBody {
    /// The token, whole or its access part.
    pub token: String,
}

/// Answer to `/introspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Introspection {
    /// Whether it holds.
    pub active: bool,
    /// Name of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Id of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

/// The user of a provider, as far as planes need to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Id; made of the provider's own where that is no UUID.
    pub id: Uuid,
    /// The provider's own id.
    pub user_id: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address; empty when the provider does not tell.
    pub email: String,
}

impl Profile {
    /// Reads the object that providers of any era answer with; `None` when it names no user.
    pub fn read(provider: &str, body: &Value) -> Option<Self> {
        let text = |names: &[&str]| {
            let value = names.iter().find_map(|name| body.get(name)?.as_str().filter(|text| !text.is_empty()));
            value.unwrap_or_default().to_owned()
        };
        let user_id = text(&["user_id", "userId", "id", "sub"]);
        let own = text(&["id", "user_id", "userId", "sub"]);
        if own.is_empty() {
            return None;
        }
        Some(Self {
            id: Uuid::parse_str(&own).unwrap_or_else(|_| id::stable(&format!("user:{provider}"), &own)),
            user_id,
            first_name: text(&["first_name", "firstName"]),
            last_name: text(&["last_name", "lastName"]),
            email: text(&["email"]),
        })
    }
}

/// The user as a provider answers, with the keys of 2021 and of 2026.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProfileBody {
    /// Id.
    pub id: Uuid,
    /// Name at the provider.
    pub user_id: String,
    /// Name at the provider.
    #[serde(rename = "userId")]
    pub user_id_2026: String,
    /// Name of the provider.
    pub provider: String,
    /// Mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// First name.
    #[serde(rename = "firstName")]
    pub first_name_2026: String,
    /// Last name.
    pub last_name: String,
    /// Last name.
    #[serde(rename = "lastName")]
    pub last_name_2026: String,
    /// Picture; always empty.
    pub avatar_url: String,
    /// Picture; always empty.
    #[serde(rename = "avatarUrl")]
    pub avatar_url_2026: String,
    /// `active`.
    pub status: String,
    /// When the user was made.
    #[serde(rename = "createdAt")]
    pub created_at: Timestamp,
    /// When the user last logged in.
    #[serde(rename = "lastLoginTime", skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_of_every_era_are_read() {
        let old =
            Profile::read("P", &json!({"user_id": "Z2l0aHViOmFkYQ", "first_name": "Ada", "last_name": "L"})).unwrap();
        assert_eq!((old.user_id.as_str(), old.first_name.as_str()), ("Z2l0aHViOmFkYQ", "Ada"));
        assert_eq!(old.id, Profile::read("P", &json!({"user_id": "Z2l0aHViOmFkYQ"})).unwrap().id, "the id is stable");
        assert_ne!(
            old.id,
            Profile::read("Q", &json!({"user_id": "Z2l0aHViOmFkYQ"})).unwrap().id,
            "and of its provider"
        );
        let id = Uuid::new_v4();
        let new = Profile::read("P", &json!({"id": id, "userId": "ada", "firstName": "Ada", "email": "a@b"})).unwrap();
        assert_eq!((new.id, new.user_id.as_str(), new.email.as_str()), (id, "ada", "a@b"));
        assert_eq!(Profile::read("P", &json!({"error": "unauthorized"})), None);
        assert_eq!(Profile::read("P", &json!("ada")), None);
    }

    #[test]
    fn no_two_features_have_one_path() {
        let mut paths: Vec<&str> = FEATURES.iter().map(|feature| feature.endpoint).collect();
        paths.extend(OTHER_FEATURES.iter().map(|(_, endpoint)| *endpoint));
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}

//! Adapters: where they are, what they say of themselves and what they can do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Report;
use crate::base::{Code, Error, Result};

/// Where an adapter or another gRPC service listens: a host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Host name or address in lower case; an IPv6 address without brackets.
    pub host: String,
    /// TCP port, never 0.
    pub port: u16,
}

impl Location {
    /// Whether it is on this machine: `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// A host with a port.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }

    /// Reads `host:port`, with or without `http://` in front and a slash behind, as web pages send it.
    ///
    /// # Errors
    /// [`Code::AddressInvalid`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = text.trim();
        let plain = ["http://", "grpc://"].iter().find_map(|scheme| plain.strip_prefix(scheme)).unwrap_or(plain);
        let plain = plain.strip_suffix('/').unwrap_or(plain);
        let wrong =
            |reason: &str| Error::new(Code::AddressInvalid, format!("`{text}` is not HOST:PORT")).because(reason);
        let Some((host, port)) = plain.rsplit_once(':') else { return Err(wrong("it has no port")) };
        let port = port.parse::<u16>().ok().filter(|port| *port != 0);
        let port = port.ok_or_else(|| wrong("the port is not a number from 1 to 65535"))?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_name(host),
        };
        if !is_host {
            return Err(wrong(if host.is_empty() { "it has no host" } else { "the host is not a name or an address" }));
        }
        Ok(Self::new(bare.unwrap_or(host), port))
    }

    /// Reads host and port to listen on, where port 0 takes a free one.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_to_listen(text: &str) -> Result<(String, u16)> {
        match text.strip_suffix(":0") {
            // A location's port is never 0; any other one tells whether the host is one.
            Some(host) => Self::parse(&format!("{host}:1")).map(|location| (location.host, 0)),
            None => Self::parse(text).map(|location| (location.host, location.port)),
        }
    }

    /// Reads a list, separated by blanks or commas; each entry that is none with its error.
    pub fn list(text: &str) -> Vec<Result<Self>> {
        let entries = text.split([' ', ',', '\t', '\n']).filter(|entry| !entry.is_empty());
        entries.map(Self::parse).collect()
    }
}

/// Whether a text can be a host name; names of containers may hold `_`.
fn is_name(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(allowed) && !host.starts_with(['-', '.'])
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// An adapter that a plane knows. Sent in the spellings of 2021 and of 2026, read in either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Spellings", into = "Spellings")]
pub struct Adapter {
    /// Where it listens, `host:port`.
    pub location: String,
    /// The mesh, in the words of the service mesh performance specification: `ISTIO`, `OPEN_SERVICE_MESH`. What the
    /// adapter says of itself; while it has never answered, what its address lets expect, or the address.
    pub name: String,
    /// Version; empty where the adapter does not answer or cannot tell.
    pub version: String,
    /// Commit it was built from; empty as the version.
    pub git_commit_sha: String,
    /// What it can do.
    pub ops: Vec<AdapterOperation>,
    /// How it was when it was asked last, which is a moment ago at most.
    pub state: AdapterState,
    /// How the plane came to know it.
    pub source: AdapterSource,
    /// Why it does not answer.
    pub error: Option<Report>,
}

/// [`Adapter`] on the wire.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Spellings {
    /// Where it listens, `host:port`.
    #[serde(default)]
    adapter_location: String,
    /// The mesh, such as `ISTIO`.
    #[serde(default)]
    name: String,
    /// Version of the adapter.
    #[serde(default)]
    version: String,
    /// Commit it was built from.
    #[serde(default)]
    git_commit_sha: String,
    /// What it can do.
    #[serde(default)]
    ops: Vec<AdapterOperation>,
    /// How it was when it was asked last.
    #[serde(default)]
    state: AdapterState,
    /// How the plane came to know it.
    #[serde(default)]
    source: AdapterSource,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Report>,
    /// Where it listens, `host:port`.
    #[serde(default, rename = "adapterLocation")]
    location_2026: String,
    /// Commit it was built from.
    #[serde(default, rename = "gitCommitSha")]
    commit_2026: String,
}

impl From<Adapter> for Spellings {
    fn from(adapter: Adapter) -> Self {
        Self {
            location_2026: adapter.location.clone(),
            commit_2026: adapter.git_commit_sha.clone(),
            adapter_location: adapter.location,
            name: adapter.name,
            version: adapter.version,
            git_commit_sha: adapter.git_commit_sha,
            ops: adapter.ops,
            state: adapter.state,
            source: adapter.source,
            error: adapter.error,
        }
    }
}

impl From<Spellings> for Adapter {
    fn from(text: Spellings) -> Self {
        let either = |new: String, old: String| if new.is_empty() { old } else { new };
        Self {
            location: either(text.location_2026, text.adapter_location),
            name: text.name,
            version: text.version,
            git_commit_sha: either(text.commit_2026, text.git_commit_sha),
            ops: text.ops,
            state: text.state,
            source: text.source,
            error: text.error,
        }
    }
}

/// How an adapter is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterState {
    /// It answers; also what a server that does not say means by listing it.
    #[default]
    Answers,
    /// It does not answer, or not in time.
    Unreachable,
    /// Something answers there that is no adapter.
    Foreign,
}

impl AdapterState {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            AdapterState::Answers => "answers",
            AdapterState::Unreachable => "unreachable",
            AdapterState::Foreign => "foreign",
        }
    }
}

/// How a plane came to know an adapter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterSource {
    /// `ADAPTER_URLS` of the server names it.
    Environment,
    /// A user added it.
    #[default]
    Added,
}

impl AdapterSource {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            AdapterSource::Environment => "environment",
            AdapterSource::Added => "added",
        }
    }
}

/// Something an adapter can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdapterOperation {
    /// Key; the same one does it and takes it back.
    pub key: String,
    /// What it does.
    #[serde(default)]
    pub value: String,
    /// Sort: 0 installs the mesh, 1 deploys a sample application, 2 configures, 3 validates, 4 applies a manifest of the
    /// caller.
    #[serde(default)]
    pub category: i32,
}

impl AdapterOperation {
    /// The word for its sort.
    pub fn category_word(&self) -> &'static str {
        match self.category {
            0 => "install",
            1 => "sample",
            2 => "configure",
            3 => "validate",
            4 => "custom",
            _ => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_are_read_in_every_form_and_written_in_one() {
        for (text, written) in [
            ("meshery-istio:10000", "meshery-istio:10000"),
            (" http://Localhost:10001/ ", "localhost:10001"),
            ("meshery_istio_1:10000", "meshery_istio_1:10000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:10000", "[::1]:10000"),
        ] {
            assert_eq!(Location::parse(text).unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn a_listener_may_want_any_free_port() {
        assert_eq!(Location::parse_to_listen("[::1]:0").unwrap(), ("::1".to_owned(), 0));
        assert_eq!(Location::parse_to_listen("localhost:80").unwrap(), ("localhost".to_owned(), 80));
        assert!(Location::parse_to_listen(":0").is_err() && Location::parse_to_listen("localhost").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "no port"),
            ("localhost", "no port"),
            ("localhost:", "not a number"),
            ("localhost:0", "not a number"),
            ("localhost:65536", "not a number"),
            (":10000", "no host"),
            ("::1:10000", "not a name"),
            ("[localhost]:1", "not a name"),
            ("https://h:1", "not a name"),
            ("a/b:1", "not a name"),
            ("user@h:1", "not a name"),
            ("h:1/path", "not a number"),
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::AddressInvalid, "{text}");
            assert!(error.report().probable_cause.unwrap().contains(reason), "{text}: {error}");
        }
        let list = Location::list("a:1, b:2 oops\tc:3");
        assert_eq!(list.iter().filter(|entry| entry.is_ok()).count(), 3);
        assert!(list[2].as_ref().unwrap_err().message().contains("`oops`"));
    }

    #[test]
    fn adapters_are_sent_in_both_spellings_and_read_in_either() {
        let old = json!({"adapter_location": "h:1", "name": "ISTIO", "version": "v0.5", "git_commit_sha": "abc",
            "ops": [{"key": "istio", "value": "Istio"}]});
        let adapter: Adapter = serde_json::from_value(old).unwrap();
        assert_eq!((adapter.ops[0].category, adapter.state), (0, AdapterState::Answers));
        let sent = serde_json::to_value(&adapter).unwrap();
        assert_eq!((&sent["adapter_location"], &sent["adapterLocation"]), (&json!("h:1"), &json!("h:1")));
        assert_eq!((&sent["git_commit_sha"], &sent["gitCommitSha"]), (&json!("abc"), &json!("abc")));
        let new = json!({"adapterLocation": "h:1", "name": "ISTIO", "version": "v0.5", "gitCommitSha": "abc",
            "ops": [{"key": "istio", "value": "Istio", "category": 0}]});
        assert_eq!(serde_json::from_value::<Adapter>(new).unwrap(), adapter);
    }
}

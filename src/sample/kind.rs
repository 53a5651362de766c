//! A kind that the practice cluster serves.

use std::sync::Arc;

use serde_json::{Value, json};

use super::shape::Ref;
use super::shape::schema::CustomVersion;

/// One kind in one version.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "`kind` is the word of the API")]
pub struct Kind {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural, as in paths.
    pub plural: String,
    /// Singular.
    pub singular: String,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// One letter a verb: see `pattern/schema/kinds.txt`.
    pub verbs: String,
    /// Short names.
    pub short: Vec<String>,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
    /// Subresources.
    pub subresources: Vec<Subresource>,
    /// The fields.
    pub shape: Ref,
    /// Group and plural under which objects are kept.
    pub storage: (String, String),
    /// What a CRD says about this version.
    pub custom: Option<Arc<CustomVersion>>,
}

/// A subresource of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// Such as `status`.
    pub name: String,
    /// Group and version of its kind when they are not the parent's.
    pub api_version: String,
    /// Kind that it speaks.
    pub kind: String,
    /// One letter a verb.
    pub verbs: String,
}

const VERBS: &[(char, &str)] = &[
    ('c', "create"),
    ('d', "delete"),
    ('D', "deletecollection"),
    ('g', "get"),
    ('l', "list"),
    ('p', "patch"),
    ('u', "update"),
    ('w', "watch"),
];

/// The verbs' names from their letters.
pub fn verb_names(letters: &str) -> Vec<&'static str> {
    VERBS.iter().filter(|(letter, _)| letters.contains(*letter)).map(|(_, name)| *name).collect()
}

impl Kind {
    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether the kind serves this verb, by its letter.
    pub fn serves(&self, letter: char) -> bool {
        self.verbs.contains(letter)
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|one| one.name == name)
    }

    /// Whether status is written apart from the rest.
    pub fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }

    /// Whether this is the built-in kind of that group and plural.
    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.storage.0 == group && self.storage.1 == plural
    }

    /// `GROUP/VERSION, Kind=KIND` as the server's messages write it.
    pub fn gvk_text(&self) -> String {
        format!("{}/{}, Kind={}", self.group, self.version, self.kind)
    }

    /// `{group, version, kind}`.
    pub fn gvk_value(&self) -> Value {
        json!({"group": self.group, "version": self.version, "kind": self.kind})
    }
}

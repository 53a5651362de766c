//! Other formats become pattern files, without loss.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`detect`] | tells the format of a text or folder from its content |
//! | [`manifests`] | reads Kubernetes manifests: streams, lists, JSON |
//! | [`compose`] | converts Docker Compose files to Kubernetes objects |
//! | [`live`] | takes what users own out of a running namespace |
//! | [`clean`] | drops what the server wrote |
//! | [`key`] | readable service keys |
//! | [`depend`] | `dependsOn` where an object names another |
//! | [`text`] | a text and the places in it |
//! | [`service`] | an object as a service, checked against what it will be applied as |
//!
//! Every reader gives [`Found`] objects; [`assemble`] makes the pattern file of them.

pub mod clean;
pub mod compose;
pub mod depend;
pub mod detect;
pub mod key;
pub mod live;
pub mod manifests;
pub mod service;
pub mod text;

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Place, Result};
use crate::base::text as words;
use crate::model::pattern::Pattern;
use crate::pattern::write;

pub use text::Source;

/// An object on its way into a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The object as it was read, with `apiVersion`, `kind` and `metadata.name`.
    pub body: Map<String, Value>,
    /// Where it was read.
    pub place: Place,
    /// Key it should get, where its source has one; else it is made of the name.
    pub key: Option<String>,
    /// Objects that its source wants in place first.
    pub after: Vec<Identity>,
}

impl Found {
    /// An object without wishes of its own.
    pub fn new(body: Map<String, Value>, place: Place) -> Self {
        Self { body, place, key: None, after: Vec::new() }
    }

    /// Which object it is.
    pub fn identity(&self) -> Identity {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let metadata = |key: &str| text(self.body.get("metadata").and_then(|metadata| metadata.get(key)));
        let api_version = text(self.body.get("apiVersion"));
        Identity {
            group: api_version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned()),
            kind: text(self.body.get("kind")),
            namespace: metadata("namespace"),
            name: metadata("name"),
        }
    }
}

/// What tells one object from all others. The namespace is empty where the source names none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// API group, empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A pattern file made of something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Name of the pattern.
    pub name: String,
    /// The file.
    pub text: String,
    /// Number of its services.
    pub services: usize,
    /// What was left out on purpose, and how much of it.
    pub notes: Vec<String>,
    /// What the source says and the pattern cannot.
    pub warnings: Vec<String>,
}

/// Makes a pattern called `name` of objects.
///
/// # Errors
/// [`Code::ImportObject`] for an object that a pattern cannot hold, with its place; [`Code::SourceEmpty`] for none.
pub fn assemble(name: &str, found: Vec<Found>) -> Result<Imported> {
    let mut dropped = clean::Dropped::default();
    let mut notes = Vec::new();
    let mut objects: Vec<Found> = Vec::with_capacity(found.len());
    let mut seen: HashMap<Identity, usize> = HashMap::with_capacity(found.len());
    for mut object in found {
        clean::clean(&mut object.body, &mut dropped);
        match seen.get(&object.identity()) {
            None => {
                seen.insert(object.identity(), objects.len());
                objects.push(object);
            }
            Some(first) if objects[*first].body == object.body => {
                notes.push(format!("{}: {} stands twice, and is taken once", object.place, told(&object.identity())));
            }
            Some(first) => return Err(twice(&objects[*first], &object)),
        }
    }
    if objects.is_empty() {
        return Err(Error::new(Code::SourceEmpty, "the source holds no Kubernetes object")
            .remedy("Check the source; empty documents and comments are no objects."));
    }
    notes.extend(dropped.notes());
    let keys = key::keys(&objects);
    let depends_on = depend::depends_on(&objects, &keys);
    let mut warnings = Vec::new();
    let mut pattern = Pattern { name: name.to_owned(), ..Pattern::default() };
    for ((object, key), depends_on) in objects.iter().zip(&keys).zip(depends_on) {
        let mut service = service::of(object, key, &mut warnings)?;
        service.depends_on = depends_on;
        pattern.services.push(service);
    }
    Ok(Imported { name: name.to_owned(), text: write::text(&pattern)?, services: keys.len(), notes, warnings })
}

/// `Deployment shop/web`.
fn told(identity: &Identity) -> String {
    let namespace = if identity.namespace.is_empty() { String::new() } else { format!("{}/", identity.namespace) };
    format!("{} {namespace}{}", identity.kind, identity.name)
}

fn twice(first: &Found, second: &Found) -> Error {
    let what = told(&second.identity());
    Error::new(Code::ImportObject, format!("{what} stands twice, with different content"))
        .at(second.place.clone())
        .detail(format!("the first is at {}", first.place))
        .remedy("Keep one of the two, or import them as two patterns.")
}

/// A name for a pattern, made of a file, folder or chart name: letters, digits, dots, underscores and dashes.
pub fn name_of(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_end_matches(['/', '\\']);
    let last = path.rsplit(['/', '\\', ':']).find(|part| !matches!(*part, "" | "." | "..")).unwrap_or_default();
    let mut stem = last;
    for end in [".yaml", ".yml", ".json", ".tgz", ".tar.gz", ".tar"] {
        stem = stem.strip_suffix(end).unwrap_or(stem);
    }
    let name: String =
        stem.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    let name = name.trim_matches(['-', '.', '_']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// `3 services`.
pub fn count_services(imported: &Imported) -> String {
    words::count(imported.services, "service")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(text: &str) -> Result<Imported> {
        assemble("p", manifests::read(&Source { name: "m.yaml".into(), text: text.into() })?)
    }

    #[test]
    fn names_come_from_files_folders_and_addresses() {
        for (path, name) in [
            ("a/shop.yaml", Some("shop")),
            ("./charts/base/", Some("base")),
            ("https://x.io/a/web-app.yml?raw=1", Some("web-app")),
            ("base-1.2.0.tgz", Some("base-1.2.0")),
            ("my shop!.json", Some("my-shop")),
            ("..", None),
            ("-", None),
        ] {
            assert_eq!(name_of(path).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn one_object_twice_is_taken_once_and_two_of_one_name_are_refused() {
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";
        let same = imported(&format!("{map}---\n{map}")).unwrap();
        assert_eq!(same.services, 1);
        assert_eq!(same.notes, ["m.yaml:6: ConfigMap a stands twice, and is taken once"]);
        let error = imported(&format!("{map}---\n{}", map.replace("k: v", "k: w"))).unwrap_err();
        assert_eq!(error.to_string(), "m.yaml:6: ConfigMap a stands twice, with different content");
        assert_eq!(imported("---\n# nothing\n").unwrap_err().code(), Code::SourceEmpty);
    }
}

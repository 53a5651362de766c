//! Stage import: a service of type `$(#use SOURCE)` is replaced by the services of another pattern.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`address`] | what SOURCE means, and who may be asked for it |
//! | `expand` | works the imported patterns into the importing one |
//!
//! The engine reads nothing itself: [`pending`] tells which texts are missing, a [`Loader`] fetches them.

pub mod address;
mod expand;

use std::collections::{HashMap, HashSet};

use crate::base::Place;
use crate::base::error::{Code, Error, Result};
use crate::pattern::parse;
use crate::pattern::tree::{Node, Sources};
use crate::wire::rest::SourceText;

pub use address::{Target, permit};
pub(in crate::pattern) use expand::expand;

/// How deep imports may be nested.
const MAX_DEPTH: usize = 16;
/// How many imports one pattern may come to.
const MAX_IMPORTS: usize = 1_000;

/// One import as a pattern writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What it is called in messages and in [`crate::pattern::Bundle::imports`]: path, URL, or `pattern:NAME`.
    pub name: String,
    /// Where its text is.
    pub target: Target,
    /// The sum its text must have, such as `sha256:…`.
    pub checksum: Option<String>,
    /// The text that imports it.
    pub importer: String,
    /// Where it is written.
    pub place: Place,
}

/// Who reads the texts of imports.
pub trait Loader: Sync {
    /// The text of an import.
    ///
    /// # Errors
    /// What keeps it from being read.
    fn load(&self, import: &Import) -> impl Future<Output = Result<String>> + Send;
}

/// Whether a service type is an import.
pub fn is_import(kind: &str) -> bool {
    kind.trim_start().starts_with("$(#use")
}

/// The imports of a pattern, each with the key of its service, in file order.
fn imports_of(tree: &Node, sources: &Sources) -> Result<Vec<(String, Import)>> {
    let services = tree.get("services").and_then(Node::map);
    let mut found = Vec::new();
    for (key, service) in services.into_iter().flatten() {
        let is_drawing = service.get("isAnnotation").is_some_and(|node| node.to_value() == true);
        let Some(kind) = service.get("type").filter(|kind| kind.text().is_some_and(is_import) && !is_drawing) else {
            continue;
        };
        found.push((key.clone(), import_of(service, kind, sources)?));
    }
    Ok(found)
}

fn import_of(service: &Node, kind: &Node, sources: &Sources) -> Result<Import> {
    let place = sources.place(kind.mark);
    let importer = sources.name(kind.mark.source).to_owned();
    let (name, target) =
        address::parse(kind.text().unwrap_or_default(), &importer).map_err(|error| error.at(place.clone()))?;
    let checksum = match service.get("checksum") {
        None => None,
        Some(node) => match node.text() {
            Some(sum) => Some(sum.to_owned()),
            None if node.is_null() => None,
            None => {
                return Err(Error::new(Code::PatternGrammar, "`checksum` must be a string such as sha256:…")
                    .at(sources.place(node.mark)));
            }
        },
    };
    Ok(Import { name, target, checksum, importer, place })
}

/// The imports, however deep, whose texts are not among `texts`; each once.
///
/// # Errors
/// Addresses that mean nothing, and texts that are not YAML.
pub(in crate::pattern) fn pending(tree: &Node, sources: &mut Sources, texts: &[SourceText]) -> Result<Vec<Import>> {
    let known: HashMap<&str, &str> = texts.iter().map(|text| (text.name.as_str(), text.text.as_str())).collect();
    let mut missing: Vec<Import> = Vec::new();
    let mut seen = HashSet::new();
    let mut queue: Vec<Import> = imports_of(tree, sources)?.into_iter().map(|(_, import)| import).collect();
    while let Some(import) = queue.pop() {
        if !seen.insert(import.name.clone()) {
            continue;
        }
        if seen.len() > MAX_IMPORTS {
            return Err(too_many(&import));
        }
        match known.get(import.name.as_str()) {
            Some(text) => {
                let tree = parse::read(sources, &import.name, text).map_err(|error| told_by(error, &import))?;
                queue.extend(imports_of(&tree, sources)?.into_iter().map(|(_, import)| import));
            }
            None => missing.push(import),
        }
    }
    missing.reverse();
    Ok(missing)
}

fn too_many(import: &Import) -> Error {
    Error::new(Code::PatternImport, format!("the pattern comes to more than {MAX_IMPORTS} imports"))
        .at(import.place.clone())
}

/// Adds who imports the text that a fault is about.
fn told_by(error: Error, import: &Import) -> Error {
    error.detail(format!("imported at {}", import.place))
}

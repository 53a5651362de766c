//! A text that is converted, with its name.

use crate::base::Place;
use crate::pattern::locate::Step;

/// A source text. Parsing for positions happens only when one is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// File name as the user gave it, URL, or `-`.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// The source as the subject of a sentence.
    pub fn subject(&self) -> &str {
        if self.name == "-" { "standard input" } else { &self.name }
    }

    /// The place of the deepest part of `path` that exists in the text; the file alone when none does.
    pub fn place(&self, path: &[Step]) -> Place {
        let found = yamlpath::Document::new(self.text.as_str())
            .ok()
            .and_then(|document| (1..=path.len()).rev().find_map(|length| position(&document, &path[..length])));
        let (line, column) = found.unzip();
        Place { file: self.name.clone(), line, column }
    }
}

fn position(document: &yamlpath::Document, path: &[Step]) -> Option<(usize, usize)> {
    let route: yamlpath::Route<'_> = path
        .iter()
        .map(|step| match step {
            Step::Key(key) => yamlpath::Component::from(key.as_str()),
            Step::Index(index) => yamlpath::Component::from(*index),
        })
        .collect::<Vec<_>>()
        .into();
    let feature = match path.last() {
        Some(Step::Key(_)) => document.query_key_only(&route).ok()?,
        _ => document.query_exact(&route).ok()??,
    };
    let (line, column) = feature.location.point_span.0;
    Some((line + 1, column + 1))
}

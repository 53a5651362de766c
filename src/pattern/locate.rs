//! Finds the line and column of a key or value in a pattern file, for messages.

use crate::base::Place;

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Key of a mapping.
    Key(String),
    /// Position in a sequence, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// A source text with its name. Parsing for positions happens only when one is asked for.
#[derive(Debug, Clone)]
pub struct Source {
    /// File name as the user gave it, URL, or `-`.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            name: "p.yaml".into(),
            text: "name: a\nservices:\n  web:\n    type: X\n    dependsOn:\n    - b\n    - c\n".into(),
        }
    }

    #[test]
    fn keys_and_items_have_places_and_missing_ones_fall_back_to_their_parent() {
        let place = |steps: &[Step]| source().place(steps).to_string();
        assert_eq!(place(&["services".into(), "web".into(), "type".into()]), "p.yaml:4:5");
        assert_eq!(place(&["services".into(), "web".into(), "dependsOn".into(), 1.into()]), "p.yaml:7:7");
        assert_eq!(place(&["services".into(), "web".into(), "nope".into()]), "p.yaml:3:3");
        assert_eq!(place(&["nothing".into()]), "p.yaml");
    }

    #[test]
    fn json_patterns_have_places_too() {
        let source = Source { name: "p.json".into(), text: "{\n \"services\": {\n  \"web\": 1}}".into() };
        assert_eq!(source.place(&["services".into(), "web".into()]).line, Some(3));
    }
}

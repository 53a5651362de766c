//! Finds the place of a key or value of a pattern in the texts it is made of, for messages.

use std::sync::Arc;

use crate::base::Place;
use crate::pattern::tree::{Node, Sources};

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

/// The texts a pattern is made of, and where each of its values stands in them. Cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct Source {
    /// File name of the pattern itself as the user gave it, URL, or `-`.
    pub name: String,
    tree: Arc<Node>,
    sources: Arc<Sources>,
}

impl Source {
    /// The source of a pattern called `name`, put together as `tree`.
    pub fn new(name: &str, tree: Node, sources: Sources) -> Self {
        Self { name: name.to_owned(), tree: Arc::new(tree), sources: Arc::new(sources) }
    }

    /// The source as the subject of a sentence.
    pub fn subject(&self) -> &str {
        if self.name == "-" { "standard input" } else { &self.name }
    }

    /// The place of the deepest part of `path` that exists, in the text it came from; the file alone when none does.
    pub fn place(&self, path: &[Step]) -> Place {
        self.sources.place(self.tree.deepest(path).0.mark)
    }

    /// The place of exactly `path`, when it exists.
    pub fn exact_place(&self, path: &[Step]) -> Option<Place> {
        let (node, taken) = self.tree.deepest(path);
        (taken == path.len()).then(|| self.sources.place(node.mark))
    }

    /// The names of the texts.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The pattern as it was put together, before its references are resolved.
    pub fn tree(&self) -> &Node {
        &self.tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, text: &str, steps: &[Step]) -> String {
        let mut sources = Sources::default();
        let tree = Node::read(&mut sources, name, text).unwrap().unwrap();
        Source::new(name, tree, sources).place(steps).to_string()
    }

    #[test]
    fn keys_and_items_have_places_and_missing_ones_fall_back_to_their_parent() {
        let text = "name: a\nservices:\n  web:\n    type: X\n    dependsOn:\n    - b\n    - c\n";
        let place = |steps: &[Step]| place("p.yaml", text, steps);
        assert_eq!(place(&["services".into(), "web".into(), "type".into()]), "p.yaml:4:5");
        assert_eq!(place(&["services".into(), "web".into(), "dependsOn".into(), 1.into()]), "p.yaml:7:7");
        assert_eq!(place(&["services".into(), "web".into(), "nope".into()]), "p.yaml:3:3");
        assert_eq!(place(&["nothing".into()]), "p.yaml");
    }

    #[test]
    fn json_patterns_have_places_too() {
        let text = "{\n \"services\": {\n  \"web\": 1}}";
        assert_eq!(place("p.json", text, &["services".into(), "web".into()]), "p.json:3:3");
    }
}

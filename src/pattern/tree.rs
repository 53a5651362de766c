//! The tree of a pattern while it is put together: values with the place each came from.

use indexmap::IndexMap;
use serde_json::Value;

use crate::base::Place;
use crate::base::error::{Code, Error, Result};
use crate::base::yaml::{self, Located, Shape};
use crate::pattern::locate::Step;
use crate::pattern::steps;

/// Where a value came from: a source, and the line and column in it (0 where it has none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Index among the [`Sources`].
    pub source: u32,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

/// A value of the tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Where it came from: the key's place for entries of a mapping.
    pub mark: Mark,
    /// What it is.
    pub value: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Neither list nor mapping.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A mapping in file order.
    Map(IndexMap<String, Node>),
}

impl Default for Kind {
    fn default() -> Self {
        Kind::Scalar(Value::Null)
    }
}

/// The names of all texts a pattern is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    names: Vec<String>,
}

impl Sources {
    /// Adds a source and gives its index.
    pub fn add(&mut self, name: &str) -> u32 {
        self.names.push(name.to_owned());
        u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
    }

    /// The name of a source.
    pub fn name(&self, index: u32) -> &str {
        self.names.get(index as usize).map_or("", String::as_str)
    }

    /// The place a mark means.
    pub fn place(&self, mark: Mark) -> Place {
        let some = |number: u32| (number > 0).then_some(number as usize);
        Place { file: self.name(mark.source).to_owned(), line: some(mark.line), column: some(mark.column) }
    }
}

impl Node {
    /// Reads the one document of a text; `None` for a text that holds nothing.
    ///
    /// # Errors
    /// [`Code::PatternSyntax`] when it is not YAML, [`Code::PatternGrammar`] when it holds several documents.
    pub fn read(sources: &mut Sources, name: &str, text: &str) -> Result<Option<Node>> {
        let source = sources.add(name);
        let mut documents = yaml::read_located(text).map_err(|fault| fault.into_error(Code::PatternSyntax, name))?;
        if documents.len() > 1 {
            let place = Place { file: name.to_owned(), line: None, column: None };
            let message = format!("{} YAML documents in one file; a pattern is one", documents.len());
            return Err(Error::new(Code::PatternGrammar, message)
                .at(place)
                .remedy("Split the file, one pattern each, and pass a folder or several -f."));
        }
        // The document as a whole has no place of its own within its file.
        let read = documents.pop().map(|document| Node::of(document, source));
        Ok(read.map(|node| Node { mark: Mark { source, line: 0, column: 0 }, ..node }))
    }

    fn of(located: Located, source: u32) -> Node {
        let mark = Mark { source, line: located.spot.line, column: located.spot.column };
        let value = match located.shape {
            Shape::Scalar(value) => Kind::Scalar(value),
            Shape::List(items) => Kind::List(items.into_iter().map(|item| Node::of(item, source)).collect()),
            Shape::Map(entries) => {
                Kind::Map(entries.into_iter().map(|(key, value)| (key, Node::of(value, source))).collect())
            }
        };
        Node { mark, value }
    }

    /// A plain value, all of it from one place.
    pub fn of_value(value: Value, mark: Mark) -> Node {
        let value = match value {
            Value::Array(items) => Kind::List(items.into_iter().map(|item| Node::of_value(item, mark)).collect()),
            Value::Object(map) => {
                Kind::Map(map.into_iter().map(|(key, value)| (key, Node::of_value(value, mark))).collect())
            }
            scalar => Kind::Scalar(scalar),
        };
        Node { mark, value }
    }

    /// An empty mapping.
    pub fn empty_map(mark: Mark) -> Node {
        Node { mark, value: Kind::Map(IndexMap::new()) }
    }

    /// The plain value.
    pub fn to_value(&self) -> Value {
        match &self.value {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::to_value).collect(),
            Kind::Map(map) => Value::Object(map.iter().map(|(key, node)| (key.clone(), node.to_value())).collect()),
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Kind::Scalar(Value::Null))
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn map(&self) -> Option<&IndexMap<String, Node>> {
        match &self.value {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries of a mapping, to change them.
    pub fn map_mut(&mut self) -> Option<&mut IndexMap<String, Node>> {
        match &mut self.value {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entry of that key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.get(key)
    }

    /// The entries of the mapping at `key`; an empty one is made where there is none. `None` when something else is there.
    pub fn map_at(&mut self, key: &str) -> Option<&mut IndexMap<String, Node>> {
        let mark = self.mark;
        let node = self.map_mut()?.entry(key.to_owned()).or_insert_with(|| Node::empty_map(mark));
        if node.is_null() {
            node.value = Kind::Map(IndexMap::new());
        }
        node.map_mut()
    }

    /// The node one step down.
    pub fn step(&self, step: &Step) -> Option<&Node> {
        match (&self.value, step) {
            (Kind::Map(map), Step::Key(key)) => map.get(key),
            (Kind::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// The deepest node on the way of `path`, and how many steps lead to it.
    pub fn deepest(&self, path: &[Step]) -> (&Node, usize) {
        let mut here = self;
        for (taken, step) in path.iter().enumerate() {
            steps::count(1);
            match here.step(step) {
                Some(next) => here = next,
                None => return (here, taken),
            }
        }
        (here, path.len())
    }

    /// Whether any string in it, keys aside, satisfies `test`.
    pub fn any_string(&self, test: &impl Fn(&str) -> bool) -> bool {
        match &self.value {
            Kind::Scalar(Value::String(text)) => test(text),
            Kind::Scalar(_) => false,
            Kind::List(items) => items.iter().any(|item| item.any_string(test)),
            Kind::Map(map) => map.iter().any(|(key, node)| test(key) || node.any_string(test)),
        }
    }

    /// Changes every string in it, keys of mappings included.
    pub fn change_strings(&mut self, change: &impl Fn(&str) -> Option<String>) {
        match &mut self.value {
            Kind::Scalar(Value::String(text)) => {
                if let Some(changed) = change(text) {
                    *text = changed;
                }
            }
            Kind::Scalar(_) => {}
            Kind::List(items) => items.iter_mut().for_each(|item| item.change_strings(change)),
            Kind::Map(map) => {
                map.values_mut().for_each(|node| node.change_strings(change));
                if map.keys().any(|key| change(key).is_some()) {
                    let old = std::mem::take(map);
                    map.extend(old.into_iter().map(|(key, node)| (change(&key).unwrap_or(key), node)));
                }
            }
        }
    }
}

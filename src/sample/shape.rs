//! What the fields of a kind look like: enough to merge, own, default, prune and check them.

pub mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::builtin;

/// A type.
#[derive(Debug)]
pub enum Shape {
    /// A single value.
    Scalar(Scalar),
    /// Anything; `atomic` maps are owned as a whole, others key by key.
    Untyped {
        /// Whether a map here is one leaf.
        atomic: bool,
    },
    /// A list.
    List {
        /// Type of the items.
        item: Ref,
        /// How items are told apart.
        kind: ListKind,
    },
    /// A map with free keys.
    Map {
        /// Type of the values.
        value: Ref,
        /// Whether it is one leaf.
        atomic: bool,
    },
    /// An object with declared fields.
    Struct(Struct),
}

/// Single values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    String,
    /// Base64 text.
    Bytes,
    /// A number of 32 bits without fraction.
    Int32,
    /// A number of 64 bits without fraction.
    Int64,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A number or text.
    IntOrString,
    /// `100m`, `1Gi`, or a number.
    Quantity,
    /// A moment.
    Time,
}

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// Not at all: the list is one leaf.
    Atomic,
    /// By their value.
    Set,
    /// By these fields.
    Map(Vec<String>),
}

/// An object's fields.
#[derive(Debug, Default)]
pub struct Struct {
    /// Name of a built-in type, empty for others.
    pub name: &'static str,
    /// The declared ones.
    pub fields: BTreeMap<String, Field>,
    /// Whether undeclared ones are kept.
    pub open: bool,
    /// Whether it is one leaf.
    pub atomic: bool,
}

/// One declared field.
#[derive(Debug)]
pub struct Field {
    /// Its type.
    pub shape: Ref,
    /// Whether it must be there.
    pub required: bool,
    /// Strategic merge patch: list items are merged by this key; empty for lists of single values.
    pub merge: Option<String>,
    /// The value that stands for an absent list key.
    pub default: Option<Value>,
}

/// A reference to a type: built-in ones by name, because they may be recursive.
#[derive(Debug, Clone)]
pub enum Ref {
    /// A built-in type.
    Named(&'static str),
    /// A type of a custom resource.
    Inline(Arc<Shape>),
}

static UNTYPED: Shape = Shape::Untyped { atomic: false };

impl Ref {
    /// The type referred to.
    pub fn get(&self) -> &Shape {
        match self {
            Ref::Named(name) => builtin::types().get(name).unwrap_or(&UNTYPED),
            Ref::Inline(shape) => shape,
        }
    }
}

impl From<Shape> for Ref {
    fn from(shape: Shape) -> Self {
        Ref::Inline(Arc::new(shape))
    }
}

/// How a value is walked: the type, narrowed by the value that stands there.
pub enum Form<'a> {
    /// Owned and compared as a whole.
    Leaf,
    /// A list whose items have identities.
    Keyed {
        /// Type of the items.
        item: &'a Shape,
        /// Fields that tell items apart; none for sets.
        keys: &'a [String],
    },
    /// An object walked key by key.
    Object(&'a Shape),
}

/// The form in which `value` is walked; a value that does not fit its type is a leaf.
pub fn form<'a>(shape: &'a Shape, value: &Value) -> Form<'a> {
    match (shape, value) {
        (Shape::List { item, kind: ListKind::Set }, Value::Array(_)) => Form::Keyed { item: item.get(), keys: &[] },
        (Shape::List { item, kind: ListKind::Map(keys) }, Value::Array(_)) => Form::Keyed { item: item.get(), keys },
        (
            Shape::Untyped { atomic: false }
            | Shape::Map { atomic: false, .. }
            | Shape::Struct(Struct { atomic: false, .. }),
            Value::Object(_),
        ) => Form::Object(shape),
        _ => Form::Leaf,
    }
}

impl Shape {
    /// Type of the value under `key` of an object of this type; `None` when the key is not declared.
    pub fn child(&self, key: &str) -> Option<&Shape> {
        match self {
            Shape::Struct(fields) => match fields.fields.get(key) {
                Some(field) => Some(field.shape.get()),
                None => fields.open.then_some(&UNTYPED),
            },
            Shape::Map { value, .. } => Some(value.get()),
            Shape::Untyped { atomic } => Some(if *atomic { self } else { &UNTYPED }),
            Shape::Scalar(_) | Shape::List { .. } => None,
        }
    }

    /// As [`Shape::child`], with anything for an undeclared key.
    pub fn child_or_any(&self, key: &str) -> &Shape {
        self.child(key).unwrap_or(&UNTYPED)
    }

    /// Whether `key` is a declared field, not merely an allowed key.
    pub fn declares(&self, key: &str) -> bool {
        matches!(self, Shape::Struct(fields) if fields.fields.contains_key(key))
    }

    /// The declared field.
    pub fn field(&self, key: &str) -> Option<&Field> {
        match self {
            Shape::Struct(fields) => fields.fields.get(key),
            _ => None,
        }
    }
}

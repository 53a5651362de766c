//! The kinds that every cluster serves, and their fields: generated tables, read once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::kind::{Kind, Subresource};
use super::shape::{Field, ListKind, Ref, Scalar, Shape, Struct};
use crate::pattern::schema::table::{KINDS, TYPES};

static DEFAULTS: &str = include_str!("builtin/defaults.txt");
static NUMBERS: &str = include_str!("builtin/numbers.txt");

/// Name of the type of `metadata`.
pub const OBJECT_META: &str = "meta.v1.ObjectMeta";

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Every built-in kind, in the order of discovery.
pub fn kinds() -> &'static [Arc<Kind>] {
    static PARSED: OnceLock<Vec<Arc<Kind>>> = OnceLock::new();
    PARSED.get_or_init(|| lines(KINDS).filter_map(kind).map(Arc::new).collect())
}

/// Every built-in type by name.
pub fn types() -> &'static HashMap<&'static str, Shape> {
    static PARSED: OnceLock<HashMap<&'static str, Shape>> = OnceLock::new();
    PARSED.get_or_init(read_types)
}

/// The default values of a type's fields, those without condition.
pub fn defaults(name: &str) -> &'static [(&'static str, Value)] {
    static PARSED: OnceLock<HashMap<&'static str, Vec<(&'static str, Value)>>> = OnceLock::new();
    PARSED.get_or_init(read_defaults).get(name).map_or(&[], Vec::as_slice)
}

/// Numbers and names of a type's fields in protocol buffers; `+TYPE` is an embedded message.
pub fn numbers(name: &str) -> &'static [(u64, &'static str)] {
    static PARSED: OnceLock<HashMap<&'static str, Vec<(u64, &'static str)>>> = OnceLock::new();
    let parsed = PARSED.get_or_init(|| {
        let types = lines(NUMBERS).filter_map(|line| line.split_once(' '));
        types.map(|(name, fields)| (name, fields.split(' ').filter_map(number).collect())).collect()
    });
    parsed.get(name).map_or(&[], Vec::as_slice)
}

fn number(word: &'static str) -> Option<(u64, &'static str)> {
    let (field, number) = word.rsplit_once('=')?;
    Some((number.parse().ok()?, field))
}

fn kind(line: &'static str) -> Option<Kind> {
    let mut words = line.split(' ');
    let mut next = || words.next().map(|word| if word == "-" { "" } else { word });
    let (group, version, kind, plural) = (next()?, next()?, next()?, next()?);
    let (singular, scope, verbs, shape) = (next()?, next()?, next()?, next()?);
    let mut parsed = Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: singular.to_owned(),
        namespaced: scope == "namespaced",
        verbs: verbs.to_owned(),
        short: Vec::new(),
        categories: Vec::new(),
        subresources: Vec::new(),
        shape: Ref::Named(shape),
        storage: storage(group, plural),
        custom: None,
    };
    for word in words {
        match word.split_once('=')? {
            ("short", list) => parsed.short = list.split(',').map(str::to_owned).collect(),
            ("categories", list) => parsed.categories = list.split(',').map(str::to_owned).collect(),
            (_, subresource) => parsed.subresources.extend(self::subresource(subresource)),
        }
    }
    Some(parsed)
}

fn subresource(text: &str) -> Option<Subresource> {
    let mut parts = text.split(':');
    let (name, kind, verbs) = (parts.next()?, parts.next()?, parts.next()?);
    let (api_version, kind) = kind.rsplit_once('/').unwrap_or(("", kind));
    Some(Subresource {
        name: name.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        verbs: verbs.to_owned(),
    })
}

/// Events are served by two groups from one store.
fn storage(group: &str, plural: &str) -> (String, String) {
    let group = if group == "events.k8s.io" { "" } else { group };
    (group.to_owned(), plural.to_owned())
}

fn read_types() -> HashMap<&'static str, Shape> {
    let mut types = HashMap::new();
    let mut current: Option<Struct> = None;
    for line in lines(TYPES) {
        if let Some(body) = line.strip_prefix(' ') {
            if let (Some(open), Some((name, field))) = (&mut current, field(body)) {
                let default = DEFAULT_KEYS.contains(&(open.name, name)).then(|| Value::from("TCP"));
                open.fields.insert(name.to_owned(), Field { default, ..field });
            }
        } else {
            types.extend(current.take().map(|done| (done.name, Shape::Struct(done))));
            let (name, flag) = line.split_once(' ').unwrap_or((line, ""));
            current = Some(Struct { name, fields: BTreeMap::new(), open: false, atomic: flag == "atomic" });
        }
    }
    types.extend(current.take().map(|done| (done.name, Shape::Struct(done))));
    types
}

/// Fields that tell list items apart and have a default: an absent protocol is the same port as TCP.
const DEFAULT_KEYS: &[(&str, &str)] = &[("core.v1.ContainerPort", "protocol"), ("core.v1.ServicePort", "protocol")];

fn field(line: &'static str) -> Option<(&'static str, Field)> {
    let mut words = line.split(' ');
    let (name, shape) = (words.next()?, words.next()?);
    let mut field = Field { shape: reference(shape), required: name.ends_with('!'), merge: None, default: None };
    for word in words {
        if let Some(key) = word.strip_prefix("merge") {
            field.merge = Some(key.trim_start_matches('=').to_owned());
        }
    }
    Some((name.trim_end_matches('!'), field))
}

/// `[T]`, `[T]:set`, `[T]:map(a,b)`, `{T}`, `{T}:atomic`, a scalar, or the name of a type.
fn reference(text: &'static str) -> Ref {
    if let Some(rest) = text.strip_prefix('[') {
        let (item, kind) = rest.rsplit_once(']').unwrap_or((rest, ""));
        let keys = kind.strip_prefix(":map(").and_then(|keys| keys.strip_suffix(')'));
        let kind = match keys {
            Some(keys) => ListKind::Map(keys.split(',').map(str::to_owned).collect()),
            None if kind == ":set" => ListKind::Set,
            None => ListKind::Atomic,
        };
        return Shape::List { item: reference(item), kind }.into();
    }
    if let Some(rest) = text.strip_prefix('{') {
        let (value, flag) = rest.rsplit_once('}').unwrap_or((rest, ""));
        return Shape::Map { value: reference(value), atomic: flag == ":atomic" }.into();
    }
    match scalar(text) {
        Some(scalar) => Shape::Scalar(scalar).into(),
        None if text == "any" => Shape::Untyped { atomic: false }.into(),
        None if text == "any-atomic" => Shape::Untyped { atomic: true }.into(),
        None => Ref::Named(text),
    }
}

fn scalar(text: &str) -> Option<Scalar> {
    Some(match text {
        "string" => Scalar::String,
        "bytes" => Scalar::Bytes,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "number" => Scalar::Number,
        "bool" => Scalar::Bool,
        "int-or-string" => Scalar::IntOrString,
        "quantity" => Scalar::Quantity,
        "time" => Scalar::Time,
        _ => return None,
    })
}

fn read_defaults() -> HashMap<&'static str, Vec<(&'static str, Value)>> {
    let mut defaults: HashMap<&'static str, Vec<(&'static str, Value)>> = HashMap::new();
    for line in lines(DEFAULTS) {
        let mut words = line.splitn(3, ' ');
        if let (Some(name), Some(field), Some(json)) = (words.next(), words.next(), words.next()) {
            let value = serde_json::from_str(json).unwrap_or(Value::Null);
            defaults.entry(name).or_default().push((field, value));
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_a_field_names_is_in_the_table() {
        fn check(reference: &Ref, missing: &mut Vec<String>) {
            match reference {
                Ref::Named(name) if !types().contains_key(name) => missing.push((*name).to_owned()),
                Ref::Named(_) => {}
                Ref::Inline(shape) => match shape.as_ref() {
                    Shape::List { item, .. } => check(item, missing),
                    Shape::Map { value, .. } => check(value, missing),
                    _ => {}
                },
            }
        }
        let mut missing = Vec::new();
        for shape in types().values() {
            let Shape::Struct(fields) = shape else { panic!("a type is a struct") };
            fields.fields.values().for_each(|field| check(&field.shape, &mut missing));
        }
        kinds().iter().filter(|kind| !kind.storage.1.is_empty()).for_each(|kind| check(&kind.shape, &mut missing));
        assert!(missing.is_empty(), "{missing:?}");
        assert!(types().len() > 400 && kinds().len() > 60, "{} types, {} kinds", types().len(), kinds().len());
    }

    #[test]
    fn every_default_belongs_to_a_declared_field() {
        for line in lines(DEFAULTS) {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let shape = types().get(words[0]).unwrap_or_else(|| panic!("no type {}", words[0]));
            assert!(shape.declares(words[1]), "{} has no field {}", words[0], words[1]);
            assert!(serde_json::from_str::<Value>(words[2]).is_ok(), "{line}");
        }
    }

    #[test]
    fn list_keys_are_read() {
        let container = &types()["core.v1.Container"];
        let ports = container.field("ports").unwrap();
        assert_eq!(ports.merge.as_deref(), Some("containerPort"));
        let Shape::List { kind: ListKind::Map(keys), .. } = ports.shape.get() else { panic!("a map list") };
        assert_eq!(keys, &["containerPort", "protocol"]);
    }
}

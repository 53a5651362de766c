//! YAML as a tree that knows where each value stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Spanned};

use super::{Fault, saphyr_fault};

/// Line and column, both from 1; 0 where unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spot {
    /// Line.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
}

/// A value with its spot: that of the key for entries of a mapping, its own for everything else.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Where it stands.
    pub spot: Spot,
    /// What it is.
    pub shape: Shape,
}

/// What a located value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Neither sequence nor mapping.
    Scalar(Value),
    /// A sequence.
    List(Vec<Located>),
    /// A mapping in file order.
    Map(Vec<(String, Located)>),
}

/// Reads every document of a stream as [`super::read_kubernetes_stream`] does, with places.
///
/// # Errors
/// What the parser says, with its place.
pub fn read_located(text: &str) -> Result<Vec<Located>, Fault> {
    let documents: Vec<Located> = serde_saphyr::from_multiple(text).map_err(|error| saphyr_fault(&error))?;
    Ok(documents.into_iter().filter(|document| document.shape != Shape::Scalar(Value::Null)).collect())
}

fn spot(location: Location) -> Spot {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Spot { line: number(location.line()), column: number(location.column()) }
}

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<Shape>::deserialize(deserializer)?;
        Ok(Located { spot: spot(found.referenced), shape: found.value })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value: Located = entries.next_value()?;
            if u32::try_from(map.len()).is_err() {
                return Err(A::Error::custom("a mapping has too many keys"));
            }
            map.push((key.value, Located { spot: spot(key.referenced), ..value }));
        }
        Ok(Shape::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_kubernetes_stream;
    use super::*;

    fn plain(located: &Located) -> Value {
        match &located.shape {
            Shape::Scalar(value) => value.clone(),
            Shape::List(items) => items.iter().map(plain).collect(),
            Shape::Map(entries) => Value::Object(entries.iter().map(|(key, v)| (key.clone(), plain(v))).collect()),
        }
    }

    #[test]
    fn it_reads_what_the_other_reader_reads() {
        for text in [
            "a: yes\nb: \"yes\"\nc: 0.5\nd: 1_000\ne: null\nf: 017\ng: 1e3\ni: 0x1f\nj: ~\nk: ''\nl: -7\nm: 18446744073709551615\n",
            "a: &x {b: [1, [2, {c: 3}]]}\nd: *x\ne: {<<: *x, f: 1}\n",
            "1: a\ntrue: b\n1.5: d\n",
            "a: |\n  x\n  y\nb: >\n  z\n---\n- 1\n---\n",
            "{\"a\": {\"b\": [true, 1.10, \"x\"]}}",
            "v: 1.10\nw: 123456789012345678901234567890\nx: 2021-01-01\ny: 12:30\n",
        ] {
            let there = read_kubernetes_stream(text).unwrap();
            let here: Vec<Value> = read_located(text).unwrap().iter().map(plain).collect();
            assert_eq!(here, there, "{text}");
        }
    }

    #[test]
    fn entries_stand_at_their_key_and_items_where_they_begin() {
        let document =
            read_located("name: a\nservices:\n  web:\n    type: X\n    list:\n    - b\n    - {ü: 1, k: 2}\n")
                .unwrap()
                .remove(0);
        let step = |located: &Located, key: &str| match &located.shape {
            Shape::Map(entries) => entries.iter().find(|(name, _)| name == key).unwrap().1.clone(),
            Shape::List(items) => items[key.parse::<usize>().unwrap()].clone(),
            Shape::Scalar(_) => panic!("{key}"),
        };
        let web = step(&step(&document, "services"), "web");
        assert_eq!(web.spot, Spot { line: 3, column: 3 });
        assert_eq!(step(&web, "type").spot, Spot { line: 4, column: 5 });
        let list = step(&web, "list");
        assert_eq!(step(&list, "1").spot, Spot { line: 7, column: 7 });
        assert_eq!(step(&step(&list, "1"), "k").spot, Spot { line: 7, column: 14 });
    }

    #[test]
    fn faults_are_those_of_the_other_reader() {
        for text in ["a: 1\nb: [1,\n", "a: 1\nb: 1\na: 2\n", "a: *x\n", "a: \"x\n", "a: .inf\n", "null: c\n"] {
            assert_eq!(read_located(text).unwrap_err(), read_kubernetes_stream(text).unwrap_err(), "{text}");
        }
    }
}

//! Reads what a client sends into an object of its kind: types are checked, unknown fields found and dropped.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::object;
use super::shape::{Scalar, Shape, schema};
use super::status::{Answer, Failure};

/// Reads a body of JSON or YAML.
pub fn body(bytes: &[u8], yaml: bool, kind: &Kind) -> Answer<Value> {
    let text = String::from_utf8_lossy(bytes);
    if yaml {
        let read = crate::base::yaml::read_kubernetes(&text);
        return read.map_err(|fault| {
            let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let message = fault.message;
            Failure::bad_request(format!("error decoding YAML: error converting YAML to JSON: yaml: {line}{message}"))
        });
    }
    serde_json::from_str(&text).map_err(|error| {
        let kind = &kind.kind;
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; \
             json parse error: {error} ({})",
            text.chars().take(1024).collect::<String>()
        ))
    })
}

/// Checks that an object says it is of this kind, and fills in what it leaves out.
pub fn identity(kind: &Kind, object: &mut Value) -> Answer<()> {
    if !object.is_object() {
        let what = json_type(object);
        return Err(Failure::bad_request(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go value of type struct \
             {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    }
    let (given_version, given_kind) = (object::text(object, &["apiVersion"]), object::text(object, &["kind"]));
    let (wanted_version, wanted_kind) = (kind.api_version(), &kind.kind);
    let fits = |given: &str, wanted: &str| (given.is_empty() && kind.custom.is_none()) || given == wanted;
    if !fits(given_kind, wanted_kind) || !fits(given_version, &wanted_version) {
        let text = if kind.custom.is_some() && given_version != wanted_version {
            format!(
                "the API version in the data ({given_version}) does not match the expected API version ({wanted_version})"
            )
        } else if kind.custom.is_some() {
            format!("the kind in the data ({given_kind}) does not match the expected kind ({wanted_kind})")
        } else {
            let short = |version: &str| version.rsplit('/').next().unwrap_or_default().to_owned();
            format!(
                "{given_kind} in version \"{}\" cannot be handled as a {wanted_kind}: no kind \"{given_kind}\" is \
                 registered for version \"{given_version}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
                short(given_version)
            )
        };
        return Err(Failure::bad_request(text));
    }
    object::stamp(object, &wanted_version, wanted_kind);
    Ok(())
}

/// Brings the object into the form in which it is kept; gives the paths of the fields that were dropped.
pub fn normalise(kind: &Kind, object: &mut Value) -> Answer<Vec<String>> {
    let mut walk = Walk { root: kind, dropped: Vec::new() };
    let unmarshal = |text: String| {
        let (given, version) = (&kind.kind, &kind.version);
        Failure::bad_request(format!("{given} in version \"{version}\" cannot be handled as a {given}: {text}"))
    };
    if let Some(custom) = &kind.custom {
        if let Some(metadata) = object.get_mut("metadata") {
            let shape = kind.shape.get().child_or_any("metadata");
            walk.value(shape, metadata, "metadata", "metadata", "").map_err(unmarshal)?;
        }
        let mut dropped = schema::prune(&custom.schema, object);
        dropped.retain(|path| path != "apiVersion" && path != "kind");
        walk.dropped.extend(dropped);
        schema::default(&custom.schema, object);
        return Ok(walk.dropped);
    }
    walk.value(kind.shape.get(), object, "", "", "").map_err(unmarshal)?;
    if kind.is("", "secrets") {
        fold_string_data(object);
    }
    Ok(walk.dropped)
}

/// `stringData` is written only: it becomes `data`.
fn fold_string_data(object: &mut Value) {
    let Some(Value::Object(texts)) = object::ensure(object).shift_remove("stringData") else { return };
    let data = object::child(object, "data");
    for (key, value) in texts {
        let text = value.as_str().unwrap_or_default();
        data.insert(key, Value::from(base64(text.as_bytes())));
    }
}

struct Walk<'a> {
    root: &'a Kind,
    dropped: Vec<String>,
}

impl Walk<'_> {
    /// `path` has indexes and is for people; `fields` has names only and is what Go's decoder reports.
    fn value(&mut self, shape: &Shape, value: &mut Value, path: &str, fields: &str, owner: &str) -> Result<(), String> {
        match (shape, &mut *value) {
            (_, Value::Null) | (Shape::Untyped { .. }, _) => Ok(()),
            (Shape::Scalar(scalar), _) => scalar_fits(*scalar, value).map_err(|fault| match fault {
                Misfit::Type => mismatch(shape, value, fields, owner),
                Misfit::Text(text) => text,
            }),
            (Shape::List { item, .. }, Value::Array(items)) => {
                for (place, one) in items.iter_mut().enumerate() {
                    self.value(item.get(), one, &format!("{path}[{place}]"), fields, owner)?;
                }
                Ok(())
            }
            (Shape::Map { value: inner, .. }, Value::Object(entries)) => {
                for (key, one) in entries.iter_mut() {
                    self.value(inner.get(), one, &format!("{path}.{key}"), fields, owner)?;
                }
                Ok(())
            }
            (Shape::Struct(declared), Value::Object(entries)) => {
                let owner = if declared.name.is_empty() { self.root.kind.as_str() } else { short(declared.name) };
                self.object(shape, entries, (path, fields), owner)
            }
            _ => Err(mismatch(shape, value, fields, owner)),
        }
    }

    fn object(
        &mut self,
        shape: &Shape,
        entries: &mut Map<String, Value>,
        (path, fields): (&str, &str),
        owner: &str,
    ) -> Result<(), String> {
        let join = |prefix: &str, key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        let keys: Vec<String> = entries.keys().cloned().collect();
        for key in keys {
            let Some(field) = shape.field(&key) else {
                self.dropped.push(join(path, &key));
                entries.shift_remove(&key);
                continue;
            };
            let Some(value) = entries.get_mut(&key) else { continue };
            self.value(field.shape.get(), value, &join(path, &key), &join(fields, &key), owner)?;
            let empty = match (field.shape.get(), &*value) {
                (_, Value::Null) => true,
                (Shape::Map { .. }, Value::Object(entries)) => entries.is_empty(),
                (Shape::List { .. }, Value::Array(items)) => items.is_empty() && !field.required,
                _ => false,
            };
            if empty {
                entries.shift_remove(&key);
            }
        }
        Ok(())
    }
}

enum Misfit {
    Type,
    Text(String),
}

fn scalar_fits(scalar: Scalar, value: &Value) -> Result<(), Misfit> {
    let fits = match scalar {
        Scalar::String | Scalar::Time => value.is_string(),
        Scalar::Bool => value.is_boolean(),
        Scalar::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Scalar::Int64 => value.is_i64() || value.is_u64(),
        Scalar::Number => value.is_number(),
        Scalar::IntOrString => value.is_string() || value.is_i64(),
        Scalar::Quantity => return quantity(value),
        Scalar::Bytes => return bytes(value),
    };
    if fits { Ok(()) } else { Err(Misfit::Type) }
}

fn quantity(value: &Value) -> Result<(), Misfit> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Misfit::Type),
    };
    let digits = text.trim_start_matches(['+', '-']);
    let end = digits.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(digits.len());
    let suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let (number, suffix) = digits.split_at(end);
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<i32>().is_ok());
    if number.parse::<f64>().is_ok() && (suffixes.contains(&suffix) || exponent) {
        return Ok(());
    }
    let rule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    Err(Misfit::Text(rule.to_owned()))
}

fn bytes(value: &Value) -> Result<(), Misfit> {
    let text = value.as_str().ok_or(Misfit::Type)?;
    let text: String = text.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    let body = text.trim_end_matches('=');
    let bad = body.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '+' && letter != '/');
    let whole = text.len().is_multiple_of(4) && text.len() - body.len() <= 2;
    match bad {
        Some(place) => Err(Misfit::Text(format!("illegal base64 data at input byte {place}"))),
        None if !whole => Err(Misfit::Text(format!("illegal base64 data at input byte {}", body.len() / 4 * 4))),
        None => Ok(()),
    }
}

fn mismatch(shape: &Shape, value: &Value, fields: &str, owner: &str) -> String {
    let (given, wanted) = (json_type(value), go_type(shape));
    let given = match value {
        Value::Number(number) if matches!(shape, Shape::Scalar(Scalar::Int32 | Scalar::Int64)) => {
            format!("number {number}")
        }
        _ => given.to_owned(),
    };
    format!("json: cannot unmarshal {given} into Go struct field {owner}.{fields} of type {wanted}")
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn go_type(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => match scalar {
            Scalar::String => "string",
            Scalar::Bytes => "[]uint8",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "int64",
            Scalar::Number => "float64",
            Scalar::Bool => "bool",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::Quantity => "resource.Quantity",
            Scalar::Time => "v1.Time",
        }
        .to_owned(),
        Shape::List { item, .. } => match item.get() {
            Shape::Scalar(_) => go_type(item.get()),
            other => format!("[]{}", go_type(other)),
        },
        Shape::Map { value, .. } => format!("map[string]{}", go_type(value.get())),
        Shape::Struct(fields) => fields.name.split_once('.').map_or("struct", |(_, rest)| rest).to_owned(),
        Shape::Untyped { .. } => "interface {}".to_owned(),
    }
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(LETTERS[index as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;
    use serde_json::json;

    fn read(plural: &str, mut value: Value) -> Result<(Value, Vec<String>), String> {
        let kind = builtin::kinds().iter().find(|kind| kind.plural == plural).unwrap();
        let dropped = normalise(kind, &mut value).map_err(|failure| failure.message)?;
        Ok((value, dropped))
    }

    #[test]
    fn unknown_fields_go_and_types_are_checked_in_gos_words() {
        let (value, dropped) = read(
            "deployments",
            json!({"spec": {"foo": 1, "replicas": 2, "template": {"spec": {"containers": [{"bar": 2}]}}}}),
        )
        .unwrap();
        assert_eq!(dropped, ["spec.foo", "spec.template.spec.containers[0].bar"]);
        assert_eq!(value["spec"]["replicas"], 2);
        assert_eq!(
            read("deployments", json!({"spec": {"replicas": "x"}})).unwrap_err(),
            "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go \
             struct field DeploymentSpec.spec.replicas of type int32"
        );
        assert_eq!(
            read("configmaps", json!({"data": {"x": 1}})).unwrap_err(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go \
             struct field ConfigMap.data of type string"
        );
    }

    #[test]
    fn text_of_secrets_becomes_base64() {
        let (value, _) = read("secrets", json!({"stringData": {"a": "b", "c": "hello!", "d": ""}})).unwrap();
        assert_eq!(value, json!({"data": {"a": "Yg==", "c": "aGVsbG8h", "d": ""}}));
        assert!(
            read("secrets", json!({"data": {"a": "***"}})).unwrap_err().contains("illegal base64 data at input byte 0")
        );
    }
}

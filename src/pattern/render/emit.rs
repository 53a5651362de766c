//! YAML for Kubernetes with a comment behind each value that has an origin.

use serde_json::{Value, json};

use crate::base::error::Result;
use crate::base::yaml;
use crate::pattern::locate::Step;

/// Where the value at a path comes from, when that is told.
type Origin<'a> = dyn Fn(&[Step]) -> Option<String> + 'a;

/// The value as YAML.
pub(super) fn yaml(value: &Value, origin: &Origin<'_>) -> Result<String> {
    // Without origins the ordinary writer does, which is quick.
    if first_leaf(value).is_none_or(|path| origin(&path).is_none()) {
        let mut text = yaml::write_kubernetes(value)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        return Ok(text);
    }
    let mut out = String::new();
    write(value, &mut Vec::new(), origin, &mut out)?;
    Ok(out)
}

fn first_leaf(value: &Value) -> Option<Vec<Step>> {
    let mut path = Vec::new();
    let mut here = value;
    loop {
        here = match here {
            Value::Object(map) => match map.iter().next() {
                Some((key, value)) => {
                    path.push(key.as_str().into());
                    value
                }
                None => return Some(path),
            },
            Value::Array(items) => match items.first() {
                Some(value) => {
                    path.push(0.into());
                    value
                }
                None => return Some(path),
            },
            _ => return Some(path),
        };
    }
}

/// Writes a mapping or list at the depth that `path` has; each entry begins a line of its own.
fn write(value: &Value, path: &mut Vec<Step>, origin: &Origin<'_>, out: &mut String) -> Result<()> {
    let indent = "  ".repeat(path.len());
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.as_str().into());
                out.push_str(&indent);
                out.push_str(&scalar(&json!(key))?);
                out.push(':');
                entry(value, path, origin, out)?;
                path.pop();
            }
            Ok(())
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                path.push(index.into());
                out.push_str(&indent);
                out.push('-');
                entry(value, path, origin, out)?;
                path.pop();
            }
            Ok(())
        }
        other => {
            out.push_str(&scalar(other)?);
            out.push('\n');
            Ok(())
        }
    }
}

/// Writes what stands behind `key:` or `-`.
fn entry(value: &Value, path: &mut Vec<Step>, origin: &Origin<'_>, out: &mut String) -> Result<()> {
    let is_nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_nested {
        out.push('\n');
        return write(value, path, origin, out);
    }
    out.push(' ');
    out.push_str(&scalar(value)?);
    if let Some(origin) = origin(path) {
        out.push_str(" # ");
        out.push_str(&origin.replace(['\n', '\r'], " "));
    }
    out.push('\n');
    Ok(())
}

/// A scalar, or an empty list or mapping, on one line.
fn scalar(value: &Value) -> Result<String> {
    match value {
        Value::Array(_) => return Ok("[]".to_owned()),
        Value::Object(_) => return Ok("{}".to_owned()),
        // JSON's strings are YAML's as well.
        Value::String(text) if text.contains(['\n', '\r']) || text.len() > 60 => return Ok(value.to_string()),
        _ => {}
    }
    let text = yaml::write_kubernetes(value)?;
    let text = text.trim_end_matches('\n');
    Ok(if text.contains('\n') { value.to_string() } else { text.to_owned() })
}

/// Path, value and origin of every value that has an origin.
pub(super) fn leaves(value: &Value, origin: &Origin<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    collect(value, &mut Vec::new(), origin, &mut found);
    found
}

fn collect(value: &Value, path: &mut Vec<Step>, origin: &Origin<'_>, found: &mut Vec<Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.as_str().into());
                collect(value, path, origin, found);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                path.push(index.into());
                collect(value, path, origin, found);
                path.pop();
            }
        }
        leaf => {
            if let Some(origin) = origin(path) {
                found.push(json!({"path": shown(path), "value": leaf, "origin": origin}));
            }
        }
    }
}

/// `spec.containers[0].image`; a key with dots stands in brackets.
fn shown(path: &[Step]) -> String {
    use std::fmt::Write;
    path.iter().fold(String::new(), |mut text, step| {
        let _ = match step {
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Key(key) if key.contains(['.', '[']) => write!(text, "[{key}]"),
            Step::Key(key) if text.is_empty() => write!(text, "{key}"),
            Step::Key(key) => write!(text, ".{key}"),
        };
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_comments_is_the_same_value() {
        let value = json!({
            "a": {"b": [{"c": 1, "d": "on"}, [], [[1, "x: y"], {}]], "#": "a # b", "": null},
            "long": "z".repeat(90), "lines": "a\nb\n", "yes": "1.10", "n": -0.5,
        });
        let text = yaml(&value, &|path: &[Step]| Some(format!("at {}", shown(path)))).unwrap();
        assert_eq!(yaml::read_kubernetes(&text).unwrap(), value, "{text}");
        assert!(text.contains("c: 1 # at a.b[0].c"), "{text}");
    }
}

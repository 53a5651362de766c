//! `${VARIABLE}` in the values of a Compose file, with its defaults and demands.

use serde_json::{Map, Value};

use super::File;
use crate::base::error::Result;
use crate::pattern::locate::Step;

/// The document with its variables replaced.
pub(super) fn interpolate(document: &Value, file: &mut File<'_>) -> Result<Value> {
    value(document, file, &mut Vec::new())
}

fn value(found: &Value, file: &mut File<'_>, path: &mut Vec<Step>) -> Result<Value> {
    match found {
        Value::String(text) if text.contains('$') => Ok(Value::String(string(text, file, path)?)),
        Value::Array(items) => {
            let mut out = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push(index.into());
                out.push(value(item, file, path)?);
                path.pop();
            }
            Ok(Value::Array(out))
        }
        Value::Object(map) => {
            let mut out = Map::with_capacity(map.len());
            for (key, item) in map {
                path.push(key.as_str().into());
                out.insert(key.clone(), value(item, file, path)?);
                path.pop();
            }
            Ok(Value::Object(out))
        }
        other => Ok(other.clone()),
    }
}

fn string(text: &str, file: &mut File<'_>, path: &[Step]) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let Some(end) = closing(inside) else {
                return Err(file.fault(path, &format!("`{text}` has no closing brace")));
            };
            out.push_str(&braced(&inside[..end], file, path)?);
            rest = &inside[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                out.push('$');
                continue;
            }
            out.push_str(&plain(&rest[..length], file, path));
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace ends that is already open; inner ones are counted.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let ends = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if starts { ends } else { 0 }
}

fn plain(name: &str, file: &mut File<'_>, path: &[Step]) -> String {
    if let Some(value) = (file.options.variable)(name) {
        return value;
    }
    file.warn(path, &format!("variable {name} is not set and counts as empty"));
    String::new()
}

fn braced(inside: &str, file: &mut File<'_>, path: &[Step]) -> Result<String> {
    let (name, rest) = inside.split_at(name_length(inside));
    if name.is_empty() {
        return Err(file.fault(path, &format!("`${{{inside}}}` does not begin with the name of a variable")));
    }
    let set = (file.options.variable)(name);
    // With a colon, an empty value counts as none.
    let (operator, word) = match rest.strip_prefix(':') {
        Some(after) => (after.chars().next(), after.get(1..).unwrap_or_default()),
        None => (rest.chars().next(), rest.get(1..).unwrap_or_default()),
    };
    let present = set.filter(|value| !rest.starts_with(':') || !value.is_empty());
    match (operator, present) {
        (None | Some('-' | '?'), Some(value)) => Ok(value),
        (None, None) => Ok(plain(name, file, path)),
        (Some('-'), None) | (Some('+'), Some(_)) => string(word, file, path),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => {
            let why = if word.is_empty() { String::new() } else { format!(": {word}") };
            Err(file
                .fault(path, &format!("variable {name} is not set{why}"))
                .remedy("Set it in the environment, in the `.env` file beside the Compose file, or with --env-file."))
        }
        _ => Err(file.fault(path, &format!("`${{{inside}}}` is no form of a variable that Compose has"))),
    }
}

/// The variables of an environment file: `KEY=VALUE` lines, comments, quotes.
pub(super) fn env_file(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (key, value) = line.split_once('=')?;
        Some((key.trim().to_owned(), unquoted(value.trim())))
    };
    text.lines().filter_map(line).collect()
}

fn unquoted(value: &str) -> String {
    if let Some(inside) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inside.to_owned();
    }
    if let Some(inside) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return inside.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
    }
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;
    use crate::pattern::convert::Source;

    #[test]
    fn variables_have_defaults_alternatives_and_escapes() {
        let source = Source { name: "c".into(), text: String::new() };
        let nothing = |_: &str| None;
        let variable = |name: &str| match name {
            "SET" => Some("x".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let options = Options { read: &nothing, variable: &variable, profiles: &[] };
        let mut file = File { source: &source, options, warnings: Vec::new() };
        for (text, expected) in [
            ("$SET-${SET}", "x-x"),
            ("${NONE:-d}${EMPTY:-e}${EMPTY-f}", "de"),
            ("${SET:+yes}${NONE:+no}${EMPTY:+no}${EMPTY+is}", "yesis"),
            ("$$SET 5$ ${NONE:-${SET}}", "$SET 5$ x"),
            ("$NONE", ""),
        ] {
            assert_eq!(string(text, &mut file, &[]).unwrap(), expected, "{text}");
        }
        assert_eq!(file.warnings.len(), 1);
        assert!(string("${", &mut file, &[]).is_err() && string("${1}", &mut file, &[]).is_err());
        assert!(string("${NONE?}", &mut file, &[]).is_err() && string("${SET!x}", &mut file, &[]).is_err());
    }
}

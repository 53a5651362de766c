//! How references are written: `$(#ref.PATH)` inside any string, `$$(#ref` for the text `$(#ref` itself.

use std::borrow::Cow;

use serde_json::Value;

const OPEN: &str = "$(#ref.";
const ESCAPED: &str = "$$(#ref";

/// A piece of a string.
#[derive(Debug, PartialEq)]
pub(in crate::pattern) enum Part<'t> {
    /// Text that stays.
    Text(&'t str),
    /// The path of a reference.
    Reference(&'t str),
}

/// Whether a string holds a reference or an escaped one, so that it is not what it looks like.
pub(in crate::pattern) fn is_touched(text: &str) -> bool {
    text.contains("$(#ref")
}

/// The path, when the string is one reference and nothing else.
pub(in crate::pattern) fn whole(text: &str) -> Option<&str> {
    match parts(text).ok()?.as_slice() {
        [Part::Reference(path)] => Some(path),
        _ => None,
    }
}

/// Takes a string apart. `Err` means that a reference is not closed.
pub(in crate::pattern) fn parts(text: &str) -> Result<Vec<Part<'_>>, ()> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("$(#ref") {
        if at > 0 && rest[at - 1..].starts_with(ESCAPED) {
            push(&mut parts, &rest[..at - 1]);
            let end = at + ESCAPED.len() - 1;
            push(&mut parts, &rest[at..end]);
            rest = &rest[end..];
        } else if rest[at..].starts_with(OPEN) {
            push(&mut parts, &rest[..at]);
            let inside = &rest[at + OPEN.len()..];
            let end = closing(inside).ok_or(())?;
            parts.push(Part::Reference(&inside[..end]));
            rest = &inside[end + 1..];
        } else {
            let end = at + "$(#ref".len();
            push(&mut parts, &rest[..end]);
            rest = &rest[end..];
        }
    }
    push(&mut parts, rest);
    Ok(parts)
}

fn push<'t>(parts: &mut Vec<Part<'t>>, text: &'t str) {
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
}

/// The closing parenthesis, which a key in brackets may hold as well.
fn closing(text: &str) -> Option<usize> {
    let mut bracketed = false;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => bracketed = true,
            ']' => bracketed = false,
            ')' if !bracketed => return Some(at),
            _ => {}
        }
        None
    })
}

/// What a reference becomes when its pattern is worked into another.
pub(in crate::pattern) enum Rewritten {
    /// A reference with another path.
    Path(String),
    /// Plain text.
    Text(String),
}

/// Writes a string anew with every reference changed; `None` when it holds none.
pub(in crate::pattern) fn rewrite(text: &str, change: impl Fn(&str) -> Rewritten) -> Option<String> {
    if !text.contains(OPEN) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for part in parts(text).ok()? {
        match part {
            // Only an escaped opening leaves this text.
            Part::Text("$(#ref") => out.push_str(ESCAPED),
            Part::Text(text) => out.push_str(text),
            Part::Reference(path) => match change(path) {
                Rewritten::Path(path) => out.extend([OPEN, &path, ")"]),
                Rewritten::Text(text) => out.push_str(&text),
            },
        }
    }
    Some(out)
}

/// Parts a path behind `vars.` or `services.`: the key among `known` that it names (the shortest wins), and the rest
/// with its leading dot.
pub(in crate::pattern) fn split_key(path: &str, known: impl Fn(&str) -> bool) -> (&str, &str) {
    if let Some((key, rest)) = path.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (key, rest);
    }
    let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
    let mut first = None;
    for end in ends {
        first.get_or_insert(end);
        if known(&path[..end]) {
            return path.split_at(end);
        }
    }
    path.split_at(first.unwrap_or(path.len()))
}

/// What a path leads to.
#[derive(Debug)]
pub(in crate::pattern) enum Found<'v> {
    /// The value.
    Value(&'v Value),
    /// A reference in the middle of the way, and what is left of the path behind it.
    Through(&'v str, &'v str),
}

/// Follows a dotted path. A key that holds dots stands in brackets, `services.[ns.sample].name`, or as it is: the
/// shortest key that leads on wins.
pub(in crate::pattern) fn descend<'v>(value: &'v Value, path: &'v str) -> Option<Found<'v>> {
    if path.is_empty() {
        return Some(Found::Value(value));
    }
    if let Some((key, rest)) = path.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        if let Value::String(text) = value {
            return whole(text).map(|_| Found::Through(text, path));
        }
        let found = value.get(key).or_else(|| value.get(key.parse::<usize>().ok()?))?;
        return descend(found, rest.strip_prefix('.').unwrap_or(rest));
    }
    match value {
        Value::Array(items) => {
            let (head, rest) = head(path);
            descend(items.get(head.parse::<usize>().ok()?)?, rest)
        }
        Value::Object(map) => {
            if let Some(found) = map.get(path) {
                return Some(Found::Value(found));
            }
            let ends = path.match_indices(['.', '[']);
            ends.into_iter().find_map(|(end, _)| {
                let rest = &path[end..];
                descend(map.get(&path[..end])?, rest.strip_prefix('.').unwrap_or(rest))
            })
        }
        Value::String(text) => whole(text).map(|_| Found::Through(text, path)),
        _ => None,
    }
}

/// The first step of a path, and the others.
fn head(path: &str) -> (&str, &str) {
    match path.find(['.', '[']) {
        Some(end) => (&path[..end], path[end..].strip_prefix('.').unwrap_or(&path[end..])),
        None => (path, ""),
    }
}

/// Where a path that leads nowhere ends: the last value on it, the way there, and the step that is missing.
pub(in crate::pattern) fn dead_end<'v>(value: &'v Value, path: &'v str) -> (&'v Value, &'v str, Cow<'v, str>) {
    let ends = path.match_indices('.').map(|(at, _)| at);
    let mut reached = ends.filter_map(|end| match descend(value, &path[..end])? {
        Found::Value(found) => Some((found, end)),
        Found::Through(..) => None,
    });
    let (last, way, rest) = match reached.next_back() {
        Some((found, end)) => (found, &path[..end], &path[end + 1..]),
        None => (value, "", path),
    };
    let missing = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((key, _)) => key,
        None => head(rest).0,
    };
    (last, way, Cow::Borrowed(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_taken_apart_without_greed() {
        use Part::{Reference, Text};
        assert_eq!(
            parts("a$(#ref.x.y)b$(#ref.z))").unwrap(),
            [Text("a"), Reference("x.y"), Text("b"), Reference("z"), Text(")")]
        );
        assert_eq!(parts("$$(#ref.x) $(#refx) $(x)").unwrap().iter().filter(|p| matches!(p, Reference(_))).count(), 0);
        assert_eq!(parts("$(#ref.[a)b].c)").unwrap(), [Reference("[a)b].c")]);
        assert!(parts("$(#ref.x").is_err());
        assert_eq!((whole("$(#ref.a)"), whole(" $(#ref.a)")), (Some("a"), None));
    }

    #[test]
    fn rewriting_keeps_escapes_and_what_stands_around() {
        let to = |path: &str| Rewritten::Path(format!("q.{path}"));
        assert_eq!(rewrite("$$(#ref.a)$(#ref.b)!", to).unwrap(), "$$(#ref.a)$(#ref.q.b)!");
        assert_eq!(rewrite("plain", to), None);
    }

    #[test]
    fn keys_are_parted_at_the_shortest_that_is_known() {
        assert_eq!(split_key("a.b.c", |key| key == "a.b"), ("a.b", ".c"));
        assert_eq!(split_key("[a.b].c", |_| false), ("a.b", ".c"));
        assert_eq!(split_key("a.b", |_| false), ("a", ".b"));
    }
}

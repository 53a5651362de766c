//! `-o jsonpath=…`: kubectl's templates (`{.items[*].name}`, `{range .items[*]}…{end}`) and plain RFC 9535 (`$[*].name`).
//!
//! A path that selects nothing although there is something to select from is an error that names it, unlike kubectl's
//! silence. A bare list is also found under `.items`, so that kubectl's habits work.

use serde_json::{Value, json};
use serde_json_path::JsonPath;

use crate::base::{Code, Error, Result};

/// One path, with the spelling the user gave.
#[derive(Debug, Clone)]
pub struct Path {
    source: String,
    path: JsonPath,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Path {
    /// Reads `.a.b`, `{.a.b}`, `a.b`, `$.a.b`.
    pub fn parse(source: &str) -> Result<Self, String> {
        let inner = source.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(source).trim();
        let standard = standard_form(inner)?;
        let path = JsonPath::parse(&standard).map_err(|error| format!("`{source}` is not a JSONPath: {error}"))?;
        Ok(Self { source: source.to_owned(), path })
    }

    /// What the path selects.
    pub fn select<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }
}

/// kubectl's spelling as RFC 9535: names in brackets, because kubectl allows `-` and escaped dots in them.
fn standard_form(text: &str) -> Result<String, String> {
    let text = text.strip_prefix(['$', '@']).unwrap_or(text);
    let mut result = String::from("$");
    let mut rest = text;
    let mut first = true;
    while !rest.is_empty() {
        if rest.starts_with('[') {
            let end = bracket_end(rest).ok_or_else(|| format!("`{text}` has a `[` without its `]`"))?;
            result.push_str(&rest[..=end]);
            rest = &rest[end + 1..];
        } else {
            let deep = rest.starts_with("..");
            let bare = rest.trim_start_matches('.');
            if rest.len() == bare.len() && !first {
                return Err(format!("`{text}` lacks a `.` before `{rest}`"));
            }
            let (name, tail) = take_name(bare);
            rest = tail;
            push_name(&mut result, &name, deep);
        }
        first = false;
    }
    Ok(result)
}

fn push_name(result: &mut String, name: &str, deep: bool) {
    if deep {
        result.push_str("..");
    }
    match name {
        "" => {}
        "*" => result.push_str("[*]"),
        name => {
            let quoted = Value::from(name).to_string();
            result.push('[');
            result.push_str(&quoted);
            result.push(']');
        }
    }
}

fn take_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                if let Some((_, escaped)) = chars.next() {
                    name.push(escaped);
                }
            }
            '.' | '[' => return (name, &text[at..]),
            c => name.push(c),
        }
    }
    (name, "")
}

fn bracket_end(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Path(Path),
    Range(Path, Vec<Node>),
}

/// A template: text with paths in braces, or one path alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Node>);

impl Template {
    /// Reads a template.
    pub fn parse(source: &str) -> Result<Self, String> {
        if source.is_empty() {
            return Err("jsonpath= needs an expression, for example jsonpath='{.items[*].name}'".to_owned());
        }
        if !source.contains('{') {
            return Ok(Self(vec![Node::Path(Path::parse(source)?)]));
        }
        let mut rest = source;
        let nodes = parse_nodes(&mut rest, false)?;
        Ok(Self(nodes))
    }

    /// The text for a value, without a final line feed.
    pub fn render(&self, value: &Value) -> Result<String> {
        let wrapped;
        let value = match value {
            Value::Array(_) if self.wants_items() => {
                wrapped = json!({ "items": value });
                &wrapped
            }
            other => other,
        };
        let mut text = String::new();
        render_nodes(&self.0, value, &mut text)?;
        Ok(text)
    }

    fn wants_items(&self) -> bool {
        self.0.iter().any(|node| match node {
            Node::Path(path) | Node::Range(path, _) => path.path.to_string().starts_with("$['items']"),
            Node::Text(_) => false,
        })
    }
}

fn parse_nodes(rest: &mut &str, inside: bool) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            nodes.push(Node::Text((*rest).to_owned()));
            *rest = "";
            break;
        };
        if open > 0 {
            nodes.push(Node::Text(rest[..open].to_owned()));
        }
        let close = brace_end(&rest[open..]).ok_or_else(|| "a `{` lacks its `}`".to_owned())? + open;
        let inner = rest[open + 1..close].trim();
        *rest = &rest[close + 1..];
        if inner == "end" {
            return if inside { Ok(nodes) } else { Err("`{end}` stands without `{range …}`".to_owned()) };
        }
        nodes.push(node(inner, rest)?);
    }
    if inside { Err("`{range …}` lacks its `{end}`".to_owned()) } else { Ok(nodes) }
}

fn node(inner: &str, rest: &mut &str) -> Result<Node, String> {
    if let Some(path) = inner.strip_prefix("range ") {
        let path = Path::parse(path)?;
        return Ok(Node::Range(path, parse_nodes(rest, true)?));
    }
    if inner.starts_with('"') {
        let text = serde_json::from_str(inner).map_err(|_| format!("{inner} is not a quoted text"))?;
        return Ok(Node::Text(text));
    }
    Path::parse(inner).map(Node::Path)
}

fn brace_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '}') => return Some(at),
            _ => {}
        }
    }
    None
}

fn render_nodes(nodes: &[Node], value: &Value, text: &mut String) -> Result<()> {
    for node in nodes {
        match node {
            Node::Text(literal) => text.push_str(literal),
            Node::Path(path) => {
                let found: Vec<String> = select(path, value)?.into_iter().map(plain).collect();
                text.push_str(&found.join(" "));
            }
            Node::Range(path, inner) => {
                for item in select(path, value)? {
                    render_nodes(inner, item, text)?;
                }
            }
        }
    }
    Ok(())
}

/// Selecting nothing is an error, unless the list that is selected from is empty.
fn select<'v>(path: &Path, value: &'v Value) -> Result<Vec<&'v Value>> {
    let found = path.select(value);
    if found.is_empty() && !is_empty(value) {
        return Err(Error::new(Code::FieldNotFound, format!("the output has no field `{}`", path.source))
            .remedy("Look at the fields with -o json, or at the schema with `mesheryctl schema COMMAND`."));
    }
    Ok(found)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => match fields.get("items") {
            Some(Value::Array(items)) if fields.len() == 1 => items.is_empty(),
            _ => fields.is_empty(),
        },
        _ => false,
    }
}

/// Strings bare, anything else as compact JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, value: &Value) -> String {
        Template::parse(template).unwrap().render(value).unwrap()
    }

    #[test]
    fn kubectl_and_standard_spellings_select_the_same() {
        let list = json!([{"name": "a", "kube-context": "x"}, {"name": "b", "kube-context": "y"}]);
        assert_eq!(render("{.items[*].name}", &list), "a b");
        assert_eq!(render("$[*].name", &list), "a b");
        assert_eq!(render("{[1].kube-context}", &list), "y");
        assert_eq!(render("{..name}", &list), "a b");
        assert_eq!(render("{.items[?(@.name==\"b\")].kube-context}", &list), "y");
        assert_eq!(render("{range .items[*]}{.name}={.kube-context}{\"\\n\"}{end}", &list), "a=x\nb=y\n");
        let labels = json!({"labels": {"app.kubernetes.io/name": "web"}});
        assert_eq!(render("{.labels.app\\.kubernetes\\.io/name}", &labels), "web");
        assert_eq!(render("name: {.labels}", &labels), "name: {\"app.kubernetes.io/name\":\"web\"}");
    }

    #[test]
    fn a_missing_field_is_named_and_an_empty_list_is_not_a_missing_field() {
        let error = Template::parse("{.nope}").unwrap().render(&json!({"name": "a"})).unwrap_err();
        assert_eq!(error.message(), "the output has no field `.nope`");
        assert_eq!(render("{.items[*].name}", &json!([])), "");
    }

    #[test]
    fn broken_templates_say_what_is_missing() {
        for (template, expected) in [
            ("{.a", "lacks its `}`"),
            ("{range .a}x", "lacks its `{end}`"),
            ("{end}", "without"),
            ("{.a[0}", "without its `]`"),
            ("", "needs an expression"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(expected), "{template}: {error}");
        }
    }
}

//! Values from outside the pattern: files over `vars`, and single items `PATH=VALUE`.

use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::base::{text, yaml};
use crate::pattern::locate::Step;
use crate::pattern::overlay;
use crate::pattern::tree::{Kind, Mark, Node, Sources};
use crate::wire::rest::SourceText;

/// Parts of a pattern that a path can begin with; any other path is one below `vars`.
const PARTS: &[&str] = &["vars", "services", "labels", "annotations"];

/// Merges a file of values over the `vars` of `pattern`.
///
/// # Errors
/// [`Code::PatternSyntax`] and [`Code::PatternGrammar`] for the file, [`Code::PatternVariable`] for a name the pattern does
/// not have; each with its place.
pub fn apply_file(pattern: &mut Node, file: &SourceText, sources: &mut Sources) -> Result<()> {
    let Some(values) = Node::read(sources, &file.name, &file.text)? else { return Ok(()) };
    let place = sources.place(values.mark);
    let Kind::Map(values) = values.value else {
        return Err(Error::new(Code::PatternGrammar, "a file of values is a mapping of variables to values").at(place));
    };
    for (name, value) in values {
        set_variable(pattern, &name, value, sources)?;
    }
    Ok(())
}

/// Gives a variable of `pattern` a value: mappings merge, everything else is replaced.
///
/// # Errors
/// [`Code::PatternVariable`] for a name the pattern does not have.
pub fn set_variable(pattern: &mut Node, name: &str, value: Node, sources: &Sources) -> Result<()> {
    let Some(variable) = pattern.map_at("vars").and_then(|vars| vars.get_mut(name)) else {
        return Err(unknown_variable(pattern, name).at(sources.place(value.mark)));
    };
    if value.is_null() {
        *variable = value;
    } else {
        overlay::merge(variable, value);
    }
    Ok(())
}

fn unknown_variable(pattern: &Node, name: &str) -> Error {
    let vars = pattern.get("vars").and_then(Node::map);
    let names: Vec<&str> = vars.map(|vars| vars.keys().map(String::as_str).collect()).unwrap_or_default();
    let error = Error::new(Code::PatternVariable, format!("the pattern has no variable `{name}`"))
        .details(text::did_you_mean(name, names.iter().copied()));
    if names.is_empty() {
        error.detail("it has no `vars` at all")
    } else {
        error.detail(format!("its variables: {}", names.join(", ")))
    }
}

/// Applies one item `PATH=VALUE`.
///
/// # Errors
/// [`Code::UsageError`] when it is not of that form; [`Code::PatternVariable`] when its path leads nowhere.
pub fn apply_item(pattern: &mut Node, item: &str, sources: &mut Sources) -> Result<()> {
    let Item { path, written, value, text } = parse_item(item)?;
    let mark = Mark { source: sources.add(&format!("--set {written}")), line: 0, column: 0 };
    let (first, rest) = match path.split_first() {
        Some((Step::Key(first), rest)) => (first.as_str(), rest),
        _ => return Err(malformed(item, "a path begins with a name")),
    };
    let (part, rest) = if !rest.is_empty() && PARTS.contains(&first) { (first, rest) } else { ("vars", &path[..]) };
    let known = match rest.first() {
        Some(Step::Key(name)) => pattern.get(part).and_then(|part| part.get(name)).is_some(),
        _ => false,
    };
    // What the file has as a string stays one: a version such as 1.30 is no number.
    let is_plain = matches!(value, Value::Number(_) | Value::Bool(_));
    let is_text =
        is_plain && pattern.get(part).and_then(|part| at(part, rest)).is_some_and(|node| node.text().is_some());
    let value = Node::of_value(if is_text { Value::String(text) } else { value }, mark);
    match (part, rest.first()) {
        ("vars", Some(Step::Key(name))) if !known => Err(unknown_variable(pattern, name).at(sources.place(mark))),
        ("services", Some(Step::Key(key))) if !known => Err(unknown_service(pattern, key).at(sources.place(mark))),
        _ => {
            let root = pattern.map_mut().ok_or_else(|| malformed(item, "the pattern is not a mapping"))?;
            let target = root.entry(part.to_owned()).or_insert_with(|| Node::empty_map(mark));
            let keeps_null = part == "vars" && rest.len() == 1;
            put(target, rest, value, keeps_null)
                .map_err(|reason| Error::new(Code::PatternVariable, reason).at(sources.place(mark)))
        }
    }
}

/// What stands at the end of a path.
fn at<'n>(node: &'n Node, path: &[Step]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, step| match step {
        Step::Key(key) => node.get(key),
        Step::Index(_) => None,
    })
}

fn unknown_service(pattern: &Node, key: &str) -> Error {
    let services = pattern.get("services").and_then(Node::map);
    let keys = services.into_iter().flat_map(|services| services.keys().map(String::as_str));
    Error::new(Code::PatternVariable, format!("the pattern has no service `{key}`"))
        .details(text::did_you_mean(key, keys))
}

/// Puts `value` at the end of `path`, making mappings and lists on the way where there is nothing.
fn put(node: &mut Node, path: &[Step], value: Node, keeps_null: bool) -> Result<(), String> {
    let Some((step, rest)) = path.split_first() else {
        *node = value;
        return Ok(());
    };
    if node.is_null() {
        node.value = match step {
            Step::Key(_) => Kind::Map(indexmap::IndexMap::new()),
            Step::Index(_) => Kind::List(Vec::new()),
        };
    }
    match (&mut node.value, step) {
        (Kind::Map(map), Step::Key(_) | Step::Index(_)) => {
            let key = match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            };
            if rest.is_empty() && value.is_null() && !keeps_null {
                map.shift_remove(&key);
                return Ok(());
            }
            let mark = value.mark;
            put(map.entry(key).or_insert_with(|| Node { mark, ..Node::default() }), rest, value, keeps_null)
        }
        (Kind::List(items), Step::Index(index)) => {
            if *index > items.len() {
                return Err(format!(
                    "index {index} is beyond the end of a list of {}",
                    text::count(items.len(), "item")
                ));
            }
            if *index == items.len() {
                items.push(Node { mark: value.mark, ..Node::default() });
            }
            put(&mut items[*index], rest, value, keeps_null)
        }
        (Kind::List(items), Step::Key(key)) => {
            // An item of a list of named mappings can be chosen by its name.
            match items.iter_mut().find(|item| item.get("name").and_then(Node::text) == Some(key)) {
                Some(item) => put(item, rest, value, keeps_null),
                None => Err(format!("`{key}` stands where a list is; choose an item by its number, as in [0]")),
            }
        }
        (Kind::Scalar(_), Step::Key(key)) => Err(format!("`{key}` is below a plain value, which has no keys")),
        (Kind::Scalar(_), Step::Index(index)) => Err(format!("[{index}] is below a plain value, which has no items")),
    }
}

/// `PATH=VALUE`, taken apart.
#[derive(Debug, PartialEq)]
struct Item {
    path: Vec<Step>,
    written: String,
    value: Value,
    /// What stands behind `=`.
    text: String,
}

fn malformed(item: &str, reason: &str) -> Error {
    // What stands behind `=` may be a secret.
    let shown = item.split('=').next().unwrap_or_default();
    Error::new(Code::UsageError, format!("--set {shown}: {reason}"))
        .remedy("Write NAME=VALUE for a variable, or a path such as services.web.settings.replicas=3.")
}

fn parse_item(item: &str) -> Result<Item> {
    let (path, end) = parse_path(item)?;
    let text = item[end + 1..].to_owned();
    let value = typed(&text).map_err(|reason| malformed(item, &reason))?;
    Ok(Item { path, written: item[..end].to_owned(), value, text })
}

/// The steps before `=`: keys parted by dots, `\.` for a dot within a key, `[0]` for an item, `[any.key]` for a key.
fn parse_path(item: &str) -> Result<(Vec<Step>, usize)> {
    let mut steps = Vec::new();
    let mut key = String::new();
    let mut chars = item.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped)) => key.push(escaped),
                None => break,
            },
            '=' | '.' | '[' => {
                let begins = c == '[' && steps.is_empty();
                match key.is_empty() {
                    false => steps.push(Step::Key(std::mem::take(&mut key))),
                    true if begins => {}
                    true => return Err(malformed(item, "a key of the path is empty")),
                }
                match c {
                    '=' => return Ok((steps, at)),
                    '[' => return bracket(item, at, steps),
                    _ => {}
                }
            }
            c => key.push(c),
        }
    }
    Err(malformed(item, "there is no `=`"))
}

/// Takes the bracket at `at` and what follows it.
fn bracket(item: &str, at: usize, mut steps: Vec<Step>) -> Result<(Vec<Step>, usize)> {
    let Some(length) = item[at..].find(']') else { return Err(malformed(item, "a bracket is not closed")) };
    let inner = &item[at + 1..at + length];
    steps.push(inner.parse().map_or_else(|_| Step::from(inner), Step::Index));
    rest_of_path(item, at + length + 1, steps)
}

/// Goes on behind a closing bracket: another step, or the end.
fn rest_of_path(item: &str, from: usize, mut steps: Vec<Step>) -> Result<(Vec<Step>, usize)> {
    let rest = &item[from..];
    if rest.starts_with('=') {
        return Ok((steps, from));
    }
    let skip = usize::from(rest.starts_with('.'));
    if skip == 0 && !rest.starts_with('[') {
        return Err(malformed(item, "behind a bracket stands `.`, `[` or `=`"));
    }
    let (more, end) = parse_path(&rest[skip..])?;
    steps.extend(more);
    Ok((steps, from + skip + end))
}

/// A scalar as YAML reads it; a list or mapping when it is written with brackets; else the text itself.
fn typed(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::String(String::new()));
    }
    let is_collection = text.trim_start().starts_with(['[', '{']);
    match yaml::read_kubernetes(text) {
        Ok(value @ (Value::Array(_) | Value::Object(_))) if is_collection => Ok(value),
        Ok(Value::Array(_) | Value::Object(_)) => Ok(Value::String(text.to_owned())),
        Ok(scalar) => Ok(scalar),
        Err(fault) if is_collection => Err(format!("the value is not YAML: {}", fault.message)),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BASE: &str = "name: p\nvars: {n: 1, host: a, db: {size: 1, name: x}}\nservices:\n  web:\n    type: X\n    settings:\n      list: [{name: c, image: i}]\n";

    #[test]
    fn what_the_file_has_as_a_string_stays_one() {
        let vars = after(&["host=1.30", "n=1.5", "db.name=true"]).unwrap()["vars"].clone();
        assert_eq!(vars, json!({"n": 1.5, "host": "1.30", "db": {"size": 1, "name": "true"}}));
    }

    fn after(items: &[&str]) -> Result<Value> {
        let mut sources = Sources::default();
        let mut node = Node::read(&mut sources, "p.yaml", BASE)?.unwrap();
        for item in items {
            apply_item(&mut node, item, &mut sources)?;
        }
        Ok(node.to_value())
    }

    #[test]
    fn bare_names_are_variables_and_values_are_typed_as_in_yaml() {
        let value = after(&["n=3", "vars.db.size=true", "host=\"7\"", "db.name=a=b"]).unwrap();
        assert_eq!(value["vars"], json!({"n": 3, "host": "7", "db": {"size": true, "name": "a=b"}}));
        let value = after(&["n=", "host=foo: bar", "db={size: [1, 2]}"]).unwrap();
        assert_eq!(value["vars"], json!({"n": "", "host": "foo: bar", "db": {"size": [1, 2]}}));
        assert_eq!(after(&["n=null"]).unwrap()["vars"]["n"], Value::Null);
    }

    #[test]
    fn paths_reach_every_value_and_make_what_is_missing() {
        let value = after(&[
            "services.web.settings.replicas=3",
            "services.web.labels.app\\.kubernetes\\.io/name=x",
            "services.web.labels[a.b]=why",
            "services.web.settings.list[0].image=z",
            "services.web.settings.list[c].tag=t",
            "services.web.settings.list[1].name=d",
            "services.web.type=null",
            "labels.team=one",
        ])
        .unwrap();
        assert_eq!(
            value["services"]["web"],
            json!({
                "settings": {"list": [{"name": "c", "image": "z", "tag": "t"}, {"name": "d"}], "replicas": 3},
                "labels": {"app.kubernetes.io/name": "x", "a.b": "why"},
            })
        );
        assert_eq!(value["labels"], json!({"team": "one"}));
    }

    #[test]
    fn unknown_names_are_told_with_the_nearest() {
        let error = after(&["hots=1"]).unwrap_err();
        assert_eq!(error.to_string(), "--set hots: the pattern has no variable `hots`");
        assert_eq!(error.report().details, ["did you mean host?", "its variables: n, host, db"]);
        let error = after(&["services.wbe.type=X"]).unwrap_err();
        assert_eq!(error.report().details, ["did you mean web?"]);
    }

    #[test]
    fn malformed_items_are_usage_errors_that_do_not_tell_the_value() {
        for item in ["n", "=1", "a..b=1", "services.web[0=1", "services.web[0]x=1", "n=[1"] {
            let error = after(&[item]).unwrap_err();
            assert_eq!(error.code(), Code::UsageError, "{item}");
        }
        let error = after(&["services.web.settings.list[7]=1"]).unwrap_err();
        assert!(error.message().contains("beyond the end"), "{error}");
        assert!(after(&["n.x=1"]).unwrap_err().message().contains("plain value"));
        assert!(!after(&["a..b=secret"]).unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn files_merge_over_vars_and_know_their_places() {
        let mut sources = Sources::default();
        let mut node = Node::read(&mut sources, "p.yaml", BASE).unwrap().unwrap();
        let file = |text: &str| SourceText { name: "v.yaml".into(), text: text.into() };
        apply_file(&mut node, &file("db: {size: 9}\nn: 2\n"), &mut sources).unwrap();
        assert_eq!(node.to_value()["vars"], json!({"n": 2, "host": "a", "db": {"size": 9, "name": "x"}}));
        let error = apply_file(&mut node, &file("n: 1\nhsot: 2\n"), &mut sources).unwrap_err();
        assert_eq!(error.to_string(), "v.yaml:2:1: the pattern has no variable `hsot`");
        assert!(apply_file(&mut node, &file("- 1\n"), &mut sources).is_err());
        apply_file(&mut node, &file("# nothing\n"), &mut sources).unwrap();
    }
}

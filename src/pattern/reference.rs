//! Stage resolve: replaces `$(#ref.path)` by what stands at that path of the pattern.
//!
//! A string that is one reference takes the value with its type; a reference inside a longer string is interpolated
//! and must be a scalar. Paths run over the pattern as written plus `services.KEY.id` and `services.KEY.name`.

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::base::{id, text};
use crate::model::pattern::Pattern;
use crate::pattern::locate::{Source, Step};
use crate::pattern::parse::Document;

const OPEN: &str = "$(#ref.";
const MAX_DEPTH: usize = 32;

/// Resolves every reference of the document.
///
/// # Errors
/// [`Code::PatternReference`] for a path that leads nowhere, to itself, or to a mapping inside a string.
pub fn resolve(document: &Document) -> Result<Document> {
    let mut resolved = document.clone();
    if !document.source.text.contains(OPEN) {
        return Ok(resolved);
    }
    let resolver = Resolver { tree: tree(&document.pattern), source: &document.source };
    for service in &mut resolved.pattern.services {
        let base = [Step::from("services"), Step::from(service.key.as_str())];
        let at = |key: &str| base.iter().cloned().chain([Step::from(key)]).collect::<Vec<_>>();
        service.kind = resolver.text(&service.kind, &at("type"))?;
        for (field, key) in [
            (&mut service.name, "name"),
            (&mut service.namespace, "namespace"),
            (&mut service.version, "version"),
            (&mut service.api_version, "apiVersion"),
        ] {
            if let Some(value) = field {
                *value = resolver.text(value, &at(key))?;
            }
        }
        for (map, key) in [(&mut service.labels, "labels"), (&mut service.annotations, "annotations")] {
            for value in map.values_mut() {
                *value = resolver.text(value, &at(key))?;
            }
        }
        for (index, name) in service.depends_on.iter_mut().enumerate() {
            let mut path = at("dependsOn");
            path.push(index.into());
            *name = resolver.text(name, &path)?;
        }
        for (map, key) in [(&mut service.settings, "settings"), (&mut service.traits, "traits")] {
            *map = resolver.map(map, &mut at(key), 0)?;
        }
    }
    Ok(resolved)
}

/// The pattern as references see it.
fn tree(pattern: &Pattern) -> Value {
    let services: Map<String, Value> = pattern
        .services
        .iter()
        .map(|service| {
            let mut value = json!({
                "id": id::stable(&pattern.name, &service.key).to_string(),
                "name": service.object_name(),
                "type": service.kind,
                "dependsOn": service.depends_on,
                "labels": service.labels,
                "annotations": service.annotations,
                "settings": service.settings,
                "traits": service.traits,
            });
            for (key, field) in
                [("namespace", &service.namespace), ("version", &service.version), ("apiVersion", &service.api_version)]
            {
                if let Some(text) = field {
                    value[key] = json!(text);
                }
            }
            (service.key.clone(), value)
        })
        .collect();
    json!({"name": pattern.name, "version": pattern.version, "vars": pattern.vars, "services": services})
}

struct Resolver<'a> {
    tree: Value,
    source: &'a Source,
}

impl Resolver<'_> {
    fn map(&self, map: &Map<String, Value>, path: &mut Vec<Step>, depth: usize) -> Result<Map<String, Value>> {
        let mut out = Map::with_capacity(map.len());
        for (key, value) in map {
            path.push(key.as_str().into());
            out.insert(key.clone(), self.value(value, path, depth)?);
            path.pop();
        }
        Ok(out)
    }

    fn value(&self, value: &Value, path: &mut Vec<Step>, depth: usize) -> Result<Value> {
        match value {
            Value::String(text) => self.string(text, path, depth),
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.into());
                    out.push(self.value(item, path, depth)?);
                    path.pop();
                }
                Ok(Value::Array(out))
            }
            Value::Object(map) => Ok(Value::Object(self.map(map, path, depth)?)),
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str, path: &[Step]) -> Result<String> {
        match self.string(text, &mut path.to_vec(), 0)? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            _ => Err(self.fault(path, format!("{text} is not a plain value, and only one can stand here"))),
        }
    }

    fn string(&self, text: &str, path: &mut Vec<Step>, depth: usize) -> Result<Value> {
        let Some(start) = text.find(OPEN) else { return Ok(Value::String(text.to_owned())) };
        if depth > MAX_DEPTH {
            return Err(self.fault(path, format!("{text} leads back to itself")));
        }
        let Some(length) = text[start..].find(')') else {
            return Err(self.fault(path, format!("{text} has no closing parenthesis")));
        };
        let inside = &text[start + OPEN.len()..start + length];
        let found = self.look_up(inside).ok_or_else(|| self.missing(inside, path))?.clone();
        let value = self.value(&found, path, depth + 1)?;
        if start == 0 && length + 1 == text.len() {
            return Ok(value);
        }
        let shown = match value {
            Value::String(text) => text,
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            _ => {
                return Err(self.fault(
                    path,
                    format!("$(#ref.{inside}) is not a plain value, so it cannot stand inside a longer string"),
                ));
            }
        };
        let rest = self.string(&text[start + length + 1..], path, depth)?;
        Ok(Value::String(format!(
            "{}{shown}{}",
            &text[..start],
            rest.as_str().map_or_else(|| rest.to_string(), str::to_owned)
        )))
    }

    fn look_up(&self, path: &str) -> Option<&Value> {
        descend(&self.tree, path)
    }

    fn missing(&self, inside: &str, path: &[Step]) -> Error {
        let (parent, last) = inside.rsplit_once('.').unwrap_or(("", inside));
        let siblings = if parent.is_empty() { Some(&self.tree) } else { self.look_up(parent) };
        let error = self.fault(path, format!("$(#ref.{inside}) points at nothing"));
        match siblings.and_then(Value::as_object) {
            Some(map) => {
                let hint = text::did_you_mean(last, map.keys().map(String::as_str));
                error
                    .details(hint)
                    .detail(format!("keys there: {}", map.keys().cloned().collect::<Vec<_>>().join(", ")))
            }
            None => error.detail(format!("`{parent}` does not exist either")),
        }
    }

    fn fault(&self, path: &[Step], message: String) -> Error {
        Error::new(Code::PatternReference, message).at(self.source.place(path))
    }
}

/// Follows a dotted path. A key that holds dots stands in brackets, `services.[ns.sample].name`, or as it is: the
/// shortest key that leads on wins.
fn descend<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some((key, rest)) = path.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        let found = value.get(key).or_else(|| value.get(key.parse::<usize>().ok()?))?;
        return match rest.strip_prefix('.').unwrap_or(rest) {
            "" => Some(found),
            rest => descend(found, rest),
        };
    }
    let next = match value {
        Value::Array(items) => {
            let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
            let item = items.get(head.parse::<usize>().ok()?)?;
            return rest.map_or(Some(item), |rest| descend(item, rest));
        }
        Value::Object(map) => map,
        _ => return None,
    };
    if let Some(found) = next.get(path) {
        return Some(found);
    }
    path.match_indices('.')
        .find_map(|(dot, _)| next.get(&path[..dot]).and_then(|inner| descend(inner, &path[dot + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn settings(content: &str) -> Result<Value> {
        let document = parse("p.yaml", content).unwrap();
        resolve(&document).map(|document| Value::Object(document.pattern.services[0].settings.clone()))
    }

    #[test]
    fn values_keep_their_type_and_strings_are_interpolated() {
        let value = settings(
            "name: p\nvars: {n: 3, on: true, list: [1, 2], host: web, deep: $(#ref.vars.n)}\nservices:\n  a:\n    type: X\n    namespace: ns\n    settings:\n      \
             n: $(#ref.vars.n)\n      list: $(#ref.vars.list)\n      url: http://$(#ref.vars.host).$(#ref.services.a.namespace):8$(#ref.vars.n)/\n      deep: $(#ref.vars.deep)\n      item: $(#ref.vars.list.1)\n",
        )
        .unwrap();
        assert_eq!(value, json!({"n": 3, "list": [1, 2], "url": "http://web.ns:83/", "deep": 3, "item": 2}));
    }

    #[test]
    fn ids_and_default_names_can_be_referred_to() {
        let value = settings("name: p\nservices:\n  a: {type: X, settings: {id: $(#ref.services.a.id), name: $(#ref.services.a.name)}}\n").unwrap();
        assert_eq!(value["name"], "a");
        assert_eq!(value["id"], id::stable("p", "a").to_string());
    }

    #[test]
    fn keys_with_dots_stand_in_brackets_or_as_they_are() {
        let value = settings(
            "name: p\nservices:\n  a: {type: X, settings: {b: \"$(#ref.services.[ns.sample].name)\", c: $(#ref.services.ns.sample.name)}}\n  \
             ns.sample: {type: Namespace, name: test}\n",
        )
        .unwrap();
        assert_eq!(value, json!({"b": "test", "c": "test"}));
    }

    #[test]
    fn missing_circular_and_open_references_are_errors_with_a_place() {
        let error = settings(
            "name: p\nvars: {host: a}\nservices:\n  a:\n    type: X\n    settings:\n      h: $(#ref.vars.hots)\n",
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "p.yaml:7:7: $(#ref.vars.hots) points at nothing");
        assert_eq!(error.report().details[0], "did you mean host?");
        let error =
            settings("name: p\nvars: {a: $(#ref.vars.a)}\nservices:\n  a: {type: X, settings: {h: $(#ref.vars.a)}}\n")
                .unwrap_err();
        assert!(error.message().contains("leads back to itself"), "{error}");
        let error = settings("name: p\nservices:\n  a: {type: X, settings: {h: \"$(#ref.vars\"}}\n").map(|_| ());
        assert!(error.is_ok() || error.unwrap_err().message().contains("parenthesis"));
    }
}

//! Stage resolve: replaces `$(#ref.path)` by what stands at that path of the pattern.
//!
//! A string that is one reference takes the value with its type; a reference inside a longer string, or in a key, is
//! interpolated and must be a plain value. Paths run over the pattern as written plus `services.KEY.id` and
//! `services.KEY.name`. `$$(#ref` is the text `$(#ref`.

pub(in crate::pattern) mod syntax;

use std::cell::Cell;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::base::{id, text};
use crate::model::pattern::{Pattern, Service};
use crate::pattern::locate::{Source, Step};
use crate::pattern::parse::Document;

use syntax::{Found, Part};

/// Values that references may bring in all: a bound for references that double what they refer to.
const BUDGET: usize = 2_000_000;
/// The trait that only lays out drawings.
const LAYOUT: &str = "meshmap";

/// What could not be resolved.
#[derive(Debug, Default)]
pub struct Unresolved {
    /// The first fault of each service, by its index. Such a service keeps its references.
    pub services: HashMap<usize, Error>,
    /// Faults of the pattern's own fields.
    pub others: Vec<Error>,
}

impl Unresolved {
    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.others.is_empty()
    }
}

/// Resolves every reference of the document.
///
/// Faults are [`Code::PatternReference`]: a path that leads nowhere, to itself, or to a mapping inside a string. In the
/// layout of drawings they are warnings.
pub fn resolve(document: &Document) -> (Document, Unresolved) {
    let mut resolved = document.clone();
    if !document.source.tree().any_string(&syntax::is_touched) {
        return (resolved, Unresolved::default());
    }
    let resolver = Resolver::new(document);
    let mut faults = Unresolved::default();
    let own = resolver.pattern(&mut resolved.pattern);
    for (index, service) in resolved.pattern.services.iter_mut().enumerate() {
        if let Err(fault) = resolver.service(service, &mut resolved.warnings) {
            // The same fault met through a variable is told once, where the variable stands.
            let known = own.iter().find(|other| other.message() == fault.message());
            faults.services.insert(index, known.cloned().unwrap_or(fault));
        }
    }
    let told = |fault: &Error| faults.services.values().any(|other| other.message() == fault.message());
    faults.others = own.into_iter().filter(|fault| !told(fault)).collect();
    (resolved, faults)
}

/// The pattern's name with its references resolved.
///
/// # Errors
/// [`Code::PatternReference`] as [`resolve`].
pub fn resolve_name(document: &Document) -> Result<String> {
    let name = &document.pattern.name;
    if !syntax::is_touched(name) {
        return Ok(name.clone());
    }
    Resolver::new(document).text(name, &["name".into()])
}

/// Checks that every reference of a pattern that is to be imported leads somewhere in that pattern itself.
///
/// # Errors
/// The first that does not.
pub(in crate::pattern) fn check(document: &Document) -> Result<()> {
    let resolver = Resolver::new(document);
    let mut probe = document.pattern.clone();
    let mut unused = Vec::new();
    if let Some(fault) = resolver.pattern(&mut probe).into_iter().next() {
        return Err(fault);
    }
    probe.services.iter_mut().try_for_each(|service| resolver.service(service, &mut unused))
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
    json!({
        "name": pattern.name,
        "version": pattern.version,
        "labels": pattern.labels,
        "annotations": pattern.annotations,
        "vars": pattern.vars,
        "services": services,
    })
}

struct Resolver<'a> {
    tree: Value,
    source: &'a Source,
    spent: Cell<usize>,
}

/// The way to the string at hand, and the references that led there.
#[derive(Default)]
struct Trail {
    path: Vec<Step>,
    followed: Vec<String>,
}

impl<'a> Resolver<'a> {
    fn new(document: &'a Document) -> Self {
        Self { tree: tree(&document.pattern), source: &document.source, spent: Cell::new(0) }
    }

    /// Resolves the pattern's own fields; each keeps its references where that fails.
    fn pattern(&self, pattern: &mut Pattern) -> Vec<Error> {
        let mut faults = Vec::new();
        for (name, value) in &mut pattern.vars {
            match self.value(value, &mut Trail { path: vec!["vars".into(), name.as_str().into()], ..Trail::default() })
            {
                Ok(resolved) => *value = resolved,
                Err(fault) => faults.push(fault),
            }
        }
        for (map, key) in [(&mut pattern.labels, "labels"), (&mut pattern.annotations, "annotations")] {
            faults.extend(self.strings(map, &[key.into()]).err());
        }
        if let Some(version) = &mut pattern.version {
            match self.text(version, &["version".into()]) {
                Ok(resolved) => *version = resolved,
                Err(fault) => faults.push(fault),
            }
        }
        faults
    }

    fn service(&self, service: &mut Service, warnings: &mut Vec<String>) -> Result<()> {
        let base = [Step::from("services"), Step::from(service.key.as_str())];
        let at = |key: &str| base.iter().cloned().chain([Step::from(key)]).collect::<Vec<_>>();
        service.kind = self.text(&service.kind, &at("type"))?;
        for (field, key) in [
            (&mut service.name, "name"),
            (&mut service.namespace, "namespace"),
            (&mut service.version, "version"),
            (&mut service.api_version, "apiVersion"),
            (&mut service.model, "model"),
        ] {
            if let Some(value) = field {
                *value = self.text(value, &at(key))?;
            }
        }
        for (map, key) in [(&mut service.labels, "labels"), (&mut service.annotations, "annotations")] {
            self.strings(map, &at(key))?;
        }
        for (index, name) in service.depends_on.iter_mut().enumerate() {
            let mut path = at("dependsOn");
            path.push(index.into());
            *name = self.text(name, &path)?;
        }
        service.settings = self.map(&service.settings, &mut Trail { path: at("settings"), ..Trail::default() })?;
        self.traits(service, at("traits"), warnings)
    }

    /// A drawing whose references lead nowhere, such as an edge to a service that is gone, is no reason to stop.
    fn traits(&self, service: &mut Service, path: Vec<Step>, warnings: &mut Vec<String>) -> Result<()> {
        let mut layout = service.traits.shift_remove(LAYOUT);
        service.traits = self.map(&service.traits, &mut Trail { path: path.clone(), ..Trail::default() })?;
        if let Some(drawing) = &mut layout {
            let path = path.into_iter().chain([LAYOUT.into()]).collect();
            match self.value(drawing, &mut Trail { path, ..Trail::default() }) {
                Ok(resolved) => *drawing = resolved,
                Err(fault) => warnings.push(format!("{fault}; it is layout only and stays as it is")),
            }
        }
        service.traits.extend(layout.map(|drawing| (LAYOUT.to_owned(), drawing)));
        Ok(())
    }

    fn strings(&self, map: &mut std::collections::BTreeMap<String, String>, path: &[Step]) -> Result<()> {
        let mut out = std::collections::BTreeMap::new();
        for (key, value) in map.iter() {
            let path: Vec<Step> = path.iter().cloned().chain([key.as_str().into()]).collect();
            out.insert(self.text(key, &path)?, self.text(value, &path)?);
        }
        *map = out;
        Ok(())
    }

    fn map(&self, map: &Map<String, Value>, trail: &mut Trail) -> Result<Map<String, Value>> {
        let mut out = Map::with_capacity(map.len());
        for (key, value) in map {
            trail.path.push(key.as_str().into());
            let name = if syntax::is_touched(key) { self.plain(key, trail)? } else { key.clone() };
            let value = self.value(value, trail)?;
            if out.insert(name.clone(), value).is_some() {
                return Err(
                    self.fault(&trail.path, format!("key {key} resolves to `{name}`, which stands there already"))
                );
            }
            trail.path.pop();
        }
        Ok(out)
    }

    fn value(&self, value: &Value, trail: &mut Trail) -> Result<Value> {
        self.spend(1, trail)?;
        match value {
            Value::String(text) => self.string(text, trail),
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    trail.path.push(index.into());
                    out.push(self.value(item, trail)?);
                    trail.path.pop();
                }
                Ok(Value::Array(out))
            }
            Value::Object(map) => Ok(Value::Object(self.map(map, trail)?)),
            other => Ok(other.clone()),
        }
    }

    fn spend(&self, amount: usize, trail: &Trail) -> Result<()> {
        self.spent.set(self.spent.get() + if trail.followed.is_empty() { 0 } else { amount });
        if self.spent.get() > BUDGET {
            return Err(
                self.fault(&trail.path, "the references of this pattern bring in more than can be held".to_owned())
            );
        }
        Ok(())
    }

    fn text(&self, text: &str, path: &[Step]) -> Result<String> {
        if !syntax::is_touched(text) {
            return Ok(text.to_owned());
        }
        self.plain(text, &mut Trail { path: path.to_vec(), ..Trail::default() })
    }

    /// The string as a plain text, for where nothing else can stand.
    fn plain(&self, text: &str, trail: &mut Trail) -> Result<String> {
        match self.string(text, trail)? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            _ => Err(self.fault(&trail.path, format!("{text} is not a plain value, and only one can stand here"))),
        }
    }

    fn string(&self, text: &str, trail: &mut Trail) -> Result<Value> {
        if !syntax::is_touched(text) {
            return Ok(Value::String(text.to_owned()));
        }
        let Ok(parts) = syntax::parts(text) else {
            return Err(self.fault(&trail.path, format!("{text} has no closing parenthesis")));
        };
        if let [Part::Reference(path)] = parts.as_slice() {
            return self.follow(path, trail);
        }
        let mut out = String::with_capacity(text.len());
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Reference(path) => match self.follow(path, trail)? {
                    Value::String(text) => out.push_str(&text),
                    value @ (Value::Number(_) | Value::Bool(_)) => out.push_str(&value.to_string()),
                    _ => {
                        return Err(self.fault(
                            &trail.path,
                            format!("$(#ref.{path}) is not a plain value, so it cannot stand inside a longer string"),
                        ));
                    }
                },
            }
        }
        self.spend(out.len() / 64, trail)?;
        Ok(Value::String(out))
    }

    /// The value at a path, with its own references resolved.
    fn follow(&self, path: &str, trail: &mut Trail) -> Result<Value> {
        if let Some(first) = trail.followed.iter().position(|known| known == path) {
            let circle: Vec<&str> = trail.followed[first..].iter().map(String::as_str).chain([path]).collect();
            return Err(
                self.fault(&trail.path, format!("$(#ref.{path}) leads back to itself: {}", circle.join(" -> ")))
            );
        }
        trail.followed.push(path.to_owned());
        let value = match syntax::descend(&self.tree, path) {
            Some(Found::Value(value)) => self.value(value, trail)?,
            Some(Found::Through(text, rest)) => {
                let base = self.string(text, trail)?;
                match syntax::descend(&base, rest) {
                    Some(Found::Value(value)) => value.clone(),
                    _ => return Err(self.missing(path, &trail.path)),
                }
            }
            None => return Err(self.missing(path, &trail.path)),
        };
        trail.followed.pop();
        Ok(value)
    }

    fn missing(&self, path: &str, at: &[Step]) -> Error {
        let error = self.fault(at, format!("$(#ref.{path}) points at nothing"));
        let (last, way, missing) = syntax::dead_end(&self.tree, path);
        let place = if way.is_empty() { "the pattern".to_owned() } else { format!("`{way}`") };
        match last {
            Value::Object(map) if map.is_empty() => error.detail(format!("{place} is empty")),
            Value::Object(map) => error
                .details(text::did_you_mean(&missing, map.keys().map(String::as_str)))
                .detail(format!("keys there: {}", map.keys().cloned().collect::<Vec<_>>().join(", "))),
            Value::Array(items) => error.detail(format!("{place} is a list of {}", text::count(items.len(), "item"))),
            _ => error.detail(format!("{place} is a plain value, which has no `{missing}`")),
        }
    }

    fn fault(&self, path: &[Step], message: String) -> Error {
        Error::new(Code::PatternReference, message).at(self.source.place(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn settings(content: &str) -> Result<Value> {
        let document = parse("p.yaml", content).unwrap();
        let (document, mut faults) = resolve(&document);
        match faults.services.remove(&0).or(faults.others.pop()) {
            Some(fault) => Err(fault),
            None => Ok(Value::Object(document.pattern.services[0].settings.clone())),
        }
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

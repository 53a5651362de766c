//! Stage parse: text to [`Document`], by the grammar of the seed era and what followed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::pattern::{Pattern, Service};
use crate::pattern::locate::{Source, Step};
use crate::pattern::tree::{Node, Sources};

const TOP_KEYS: &[&str] = &["name", "patternID", "version", "vars", "services", "labels", "annotations", "metadata"];
const SERVICE_KEYS: &[&str] = &[
    "id",
    "name",
    "type",
    "apiVersion",
    "model",
    "version",
    "namespace",
    "labels",
    "annotations",
    "dependsOn",
    "settings",
    "traits",
    "isAnnotation",
    "checksum",
];

/// A parsed pattern with what is needed to speak about its file.
#[derive(Debug, Clone)]
pub struct Document {
    /// The pattern.
    pub pattern: Pattern,
    /// The texts it came from.
    pub source: Source,
    /// Things worth knowing that do not stop it.
    pub warnings: Vec<String>,
}

/// Parses one pattern as its file says it: imports are not worked in. `name` is what to call the text in messages.
///
/// # Errors
/// [`Code::PatternSyntax`] when it is not YAML, [`Code::PatternGrammar`] when it is not a pattern; both with a place.
pub fn parse(name: &str, content: &str) -> Result<Document> {
    let mut sources = Sources::default();
    let tree = read(&mut sources, name, content)?;
    from_tree(name, tree, sources)
}

/// Reads the text of a pattern.
pub(in crate::pattern) fn read(sources: &mut Sources, name: &str, content: &str) -> Result<Node> {
    Node::read(sources, name, content)?.ok_or_else(|| {
        let subject = if name == "-" { "standard input" } else { name };
        Error::new(Code::PatternGrammar, format!("{subject} is empty"))
            .remedy("Write a pattern: `name` and `services`; `mesheryctl help patterns` and the README show one.")
    })
}

/// The pattern that a tree holds.
///
/// # Errors
/// [`Code::PatternGrammar`] when it is none.
pub(in crate::pattern) fn from_tree(name: &str, tree: Node, sources: Sources) -> Result<Document> {
    let found = tree.to_value();
    let source = Source::new(name, tree, sources);
    let Value::Object(top) = found else {
        let message = format!("a pattern is a mapping with `name` and `services`, found {}", kind_of(&found));
        return Err(grammar(&source, &[], message));
    };
    let mut parser = Parser { source, warnings: Vec::new() };
    let pattern = parser.pattern(top)?;
    Ok(Document { pattern, source: parser.source, warnings: parser.warnings })
}

/// Refuses a text that is something else than a pattern or a part of one.
pub(in crate::pattern) fn refuse_foreign_formats(tree: &Node, sources: &Sources) -> Result<()> {
    let fault = |key: &str, message: String| {
        let mark = tree.get(key).map_or(tree.mark, |node| node.mark);
        Error::new(Code::PatternGrammar, message).at(sources.place(mark))
    };
    if let (Some(kind), None) = (tree.get("kind").and_then(Node::text), tree.get("services")) {
        return Err(fault("kind", format!("this is a Kubernetes manifest of kind {kind}, not a pattern")).remedy(
            "Apply it with kubectl, or make it a service of a pattern: its kind becomes `type`, its body `settings`.",
        ));
    }
    if tree.get("schemaVersion").is_some() && tree.get("components").is_some() {
        let message = "this is a design of the `components` format, not a pattern with `services`".to_owned();
        return Err(
            fault("components", message).remedy("Export the design as a pattern file (services) and apply that.")
        );
    }
    Ok(())
}

fn grammar(source: &Source, path: &[Step], message: String) -> Error {
    Error::new(Code::PatternGrammar, message).at(source.place(path))
}

/// What was found, in the words of YAML.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a sequence",
        Value::Object(_) => "a mapping",
    }
}

struct Parser {
    source: Source,
    warnings: Vec<String>,
}

impl Parser {
    fn pattern(&mut self, mut top: Map<String, Value>) -> Result<Pattern> {
        refuse_foreign_formats(self.source.tree(), self.source.sources())?;
        let services = match top.remove("services") {
            Some(Value::Object(services)) => services,
            Some(other) => {
                return Err(self.wrong(
                    &["services".into()],
                    "services",
                    "a mapping of service keys to services",
                    &other,
                ));
            }
            None => return Err(self.no_services(&top)),
        };
        let name = match self.string(&mut top, &[], "name")? {
            Some(name) => name,
            None => self.name_from_source()?,
        };
        let mut pattern = Pattern {
            name,
            pattern_id: self.string(&mut top, &[], "patternID")?,
            version: self.string(&mut top, &[], "version")?,
            vars: self.mapping(&mut top, &[], "vars")?,
            labels: self.strings(&mut top, &[], "labels")?,
            annotations: self.strings(&mut top, &[], "annotations")?,
            services: Vec::with_capacity(services.len()),
            unknown: Map::new(),
        };
        for (key, value) in services {
            let service = self.service(&key, value)?;
            pattern.services.push(service);
        }
        self.warn_unknown(&top, TOP_KEYS, &[], "the pattern");
        pattern.unknown = top;
        Ok(pattern)
    }

    fn no_services(&self, top: &Map<String, Value>) -> Error {
        let mut error = grammar(&self.source, &[], "the pattern has no `services`".to_owned());
        let near = top.keys().find_map(|key| {
            text::nearest(key, ["services"]).first().map(|_| key).or((key == "service-mesh").then_some(key))
        });
        if let Some(key) = near {
            error = error
                .at(self.source.place(&[key.as_str().into()]))
                .detail(format!("`{key}` must be called `services`"));
        }
        error.remedy("Add `services:` with one entry for each thing that is to exist.")
    }

    /// Files of 2021 were applied without a name; the file's own name serves then.
    fn name_from_source(&mut self) -> Result<String> {
        let stem = self.source.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default();
        if stem.is_empty() || stem == "-" {
            return Err(grammar(&self.source, &[], "the pattern has no `name`".to_owned())
                .remedy("Add `name:` at the top: it names what is applied, so that it can be listed and deleted."));
        }
        self.warnings.push(format!("the pattern has no `name`; it is called `{stem}` after its file"));
        Ok(stem.to_owned())
    }

    fn service(&mut self, key: &str, value: Value) -> Result<Service> {
        let path = [Step::from("services"), Step::from(key)];
        let Value::Object(mut map) = value else {
            return Err(self.wrong(&path, &format!("service `{key}`"), "a mapping with `type` and `settings`", &value));
        };
        let is_annotation = self.boolean(&mut map, &path, "isAnnotation")?;
        let kind = match self.string(&mut map, &path, "type")? {
            Some(kind) => kind,
            None if is_annotation => String::new(),
            None => return Err(self.no_type(key, &map)),
        };
        map.remove("id");
        if map.remove("checksum").is_some() && !kind.starts_with("$(#use") {
            let place = self.source.place(&step(&path, "checksum"));
            self.warnings
                .push(format!("{place}: service `{key}`: `checksum` has an effect on `$(#use …)` imports only"));
        }
        let service = Service {
            key: key.to_owned(),
            name: self.string(&mut map, &path, "name")?,
            kind,
            api_version: self.string(&mut map, &path, "apiVersion")?,
            model: self.model(&mut map, &path)?,
            version: self.string(&mut map, &path, "version")?,
            namespace: self.string(&mut map, &path, "namespace")?,
            labels: self.strings(&mut map, &path, "labels")?,
            annotations: self.strings(&mut map, &path, "annotations")?,
            depends_on: self.depends_on(&mut map, &path)?,
            settings: self.mapping(&mut map, &path, "settings")?,
            traits: self.mapping(&mut map, &path, "traits")?,
            is_annotation,
            unknown: Map::new(),
        };
        self.warn_unknown(&map, SERVICE_KEYS, &path, &format!("service `{key}`"));
        Ok(Service { unknown: map, ..service })
    }

    fn no_type(&self, key: &str, map: &Map<String, Value>) -> Error {
        let path = [Step::from("services"), Step::from(key)];
        let mut error = grammar(&self.source, &path, format!("service `{key}` has no `type`"))
            .remedy("Add `type`, such as Deployment, Service.K8s or VirtualService.Istio.");
        if let Some(kind) = map.get("kind").and_then(Value::as_str) {
            error = error.detail(format!("`kind: {kind}` must be written `type: {kind}`"));
        }
        let misspelt = map.keys().filter(|key| !SERVICE_KEYS.contains(&key.as_str()));
        let hints = misspelt.filter_map(|other| {
            nearest_key(other, SERVICE_KEYS).map(|near| format!("`{other}`: did you mean {near}?"))
        });
        error.details(hints.collect::<Vec<_>>())
    }

    fn wrong(&self, path: &[Step], what: &str, expected: &str, found: &Value) -> Error {
        grammar(&self.source, path, format!("{what} must be {expected}, found {}", kind_of(found)))
    }

    fn warn_unknown(&mut self, rest: &Map<String, Value>, known: &[&str], base: &[Step], owner: &str) {
        for key in rest.keys().filter(|key| !known.contains(&key.as_str())) {
            let hint = nearest_key(key, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let place = self.source.place(&step(base, key));
            self.warnings.push(format!(
                "{place}: {owner}: key `{key}` is not part of the pattern grammar and has no effect{hint}"
            ));
        }
    }

    /// Takes a string; a number or boolean (a version such as `1.10` unquoted) is taken as it was written.
    fn string(&mut self, map: &mut Map<String, Value>, base: &[Step], key: &str) -> Result<Option<String>> {
        match map.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(other) => Err(self.wrong(&step(base, key), &format!("`{key}`"), "a string", &other)),
        }
    }

    /// `model` is a name, or in later files a mapping with a `name`.
    fn model(&mut self, map: &mut Map<String, Value>, base: &[Step]) -> Result<Option<String>> {
        if let Some(Value::Object(model)) = map.get_mut("model") {
            let name = model.remove("name").unwrap_or(Value::Null);
            map.insert("model".to_owned(), name);
        }
        self.string(map, base, "model")
    }

    fn boolean(&mut self, map: &mut Map<String, Value>, base: &[Step], key: &str) -> Result<bool> {
        match map.remove(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(other) => Err(self.wrong(&step(base, key), &format!("`{key}`"), "true or false", &other)),
        }
    }

    fn mapping(&mut self, map: &mut Map<String, Value>, base: &[Step], key: &str) -> Result<Map<String, Value>> {
        match map.remove(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(value)) => Ok(value),
            Some(other) => Err(self.wrong(&step(base, key), &format!("`{key}`"), "a mapping", &other)),
        }
    }

    fn strings(&mut self, map: &mut Map<String, Value>, base: &[Step], key: &str) -> Result<BTreeMap<String, String>> {
        let mut strings = BTreeMap::new();
        for (name, value) in self.mapping(map, base, key)? {
            let text = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                Value::Number(_) | Value::Bool(_) => {
                    let mut path = step(base, key);
                    path.push(name.as_str().into());
                    let place = self.source.place(&path);
                    self.warnings.push(format!("{place}: {key}.{name}: {value} is taken as the string \"{value}\""));
                    value.to_string()
                }
                other => {
                    let mut path = step(base, key);
                    path.push(name.as_str().into());
                    return Err(self.wrong(&path, &format!("`{key}.{name}`"), "a string", &other));
                }
            };
            strings.insert(name, text);
        }
        Ok(strings)
    }

    fn depends_on(&mut self, map: &mut Map<String, Value>, base: &[Step]) -> Result<Vec<String>> {
        let items = match map.remove("dependsOn") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(one @ Value::String(_)) => vec![one],
            Some(other) => {
                return Err(self.wrong(&step(base, "dependsOn"), "`dependsOn`", "a sequence of service keys", &other));
            }
        };
        let mut names = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let Value::String(name) = item else {
                let mut path = step(base, "dependsOn");
                path.push(index.into());
                return Err(self.wrong(&path, "an item of `dependsOn`", "a service key", &item));
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// The known key that was most likely meant: other writing (`depends_on`) counts as nearest.
fn nearest_key<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    let same = known.iter().copied().find(|other| plain(other) == plain(key));
    same.or_else(|| text::nearest(key, known.iter().copied()).first().copied())
}

fn step(base: &[Step], key: &str) -> Vec<Step> {
    base.iter().cloned().chain([Step::from(key)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(content: &str) -> String {
        parse("p.yaml", content).unwrap_err().to_string()
    }

    #[test]
    fn the_grammar_of_2021_and_what_followed_is_read() {
        let document = parse(
            "p.yaml",
            "name: shop\nversion: 1.10\npatternID: SMP-1\nvars: {ns: a}\nservices:\n  web:\n    type: Deployment.K8s\n    \
             namespace: a\n    labels: {tier: 1}\n    dependsOn: [db, db]\n    settings: {replicas: 2}\n    traits: {meshmap: {}}\n  \
             db: {type: Service, model: {name: kubernetes}}\n  note: {isAnnotation: true}\n",
        )
        .unwrap();
        let pattern = &document.pattern;
        assert_eq!((pattern.name.as_str(), pattern.version.as_deref()), ("shop", Some("1.1")));
        let web = pattern.service("web").unwrap();
        assert_eq!(web.depends_on, ["db"]);
        assert_eq!(web.labels["tier"], "1");
        assert_eq!(pattern.service("db").unwrap().model.as_deref(), Some("kubernetes"));
        assert!(pattern.service("note").unwrap().is_annotation);
        let keys: Vec<_> = pattern.services.iter().map(|service| service.key.as_str()).collect();
        assert_eq!(keys, ["web", "db", "note"], "file order is kept");
    }

    #[test]
    fn json_is_read_too() {
        let document = parse("p.json", r#"{"name": "a", "services": {"x": {"type": "Service"}}}"#).unwrap();
        assert_eq!(document.pattern.services.len(), 1);
    }

    #[test]
    fn mistakes_name_the_value_and_the_place() {
        assert_eq!(
            error("name: a\nservices: []\n"),
            "p.yaml:2:1: services must be a mapping of service keys to services, found a sequence"
        );
        assert_eq!(
            error("name: a\nservices:\n  web: 3\n"),
            "p.yaml:3:3: service `web` must be a mapping with `type` and `settings`, found a number"
        );
        assert_eq!(
            error("name: a\nservices:\n  web: {settings: 1, type: X}\n"),
            "p.yaml:3:9: `settings` must be a mapping, found a number"
        );
        assert_eq!(
            error("name: a\nservices:\n  web:\n    type: X\n    dependsOn:\n    - {a: b}\n"),
            "p.yaml:6:7: an item of `dependsOn` must be a service key, found a mapping"
        );
        assert!(error("name: a\nservices:\n  web: [\n").starts_with("p.yaml:"));
        assert!(error("name: a\nservice: {}\n").starts_with("p.yaml:2:1: the pattern has no `services`"));
        assert!(error("apiVersion: v1\nkind: Service\n").contains("Kubernetes manifest of kind Service"));
        assert!(error("a: 1\n---\nb: 2\n").contains("2 YAML documents"));
        assert_eq!(error(""), "p.yaml is empty");
        assert_eq!(error("- a\n"), "p.yaml: a pattern is a mapping with `name` and `services`, found a sequence");
    }

    #[test]
    fn a_missing_type_explains_kind() {
        let error = parse("p.yaml", "services:\n  web:\n    kind: Service\n").unwrap_err();
        assert_eq!(error.report().details, ["`kind: Service` must be written `type: Service`"]);
        let error = parse("p.yaml", "services:\n  web:\n    typ: Service\n    depends_on: []\n").unwrap_err();
        assert_eq!(error.report().details, ["`typ`: did you mean type?", "`depends_on`: did you mean dependsOn?"]);
    }

    #[test]
    fn unknown_keys_are_kept_and_warned_about() {
        let document = parse("dir/shop.yaml", "services:\n  web: {type: X, setings: {a: 1}}\n").unwrap();
        assert_eq!(document.pattern.name, "shop");
        assert!(
            document.warnings.iter().any(
                |warning| warning.starts_with("dir/shop.yaml:2:18: ") && warning.contains("did you mean settings?")
            )
        );
        assert!(document.pattern.services[0].unknown.contains_key("setings"));
    }
}

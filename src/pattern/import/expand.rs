//! Works imported patterns into the one that imports them.
//!
//! Service `b` of the pattern that service `a` imports becomes service `a.b`, and its variable `x` becomes `a.x`; what the
//! imported pattern says of itself is rewritten to match. Object names stay as the imported file has them.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Import, MAX_DEPTH, MAX_IMPORTS, imports_of, told_by, too_many};
use crate::base::error::{Code, Error, Result};
use crate::base::id;
use crate::pattern::parse::{self, Document};
use crate::pattern::reference::syntax::{self, Rewritten};
use crate::pattern::tree::{Kind, Mark, Node, Sources};
use crate::pattern::{reference, values};
use crate::wire::rest::SourceText;

/// Keys of an import that have a meaning.
const KEYS: &[&str] = &[
    "id",
    "type",
    "checksum",
    "settings",
    "namespace",
    "labels",
    "annotations",
    "dependsOn",
    "traits",
    "isAnnotation",
    "model",
];

/// Replaces every import of `tree`, the text called `name`, by what it imports. Gives warnings.
///
/// # Errors
/// [`Code::PatternImport`], [`Code::PatternVariable`] and all faults of the imported texts, with their places.
pub(in crate::pattern) fn expand(
    name: &str,
    tree: &mut Node,
    texts: &[SourceText],
    sources: &mut Sources,
) -> Result<Vec<String>> {
    let mut expander = Expander {
        texts: texts.iter().map(|text| (text.name.as_str(), text.text.as_str())).collect(),
        parsed: HashMap::new(),
        sources,
        stack: vec![name.to_owned()],
        count: 0,
        warnings: Vec::new(),
    };
    expander.expand(tree)?;
    Ok(expander.warnings)
}

struct Expander<'a> {
    texts: HashMap<&'a str, &'a str>,
    parsed: HashMap<String, Node>,
    sources: &'a mut Sources,
    /// Names of the texts that are being worked in, outermost first.
    stack: Vec<String>,
    count: usize,
    warnings: Vec<String>,
}

/// What an import brings.
struct Brought {
    services: IndexMap<String, Node>,
    vars: IndexMap<String, Node>,
}

impl Expander<'_> {
    fn expand(&mut self, tree: &mut Node) -> Result<()> {
        let mut imports: HashMap<String, Import> = imports_of(tree, self.sources)?.into_iter().collect();
        if imports.is_empty() {
            return Ok(());
        }
        let Some(services) = tree.map_at("services").map(std::mem::take) else { return Ok(()) };
        let (mut all, mut vars) = (IndexMap::with_capacity(services.len()), IndexMap::new());
        let mut groups: HashMap<String, Vec<String>> = HashMap::new();
        for (key, service) in services {
            let Some(import) = imports.remove(&key) else {
                self.insert(&mut all, key, service)?;
                continue;
            };
            let brought = self.import(&key, &service, &import)?;
            groups.insert(key, brought.services.keys().cloned().collect());
            for (key, service) in brought.services {
                self.insert(&mut all, key, service)?;
            }
            vars.extend(brought.vars);
        }
        for service in all.values_mut() {
            depend_on_groups(service, &groups);
        }
        if let Some(services) = tree.map_at("services") {
            *services = all;
        }
        for (name, value) in vars {
            let place = self.sources.place(value.mark);
            if tree.map_at("vars").and_then(|vars| vars.insert(name.clone(), value)).is_some() {
                return Err(collision("variable", &name).at(place));
            }
        }
        Ok(())
    }

    fn insert(&self, all: &mut IndexMap<String, Node>, key: String, service: Node) -> Result<()> {
        let place = self.sources.place(service.mark);
        let shown = key.clone();
        match all.insert(key, service) {
            Some(_) => Err(collision("service", &shown).at(place)),
            None => Ok(()),
        }
    }

    fn import(&mut self, key: &str, service: &Node, import: &Import) -> Result<Brought> {
        let fault = |message: String| Error::new(Code::PatternImport, message).at(import.place.clone());
        if let Some(first) = self.stack.iter().position(|name| *name == import.name) {
            let circle: Vec<&str> =
                self.stack[first..].iter().map(String::as_str).chain([import.name.as_str()]).collect();
            return Err(fault(format!("patterns import each other in a circle: {}", circle.join(" -> "))));
        }
        self.count += 1;
        if self.count > MAX_IMPORTS {
            return Err(too_many(import));
        }
        if self.stack.len() > MAX_DEPTH {
            return Err(fault(format!("imports are nested more than {MAX_DEPTH} deep"))
                .detail(format!("the way: {}", self.stack.join(" -> "))));
        }
        let mut child = self.text(import)?;
        self.stack.push(import.name.clone());
        self.expand(&mut child)?;
        self.stack.pop();
        let document = self.check(&child, service, import).map_err(|error| told_by(error, import))?;
        self.warn(key, service);
        Ok(self.work_in(key, child, service, &document))
    }

    fn text(&mut self, import: &Import) -> Result<Node> {
        let fault = |message: String| Error::new(Code::PatternImport, message).at(import.place.clone());
        let Some(text) = self.texts.get(import.name.as_str()) else {
            return Err(fault(format!("the text of import {} was not read", import.name)));
        };
        if let Some(wanted) = &import.checksum {
            check_sum(wanted, text)
                .map_err(|(message, detail)| fault(format!("{}: {message}", import.name)).details(detail))?;
        }
        if let Some(known) = self.parsed.get(&import.name) {
            return Ok(known.clone());
        }
        let read = parse::read(self.sources, &import.name, text);
        let tree = read.map_err(|error| if error.place().is_some() { error } else { error.at(import.place.clone()) });
        let tree = tree.map_err(|error| told_by(error, import))?;
        self.parsed.insert(import.name.clone(), tree.clone());
        Ok(tree)
    }

    /// The imported pattern for itself: its grammar, the variables that the import gives, and its references.
    fn check(&self, child: &Node, service: &Node, import: &Import) -> Result<Document> {
        let mut probe = child.clone();
        // What is wrong with the pattern itself is told before what is wrong with the values it is given.
        let document = parse::from_tree(&import.name, probe.clone(), self.sources.clone())?;
        override_vars(&mut probe, service, self.sources)?;
        let settings = service.get("settings");
        if settings.is_some_and(|settings| settings.any_string(&syntax::is_touched)) {
            // Values that come from outside are not known yet.
            return Ok(document);
        }
        reference::check(&parse::from_tree(&import.name, probe, self.sources.clone())?)?;
        Ok(document)
    }

    fn warn(&mut self, key: &str, service: &Node) {
        let idle = service.map().into_iter().flatten().filter(|(name, _)| !KEYS.contains(&name.as_str()));
        for (name, node) in idle {
            let place = self.sources.place(node.mark);
            self.warnings.push(format!("{place}: service `{key}`: `{name}` has no effect on an import"));
        }
        let traits = service.get("traits").and_then(Node::map).into_iter().flatten();
        for (name, node) in traits.filter(|(name, _)| *name != "meshmap") {
            let place = self.sources.place(node.mark);
            self.warnings.push(format!("{place}: service `{key}`: trait `{name}` has no effect on an import"));
        }
    }

    fn work_in(&self, key: &str, mut child: Node, service: &Node, document: &Document) -> Brought {
        let keys = keys_of(&child, "services");
        let names = keys_of(&child, "vars");
        let change = |path: &str| rescope(path, key, (&keys, &names), document);
        for part in ["services", "vars"] {
            if let Some(map) = child.map_at(part) {
                map.values_mut().for_each(|node| node.change_strings(&|text| syntax::rewrite(text, change)));
            }
        }
        // Its own references are rewritten by now; those in the values it is given belong to the importing pattern.
        let _ = override_vars(&mut child, service, self.sources);
        let by_name = by_object_name(document);
        let mut services = IndexMap::with_capacity(keys.len());
        for (name, mut node) in child.map_at("services").map(std::mem::take).unwrap_or_default() {
            rename_dependencies(&mut node, key, &keys, &by_name);
            keep_name(&mut node, &name);
            inherit(&mut node, &child, service);
            services.insert(format!("{key}.{name}"), node);
        }
        let vars = child.map_at("vars").map(std::mem::take).unwrap_or_default();
        Brought { services, vars: vars.into_iter().map(|(name, node)| (format!("{key}.{name}"), node)).collect() }
    }
}

fn collision(what: &str, key: &str) -> Error {
    Error::new(Code::PatternImport, format!("an import brings {what} `{key}`, which the pattern has already"))
        .remedy("Rename one of them.")
}

fn keys_of(tree: &Node, part: &str) -> HashSet<String> {
    tree.get(part).and_then(Node::map).into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// The settings of an import are values for the variables of the imported pattern.
fn override_vars(child: &mut Node, service: &Node, sources: &Sources) -> Result<()> {
    let Some(settings) = service.get("settings").filter(|settings| !settings.is_null()) else { return Ok(()) };
    let Some(settings) = settings.map() else {
        let message = "the settings of an import must be a mapping of the imported pattern's variables to values";
        return Err(Error::new(Code::PatternGrammar, message).at(sources.place(settings.mark)));
    };
    settings.iter().try_for_each(|(name, value)| values::set_variable(child, name, value.clone(), sources))
}

fn check_sum(wanted: &str, text: &str) -> Result<(), (String, Option<String>)> {
    let Some(sum) = wanted.strip_prefix("sha256:") else {
        return Err((format!("checksum `{wanted}` is not of the form sha256:HEX"), None));
    };
    let found = id::hex(&Sha256::digest(text.as_bytes()));
    if sum.trim().eq_ignore_ascii_case(&found) {
        return Ok(());
    }
    Err((
        "the text is not the one that the checksum names".to_owned(),
        Some(format!("its own checksum is sha256:{found}")),
    ))
}

/// The path of a reference of the imported pattern, as the importing pattern has it.
fn rescope(path: &str, key: &str, known: (&HashSet<String>, &HashSet<String>), document: &Document) -> Rewritten {
    let (keys, names) = known;
    let below = |part: &str| {
        path.strip_prefix(part).and_then(|rest| rest.strip_prefix('.').or(rest.starts_with('[').then_some(rest)))
    };
    let scoped = |part: &str, rest: &str, known: &HashSet<String>| {
        let (name, tail) = syntax::split_key(rest, |name| known.contains(name));
        Rewritten::Path(format!("{part}.[{key}.{name}]{tail}"))
    };
    match (path, below("vars"), below("services")) {
        ("name", ..) => Rewritten::Text(document.pattern.name.clone()),
        ("version", ..) => Rewritten::Text(document.pattern.version.clone().unwrap_or_default()),
        (_, Some(rest), _) => scoped("vars", rest, names),
        (_, _, Some(rest)) => scoped("services", rest, keys),
        // Anything else must not reach into the importing pattern.
        _ => Rewritten::Path(format!("services.[{key}].{path}")),
    }
}

/// Keys of services by their object name, for names that only one has.
fn by_object_name(document: &Document) -> HashMap<String, String> {
    let mut found: HashMap<String, Option<String>> = HashMap::new();
    for service in &document.pattern.services {
        if let Some(name) = &service.name {
            found.entry(name.clone()).and_modify(|key| *key = None).or_insert_with(|| Some(service.key.clone()));
        }
    }
    found.into_iter().filter_map(|(name, key)| Some((name, key?))).collect()
}

/// `dependsOn` as a list of its own, whatever it was written as.
fn dependencies(service: &mut Node) -> Option<&mut Vec<Node>> {
    let node = service.map_mut()?.get_mut("dependsOn")?;
    if let Kind::Scalar(value) = &mut node.value {
        let value = std::mem::take(value);
        let items =
            if value.is_null() { Vec::new() } else { vec![Node { mark: node.mark, value: Kind::Scalar(value) }] };
        node.value = Kind::List(items);
    }
    match &mut node.value {
        Kind::List(items) => Some(items),
        _ => None,
    }
}

fn rename_dependencies(service: &mut Node, key: &str, keys: &HashSet<String>, by_name: &HashMap<String, String>) {
    for item in dependencies(service).into_iter().flatten() {
        if let Kind::Scalar(Value::String(name)) = &mut item.value
            && !syntax::is_touched(name)
        {
            let own = if keys.contains(name) { &*name } else { by_name.get(name).unwrap_or(name) };
            *name = format!("{key}.{own}");
        }
    }
}

/// Who depends on an import depends on all it brings.
fn depend_on_groups(service: &mut Node, groups: &HashMap<String, Vec<String>>) {
    let Some(items) = dependencies(service) else { return };
    if !items.iter().any(|item| item.text().is_some_and(|name| groups.contains_key(name))) {
        return;
    }
    for item in std::mem::take(items) {
        match item.text().and_then(|name| groups.get(name)) {
            Some(keys) => {
                items.extend(keys.iter().map(|key| Node { mark: item.mark, value: Kind::Scalar(key.as_str().into()) }));
            }
            None => items.push(item),
        }
    }
}

/// The object keeps the name it has in the imported file, where the key is its name.
fn keep_name(service: &mut Node, key: &str) {
    let mark = service.mark;
    let own = |node: &Node, path: &[&str]| {
        path.iter().try_fold(node, |node, key| node.get(key)).is_some_and(|name| name.text().is_some())
    };
    if own(service, &["name"]) || own(service, &["settings", "name"]) || own(service, &["settings", "metadata", "name"])
    {
        return;
    }
    if let Some(map) = service.map_mut() {
        map.insert("name".to_owned(), Node { mark, value: Kind::Scalar(key.into()) });
    }
}

/// What a service takes over: from its own file the labels and annotations of all, from the import those, the namespace
/// and the dependencies.
fn inherit(service: &mut Node, child: &Node, import: &Node) {
    let has_namespace = service.get("namespace").is_some_and(|node| node.text().is_some_and(|text| !text.is_empty()));
    if !has_namespace
        && let Some(namespace) = import.get("namespace").filter(|node| !node.is_null())
        && let Some(map) = service.map_mut()
    {
        map.insert("namespace".to_owned(), namespace.clone());
    }
    for part in ["labels", "annotations"] {
        let given: Vec<(String, Node)> = [child, import]
            .iter()
            .filter_map(|from| from.get(part)?.map())
            .flatten()
            .map(|(key, node)| (key.clone(), node.clone()))
            .collect();
        if given.is_empty() {
            continue;
        }
        if let Some(map) = service.map_at(part) {
            let own = std::mem::take(map);
            map.extend(given);
            map.extend(own);
        }
    }
    let wanted: Vec<Node> = match import.get("dependsOn").map(|node| (&node.value, node)) {
        Some((Kind::List(items), _)) => items.clone(),
        Some((_, node)) if !node.is_null() => vec![node.clone()],
        _ => Vec::new(),
    };
    if wanted.is_empty() {
        return;
    }
    if let Some(map) = service.map_mut() {
        let empty = Node { mark: Mark::default(), value: Kind::List(Vec::new()) };
        map.entry("dependsOn".to_owned()).or_insert(empty);
    }
    if let Some(items) = dependencies(service) {
        items.extend(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::bundle::{Bundle, assemble};
    use super::*;

    const DB: &str = "name: database\nversion: 1.0.0\nlabels: {part: data}\nvars: {size: 1, host: db, deep: {a: 1, b: 2}}\nservices:\n  store:\n    type: ConfigMap\n    labels: {own: x}\n    settings: {data: {host: $(#ref.vars.host), url: \"$(#ref.name)-$(#ref.services.api.name)\", deep: \"$(#ref.vars.deep.b)\"}}\n  api:\n    type: ConfigMap\n    name: data-api\n    dependsOn: store\n    settings: {data: {n: $(#ref.vars.size)}}\n";

    fn bundle(base: &str, imports: &[(&str, &str)]) -> Bundle {
        let text = |(name, text): &(&str, &str)| SourceText { name: (*name).to_owned(), text: (*text).to_owned() };
        Bundle { imports: imports.iter().map(text).collect(), ..Bundle::of_text("shop.yaml", base) }
    }

    fn error(base: &str, imports: &[(&str, &str)]) -> Error {
        assemble(&bundle(base, imports)).unwrap_err()
    }

    #[test]
    fn an_import_is_replaced_by_its_services_under_readable_keys() {
        let base = "name: shop\nvars: {h: own}\nservices:\n  first: {type: Namespace}\n  db:\n    type: $(#use ./db.yaml)\n    namespace: data\n    labels: {part: mine, team: a}\n    dependsOn: [first]\n    settings: {host: \"$(#ref.vars.h)-db\", deep: {b: 3}}\n  web: {type: ConfigMap, dependsOn: [db], settings: {data: {of: $(#ref.services.db.store.name)}}}\n";
        let document = assemble(&bundle(base, &[("db.yaml", DB)])).unwrap();
        let keys: Vec<&str> = document.pattern.services.iter().map(|service| service.key.as_str()).collect();
        assert_eq!(keys, ["first", "db.store", "db.api", "web"]);
        assert_eq!(document.pattern.service("web").unwrap().depends_on, ["db.store", "db.api"]);
        let (resolved, faults) = reference::resolve(&document);
        assert!(faults.is_empty(), "{faults:?}");
        let store = resolved.pattern.service("db.store").unwrap();
        assert_eq!(
            store.settings["data"],
            serde_json::json!({"host": "own-db", "url": "database-data-api", "deep": 3})
        );
        assert_eq!((store.object_name(), store.namespace.as_deref()), ("store", Some("data")));
        assert_eq!(
            (store.labels["part"].as_str(), store.labels["own"].as_str(), store.labels["team"].as_str()),
            ("mine", "x", "a")
        );
        let api = resolved.pattern.service("db.api").unwrap();
        assert_eq!((api.object_name(), api.depends_on.join(",")), ("data-api", "db.store,first".to_owned()));
        assert_eq!(resolved.pattern.service("web").unwrap().settings["data"]["of"], "store");
    }

    #[test]
    fn the_same_pattern_imported_twice_keeps_its_values_apart() {
        let base = "name: shop\nservices:\n  a: {type: $(#use db.yaml), settings: {host: one}, namespace: a}\n  b: {type: $(#use db.yaml), settings: {host: two}, namespace: b}\n";
        let document = assemble(&bundle(base, &[("db.yaml", DB)])).unwrap();
        let (resolved, faults) = reference::resolve(&document);
        assert!(faults.is_empty(), "{faults:?}");
        let host = |key: &str| resolved.pattern.service(key).unwrap().settings["data"]["host"].clone();
        assert_eq!((host("a.store"), host("b.store")), ("one".into(), "two".into()));
    }

    #[test]
    fn imports_of_imports_are_worked_in() {
        let middle = "name: middle\nvars: {size: 5}\nservices:\n  db: {type: $(#use db.yaml), settings: {size: $(#ref.vars.size)}}\n  after: {type: ConfigMap, dependsOn: [db]}\n";
        let base = "name: shop\nservices:\n  m: {type: $(#use lib/middle.yaml), settings: {size: 7}}\n";
        let document = assemble(&bundle(base, &[("lib/middle.yaml", middle), ("lib/db.yaml", DB)])).unwrap();
        let (resolved, faults) = reference::resolve(&document);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(resolved.pattern.service("m.db.api").unwrap().settings["data"]["n"], 7);
        assert_eq!(resolved.pattern.service("m.after").unwrap().depends_on, ["m.db.store", "m.db.api"]);
        assert_eq!(resolved.pattern.service("m.db.store").unwrap().object_name(), "store");
    }

    #[test]
    fn circles_are_errors_that_show_the_way() {
        let a = "name: a\nservices:\n  b: {type: $(#use b.yaml)}\n";
        let b = "name: b\nservices:\n  x: {type: ConfigMap}\n  a: {type: $(#use a.yaml)}\n";
        let error = error("name: shop\nservices:\n  a: {type: $(#use a.yaml)}\n", &[("a.yaml", a), ("b.yaml", b)]);
        assert_eq!(error.to_string(), "b.yaml:4:7: patterns import each other in a circle: a.yaml -> b.yaml -> a.yaml");
        let itself = assemble(&bundle("name: s\nservices:\n  s: {type: $(#use shop.yaml)}\n", &[])).unwrap_err();
        assert!(itself.message().ends_with("shop.yaml -> shop.yaml"), "{itself}");
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        let unknown = error(
            "name: s\nservices:\n  d:\n    type: $(#use db.yaml)\n    settings:\n      hots: x\n",
            &[("db.yaml", DB)],
        );
        assert_eq!(unknown.to_string(), "shop.yaml:6:7: the pattern has no variable `hots`");
        assert_eq!(unknown.report().details[0], "did you mean host?");
        let inside = error(
            "name: s\nservices:\n  d: {type: $(#use db.yaml)}\n",
            &[("db.yaml", "name: d\nvars: {a: 1}\nservices:\n  x: {type: X, settings: {b: $(#ref.vars.c)}}\n")],
        );
        assert_eq!(inside.to_string(), "db.yaml:4:27: $(#ref.vars.c) points at nothing");
        assert!(inside.report().details.contains(&"imported at shop.yaml:3:7".to_owned()), "{inside:?}");
        let missing = error("name: s\nservices:\n  d: {type: $(#use db.yaml)}\n", &[]);
        assert_eq!(missing.to_string(), "shop.yaml:3:7: the text of import db.yaml was not read");
    }

    #[test]
    fn a_checksum_holds_or_stops() {
        let sum = id::hex(&Sha256::digest(DB.as_bytes()));
        let base = |sum: &str| format!("name: s\nservices:\n  d: {{type: $(#use db.yaml), checksum: \"{sum}\"}}\n");
        assert!(assemble(&bundle(&base(&format!("sha256:{sum}")), &[("db.yaml", DB)])).is_ok());
        let other = error(&base("sha256:00"), &[("db.yaml", DB)]);
        assert!(other.message().contains("not the one that the checksum names"), "{other}");
        assert!(other.report().details[0].contains(&sum));
        assert!(error(&base("md5:00"), &[("db.yaml", DB)]).message().contains("sha256:HEX"));
    }

    #[test]
    fn references_of_an_import_do_not_reach_the_importing_pattern() {
        let base = "name: s\nvars: {secret: x}\nservices:\n  d: {type: $(#use db.yaml)}\n";
        let child = "name: d\nservices:\n  x: {type: X, settings: {b: $(#ref.vars.secret)}}\n";
        assert!(error(base, &[("db.yaml", child)]).message().contains("$(#ref.vars.secret) points at nothing"));
    }
}

//! Edits of config.yaml that keep comments, order and unknown keys.
//!
//! An edit is made in the text, and the result is written only when it reads back as exactly what was intended and
//! everything that was not to change is the same.

use std::path::Path;

use serde_yaml::{Mapping, Value};
use yamlpatch::{Op, Patch, Style};
use yamlpath::{Component, Document, Route};

use super::{Config, TokenEntry};
use crate::base::{Code, Error, Result, dirs, yaml};
use crate::model::context::Context;

/// One change.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Adds a context.
    AddContext(Context),
    /// Removes a context.
    RemoveContext(String),
    /// Chooses the current context.
    SetCurrent(String),
    /// Sets a text field of a context.
    SetField(String, Field, String),
    /// Adds a token entry.
    AddToken(TokenEntry),
    /// Removes a token entry.
    RemoveToken(String),
}

/// A text field of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Where the plane runs; the text is one of the platforms.
    Platform,
    /// Address of the server.
    Endpoint,
    /// Name of the token entry.
    Token,
    /// Release channel.
    Channel,
    /// Release version.
    Version,
    /// Provider.
    Provider,
}

impl Field {
    fn key(self) -> &'static str {
        match self {
            Field::Platform => "platform",
            Field::Endpoint => "endpoint",
            Field::Token => "token",
            Field::Channel => "channel",
            Field::Version => "version",
            Field::Provider => "provider",
        }
    }

    fn of(self, context: &Context) -> &str {
        match self {
            Field::Platform => context.platform.name(),
            Field::Endpoint => &context.endpoint,
            Field::Token => &context.token,
            Field::Channel => &context.channel,
            Field::Version => &context.version,
            Field::Provider => &context.provider,
        }
    }
}

const HEADER: &str = "# Contexts of mesheryctl: which management plane a command talks to.
# Edit by hand or with `mesheryctl system context`; comments and further keys are kept.
";

/// Changes the file under its lock: `change` sees the content of that moment and says what to edit.
pub fn update<T>(path: &Path, change: impl FnOnce(&Config) -> Result<(Vec<Edit>, T)>) -> Result<T> {
    dirs::locked(path, || {
        let text = dirs::read_optional(path)?.unwrap_or_default();
        let file = path.display().to_string();
        let config = Config::parse(&text, &file)?;
        let (edits, result) = change(&config)?;
        if !edits.is_empty() {
            let text = apply(&text, &config, &edits, &file)?;
            dirs::write_atomic(path, text.as_bytes(), 0o600)?;
        }
        Ok(result)
    })
}

/// The text after the edits.
fn apply(text: &str, config: &Config, edits: &[Edit], file: &str) -> Result<String> {
    let mut new = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    let mut intended = config.clone();
    for edit in edits {
        new = make_room(&new, &intended, edit.section(), file)?;
        let before = intended.clone();
        edit.change(&mut intended);
        new = match edit.patch(&new, &before).filter(|candidate| reads_as(candidate, &intended, file)) {
            Some(patched) => patched,
            None => rewrite_section(&new, &intended, edit.section(), file)?,
        };
    }
    if keeps_the_rest(text, &new, edits) && reads_as(&new, &intended, file) {
        return Ok(new);
    }
    Err(cannot_edit(file, "the edited text would not read back as intended"))
}

fn cannot_edit(file: &str, cause: &str) -> Error {
    Error::new(Code::ConfigEdit, format!("{file} cannot be edited without damage to it")).because(cause)
}

fn reads_as(text: &str, intended: &Config, file: &str) -> bool {
    Config::parse(text, file).is_ok_and(|config| config == *intended)
}

/// Top-level keys of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Contexts,
    Current,
    Tokens,
}

impl Section {
    fn key(self) -> &'static str {
        match self {
            Section::Contexts => "contexts",
            Section::Current => "current-context",
            Section::Tokens => "tokens",
        }
    }
}

impl Edit {
    fn section(&self) -> Section {
        match self {
            Edit::AddContext(_) | Edit::RemoveContext(_) | Edit::SetField(..) => Section::Contexts,
            Edit::SetCurrent(_) => Section::Current,
            Edit::AddToken(_) | Edit::RemoveToken(_) => Section::Tokens,
        }
    }

    /// The change on the model.
    fn change(&self, config: &mut Config) {
        match self {
            Edit::AddContext(context) => config.contexts.push(context.clone()),
            Edit::RemoveContext(name) => config.contexts.retain(|context| context.name != *name),
            Edit::SetCurrent(name) => config.current = Some(name.clone()),
            Edit::SetField(name, field, value) => {
                for context in config.contexts.iter_mut().filter(|context| context.name == *name) {
                    match field {
                        Field::Platform => context.platform = value.parse().unwrap_or(context.platform),
                        Field::Endpoint => context.endpoint.clone_from(value),
                        Field::Token => context.token.clone_from(value),
                        Field::Channel => context.channel.clone_from(value),
                        Field::Version => context.version.clone_from(value),
                        Field::Provider => context.provider.clone_from(value),
                    }
                }
            }
            Edit::AddToken(entry) => config.tokens.push(entry.clone()),
            Edit::RemoveToken(name) => config.tokens.retain(|token| token.name != *name),
        }
    }

    /// The change in the text; `None` where the text's style does not allow it in place.
    fn patch(&self, text: &str, config: &Config) -> Option<String> {
        let document = Document::new(text).ok()?;
        let context = |name: &str| key_route(&document, &Route::from(vec![Component::from("contexts")]), name);
        match self {
            Edit::AddContext(context) => {
                let value = context_value(context, components_key(text));
                insert(&document, &Route::from(vec![Component::from("contexts")]), &entry(&context.name, value.into())?)
            }
            Edit::RemoveContext(name) => remove(&document, &context(name)?),
            Edit::SetCurrent(name) => {
                patched(&document, Route::from(vec![Component::from("current-context")]), Op::Replace(plain(name)))
            }
            Edit::SetField(name, field, value) => {
                let context = context(name)?;
                let inside = context.with_key(field.key());
                if document.query_exists(&inside) {
                    patched(&document, inside, Op::Replace(plain(value)))
                } else {
                    insert(&document, &context, &entry(field.key(), plain(value))?)
                }
            }
            Edit::AddToken(token) => {
                let item = Value::Sequence(vec![Value::Mapping(token_value(token))]);
                insert(&document, &Route::from(vec![Component::from("tokens")]), &yaml::write(&item).ok()?)
            }
            Edit::RemoveToken(name) => {
                let index = config.tokens.iter().position(|token| token.name == *name)?;
                let route = Route::from(vec![Component::from("tokens"), Component::from(index)]);
                remove(&document, &route)
            }
        }
    }
}

fn plain(text: &str) -> Value {
    Value::from(text)
}

fn patched<'d>(document: &Document, route: Route<'d>, operation: Op<'d>) -> Option<String> {
    let patches = [Patch { route, operation }];
    yamlpatch::apply_yaml_patches(document, &patches).ok().map(|document| document.source().to_owned())
}

/// One key and its value as block YAML.
fn entry(key: &str, value: Value) -> Option<String> {
    yaml::write(&Mapping::from_iter([(plain(key), value)])).ok()
}

/// The route to a key, which the file may spell bare or in either kind of quotes.
fn key_route<'d>(document: &Document, parent: &Route<'d>, name: &str) -> Option<Route<'d>> {
    let in_double = serde_json::Value::from(name).to_string();
    let inside = in_double[1..in_double.len() - 1].to_owned();
    let spellings = [name.to_owned(), inside, name.replace('\'', "''")];
    spellings.into_iter().map(|key| parent.with_key(key)).find(|route| document.query_exists(route))
}

/// Puts lines at the end of a block collection, at its indentation, before comments that follow it.
fn insert(document: &Document, route: &Route<'_>, block: &str) -> Option<String> {
    let feature = document.query_exact(route).ok()??;
    if !matches!(Style::from_feature(&feature, document), Style::BlockMapping | Style::BlockSequence) {
        return None;
    }
    let source = document.source();
    let start = feature.location.byte_span.0;
    let line = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = " ".repeat(source[line..start].chars().count());
    let end = content_end(source, start, feature.location.byte_span.1);
    let line_feed = if source[..end].ends_with('\n') { "" } else { "\n" };
    let lines = block.lines().fold(String::new(), |text, line| text + &indent + line + "\n");
    Some(format!("{}{line_feed}{lines}{}", &source[..end], &source[end..]))
}

/// Takes the lines of an entry out; comments that follow it stay.
fn remove(document: &Document, route: &Route<'_>) -> Option<String> {
    let feature = document.query_pretty(route).ok()?;
    let (source, (start, end)) = (document.source(), feature.location.byte_span);
    let line = source[..start].rfind('\n').map_or(0, |at| at + 1);
    Some(format!("{}{}", &source[..line], &source[content_end(source, start, end)..]))
}

/// The end of the last line within a collection that is neither empty nor a comment.
fn content_end(source: &str, start: usize, end: usize) -> usize {
    let mut last = start;
    let mut at = source[..start].rfind('\n').map_or(0, |at| at + 1);
    for line in source[at..].split_inclusive('\n') {
        if at >= end {
            break;
        }
        at += line.len();
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            last = at;
        }
    }
    last
}

/// Makes sure that the section exists: what holds by default is written down before it is changed.
fn make_room(text: &str, config: &Config, section: Section, file: &str) -> Result<String> {
    let tree: Option<Mapping> = yaml::read(text).map_err(|fault| fault.into_error(Code::ConfigParse, file))?;
    let Some(tree) = tree else {
        let own = if text.is_empty() { HEADER } else { text };
        return [Section::Contexts, Section::Current, Section::Tokens]
            .into_iter()
            .try_fold(own.to_owned(), |text, section| with_section(&text, "", config, section));
    };
    let is_filled = match tree.get(section.key()) {
        Some(Value::Mapping(entries)) => section == Section::Contexts && !entries.is_empty(),
        Some(Value::Sequence(entries)) => section == Section::Tokens && !entries.is_empty(),
        Some(Value::Null) | None => false,
        Some(_) => true,
    };
    if is_filled { Ok(text.to_owned()) } else { rewrite_section(text, config, section, file) }
}

/// Writes a section anew. Its comments would be lost, so a section that has some is left alone.
fn rewrite_section(text: &str, config: &Config, section: Section, file: &str) -> Result<String> {
    let fault = |error: &dyn std::fmt::Display| cannot_edit(file, &error.to_string());
    let document = Document::new(text).map_err(|error| fault(&error))?;
    let route = Route::from(vec![Component::from(section.key())]);
    if !document.query_exists(&route) {
        return with_section(text, text, config, section);
    }
    let feature = document.query_pretty(&route).map_err(|error| fault(&error))?;
    if !document.feature_comments(&feature).is_empty() {
        let cause =
            format!("`{}` is written in a style that cannot be changed in place and has comments", section.key());
        return Err(cannot_edit(file, &cause));
    }
    let removed = remove(&document, &route).ok_or_else(|| fault(&"its lines cannot be told apart"))?;
    with_section(&removed, text, config, section)
}

/// Puts a section at the end. `old` is the file before, whose further keys of contexts are kept.
fn with_section(text: &str, old: &str, config: &Config, section: Section) -> Result<String> {
    let value = match section {
        Section::Contexts => Value::Mapping(contexts_value(old, config)),
        Section::Current => config.current.as_deref().unwrap_or_default().into(),
        Section::Tokens => config.tokens.iter().map(|entry| Value::Mapping(token_value(entry))).collect(),
    };
    let line_feed = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let section = yaml::write(&Mapping::from_iter([(Value::from(section.key()), value)]))?;
    Ok(format!("{text}{line_feed}{section}"))
}

fn contexts_value(old: &str, config: &Config) -> Mapping {
    let key = components_key(old);
    let tree = contexts_of(old);
    let before = Config::parse(old, "").unwrap_or_default();
    let value = |context: &Context| {
        let (Some(Value::Mapping(known)), Ok(before)) = (tree.get(context.name.as_str()), before.find(&context.name))
        else {
            return context_value(context, key);
        };
        let mut value = known.clone();
        for field in [Field::Token, Field::Channel, Field::Version, Field::Provider] {
            if field.of(before) != field.of(context) {
                value.insert(field.key().into(), field.of(context).into());
            }
        }
        value
    };
    config.contexts.iter().map(|context| (plain(&context.name), Value::Mapping(value(context)))).collect()
}

fn contexts_of(text: &str) -> Mapping {
    let tree = yaml::read::<Option<Mapping>>(text).ok().flatten().unwrap_or_default();
    tree.get("contexts").and_then(Value::as_mapping).cloned().unwrap_or_default()
}

/// Files written before 2022 say `adapters`; a file keeps its word.
fn components_key(text: &str) -> &'static str {
    let is_key = |line: &str| line.trim_start().starts_with("adapters:");
    if text.lines().any(is_key) { "adapters" } else { "components" }
}

fn context_value(context: &Context, components: &str) -> Mapping {
    let text = |value: &str| Value::from(value);
    Mapping::from_iter([
        (text("endpoint"), text(&context.endpoint)),
        (text("token"), text(&context.token)),
        (text("platform"), text(&context.platform.to_string())),
        (text(components), context.components.iter().map(String::as_str).collect()),
        (text("channel"), text(&context.channel)),
        (text("version"), text(&context.version)),
        (text("provider"), text(&context.provider)),
    ])
}

fn token_value(entry: &TokenEntry) -> Mapping {
    Mapping::from_iter([
        ("name".into(), entry.name.as_str().into()),
        ("location".into(), entry.location.as_str().into()),
    ])
}

/// Whether all that the edits did not mean is as before: other top-level keys, other contexts with all their keys.
fn keeps_the_rest(old: &str, new: &str, edits: &[Edit]) -> bool {
    let (old_text, new_text) = (old.strip_prefix('\u{feff}').unwrap_or(old), new);
    let (Ok(old), Ok(new)) = (yaml::read::<Option<Mapping>>(old_text), yaml::read::<Option<Mapping>>(new_text)) else {
        return false;
    };
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let meant: Vec<&str> = edits.iter().map(|edit| edit.section().key()).collect();
    let others = old
        .iter()
        .all(|(key, value)| key.as_str().is_some_and(|key| meant.contains(&key)) || new.get(key) == Some(value));
    let touched: Vec<&str> = edits.iter().filter_map(Edit::context_name).collect();
    let after = contexts_of(new_text);
    others
        && contexts_of(old_text).iter().all(|(name, value)| {
            name.as_str().is_some_and(|name| touched.contains(&name)) || after.get(name) == Some(value)
        })
}

impl Edit {
    fn context_name(&self) -> Option<&str> {
        match self {
            Edit::AddContext(context) => Some(&context.name),
            Edit::RemoveContext(name) | Edit::SetField(name, ..) => Some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context;
    use super::*;

    fn edited(text: &str, edits: &[Edit]) -> String {
        let config = Config::parse(text, "f").unwrap();
        apply(text, &config, edits, "f").unwrap()
    }

    const OLD: &str = "# mine
contexts:
  Prod.EU: # the big one
    endpoint: http://example.org:9081
    token: Default
    platform: kubernetes
    adapters:
    - meshery-istio
    channel: stable
    version: latest
    owner: team-a # kept
  local:
    endpoint: http://localhost:9081
    token: Default
    platform: docker
    adapters: []
    channel: edge
    version: latest
# between
current-context: local # today
extra: {a: 1}
tokens:
- location: auth.json
  name: Default
# end
";

    #[test]
    fn edits_keep_comments_order_and_unknown_keys() {
        let text = edited(
            OLD,
            &[
                Edit::AddContext(context("new one: 1")),
                Edit::SetCurrent("Prod.EU".into()),
                Edit::SetField("Prod.EU".into(), Field::Channel, "edge".into()),
                Edit::SetField("Prod.EU".into(), Field::Provider, "None".into()),
                Edit::AddToken(TokenEntry { name: "ci".into(), location: "/tmp/a b.json".into() }),
                Edit::RemoveContext("local".into()),
            ],
        );
        for kept in ["# mine", "# the big one", "# kept", "# between", "# today", "extra: {a: 1}", "# end"] {
            assert!(text.contains(kept), "{kept} is lost:\n{text}");
        }
        assert!(text.find("contexts:") < text.find("current-context:"), "{text}");
        assert!(!text.contains("components:"), "the file's own word is used:\n{text}");
        let config = Config::parse(&text, "f").unwrap();
        assert_eq!(config.current.as_deref(), Some("Prod.EU"));
        assert_eq!(config.contexts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Prod.EU", "new one: 1"]);
        assert_eq!((config.contexts[0].channel.as_str(), config.contexts[0].provider.as_str()), ("edge", "None"));
    }

    #[test]
    fn a_new_file_begins_with_a_header_and_what_held_before() {
        let text = edited("", &[Edit::AddContext(context("dev"))]);
        assert!(text.starts_with("# Contexts of mesheryctl"), "{text}");
        let config = Config::parse(&text, "f").unwrap();
        assert_eq!(config.contexts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["local", "dev"]);
        assert_eq!(config.current.as_deref(), Some("local"));
    }

    #[test]
    fn flow_style_and_empty_sections_are_written_anew() {
        let old = "contexts: {a: {endpoint: 'http://a:1', x: y}}\ncurrent-context: a\ntokens: {}\nother: 1\n";
        let text = edited(old, &[Edit::AddToken(TokenEntry { name: "ci".into(), location: "ci.json".into() })]);
        assert!(Config::parse(&text, "f").unwrap().find_token("ci").is_ok());
        assert!(text.contains("x: y") && text.contains("other: 1"), "{text}");
        let text = edited(old, &[Edit::AddContext(context("b"))]);
        assert!(text.contains("x: y"), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_edited_in_place_is_refused_and_not_damaged() {
        let old = "contexts: {\n  a: {endpoint: 'http://a:1'}, # why\n}\ncurrent-context: a\n";
        let config = Config::parse(old, "f").unwrap();
        let error = apply(old, &config, &[Edit::AddContext(context("b"))], "f").unwrap_err();
        assert_eq!(error.code(), Code::ConfigEdit);
    }

    proptest::proptest! {
        #[test]
        fn any_name_survives_a_round_trip(name in "[a-zA-Z0-9 .:#_\"'@/-]{1,20}") {
            let name = name.trim().to_owned();
            proptest::prop_assume!(!name.is_empty() && name != "local" && name != "Prod.EU");
            let text = edited(OLD, &[Edit::AddContext(context(&name)), Edit::SetCurrent(name.clone())]);
            let config = Config::parse(&text, "f").unwrap();
            proptest::prop_assert_eq!(config.current.as_deref(), Some(name.as_str()));
            let text = edited(&text, &[Edit::SetCurrent("local".into()), Edit::RemoveContext(name.clone())]);
            proptest::prop_assert!(Config::parse(&text, "f").unwrap().find(&name).is_err());
        }
    }
}

//! config.yaml: contexts, the current one, and token entries. Reads files of every era; edits keep what they do not touch.

mod edit;
mod raw;

use std::path::Path;

use crate::base::error::Place;
use crate::base::{Code, Error, Result, dirs, text, yaml};
use crate::model::context::{Context, DEFAULT_ENDPOINT, Platform};

pub use edit::{Edit, Field, update};

/// Name of the context that exists without a file.
pub const IMPLICIT: &str = "local";
/// Name of the token entry that exists without a file.
pub const DEFAULT_TOKEN: &str = "default";
/// Location of the default token file, below the home folder.
pub const DEFAULT_LOCATION: &str = "auth.json";

/// A token entry: a name for a token file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// Name.
    pub name: String,
    /// Path; relative ones are below the home folder.
    pub location: String,
}

/// The content of config.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Contexts in file order.
    pub contexts: Vec<Context>,
    /// Name of the current context.
    pub current: Option<String>,
    /// Token entries in file order.
    pub tokens: Vec<TokenEntry>,
}

impl Default for Config {
    /// What holds without a file: one context `local`.
    fn default() -> Self {
        Self {
            contexts: vec![context(IMPLICIT)],
            current: Some(IMPLICIT.to_owned()),
            tokens: vec![TokenEntry { name: DEFAULT_TOKEN.to_owned(), location: DEFAULT_LOCATION.to_owned() }],
        }
    }
}

/// A context with every default.
pub fn context(name: &str) -> Context {
    Context {
        name: name.to_owned(),
        endpoint: DEFAULT_ENDPOINT.to_owned(),
        token: DEFAULT_TOKEN.to_owned(),
        platform: Platform::Local,
        components: Vec::new(),
        channel: "stable".to_owned(),
        version: "latest".to_owned(),
        provider: String::new(),
    }
}

impl Config {
    /// Reads a file; a missing or empty one is the default. Never writes.
    pub fn load(path: &Path) -> Result<Self> {
        match dirs::read_optional(path)? {
            Some(text) => Self::parse(&text, &path.display().to_string()),
            None => Ok(Self::default()),
        }
    }

    /// Reads a file's text; `file` is what to call it in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let raw: Option<raw::Config> = yaml::read(text).map_err(|fault| {
            fault
                .into_error(Code::ConfigParse, file)
                .remedy("Correct the file at that place, or move it away; without one, the context `local` is used.")
        })?;
        match raw {
            Some(raw) if !raw.is_empty() => raw.into_config(file),
            _ => Ok(Self::default()),
        }
    }

    /// The context of that name.
    pub fn find(&self, name: &str) -> Result<&Context> {
        self.contexts.iter().find(|context| context.name == name).ok_or_else(|| {
            let names = self.contexts.iter().map(|context| context.name.as_str());
            not_found(Code::ContextNotFound, &format!("context `{name}` does not exist"), name, names)
        })
    }

    /// The token entry of that name.
    pub fn find_token(&self, name: &str) -> Result<&TokenEntry> {
        self.tokens.iter().find(|token| token.name == name).ok_or_else(|| {
            let names = self.tokens.iter().map(|token| token.name.as_str());
            not_found(Code::TokenNotFound, &format!("token `{name}` does not exist"), name, names)
        })
    }

    /// The token entry a context uses. Older files spell `Default` and `default` for the same entry.
    pub fn token_of(&self, context: &Context) -> Option<&TokenEntry> {
        let same = |token: &&TokenEntry| token.name == context.token;
        let alike = |token: &&TokenEntry| token.name.eq_ignore_ascii_case(&context.token);
        self.tokens.iter().find(same).or_else(|| self.tokens.iter().find(alike))
    }
}

fn not_found<'a>(code: Code, message: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    let error = Error::new(code, message);
    if let Some(near) = text::did_you_mean(name, names.clone()) {
        return error.detail(near);
    }
    let names: Vec<&str> = names.collect();
    if names.is_empty() { error.detail("there is none") } else { error.detail(format!("known: {}", names.join(", "))) }
}

/// A place in a config file that only names the file.
fn whole(file: &str) -> Place {
    Place { file: file.to_owned(), line: None, column: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(config: &Config) -> Vec<&str> {
        config.contexts.iter().map(|context| context.name.as_str()).collect()
    }

    #[test]
    fn without_a_file_there_is_one_local_context() {
        for text in ["", "# only a comment\n", "\u{feff}", "contexts:\ntokens:\n"] {
            let config = Config::parse(text, "f").unwrap();
            assert_eq!((names(&config), config.current.as_deref()), (vec!["local"], Some("local")), "{text:?}");
            assert_eq!(config.contexts[0].platform, Platform::Local);
        }
    }

    #[test]
    fn the_shape_of_january_2021_is_read() {
        let text = "contexts:\n  local:\n    endpoint: http://localhost:9081\n    token:\n      name: Default\n      \
                    location: auth.json\n    platform: docker\n    adapters:\n    - meshery-istio\n\
                    current-context: local\ntokens: {}\n";
        let config = Config::parse(text, "f").unwrap();
        assert_eq!(config.contexts[0].token, "Default");
        assert_eq!(config.contexts[0].components, ["meshery-istio"]);
        assert_eq!(config.find_token("Default").unwrap().location, "auth.json");
    }

    #[test]
    fn wrong_shapes_have_a_place() {
        for (text, place, part) in [
            ("contexts:\n- a\n", "f:2:1", "mapping"),
            ("contexts:\n  a:\n    platform: mars\n", "f:3:15", "mars"),
            ("contexts:\n  a: [1\n", "f:", ""),
        ] {
            let error = Config::parse(text, "f").unwrap_err();
            assert_eq!(error.code(), Code::ConfigParse);
            assert!(error.to_string().starts_with(place) && error.message().contains(part), "{error}");
        }
    }
}

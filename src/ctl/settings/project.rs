//! `.meshery.yaml`: settings a team shares, searched from the current folder upwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::duration;
use crate::base::{Code, Error, Result, dirs, yaml};
use crate::ctl::ui::{ColorChoice, Format};

/// Its name.
pub const NAME: &str = ".meshery.yaml";

type Found<T> = Option<(T, PathBuf)>;

/// Its values, each with the file's path.
#[derive(Debug, Default)]
pub struct Project {
    pub context: Found<String>,
    pub kube_context: Found<Vec<String>>,
    pub output: Found<Format>,
    pub color: Found<ColorChoice>,
    pub timeout: Found<Duration>,
    pub endpoint: Found<String>,
    pub namespace: Found<String>,
    pub protected_contexts: Found<Vec<String>>,
    pub import_allow: Found<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    context: Option<String>,
    kube_context: Option<OneOrMore>,
    output: Option<String>,
    color: Option<String>,
    timeout: Option<Time>,
    endpoint: Option<String>,
    namespace: Option<String>,
    protected_contexts: Option<OneOrMore>,
    import_allow: Option<OneOrMore>,
    required_version: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(one) => one.split(',').map(|name| name.trim().to_owned()).collect(),
            Self::More(more) => more,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Time {
    Seconds(f64),
    Text(String),
}

impl Project {
    /// Looks from the current folder upwards. A current folder that is gone has no project.
    pub fn search() -> Result<Self> {
        let Ok(start) = std::env::current_dir() else { return Ok(Self::default()) };
        for dir in start.ancestors() {
            let path = dir.join(NAME);
            if let Some(text) = dirs::read_optional(&path)? {
                return Self::parse(&text, &path);
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let raw: Option<Raw> =
            yaml::read(text).map_err(|fault| fault.into_error(Code::ConfigParse, &file).remedy(REMEDY))?;
        let raw = raw.unwrap_or_default();
        if let Some(required) = &raw.required_version {
            check_version(required, env!("CARGO_PKG_VERSION"), &file)?;
        }
        let wrong = |key: &str, reason: String| {
            Error::new(Code::ConfigValue, format!("{file}: `{key}` is wrong: {reason}")).remedy(REMEDY)
        };
        let output = raw.output.map(|text| Format::parse(&text).map_err(|reason| wrong("output", reason)));
        let color = raw.color.map(|text| {
            clap::ValueEnum::from_str(&text, false)
                .map_err(|_| wrong("color", format!("`{text}` is not one of auto, always, never")))
        });
        let timeout = raw.timeout.map(|time| match time {
            Time::Seconds(seconds) => duration(&seconds.to_string(), "`timeout`"),
            Time::Text(text) => duration(&text, "`timeout`"),
        });
        let at = path.to_owned();
        Ok(Self {
            context: raw.context.map(|value| (value, at.clone())),
            kube_context: raw.kube_context.map(|value| (value.list(), at.clone())),
            import_allow: raw.import_allow.map(|value| (value.list(), at.clone())),
            output: output.transpose()?.map(|value| (value, at.clone())),
            color: color.transpose()?.map(|value| (value, at.clone())),
            timeout: timeout.transpose()?.map(|value| (value, at.clone())),
            endpoint: raw.endpoint.map(|value| (value, at.clone())),
            namespace: raw.namespace.map(|value| (value, at.clone())),
            protected_contexts: raw.protected_contexts.map(|value| (value.list(), at.clone())),
        })
    }
}

const REMEDY: &str = "Keys are context, kube-context, protected-contexts, import-allow, output, color, timeout, endpoint, \
                      namespace and required-version.";

/// Versions are compared number by number; `>=` in front is understood.
fn check_version(required: &str, own: &str, file: &str) -> Result<()> {
    let text = required.trim().trim_start_matches(">=").trim().trim_start_matches('v');
    let numbers = |text: &str| -> Option<Vec<u64>> {
        text.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok()).collect()
    };
    let Some(wanted) = numbers(text) else {
        return Err(Error::new(Code::ConfigValue, format!("{file}: `required-version: {required}` is not a version"))
            .remedy("Write the oldest version that will do, such as 0.1.0."));
    };
    if numbers(own).is_some_and(|own| own >= wanted) {
        return Ok(());
    }
    Err(Error::new(Code::VersionTooOld, format!("this project needs mesheryctl {text} or newer; this is {own}"))
        .because(format!("`required-version` in {file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(check_version(">= v0.9.0", "0.10.0", "f").is_ok());
        assert_eq!(check_version("0.10.0", "0.9.9", "f").unwrap_err().code(), Code::VersionTooOld);
        assert_eq!(check_version("soon", "0.9.9", "f").unwrap_err().code(), Code::ConfigValue);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named_with_their_place() {
        let error = Project::parse("context: a\ncontexts: b\n", Path::new("p.yaml")).unwrap_err();
        assert_eq!(error.place().unwrap().to_string(), "p.yaml:2:1");
        let error = Project::parse("output: jsn\n", Path::new("p.yaml")).unwrap_err();
        assert!(error.message().contains("did you mean json"), "{error}");
    }
}

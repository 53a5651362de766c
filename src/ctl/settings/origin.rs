//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::ctl::cli;

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A file: the project file or config.yaml.
    File(PathBuf),
    /// Built in.
    #[default]
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag --{name}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

impl<T> Setting<Option<T>> {
    /// A value that only the project file can give.
    pub fn from_project(found: Option<(T, PathBuf)>) -> Self {
        match found {
            Some((value, path)) => Self { value: Some(value), origin: Origin::File(path) },
            None => Self { value: None, origin: Origin::Default },
        }
    }
}

/// The origin of what config.yaml says: the file, or the default when there is none.
pub fn of_config(path: &Setting<Option<PathBuf>>) -> Origin {
    match &path.value {
        Some(path) if path.exists() => Origin::File(path.clone()),
        _ => Origin::Default,
    }
}

/// Tells flags from environment variables.
pub struct Sources<'m>(&'m ArgMatches);

impl<'m> Sources<'m> {
    pub fn new(matches: &'m ArgMatches) -> Self {
        // Global flags arrive in the matches of the innermost command.
        let mut inner = matches;
        while let Some((_, next)) = inner.subcommand() {
            inner = next;
        }
        Self(inner)
    }

    fn origin(&self, id: &str) -> Origin {
        let long = id.replace('_', "-");
        match self.0.value_source(id) {
            Some(ValueSource::EnvVariable) => Origin::Environment(cli::variable(&long)),
            _ => Origin::Flag(long),
        }
    }

    /// The value given by flag or variable, else by the project file, else the type's default.
    pub fn settle<T: Default>(&self, id: &str, given: Option<T>, project: Option<(T, PathBuf)>) -> Setting<T> {
        match (given, project) {
            (Some(value), _) => Setting { value, origin: self.origin(id) },
            (None, Some((value, path))) => Setting { value, origin: Origin::File(path) },
            (None, None) => Setting::default(),
        }
    }

    /// The same for a value that may stay unset.
    pub fn settle_option<T>(&self, id: &str, given: Option<T>, project: Option<(T, PathBuf)>) -> Setting<Option<T>> {
        let project = project.map(|(value, path)| (Some(value), path));
        self.settle(id, given.map(Some), project)
    }
}

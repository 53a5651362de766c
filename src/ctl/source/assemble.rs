//! From the sources of a command to assembled patterns: overlays find their pattern, values and imports are worked in.

use std::collections::BTreeMap;

use super::{Loaded, SourceArgs};
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::pattern::{Bundle, Document, bundle};
use crate::wire::rest::{DeployRequest, SourceText};

/// Flags that change what patterns say.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AssembleArgs {
    /// File of values for the pattern's `vars` (YAML mapping); repeatable, later ones win.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub values: Vec<String>,
    /// Single value: VAR=VALUE, or PATH=VALUE such as services.web.settings.replicas=3; repeatable, typed as in YAML.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// As --set, but the value is a string whatever it looks like.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set_string: Vec<String>,
}

/// One pattern of a command: its texts, not yet looked into.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The texts.
    pub bundle: Bundle,
    /// What is kept with a stored pattern: `type`, `path`, `host`.
    pub location: BTreeMap<String, String>,
}

/// One pattern of a command, assembled.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// Its texts, imports included.
    pub bundle: Bundle,
    /// The pattern.
    pub document: Document,
    /// What is kept with a stored pattern: `type`, `path`, `host`.
    pub location: BTreeMap<String, String>,
}

impl Assembled {
    /// The request that brings this pattern, with what else `common` wants.
    pub fn into_request(self, common: &DeployRequest) -> DeployRequest {
        DeployRequest { location: self.location, ..self.bundle.into_request(common) }
    }
}

impl AssembleArgs {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.set.is_empty() && self.set_string.is_empty()
    }

    /// The values as they travel in a request.
    ///
    /// # Errors
    /// A file that cannot be read, an item without `=`.
    pub async fn values(&self, ctx: &Ctl, source: &SourceArgs) -> Result<(Vec<SourceText>, Vec<String>)> {
        let mut texts = Vec::with_capacity(self.values.len());
        for file in &self.values {
            let loaded = source.load_one(ctx, file).await?;
            texts.push(SourceText { name: loaded.name, text: loaded.text });
        }
        let mut set = self.set.clone();
        for item in &self.set_string {
            set.push(bundle::string_item(item)?);
        }
        Ok((texts, set))
    }
}

impl SourceArgs {
    /// The patterns of the command: each file of -f is one, or an overlay over one before it.
    ///
    /// # Errors
    /// The first source that cannot be read.
    pub async fn sourced(&self, ctx: &Ctl, args: &AssembleArgs) -> Result<Vec<Sourced>> {
        let (values, set) = args.values(ctx, self).await?;
        let mut sourced = group(self.load(ctx).await?);
        for one in &mut sourced {
            one.bundle.values.clone_from(&values);
            one.bundle.set.clone_from(&set);
        }
        Ok(sourced)
    }

    /// The patterns of the command, assembled, each of another name.
    ///
    /// # Errors
    /// The first fault of any of them; none is used then.
    pub async fn assembled(&self, ctx: &Ctl, args: &AssembleArgs) -> Result<Vec<Assembled>> {
        let mut all: Vec<Assembled> = Vec::new();
        for one in self.sourced(ctx, args).await? {
            let one = one.assemble(ctx).await?;
            let name = &one.document.pattern.name;
            if let Some(other) = all.iter().find(|other| other.document.pattern.name == *name) {
                return Err(double(&other.bundle.base.name, &one.bundle.base.name, name));
            }
            all.push(one);
        }
        Ok(all)
    }
}

impl Sourced {
    /// Reads what it imports and assembles it.
    ///
    /// # Errors
    /// Faults of its texts with their places; an import that cannot be read.
    pub async fn assemble(self, _ctx: &Ctl) -> Result<Assembled> {
        let document = bundle::assemble(&self.bundle)?;
        Ok(Assembled { bundle: self.bundle, document, location: self.location })
    }
}

/// Two files are patterns of one name.
pub fn double(one: &str, other: &str, name: &str) -> Error {
    Error::new(Code::PatternDuplicate, format!("{one} and {other} are both pattern `{name}`"))
        .remedy("Give each its own `name`: it names what is applied.")
}

/// A file named by -f is an overlay when it has the name of a pattern before it, or no name at all and a pattern before it.
fn group(loaded: Vec<Loaded>) -> Vec<Sourced> {
    let mut patterns: Vec<(Option<String>, Sourced)> = Vec::with_capacity(loaded.len());
    for source in loaded {
        let text = SourceText { name: source.name, text: source.text };
        let name = bundle::declared_name(&text.text);
        if !source.of_folder {
            let under = match &name {
                Some(Some(name)) => patterns.iter_mut().rev().find(|(known, _)| known.as_ref() == Some(name)),
                Some(None) => patterns.last_mut(),
                None => None,
            };
            if let Some((_, pattern)) = under {
                pattern.bundle.overlays.push(text);
                continue;
            }
        }
        let bundle = Bundle { base: text, ..Bundle::default() };
        patterns.push((name.flatten(), Sourced { bundle, location: source.location }));
    }
    patterns.into_iter().map(|(_, sourced)| sourced).collect()
}

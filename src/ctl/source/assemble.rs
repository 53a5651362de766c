//! From the sources of a command to assembled patterns: overlays find their pattern, values and imports are worked in.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Loaded, SourceArgs};
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::model::pattern::PatternRecord;
use crate::pattern::import::address::Side;
use crate::pattern::import::{self, Import, Loader, Target};
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
    /// Host that `$(#use https://…)` imports may be read from without a checksum; repeatable, or separated by commas.
    #[arg(long, value_name = "HOST", value_delimiter = ',', hide_short_help = true)]
    pub import_allow: Vec<String>,
}

/// One pattern of a command: its texts, not yet looked into.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The texts.
    pub bundle: Bundle,
    /// What is kept with a stored pattern: `type`, `path`, `host`.
    pub location: BTreeMap<String, String>,
    source: SourceArgs,
    allowed: Vec<String>,
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
        let allowed =
            if args.import_allow.is_empty() { ctx.settings.import_allow() } else { args.import_allow.as_slice() };
        let sourced = group(self.load(ctx).await?).into_iter().map(|(bundle, location)| Sourced {
            bundle: Bundle { values: values.clone(), set: set.clone(), ..bundle },
            location,
            source: SourceArgs { files: Vec::new(), ..self.clone() },
            allowed: allowed.to_vec(),
        });
        Ok(sourced.collect())
    }

    /// A pattern that the plane has stored, with the values of the command.
    ///
    /// # Errors
    /// A file of values that cannot be read.
    pub async fn stored(&self, ctx: &Ctl, args: &AssembleArgs, record: PatternRecord) -> Result<Sourced> {
        let (values, set) = args.values(ctx, self).await?;
        let allowed =
            if args.import_allow.is_empty() { ctx.settings.import_allow() } else { args.import_allow.as_slice() };
        Ok(Sourced {
            bundle: Bundle { values, set, ..Bundle::of_text(record.name, record.pattern_file) },
            location: record.location,
            source: SourceArgs { files: Vec::new(), ..self.clone() },
            allowed: allowed.to_vec(),
        })
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
    pub async fn assemble(self, ctx: &Ctl) -> Result<Assembled> {
        let bundle = self.gather(ctx).await?;
        let document = bundle::assemble(&bundle)?;
        Ok(Assembled { bundle, document, location: self.location })
    }

    /// Its texts with those of what it imports.
    ///
    /// # Errors
    /// An import that cannot be read, with its place.
    pub async fn gather(&self, ctx: &Ctl) -> Result<Bundle> {
        let mut bundle = self.bundle.clone();
        let loader = Imports { ctx, source: &self.source, allowed: &self.allowed };
        bundle::gather(&mut bundle, &loader).await?;
        Ok(bundle)
    }
}

/// Two files are patterns of one name.
pub fn double(one: &str, other: &str, name: &str) -> Error {
    Error::new(Code::PatternDuplicate, format!("{one} and {other} are both pattern `{name}`"))
        .remedy("Give each its own `name`: it names what is applied.")
}

/// Reads imports for the user of this command: files, addresses, and patterns that the plane has stored.
struct Imports<'a> {
    ctx: &'a Ctl,
    source: &'a SourceArgs,
    allowed: &'a [String],
}

impl Loader for Imports<'_> {
    async fn load(&self, import: &Import) -> Result<String> {
        match &import.target {
            Target::File(path) => self.source.read(Path::new(path)).map(|loaded| loaded.text),
            Target::Web(url) => {
                let private = import::permit(import, url, self.allowed, Side::Client)?;
                self.source.fetch(self.ctx, url.as_str(), private).await
            }
            Target::Stored(name) => Ok(self.ctx.client().await?.pattern(name).await?.pattern_file),
        }
    }
}

/// The patterns that the sources are. A file named by -f is an overlay when it has the name of a pattern before it, or no
/// name at all and a pattern before it.
fn group(loaded: Vec<Loaded>) -> Vec<(Bundle, BTreeMap<String, String>)> {
    let mut patterns: Vec<(Option<String>, Bundle, BTreeMap<String, String>)> = Vec::with_capacity(loaded.len());
    for source in loaded {
        let text = SourceText { name: source.name, text: source.text };
        let name = bundle::declared_name(&text.text);
        if !source.of_folder {
            let under = match &name {
                Some(Some(name)) => patterns.iter_mut().rev().find(|(known, ..)| known.as_ref() == Some(name)),
                Some(None) => patterns.last_mut(),
                None => None,
            };
            if let Some((_, bundle, _)) = under {
                bundle.overlays.push(text);
                continue;
            }
        }
        patterns.push((name.flatten(), Bundle { base: text, ..Bundle::default() }, source.location));
    }
    patterns.into_iter().map(|(_, bundle, location)| (bundle, location)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(files: &[(&str, &str, bool)]) -> Vec<String> {
        let loaded = files.iter().map(|(name, text, of_folder)| Loaded {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            location: BTreeMap::new(),
            of_folder: *of_folder,
        });
        let name = |text: &SourceText| text.name.clone();
        group(loaded.collect())
            .iter()
            .map(|(bundle, _)| {
                std::iter::once(&bundle.base).chain(&bundle.overlays).map(name).collect::<Vec<_>>().join("<")
            })
            .collect()
    }

    #[test]
    fn files_of_one_name_and_files_without_a_name_are_overlays() {
        assert_eq!(
            grouped(&[
                ("a", "name: a", false),
                ("b", "name: b", false),
                ("a2", "name: a\nservices: {}", false),
                ("x", "vars: {}", false),
            ]),
            ["a<a2", "b<x"]
        );
    }

    #[test]
    fn files_of_a_folder_broken_ones_and_the_first_are_patterns_of_their_own() {
        assert_eq!(
            grouped(&[("x", "vars: {}", false), ("a", "name: a", true), ("a2", "name: a", true), ("e", "a: [", false)]),
            ["x", "a", "a2", "e"]
        );
    }
}

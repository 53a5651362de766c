//! Sources of any format become a pattern: tells the format, runs the program that renders it where one is needed, and
//! hands the rest to [`crate::pattern::convert`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::archive::{self, Temporary};
use super::tool;
use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env, yaml};
use crate::pattern::convert::Source;
use crate::pattern::convert::detect::{self, Format};
use crate::pattern::convert::{self, Found, Imported, compose, manifests};
use crate::pattern::{builtin, parse};

/// A source.
#[derive(Debug, Clone)]
pub enum Part {
    /// A text, under the name it has in messages; `folder` is where files beside it are, where there is one.
    Text {
        /// The text.
        source: Source,
        /// Its folder.
        folder: Option<PathBuf>,
    },
    /// A folder.
    Folder(PathBuf),
    /// An archive, under the name it has in messages.
    Archive {
        /// What to call it.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
    /// A reference that helm resolves, such as `repo/chart` or `oci://host/chart`.
    Chart(String),
}

/// How sources are imported.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Name of the pattern; else made of the source's.
    pub name: Option<String>,
    /// The format, whatever the content looks like.
    pub from: Option<Format>,
    /// Whether folders are searched in depth.
    pub recursive: bool,
    /// How charts are rendered.
    pub chart: tool::Chart,
    /// Profiles of Compose files.
    pub profiles: Vec<String>,
    /// Variables of Compose files.
    pub variables: BTreeMap<String, String>,
    /// Whether the environment of this process gives further variables.
    pub environment: bool,
}

/// A pattern and what it was made of.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Format of the first source.
    pub format: Format,
    /// The pattern.
    pub imported: Imported,
    /// What was done, for the user to read.
    pub told: Vec<String>,
}

/// Makes one pattern of sources.
///
/// # Errors
/// The first source that cannot be read, rendered or converted, with its place.
pub async fn import(parts: Vec<Part>, options: &Options) -> Result<Outcome> {
    let mut work = Work::new(options);
    for part in parts {
        work.part(part).await?;
    }
    work.finish()
}

struct Work<'a> {
    options: &'a Options,
    formats: Vec<Format>,
    name: Option<String>,
    found: Vec<Found>,
    patterns: Vec<Source>,
    warnings: Vec<String>,
    told: Vec<String>,
}

impl<'a> Work<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            formats: Vec::new(),
            name: None,
            found: Vec::new(),
            patterns: Vec::new(),
            warnings: Vec::new(),
            told: Vec::new(),
        }
    }

    async fn part(&mut self, part: Part) -> Result<()> {
        match part {
            Part::Text { source, folder } => {
                let format = self.format_of(&source)?;
                self.text(format, source, folder.as_deref()).await
            }
            Part::Folder(path) => self.folder(&path, &path.display().to_string()).await,
            Part::Archive { name, path } => self.archive(&name, &path).await,
            Part::Chart(reference) => self.chart(&reference, &reference).await,
        }
    }

    fn tell(&mut self, what: &str, format: Format) {
        self.told.push(format!("{what} is {}", format.told()));
        self.formats.push(format);
    }

    fn named(&mut self, path: &str) {
        if self.name.is_none() {
            self.name = convert::name_of(path);
        }
    }

    fn format_of(&self, source: &Source) -> Result<Format> {
        if let Some(format) = self.options.from {
            return Ok(format);
        }
        let documents = yaml::read_kubernetes_stream(&source.text)
            .map_err(|fault| fault.into_error(Code::ImportSyntax, &source.name))?;
        let formats = documents.iter().map(detect::of_document);
        match formats.into_iter().next() {
            Some(Some(format)) => Ok(format),
            Some(None) => Err(Error::new(Code::ImportUnknown, format!("{} is of no known format", source.subject()))
                .because("it has neither `kind` nor `services`")),
            None => Err(Error::new(Code::SourceEmpty, format!("{} is empty", source.subject()))),
        }
    }

    async fn text(&mut self, format: Format, source: Source, folder: Option<&Path>) -> Result<()> {
        match format {
            Format::Manifests | Format::Cluster => {
                self.tell(source.subject(), format);
                self.named(&source.name);
                self.found.extend(manifests::read(&source)?);
                Ok(())
            }
            Format::Pattern => {
                self.tell(source.subject(), format);
                self.patterns.push(source);
                Ok(())
            }
            Format::Compose => self.compose(&source, folder),
            // One file of a folder that only means something as a whole.
            Format::Kustomize | Format::Helm => match folder {
                Some(folder) => Box::pin(self.folder(folder, &folder.display().to_string())).await,
                None => Err(Error::new(
                    Code::ImportUnknown,
                    format!("{} is one file of {}", source.subject(), format.told()),
                )
                .remedy("Name the folder that holds it.")),
            },
            Format::Oci => Err(Error::new(Code::ImportUnknown, format!("{} is no OCI artefact", source.subject()))
                .remedy("Name the folder or archive of an OCI layout, or an address that begins with oci://.")),
        }
    }

    fn compose(&mut self, source: &Source, folder: Option<&Path>) -> Result<()> {
        self.tell(source.subject(), Format::Compose);
        let beside = |path: &str| std::fs::read_to_string(folder?.join(path)).ok();
        let dotenv = beside(".env").map(|text| compose::variables(&text)).unwrap_or_default();
        let variable = |name: &str| {
            let of_process = || if self.options.environment { env::get(name) } else { None };
            self.options.variables.get(name).cloned().or_else(of_process).or_else(|| dotenv.get(name).cloned())
        };
        let options = compose::Options { read: &beside, variable: &variable, profiles: &self.options.profiles };
        let converted = compose::convert(source, options)?;
        let of_folder =
            || folder.and_then(|folder| convert::name_of(&folder.canonicalize().ok()?.display().to_string()));
        // As in Compose: its own name, else that of the folder.
        let stem = convert::name_of(&source.name)
            .filter(|stem| !detect::COMPOSE_FILES.iter().any(|file| file.starts_with(&format!("{stem}."))));
        if self.name.is_none() {
            self.name = converted.name.or(stem).or_else(of_folder);
        }
        self.found.extend(converted.found);
        self.warnings.extend(converted.warnings);
        Ok(())
    }

    async fn folder(&mut self, path: &Path, name: &str) -> Result<()> {
        let names = names(path)?;
        let format = self.options.from.unwrap_or_else(|| detect::of_names(names.iter().map(String::as_str)));
        match format {
            Format::Helm => self.chart(&path.display().to_string(), name).await,
            Format::Kustomize => {
                let (text, program) = tool::kustomize(path).await?;
                self.tell(name, Format::Kustomize);
                self.told.push(format!("rendered by {program}"));
                self.named_by_folder(path, name);
                self.found.extend(manifests::read(&Source { name: format!("{name} ({program})"), text })?);
                Ok(())
            }
            Format::Compose => {
                let file = detect::COMPOSE_FILES.iter().find(|file| names.iter().any(|name| name == *file));
                let file = file.ok_or_else(|| {
                    Error::new(Code::ImportUnknown, format!("{name} has no Compose file"))
                        .because(format!("it would be called {}", detect::COMPOSE_FILES.join(" or ")))
                })?;
                let source = read(&path.join(file))?;
                self.compose(&source, Some(path))
            }
            Format::Oci => {
                Err(Error::new(Code::ImportUnknown, format!("{name} is an OCI layout")).remedy("Name it alone."))
            }
            Format::Manifests | Format::Pattern | Format::Cluster => self.files(path, name).await,
        }
    }

    async fn files(&mut self, path: &Path, name: &str) -> Result<()> {
        let mut files = Vec::new();
        collect(path, self.options.recursive, &mut files)?;
        files.sort();
        if files.is_empty() {
            return Err(Error::new(Code::SourceEmpty, format!("{name} holds no .yaml, .yml or .json file")));
        }
        self.named_by_folder(path, name);
        for file in files {
            let source = read(&file)?;
            let format = self.format_of(&source);
            // A folder of manifests may hold files that only say something to other programs.
            let format = match format {
                Err(error) if error.code() == Code::SourceEmpty => continue,
                other => other?,
            };
            self.text(format, source, file.parent()).await?;
        }
        Ok(())
    }

    fn named_by_folder(&mut self, path: &Path, name: &str) {
        let full = path.canonicalize().map_or_else(|_| name.to_owned(), |full| full.display().to_string());
        let temporary = path.starts_with(std::env::temp_dir());
        self.named(if temporary { name } else { &full });
    }

    async fn archive(&mut self, name: &str, path: &Path) -> Result<()> {
        let unpacked = Temporary::new()?;
        archive::unpack(path, unpacked.path())?;
        let top = archive::top(unpacked.path())?;
        if detect::of_names(names(&top)?.iter().map(String::as_str)) == Format::Helm {
            return self.chart(&top.display().to_string(), name).await;
        }
        self.folder(&top, name).await
    }

    async fn chart(&mut self, chart: &str, name: &str) -> Result<()> {
        let options = &self.options.chart;
        let own =
            chart_name(Path::new(chart)).or_else(|| convert::name_of(name)).unwrap_or_else(|| "release".to_owned());
        let release = options.release.clone().or_else(|| self.options.name.clone()).unwrap_or_else(|| own.clone());
        let text = tool::helm_template(chart, &release, options).await?;
        self.tell(name, Format::Helm);
        self.told.push("rendered by helm template".to_owned());
        if self.name.is_none() {
            self.name = Some(options.release.clone().unwrap_or(own));
        }
        let mut found = manifests::read(&Source { name: format!("{name} (helm template)"), text })?;
        if let Some(namespace) = &options.namespace {
            for object in &mut found {
                place_in(object, namespace);
            }
        }
        let hooks: Vec<String> =
            found.iter().filter(|object| is_hook(object)).map(|object| object.identity().name).collect();
        if !hooks.is_empty() {
            self.warnings
                .push(format!("{name}: hooks of the chart are applied like every other object: {}", hooks.join(", ")));
        }
        self.found.extend(found);
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome> {
        let format = self.formats.first().copied().unwrap_or(Format::Manifests);
        if let Some(pattern) = self.patterns.pop() {
            if !self.patterns.is_empty() || !self.found.is_empty() {
                return Err(Error::new(
                    Code::ImportUnknown,
                    format!("{} is a pattern among other sources", pattern.subject()),
                )
                .remedy(
                    "Import a pattern alone; several files of one pattern are merged by `pattern apply -f A -f B`.",
                ));
            }
            let imported = self.pattern(pattern)?;
            return Ok(Outcome { format, imported, told: self.told });
        }
        let name = self.options.name.clone().or(self.name.take()).unwrap_or_else(|| {
            self.warnings
                .push("the source has no name; the pattern is called `imported`, --name gives another".to_owned());
            "imported".to_owned()
        });
        let mut imported = convert::assemble(&name, self.found)?;
        self.warnings.append(&mut imported.warnings);
        imported.warnings = self.warnings;
        Ok(Outcome { format, imported, told: self.told })
    }

    /// A pattern stays what it is, byte for byte.
    fn pattern(&self, source: Source) -> Result<Imported> {
        let document = parse::parse(&source.name, &source.text)?;
        if let Some(name) = self.options.name.as_ref().filter(|name| **name != document.pattern.name) {
            return Err(Error::new(
                Code::UsageError,
                format!("{} is pattern `{}` already, not `{name}`", source.subject(), document.pattern.name),
            )
            .remedy("Leave --name out, or change `name` in the file."));
        }
        Ok(Imported {
            name: document.pattern.name,
            services: document.pattern.services.len(),
            text: source.text,
            notes: Vec::new(),
            warnings: document.warnings,
        })
    }
}

fn is_hook(object: &Found) -> bool {
    let annotations = object.body.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.is_some_and(|annotations| annotations.get("helm.sh/hook").is_some())
}

/// Helm puts objects that name no namespace into the release's.
fn place_in(object: &mut Found, namespace: &str) {
    let identity = object.identity();
    let known =
        builtin::kinds().into_iter().find(|kind| kind.gvk.group == identity.group && kind.gvk.kind == identity.kind);
    if known.is_some_and(|kind| !kind.namespaced) || !identity.namespace.is_empty() {
        return;
    }
    if let Some(metadata) = object.body.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

/// The name in a chart's Chart.yaml, when it is a folder here.
fn chart_name(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("Chart.yaml")).ok()?;
    let chart = yaml::read_kubernetes(&text).ok()?;
    chart["name"].as_str().and_then(convert::name_of)
}

fn read(path: &Path) -> Result<Source> {
    let text = std::fs::read_to_string(path).map_err(|error| dirs::read_error(path, &error))?;
    Ok(Source { name: path.display().to_string(), text })
}

fn names(path: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(path).map_err(|error| dirs::read_error(path, &error))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect())
}

/// Files of a folder that may be manifests; links to folders are not followed, so that a circle of them ends.
fn collect(path: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(path).map_err(|error| dirs::read_error(path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| dirs::read_error(path, &error))?.path();
        let is_dir = std::fs::symlink_metadata(&entry).is_ok_and(|meta| meta.is_dir());
        if is_dir && recursive {
            collect(&entry, recursive, found)?;
        } else if !is_dir && entry.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json") {
            found.push(entry);
        }
    }
    Ok(())
}

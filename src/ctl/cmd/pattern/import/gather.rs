//! Where imported sources come from: files, folders, archives, standard input, addresses, chart references.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::dirs;
use crate::base::error::{Code, Error, Place, Result};
use crate::client::archive::{self, Temporary};
use crate::client::import::{Options, Part};
use crate::client::{fetch, tool};
use crate::ctl::Ctl;
use crate::oci::{Reference, layout, reference, registry};
use crate::pattern::convert::Source;
use crate::pattern::convert::compose;
use crate::pattern::convert::detect::Format;

/// Limit for a download when --timeout says nothing.
const DOWNLOAD_TIME: Duration = Duration::from_secs(30);

/// Flags of every verb that imports.
#[derive(Debug, Clone, clap::Args)]
pub struct GatherArgs {
    /// File, folder, archive, URL, chart, oci:// address, or - for standard input; repeatable, all become one pattern.
    #[arg(short = 'f', long = "file", value_name = "SOURCE", value_hint = clap::ValueHint::AnyPath)]
    pub files: Vec<String>,
    /// Search folders given with -f in depth.
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Format, whatever the content looks like: pattern, manifests, kustomize, compose, helm or oci.
    #[arg(short = 's', long, visible_alias = "source-type", value_name = "FORMAT")]
    from: Option<String>,
    /// Name of the pattern; without it, that of the source.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    chart: ChartArgs,
    /// File of variables for a Compose file; repeatable, later ones win.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Compose")]
    env_file: Vec<PathBuf>,
    /// Profile of a Compose file whose services are wanted too; repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Compose")]
    profile: Vec<String>,
    /// Speak plain HTTP with a registry that is not this machine.
    #[arg(long, hide_short_help = true)]
    plain_http: bool,
    /// Largest accepted source, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024, hide_short_help = true)]
    max_size: u64,
}

/// How a chart is rendered; as the flags of `helm template`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Helm charts")]
pub struct ChartArgs {
    /// File of values for the chart; repeatable.
    #[arg(long, value_name = "FILE")]
    values: Vec<String>,
    /// Single value for the chart; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Version of a chart of a repository.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Repository of the chart that -f names.
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// Namespace of the release.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
    /// Name of the release; without it, the pattern's.
    #[arg(long, value_name = "NAME")]
    release_name: Option<String>,
}

/// Sources, ready to be imported.
pub struct Gathered {
    /// The sources.
    pub parts: Vec<Part>,
    /// Their format, where it is known from where they came from.
    pub format: Option<Format>,
    /// Folder of what was downloaded; gone when this is dropped.
    downloads: Option<Temporary>,
}

impl GatherArgs {
    /// The name that was asked for.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The namespace that was asked for.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.chart.namespace.as_deref()
    }

    fn format(&self) -> Result<Option<Format>> {
        let Some(word) = &self.from else { return Ok(None) };
        word.parse().map(Some).map_err(|()| {
            Error::new(Code::UsageError, format!("`{word}` is no format that can be imported"))
                .remedy(format!("Use one of {}.", Format::NAMES.join(", ")))
        })
    }

    /// What the flags say besides the sources.
    pub(crate) fn options(&self) -> Result<Options> {
        let mut variables = BTreeMap::new();
        for file in &self.env_file {
            let text = std::fs::read_to_string(file).map_err(|error| dirs::read_error(file, &error))?;
            variables.extend(compose::variables(&text));
        }
        let chart = tool::Chart {
            release: self.chart.release_name.clone(),
            namespace: self.chart.namespace.clone(),
            values: self.chart.values.clone(),
            set: self.chart.set.clone(),
            version: self.chart.version.clone(),
            repo: self.chart.repo.clone(),
        };
        Ok(Options {
            name: self.name.clone(),
            // An artefact has been fetched by now, and what it holds is a pattern.
            from: self.format()?.filter(|format| *format != Format::Oci),
            recursive: self.recursive,
            chart,
            profiles: self.profile.clone(),
            variables,
            environment: true,
        })
    }

    /// Reads or finds every source.
    pub(crate) async fn gather(&self, ctx: &Ctl) -> Result<Gathered> {
        if self.files.is_empty() {
            return Err(Error::new(Code::UsageError, "there is nothing to import")
                .remedy("Name a source with -f, as in `mesheryctl pattern import -f manifests/`, or a namespace with --from-cluster."));
        }
        let mut gathered = Gathered { parts: Vec::new(), format: None, downloads: None };
        for source in &self.files {
            let part = self.one(ctx, source, &mut gathered).await?;
            gathered.parts.push(part);
        }
        Ok(gathered)
    }

    async fn one(&self, ctx: &Ctl, source: &str, gathered: &mut Gathered) -> Result<Part> {
        let format = self.format()?;
        let path = Path::new(source);
        if source == "-" {
            return text("-", self.standard_input(ctx)?, None);
        }
        if format == Some(Format::Helm)
            && (self.chart.repo.is_some() || source.starts_with("oci://") || !path.exists())
            && !is_web(source)
        {
            return Ok(Part::Chart(source.to_owned()));
        }
        if is_web(source) {
            return self.download(ctx, source, gathered).await;
        }
        if source.starts_with(reference::SCHEME) {
            return self.pull(ctx, source, gathered).await;
        }
        if path.is_dir() {
            return if is_layout(path) {
                self.layout(source, path, gathered)
            } else {
                Ok(Part::Folder(path.to_owned()))
            };
        }
        let bytes = self.read(path)?;
        if archive::is_archive(&bytes) {
            let unpacked = Temporary::new()?;
            archive::unpack(path, unpacked.path())?;
            let top = archive::top(unpacked.path())?;
            if is_layout(&top) {
                return self.layout(source, &top, gathered);
            }
            return Ok(Part::Archive { name: source.to_owned(), path: path.to_owned() });
        }
        let folder = path
            .parent()
            .map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
        text(source, bytes, folder)
    }

    /// A layout holds a pattern and nothing else.
    fn layout(&self, source: &str, folder: &Path, gathered: &mut Gathered) -> Result<Part> {
        let found = layout::pattern(source, |file| self.read(&folder.join(file)))?;
        gathered.format = Some(Format::Oci);
        text(source, found.into_bytes(), None)
    }

    async fn pull(&self, ctx: &Ctl, address: &str, gathered: &mut Gathered) -> Result<Part> {
        let reference: Reference = address.parse()?;
        let options = registry::Options {
            plain_http: self.plain_http,
            timeout: ctx.settings.timeout(),
            ca_file: ctx.settings.ca_file(),
        };
        let found = registry::Registry::open(&reference, options).await?.pull().await?;
        gathered.format = Some(Format::Oci);
        text(address, found.into_bytes(), None)
    }

    fn standard_input(&self, ctx: &Ctl) -> Result<Vec<u8>> {
        if std::io::stdin().is_terminal() {
            ctx.ui.note("Reading from the keyboard; end it with Ctrl-D.")?;
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(self.max_size + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::new(Code::FileUnreadable, "standard input cannot be read").because(error))?;
        self.bounded("standard input", bytes)
    }

    async fn download(&self, ctx: &Ctl, address: &str, gathered: &mut Gathered) -> Result<Part> {
        let limits = fetch::Limits {
            size: self.max_size,
            time: ctx.settings.timeout().unwrap_or(DOWNLOAD_TIME),
            ca_file: ctx.settings.ca_file(),
            private: true,
        };
        let bytes = fetch::download_bytes(address, limits).await?;
        if !archive::is_archive(&bytes) {
            return text(address, bytes, None);
        }
        let folder = match gathered.downloads.take() {
            Some(folder) => folder,
            None => Temporary::new()?,
        };
        let path = folder.path().join(format!("{}.tgz", gathered.parts.len()));
        gathered.downloads = Some(folder);
        dirs::write_atomic(&path, &bytes, 0o600)?;
        Ok(Part::Archive { name: address.to_owned(), path })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let size = std::fs::metadata(path).map_err(|error| dirs::read_error(path, &error))?.len();
        if size > self.max_size {
            return Err(too_large(&path.display().to_string(), self.max_size));
        }
        std::fs::read(path).map_err(|error| dirs::read_error(path, &error))
    }

    fn bounded(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
        if bytes.len() as u64 > self.max_size { Err(too_large(name, self.max_size)) } else { Ok(bytes) }
    }
}

fn is_layout(folder: &Path) -> bool {
    folder.join("oci-layout").is_file()
}

fn is_web(source: &str) -> bool {
    source.split_once("://").is_some_and(|(scheme, _)| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https"))
}

fn text(name: &str, bytes: Vec<u8>, folder: Option<PathBuf>) -> Result<Part> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        Error::new(Code::ImportSyntax, "the file is neither text in UTF-8 nor an archive").at(Place {
            file: name.to_owned(),
            line: Some(line),
            column: None,
        })
    })?;
    Ok(Part::Text { source: Source { name: name.to_owned(), text }, folder })
}

fn too_large(name: &str, limit: u64) -> Error {
    Error::new(Code::SourceTooLarge, format!("{name} is larger than {limit} bytes"))
}

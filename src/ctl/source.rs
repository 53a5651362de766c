//! Where patterns come from: files, folders, standard input, URLs; [`assemble`] makes patterns of them.

mod assemble;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::error::{Code, Error, Place, Result};
use crate::base::{dirs, text};
use crate::client::fetch;
use crate::ctl::Ctl;

pub use assemble::{AssembleArgs, Assembled, Sourced, double};

/// Limit for a download when --timeout says nothing.
const DOWNLOAD_TIME: Duration = Duration::from_secs(30);
const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// Flags of every verb that reads patterns.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArgs {
    /// Pattern file, folder, URL, or - for standard input; repeatable.
    #[arg(short = 'f', long = "file", value_name = "SOURCE", value_hint = clap::ValueHint::AnyPath)]
    pub files: Vec<String>,
    /// Search folders given with -f in depth.
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Largest accepted source, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 10 * 1024 * 1024, hide_short_help = true)]
    pub max_size: u64,
}

/// One source, read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What to call it in messages.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What is kept with a stored pattern: `type`, `path`, `host`.
    pub location: BTreeMap<String, String>,
    /// Whether it was found in a folder and not named itself.
    pub of_folder: bool,
}

impl SourceArgs {
    /// Reads every source, in the order given; the files of a folder by name.
    ///
    /// # Errors
    /// The first that cannot be read; none is used then.
    pub async fn load(&self, ctx: &Ctl) -> Result<Vec<Loaded>> {
        let mut loaded = Vec::new();
        for source in &self.files {
            if is_path(source) {
                let of_folder = Path::new(source).is_dir();
                for path in self.expand(source)? {
                    loaded.push(Loaded { of_folder, ..self.read(&path)? });
                }
            } else {
                loaded.push(self.load_one(ctx, source).await?);
            }
        }
        Ok(loaded)
    }

    /// Reads one source that is no folder.
    ///
    /// # Errors
    /// When it cannot be read, or is of a scheme that is not spoken.
    pub async fn load_one(&self, ctx: &Ctl, source: &str) -> Result<Loaded> {
        if source == "-" {
            self.standard_input(ctx)
        } else if is_web(source) {
            self.download(ctx, source).await
        } else if let Some(scheme) = foreign_scheme(source) {
            Err(not_spoken(source, scheme))
        } else {
            self.read(Path::new(source))
        }
    }

    fn standard_input(&self, ctx: &Ctl) -> Result<Loaded> {
        if std::io::stdin().is_terminal() {
            ctx.ui.note("Reading a pattern from the keyboard; end it with Ctrl-D.")?;
        }
        let mut text = String::new();
        std::io::stdin()
            .take(self.max_size + 1)
            .read_to_string(&mut text)
            .map_err(|error| Error::new(Code::FileUnreadable, "standard input cannot be read").because(error))?;
        self.bounded("-", text, location("local", "-"))
    }

    async fn download(&self, ctx: &Ctl, address: &str) -> Result<Loaded> {
        let text = self.fetch(ctx, address, true).await?;
        self.bounded(address, text, location("http", address))
    }

    /// Downloads a text; `private` says whether its host may be a private one.
    async fn fetch(&self, ctx: &Ctl, address: &str, private: bool) -> Result<String> {
        let limits = fetch::Limits {
            size: self.max_size,
            time: ctx.settings.timeout().unwrap_or(DOWNLOAD_TIME),
            ca_file: ctx.settings.ca_file(),
            private,
        };
        fetch::download(address, limits).await
    }

    fn read(&self, path: &Path) -> Result<Loaded> {
        let name = path.display().to_string();
        let size = std::fs::metadata(path).map_err(|error| dirs::read_error(path, &error))?.len();
        if size > self.max_size {
            return Err(too_large(&name, self.max_size));
        }
        let bytes = std::fs::read(path).map_err(|error| dirs::read_error(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| not_text(&name, &error))?;
        self.bounded(&name, text, location("local", &name))
    }

    fn bounded(&self, name: &str, text: String, location: BTreeMap<String, String>) -> Result<Loaded> {
        if text.len() as u64 > self.max_size {
            return Err(too_large(name, self.max_size));
        }
        Ok(Loaded { name: name.to_owned(), text, location, of_folder: false })
    }

    fn expand(&self, source: &str) -> Result<Vec<PathBuf>> {
        let path = Path::new(source);
        let mut found = Vec::new();
        if path.is_dir() {
            collect(path, self.recursive, &mut found)?;
        } else if path.exists() || !source.contains(['*', '?']) {
            return Ok(vec![path.to_owned()]);
        } else {
            found = matching(path)?;
        }
        if found.is_empty() {
            return Err(Error::new(Code::SourceEmpty, format!("{source} holds no pattern file")));
        }
        found.sort();
        Ok(found)
    }
}

/// Whether a source is a file or a folder of this machine.
fn is_path(source: &str) -> bool {
    source != "-" && !is_web(source) && foreign_scheme(source).is_none()
}

fn not_spoken(source: &str, scheme: &str) -> Error {
    Error::new(Code::UrlRefused, format!("{source} cannot be fetched: {scheme} is not spoken"))
        .because("sources are files, folders, http and https addresses, and - for standard input")
        .remedy(if scheme.eq_ignore_ascii_case("file") {
            "Pass the path alone, without `file://`."
        } else {
            "Download the file yourself and pass its path."
        })
}

fn is_web(source: &str) -> bool {
    source.split_once("://").is_some_and(|(scheme, _)| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https"))
}

/// The scheme of an address that is neither http nor https. A file whose path looks like one exists and wins.
fn foreign_scheme(source: &str) -> Option<&str> {
    let (scheme, _) = source.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    (is_scheme && !Path::new(source).exists()).then_some(scheme)
}

fn location(kind: &str, path: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("type".to_owned(), kind.to_owned()), ("path".to_owned(), path.to_owned())])
}

fn too_large(name: &str, limit: u64) -> Error {
    Error::new(Code::SourceTooLarge, format!("{name} is larger than {limit} bytes"))
}

fn not_text(name: &str, error: &std::string::FromUtf8Error) -> Error {
    let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = valid.split(|byte| *byte == b'\n').count();
    Error::new(Code::PatternSyntax, "the file is not text in UTF-8").at(Place {
        file: name.to_owned(),
        line: Some(line),
        column: None,
    })
}

/// Pattern files of a folder; links to folders are not followed, so that a circle of them ends.
fn collect(dir: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in entries(dir)? {
        let is_dir = std::fs::symlink_metadata(&entry).is_ok_and(|meta| meta.is_dir());
        if is_dir && recursive {
            collect(&entry, recursive, found)?;
        } else if !is_dir
            && entry.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known)))
        {
            found.push(entry);
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let list = std::fs::read_dir(dir).map_err(|error| dirs::read_error(dir, &error))?;
    list.map(|entry| entry.map(|entry| entry.path()).map_err(|error| dirs::read_error(dir, &error))).collect()
}

/// Files that a quoted pattern such as `patterns/*.yaml` means: `*` and `?` in its last part.
fn matching(path: &Path) -> Result<Vec<PathBuf>> {
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fits = |entry: &PathBuf| {
        entry.is_file() && entry.file_name().is_some_and(|name| text::wildcard(&wanted, &name.to_string_lossy()))
    };
    Ok(entries(dir)?.into_iter().filter(fits).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_schemes_are_told_from_paths() {
        assert_eq!(foreign_scheme("file:///tmp/shop.yaml"), Some("file"));
        assert_eq!(foreign_scheme("ftp://host/shop.yaml"), Some("ftp"));
        assert_eq!(foreign_scheme("a/b:c.yaml"), None);
        assert_eq!(foreign_scheme("./x y://z"), None);
    }

    #[test]
    fn folders_and_wildcards_give_their_pattern_files_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.yaml", "a.yml", "c.txt", "sub/d.json"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |recursive: bool, end: &str| {
            let args = SourceArgs { files: vec![], recursive, max_size: 10 };
            let found = args.expand(&format!("{}{end}", dir.path().display())).unwrap();
            found.iter().map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(false, ""), ["a.yml", "b.yaml"]);
        assert_eq!(names(true, ""), ["a.yml", "b.yaml", "sub/d.json"]);
        assert_eq!(names(false, "/*.y?ml"), ["b.yaml"]);
        let empty = SourceArgs { files: vec![], recursive: false, max_size: 10 }
            .expand(&format!("{}/sub/*.yaml", dir.path().display()));
        assert_eq!(empty.unwrap_err().code(), Code::SourceEmpty);
    }
}

//! What the SOURCE of `$(#use SOURCE)` means, and who may be asked for it.

use url::Url;

use super::Import;
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::pattern::reference::syntax;

/// Prefix of stored patterns.
const STORED: &str = "pattern:";

/// Where an imported text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of the machine that the command runs on.
    File(String),
    /// An http or https address.
    Web(Url),
    /// A pattern the plane has stored, by name or id.
    Stored(String),
}

/// What a type of the form `$(#use SOURCE)` in the text called `importer` means: the import's name and target.
pub(super) fn parse(kind: &str, importer: &str) -> Result<(String, Target)> {
    let fault = |message: String| {
        Error::new(Code::PatternImport, message)
            .remedy("Write $(#use ./file.yaml), $(#use https://host/pattern.yaml) or $(#use pattern:NAME).")
    };
    let inside = kind.trim().strip_prefix("$(#use").and_then(|rest| rest.strip_suffix(')'));
    let Some(source) = inside.map(str::trim).filter(|source| !source.is_empty()) else {
        return Err(fault(format!("{kind} is not an import")));
    };
    if syntax::is_touched(source) {
        return Err(fault(format!("{kind}: the address of an import cannot hold references")));
    }
    if let Some(name) = source.strip_prefix(STORED).map(str::trim).filter(|name| !name.is_empty()) {
        return Ok((format!("{STORED}{name}"), Target::Stored(name.to_owned())));
    }
    if let Some((scheme, _)) = source.split_once("://") {
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            return Err(fault(format!("{kind}: {scheme} is not spoken")));
        }
        return web(source).map_err(|reason| fault(format!("{kind}: {reason}")));
    }
    if let Some(base) = web_base(importer) {
        let joined = base.join(source).map_err(|error| fault(format!("{kind}: {error}")))?;
        return Ok((joined.to_string(), Target::Web(joined)));
    }
    if importer.starts_with(STORED) {
        return Err(fault(format!("{kind}: {importer} is a stored pattern, which has no folder to look in")));
    }
    let path = beside(importer, source);
    Ok((path.clone(), Target::File(path)))
}

fn web(source: &str) -> Result<(String, Target), String> {
    let url = Url::parse(source).map_err(|error| error.to_string())?;
    if url.host_str().is_none() {
        return Err("the address names no host".to_owned());
    }
    Ok((url.to_string(), Target::Web(url)))
}

fn web_base(importer: &str) -> Option<Url> {
    Url::parse(importer).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// A path that is relative to the folder of the importing file, without `.` and with `..` folded.
fn beside(importer: &str, source: &str) -> String {
    let is_file = importer != "-" && !importer.starts_with("--set ");
    let folder = if is_file { importer.rsplit_once('/').map_or("", |(folder, _)| folder) } else { "" };
    let is_rooted = source.starts_with('/') || (importer.starts_with('/') && is_file);
    let whole = if source.starts_with('/') { source.to_owned() } else { format!("{folder}/{source}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    format!("{}{}", if is_rooted { "/" } else { "" }, parts.join("/"))
}

/// Whose word counts when an import asks for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The user's own command: the address of the importing pattern was typed or allowed by the user.
    Client,
    /// A server, which cannot know where the importing pattern really came from.
    Server,
}

/// Whether an address may be fetched, and if so, whether its host may be a private one.
///
/// An import needs a checksum, a host among `allowed` (`host`, `host:port`, `*.domain`), or the origin of the pattern that
/// imports it; plain http is only for the first and the last.
///
/// # Errors
/// [`Code::ImportRefused`] with what would permit it.
pub fn permit(import: &Import, url: &Url, allowed: &[String], side: Side) -> Result<bool> {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let is_allowed = allowed.iter().any(|entry| {
        let entry = entry.trim().to_lowercase();
        !entry.is_empty() && (text::wildcard(&entry, host) || text::wildcard(&entry, &with_port))
    });
    let is_origin =
        side == Side::Client && web_base(&import.importer).is_some_and(|from| from.origin() == url.origin());
    let is_summed = import.checksum.is_some();
    if is_summed || is_origin || (is_allowed && url.scheme() == "https") {
        return Ok(is_allowed || is_origin);
    }
    let error = Error::new(Code::ImportRefused, format!("{url} is not imported")).at(import.place.clone());
    Err(if is_allowed {
        error.because("plain http does not protect what it carries, so it needs a checksum")
    } else {
        error.because(format!(
            "it has no checksum, and {with_port} is neither an allowed host nor where the importing pattern came from"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;

    fn name(kind: &str, importer: &str) -> String {
        parse(kind, importer).map_or_else(|error| format!("error: {}", error.message()), |(name, _)| name)
    }

    #[test]
    fn sources_are_relative_to_the_text_that_names_them() {
        assert_eq!(name("$(#use ./db.yaml)", "dir/shop.yaml"), "dir/db.yaml");
        assert_eq!(name("$(#use ../lib/db.yaml)", "dir/shop.yaml"), "lib/db.yaml");
        assert_eq!(name("$(#use ../../db.yaml)", "dir/shop.yaml"), "../db.yaml");
        assert_eq!(name("$(#use db.yaml)", "-"), "db.yaml");
        assert_eq!(name("$(#use db.yaml)", "/a/shop.yaml"), "/a/db.yaml");
        assert_eq!(name("$(#use /b/db.yaml)", "dir/shop.yaml"), "/b/db.yaml");
        assert_eq!(name("$(#use ./db.yaml)", "https://x.io/a/shop.yaml"), "https://x.io/a/db.yaml");
        assert_eq!(name("$(#use https://x.io/db.yaml)", "shop.yaml"), "https://x.io/db.yaml");
        assert_eq!(name("$(#use pattern:db)", "shop.yaml"), "pattern:db");
    }

    #[test]
    fn what_is_no_source_is_told() {
        assert!(name("$(#use ftp://x/y)", "a").contains("ftp is not spoken"));
        assert!(name("$(#use )", "a").contains("is not an import"));
        assert!(name("$(#use $(#ref.vars.x))", "a").contains("cannot hold references"));
        assert!(name("$(#use ./x.yaml)", "pattern:a").contains("no folder"));
    }

    #[test]
    fn hosts_are_asked_only_with_a_reason() {
        use Side::{Client, Server};
        let may = |url: &str, importer: &str, checksum: bool, allowed: &[&str], side| {
            let url = Url::parse(url).unwrap();
            let import = Import {
                name: url.to_string(),
                target: Target::Web(url.clone()),
                checksum: checksum.then(|| "sha256:0".to_owned()),
                importer: importer.to_owned(),
                place: Place { file: "p".into(), line: None, column: None },
            };
            permit(&import, &url, &allowed.iter().map(|&host| host.to_owned()).collect::<Vec<_>>(), side).ok()
        };
        assert_eq!(may("https://x.io/p", "a.yaml", false, &[], Client), None);
        assert_eq!(may("https://x.io/p", "a.yaml", true, &[], Client), Some(false));
        assert_eq!(may("https://x.io/p", "a.yaml", false, &["x.io"], Client), Some(true));
        assert_eq!(may("https://a.x.io:8443/p", "a.yaml", false, &["*.x.io:8443"], Server), Some(true));
        assert_eq!(may("https://x.io.evil.com/p", "a.yaml", false, &["x.io"], Client), None);
        assert_eq!(may("http://x.io/p", "a.yaml", false, &["x.io"], Client), None);
        assert_eq!(may("http://x.io/p", "http://x.io/a", false, &[], Client), Some(true));
        assert_eq!(may("https://x.io/p", "https://x.io/a", false, &[], Server), None, "a server cannot know");
    }
}

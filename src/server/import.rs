//! Imports on behalf of a client: a file it sends, an address it names, or a running namespace.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::base::error::{Code, Error, Place, Result};
use crate::base::{dirs, text};
use crate::client::archive::{self, Temporary};
use crate::client::fetch;
use crate::client::import::{self as sources, Options, Part};
use crate::cluster::Cluster;
use crate::cluster::kubeconfig as kube_config;
use crate::model::kubernetes::KindInfo;
use crate::pattern::convert::Source;
use crate::pattern::convert::{self, Found, Imported, detect::Format, live};
use crate::server::providers::sync;
use crate::server::{Sender, Shared, clusters};
use crate::store::patterns::NewPattern;
use crate::wire::rest::exchange::{ClusterSource, ImportReply, ImportRequest};

/// Lists read at once.
const PARALLEL: usize = 8;
const FETCH_SIZE: u64 = 32 * 1024 * 1024;
const FETCH_TIME: Duration = Duration::from_secs(30);

/// Carries an import out; stores the pattern unless the request says not to.
///
/// # Errors
/// What is wrong with the source, in the words of the import; [`Code::RequestInvalid`] for a request without one.
pub async fn import(state: &Shared, sender: &Sender, request: ImportRequest) -> Result<ImportReply> {
    let save = request.save.unwrap_or(true);
    let url = request.url.clone();
    let (format, imported, told) = match &request.cluster {
        Some(cluster) => {
            let imported = namespace(state, cluster, &request).await?;
            (Format::Cluster, imported, Vec::new())
        }
        None => file(&request).await?,
    };
    let mut reply = ImportReply {
        id: None,
        name: imported.name,
        format: format.word().to_owned(),
        services: imported.services,
        pattern_file: imported.text,
        notes: told.into_iter().chain(imported.notes).collect(),
        warnings: imported.warnings,
    };
    if save {
        let mut location = BTreeMap::from([
            ("type".to_owned(), if url.is_some() { "http" } else { "local" }.to_owned()),
            ("source_type".to_owned(), reply.format.clone()),
        ]);
        location.extend(url.map(|url| ("path".to_owned(), url)));
        let (name, pattern_file) = (reply.name.clone(), reply.pattern_file.clone());
        let new = NewPattern { name, pattern_file, location, ..NewPattern::default() };
        reply.id = Some(sync::save_pattern(state, sender, new).await?.id);
    }
    Ok(reply)
}

/// A source that a client sends as text or names.
pub struct Text {
    /// Name of the pattern; else made of the source's.
    pub name: Option<String>,
    /// The source, where it is sent.
    pub text: String,
    /// Where it is to be fetched, where it is not sent.
    pub url: Option<String>,
    /// Its format, in the words of any era.
    pub from: Option<String>,
}

/// Makes a pattern of a text.
///
/// # Errors
/// As [`import`].
pub async fn text(source: Text) -> Result<(Format, Imported)> {
    let request = ImportRequest {
        file: (!source.text.is_empty()).then(|| STANDARD.encode(&source.text)),
        file_name: source.name.clone(),
        name: source.name,
        url: source.url,
        from: source.from,
        ..ImportRequest::default()
    };
    let (format, imported, _) = file(&request).await?;
    Ok((format, imported))
}

async fn file(request: &ImportRequest) -> Result<(Format, Imported, Vec<String>)> {
    let from = match &request.from {
        Some(word) => Some(word.parse::<Format>().map_err(|()| {
            Error::new(Code::RequestInvalid, format!("`from` is `{word}`, which is no format that can be imported"))
                .remedy(format!("Use one of {}.", Format::NAMES.join(", ")))
        })?),
        None => None,
    };
    let (name, bytes) = match (&request.file, &request.url) {
        (Some(file), _) => {
            let bytes = STANDARD
                .decode(file.split(',').next_back().unwrap_or(file).trim())
                .map_err(|error| Error::new(Code::RequestInvalid, "`file` is not base64").because(error))?;
            (request.file_name.clone().unwrap_or_else(|| "-".to_owned()), bytes)
        }
        (None, Some(url)) => {
            let limits = fetch::Limits { size: FETCH_SIZE, time: FETCH_TIME, ca_file: None, private: false };
            (url.clone(), fetch::download_bytes(url, limits).await?)
        }
        (None, None) => {
            return Err(Error::new(Code::RequestInvalid, "the request brings nothing to import")
                .remedy("Send `file` (base64) with `file_name`, `url`, or `cluster` with a namespace."));
        }
    };
    let folder = Temporary::new()?;
    let part = part(name, bytes, folder.path())?;
    let options = Options { name: request.name.clone(), from, recursive: true, ..Options::default() };
    let outcome = sources::import(vec![part], &options).await?;
    Ok((outcome.format, outcome.imported, outcome.told))
}

fn part(name: String, bytes: Vec<u8>, folder: &Path) -> Result<Part> {
    if archive::is_archive(&bytes) {
        let path = folder.join("source.tgz");
        dirs::write_atomic(&path, &bytes, 0o600)?;
        return Ok(Part::Archive { name, path });
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::new(Code::ImportSyntax, format!("{name} is neither text in UTF-8 nor an archive")))?;
    // What a client sends has no files of this machine beside it.
    Ok(Part::Text { source: Source { name, text }, folder: None })
}

async fn namespace(state: &Shared, wanted: &ClusterSource, request: &ImportRequest) -> Result<Imported> {
    let loaded = clusters::load(&state.settings, request.kubeconfig.as_deref())?;
    let preferred = state.store.preferences().get().await?.selected_contexts;
    let context: Vec<String> = wanted.context.iter().cloned().collect();
    let chosen = kube_config::choose(&loaded, &context, &preferred)?;
    let [context] = chosen.as_slice() else {
        return Err(Error::new(
            Code::UsageError,
            format!("{} are chosen, and a namespace is of one cluster", text::count(chosen.len(), "context")),
        )
        .details(chosen.clone())
        .remedy("Name one context."));
    };
    let cluster = Cluster::connect(&loaded, context).await?;
    let read = Namespace { cluster: &cluster, wanted };
    let (found, notes, warnings) = read.objects().await?;
    let name = request.name.clone().unwrap_or_else(|| wanted.namespace.clone());
    if found.is_empty() {
        return Err(Error::new(
            Code::SourceEmpty,
            format!("namespace {} holds nothing that users own ({context})", wanted.namespace),
        )
        .details(notes)
        .remedy("Check --from-cluster, --kinds and --selector; Secrets are taken with --include-secrets."));
    }
    let mut imported = convert::assemble(&name, found)?;
    imported.notes = notes;
    imported.warnings.extend(warnings);
    Ok(imported)
}

/// A namespace that is read.
struct Namespace<'a> {
    cluster: &'a Cluster,
    wanted: &'a ClusterSource,
}

impl Namespace<'_> {
    async fn objects(&self) -> Result<(Vec<Found>, Vec<String>, Vec<String>)> {
        let kinds = self.kinds().await?;
        let lists = stream::iter(kinds).map(|kind| self.list(kind)).buffered(PARALLEL);
        let objects: Vec<Value> = lists.try_collect::<Vec<_>>().await?.into_iter().flatten().collect();
        let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
        let mut patterns: Vec<String> = Vec::new();
        let mut found = Vec::new();
        for object in objects {
            if let Some(reason) = live::objection(&object, self.wanted.include_secrets) {
                *left_out.entry(reason).or_default() += 1;
                continue;
            }
            let place = Place { file: self.cluster.context.clone(), line: None, column: None };
            let mut one = Found::new(live::users_part(&object), place);
            if let Some((pattern, service)) = live::service_key(&object) {
                one.key = Some(service);
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
            found.push(one);
        }
        let notes =
            left_out.iter().map(|(reason, count)| format!("left out: {} ({reason})", text::count(*count, "object")));
        let warnings = patterns.iter().map(|pattern| {
            format!("pattern `{pattern}` applied some of these objects; what it applied outside the namespace is not in this import")
        });
        let (notes, warnings) = (notes.collect(), warnings.collect());
        Ok((found, notes, warnings))
    }

    /// Kinds that can hold what users own, each in the version its group prefers.
    async fn kinds(&self) -> Result<Vec<KindInfo>> {
        let all = self.cluster.kinds().await?;
        let asked = |kind: &KindInfo| {
            let named = |word: &String| {
                let word = word.split('.').next().unwrap_or(word);
                word.eq_ignore_ascii_case(&kind.gvk.kind) || word.eq_ignore_ascii_case(&kind.plural)
            };
            self.wanted.kinds.is_empty() || self.wanted.kinds.iter().any(named)
        };
        let unknown: Vec<&String> = self
            .wanted
            .kinds
            .iter()
            .filter(|word| {
                let word = word.split('.').next().unwrap_or(word);
                !all.iter()
                    .any(|kind| word.eq_ignore_ascii_case(&kind.gvk.kind) || word.eq_ignore_ascii_case(&kind.plural))
            })
            .collect();
        if let Some(word) = unknown.first() {
            return Err(Error::new(Code::UsageError, format!("the cluster has no kind `{word}`"))
                .details(text::did_you_mean(word, all.iter().map(|kind| kind.gvk.kind.as_str()))));
        }
        let is_namespace = |kind: &KindInfo| kind.gvk.group.is_empty() && kind.gvk.kind == "Namespace";
        let users = |kind: &KindInfo| {
            kind.preferred
                && (kind.namespaced || is_namespace(kind))
                && live::is_users_kind(&kind.gvk.group, &kind.gvk.kind)
                && asked(kind)
        };
        Ok(all.into_iter().filter(users).collect())
    }

    async fn list(&self, kind: KindInfo) -> Result<Vec<Value>> {
        let namespace = &self.wanted.namespace;
        let mut found =
            self.cluster.objects_in(&kind, namespace, self.wanted.selector.as_deref()).await?.unwrap_or_default();
        if !kind.namespaced {
            found.retain(|object| object["metadata"]["name"] == namespace.as_str());
        }
        Ok(found)
    }
}

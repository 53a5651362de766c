//! A request becomes a parsed pattern, and the clusters it means.

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::cluster::kubeconfig::{self as kube_config, Kubeconfig};
use crate::pattern::{Bundle, Document, bundle, parse};
use crate::server::{Shared, clusters};
use crate::wire::rest::{DeployRequest, SourceText};

use super::imports::Imports;

/// The request with the text of the stored pattern it names, so that it says by itself what is to be applied.
pub(super) async fn complete(state: &Shared, request: DeployRequest) -> Result<DeployRequest> {
    let (None, None, Some(id)) = (&request.pattern_file, request.revision, &request.pattern_id) else {
        return Ok(request);
    };
    let Some(record) = state.store.patterns().find(id).await? else { return Err(unknown(state, id).await?) };
    Ok(DeployRequest {
        pattern_file: Some(record.pattern_file),
        source_name: Some(record.name),
        // It is stored already, and its place is that of its record.
        save: false,
        ..request
    })
}

/// The pattern whose earlier revision is wanted.
async fn revised_name(state: &Shared, request: &DeployRequest) -> Result<String> {
    match (&request.pattern_id, &request.pattern_file) {
        (Some(id), _) => applied_name(state, id).await,
        (None, Some(_)) => Ok(document(state, request).await?.pattern.name),
        (None, None) => Err(neither()),
    }
}

/// The pattern of a request and its name; the pattern is absent when each cluster has its own, an earlier revision.
pub(super) async fn named(state: &Shared, request: &DeployRequest) -> Result<(Option<Arc<Document>>, String)> {
    if request.revision.is_some() {
        return Ok((None, revised_name(state, request).await?));
    }
    let document = document(state, request).await?;
    let name = document.pattern.name.clone();
    Ok((Some(Arc::new(document)), name))
}

/// The pattern a request brings or names, with its overlays, values and imports worked in.
pub(super) async fn document(state: &Shared, request: &DeployRequest) -> Result<Document> {
    let base = match (&request.pattern_file, &request.pattern_id) {
        (Some(file), _) => {
            SourceText { name: request.source_name.clone().unwrap_or_else(|| "pattern".to_owned()), text: file.clone() }
        }
        (None, Some(id)) => {
            let record = state.store.patterns().find(id).await?;
            let Some(record) = record else { return Err(unknown(state, id).await?) };
            SourceText { name: record.name, text: record.pattern_file }
        }
        (None, None) => return Err(neither()),
    };
    assemble(state, Bundle::of_request(request, base)).await
}

async fn assemble(state: &Shared, mut bundle: Bundle) -> Result<Document> {
    bundle::gather(&mut bundle, &Imports { state }).await?;
    bundle::assemble(&bundle)
}

/// What is stored of a request's pattern: one file that needs no other.
pub(super) fn one_file(request: &DeployRequest, document: &Document) -> Result<Option<String>> {
    let Some(text) = &request.pattern_file else { return Ok(None) };
    let base = SourceText { name: document.source.name.clone(), text: text.clone() };
    Bundle::of_request(request, base).one_file(document).map(Some)
}

/// What is to be deleted: the pattern's name, and its file where the request or the store has one.
pub(super) struct Target {
    /// Name of the applied set.
    pub(super) name: String,
    /// The pattern, when its file is at hand.
    pub(super) document: Option<Document>,
}

/// Who a deletion means. A pattern that is applied but not stored can be deleted by its name alone.
pub(super) async fn target(state: &Shared, request: &DeployRequest) -> Result<Target> {
    if request.pattern_file.is_some() {
        let document = document(state, request).await?;
        return Ok(Target { name: document.pattern.name.clone(), document: Some(document) });
    }
    let Some(id) = &request.pattern_id else { return Err(neither()) };
    let name = applied_name(state, id).await?;
    let document = match state.store.patterns().find(id).await? {
        Some(record) => assemble(state, Bundle::of_text(record.name, record.pattern_file)).await.ok(),
        None => None,
    };
    Ok(Target { name, document })
}

/// The name under which a stored or applied pattern is applied.
pub(super) async fn applied_name(state: &Shared, id_or_name: &str) -> Result<String> {
    if let Some(record) = state.store.patterns().find(id_or_name).await? {
        let parsed = parse::parse(&record.name, &record.pattern_file).ok();
        return Ok(parsed.map_or(record.name, |document| document.pattern.name));
    }
    let applied = state.store.inventory().list().await?;
    match applied.into_iter().find(|listed| listed.set.pattern == id_or_name) {
        Some(listed) => Ok(listed.set.pattern),
        None => Err(unknown(state, id_or_name).await?),
    }
}

fn neither() -> Error {
    Error::new(Code::RequestInvalid, "the request brings no pattern")
        .remedy("Send `pattern_file` with the text of a pattern, or `pattern_id` with the id or name of a stored one.")
}

async fn unknown(state: &Shared, id: &str) -> Result<Error> {
    let names = state.store.patterns().names().await?;
    Ok(Error::new(Code::PatternNotFound, format!("no pattern `{id}` is stored or applied"))
        .details(text::did_you_mean(id, names.iter().map(String::as_str))))
}

/// The kubeconfig and the contexts a request means. Whether the client may name files is checked where it is known
/// who the client is: at the REST boundary.
pub(super) async fn contexts(
    state: &Shared,
    wanted: &[String],
    kubeconfig: Option<&str>,
) -> Result<(Kubeconfig, Vec<String>)> {
    let loaded = clusters::load(&state.settings, kubeconfig)?;
    let preferred = state.store.preferences().get().await?.selected_contexts;
    let wanted: Vec<String> = wanted
        .iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let chosen = kube_config::choose(&loaded, &wanted, &preferred)?;
    Ok((loaded, chosen))
}

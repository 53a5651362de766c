//! Revisions: what an apply was made from, kept so that it can be made again exactly.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Ended, request};
use crate::base::error::{Code, Error, Result};
use crate::model::operation::OperationStatus;
use crate::pattern::{Compiled, Document};
use crate::server::Shared;
use crate::store::revisions::{NewRevision, Stored};
use crate::wire::rest::{DeployRequest, RevisionContent};

/// What makes a revision's objects: one file that needs no other, and where services without a namespace go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    pattern_file: String,
    #[serde(rename = "source_name")]
    called: Option<String>,
    namespace: Option<String>,
}

impl Source {
    /// The request that makes the same again; how it is carried out is as `request` says.
    fn again(self, request: &DeployRequest) -> DeployRequest {
        DeployRequest {
            pattern_file: Some(self.pattern_file),
            source_name: self.called,
            overlays: Vec::new(),
            values: Vec::new(),
            set: Vec::new(),
            imports: Vec::new(),
            namespace: self.namespace,
            save: false,
            ..request.clone()
        }
    }
}

/// Where a revision belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) cluster_id: &'a str,
    pub(super) context: &'a str,
    pub(super) pattern: &'a str,
}

/// A revision that an apply began.
pub(super) struct Begun {
    number: i64,
    /// The newest one before; the same again when its objects are.
    former: Option<Stored>,
}

impl Begun {
    /// Objects of the newest revision before, as they were sent.
    pub(super) fn former_objects(&self) -> &[Value] {
        self.former.as_ref().map_or(&[], |former| &former.objects)
    }
}

/// Begins the revision that `request` brings.
pub(super) async fn begin(
    state: &Shared,
    place: Place<'_>,
    (request, document): (&DeployRequest, &Document),
    compiled: &Compiled,
) -> Result<Begun> {
    let objects: Vec<Value> = compiled.objects.iter().map(|planned| planned.body.clone()).collect();
    let source = Source {
        pattern_file: request::one_file(request, document)?.unwrap_or_default(),
        called: request.source_name.clone(),
        namespace: request.namespace.clone(),
    };
    let source = serde_json::to_value(source)
        .map_err(|error| Error::internal("a revision cannot be written as JSON").because(error))?;
    let cause = request.revision.map_or_else(|| "apply".to_owned(), |number| format!("rollback to {number}"));
    let new = NewRevision {
        cluster_id: place.cluster_id.to_owned(),
        pattern: place.pattern.to_owned(),
        context: place.context.to_owned(),
        cause,
        digest: digest(&objects),
        source,
        objects,
    };
    let revisions = state.store.revisions();
    let former = revisions.newest(place.cluster_id, place.pattern).await?;
    Ok(Begun { number: revisions.begin(new).await?, former })
}

/// Records how the apply of a revision ended. One that was taken back never was; one that stood before stands again.
pub(super) async fn end(
    state: &Shared,
    place: Place<'_>,
    begun: &Begun,
    (status, taken_back): (OperationStatus, bool),
) -> Result<()> {
    let revisions = state.store.revisions();
    let (cluster, pattern, number) = (place.cluster_id, place.pattern, begun.number);
    match &begun.former {
        Some(former) if taken_back && former.revision.number == number => {
            revisions.end(cluster, pattern, number, former.revision.status).await
        }
        _ if taken_back => revisions.remove(cluster, pattern, number).await,
        _ => revisions.end(cluster, pattern, number, status).await,
    }
}

/// Revisions of a pattern, newest first, in the contexts asked for or in all it was applied to.
///
/// # Errors
/// [`Code::PatternNotApplied`] when there are none.
pub async fn list(state: &Shared, pattern: &str, contexts: &[String]) -> Result<Vec<Stored>> {
    let pattern = request::applied_name(state, pattern).await?;
    let mut found = Vec::new();
    for (cluster, context) in state.store.revisions().clusters(&pattern).await? {
        if contexts.is_empty() || contexts.contains(&context) {
            found.extend(state.store.revisions().list(&cluster, &pattern).await?);
        }
    }
    if found.is_empty() {
        let place = if contexts.is_empty() { "any cluster".to_owned() } else { contexts.join(", ") };
        return Err(Error::new(Code::PatternNotApplied, format!("pattern `{pattern}` has no revisions in {place}")));
    }
    Ok(found)
}

/// One revision; 0 means the newest.
///
/// # Errors
/// [`Code::RevisionNotFound`] with the numbers there are; [`Code::KubeContextMissing`] when several clusters have the
/// pattern and none was chosen.
pub async fn content(state: &Shared, pattern: &str, number: i64, contexts: &[String]) -> Result<RevisionContent> {
    let all = list(state, pattern, contexts).await?;
    let first = all[0].revision.clone();
    if let Some(other) = all.iter().find(|one| one.revision.context != first.context) {
        let message = format!("pattern `{}` is applied to {} and {}", pattern, first.context, other.revision.context);
        return Err(Error::new(Code::KubeContextMissing, message).remedy("Choose one with --kube-context."));
    }
    let found = all.iter().find(|one| number == 0 || one.revision.number == number);
    let place = Place { cluster_id: "", context: &first.context, pattern: &first.pattern };
    let found = found.ok_or_else(|| missing(place, number, &all))?;
    let source: Source = serde_json::from_value(found.source.clone()).map_err(|error| unreadable(&error))?;
    Ok(RevisionContent {
        revision: found.revision.clone(),
        pattern_file: source.pattern_file,
        manifests: found.objects.clone(),
    })
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::internal("a revision cannot be read").because(error)
}

/// The request of an earlier revision. Revision 0 means the last good one before the newest.
///
/// # Errors
/// [`Code::RevisionNotFound`] with the numbers there are.
pub(super) async fn again(state: &Shared, place: Place<'_>, request: &DeployRequest) -> Result<DeployRequest> {
    let all = state.store.revisions().list(place.cluster_id, place.pattern).await?;
    let wanted = request.revision.unwrap_or_default();
    let found = match wanted {
        0 => all.iter().skip(1).find(|one| one.revision.status == OperationStatus::Succeeded),
        number => all.iter().find(|one| one.revision.number == number),
    };
    let found = found.ok_or_else(|| missing(place, wanted, &all))?;
    let source: Source = serde_json::from_value(found.source.clone()).map_err(|error| unreadable(&error))?;
    Ok(DeployRequest { revision: Some(found.revision.number), ..source.again(request) })
}

/// The error for a revision that is not kept.
pub(super) fn missing(place: Place<'_>, wanted: i64, all: &[Stored]) -> Error {
    let subject = format!("pattern `{}` in context {}", place.pattern, place.context);
    let message = match (wanted, all.is_empty()) {
        (_, true) => format!("{subject} has no revisions"),
        (0, false) => format!("{subject} has no good revision before the newest"),
        _ => format!("{subject} has no revision {wanted}"),
    };
    let numbers: Vec<String> = all.iter().map(|one| one.revision.number.to_string()).collect();
    let known = (!numbers.is_empty()).then(|| format!("revisions: {}", numbers.join(", ")));
    Error::new(Code::RevisionNotFound, message).details(known)
}

/// SHA-256 of the objects, in hexadecimal.
fn digest(objects: &[Value]) -> String {
    let mut hash = Sha256::new();
    for object in objects {
        hash.update(object.to_string());
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How an apply to one cluster ended, for its revision.
pub(super) fn status(ended: &Ended, cancelled: bool) -> OperationStatus {
    let good = ended.results.iter().filter(|result| result.is_good()).count();
    match (good == ended.results.len(), cancelled) {
        (true, _) => OperationStatus::Succeeded,
        (false, true) => OperationStatus::Cancelled,
        (false, false) if good == 0 => OperationStatus::Failed,
        (false, false) => OperationStatus::PartlyFailed,
    }
}

//! Server-side apply of one object.

use std::time::Duration;

use http::Request;
use kube::api::{GetParams, Patch, PatchParams};
use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::cluster::unchanged::is_noop_apply;
use crate::cluster::{Cluster, FIELD_MANAGER, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::model::pattern::Action;

/// Attempts at a call that fails in transit; applying twice is the same as applying once.
const ATTEMPTS: u32 = 4;

/// What an apply did.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Created, configured, unchanged, recreated or adopted.
    pub action: Action,
    /// Uid of the object in the cluster.
    pub uid: Option<String>,
    /// The object as the cluster has it now.
    pub live: Value,
}

/// What is known of an object before it is applied.
#[derive(Debug, Clone, Copy, Default)]
pub enum Seen<'a> {
    /// Nothing; it is read first.
    #[default]
    Unknown,
    /// No object of ours has that name.
    Absent,
    /// The object, read a moment ago.
    Live(&'a Value),
}

/// How to apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Take over fields, and objects, that others own.
    pub force: bool,
    /// Delete the object and create it anew when a field that cannot change has to.
    pub recreate: bool,
    /// How long an object of that name that is being deleted may take to be gone before it is made anew.
    pub gone_within: Duration,
    /// Annotation that names an object's owner: an existing object whose value differs from the body's is refused.
    pub owner: Option<&'a str>,
    /// What was read already.
    pub seen: Seen<'a>,
}

impl Cluster {
    /// Applies `body` with field manager `meshery`. When the object shows that nothing would be written, nothing is sent.
    ///
    /// # Errors
    /// Conflicts, refusals, immutable fields and missing permissions, each with the API server's own words.
    pub async fn apply(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        body: &Value,
        options: Options<'_>,
    ) -> Result<Applied> {
        let before = match options.seen {
            Seen::Unknown => self.get(kind, object).await?,
            Seen::Absent => return self.apply_unseen(kind, object, body, options).await,
            Seen::Live(live) => Some(live.clone()),
        };
        let before = match before {
            Some(leaving) if is_leaving(&leaving) => {
                self.wait_gone(kind, object, uid(&leaving), options.gone_within).await?;
                None
            }
            before => before,
        };
        if let Some(before) = &before {
            if let (Some(key), false) = (options.owner, options.force) {
                refuse_foreign(object, owner_of(before, key), &body["metadata"]["annotations"][key])?;
            }
            if is_noop_apply(body, before, FIELD_MANAGER) {
                return Ok(Applied::of(Action::Unchanged, before.clone()));
            }
        }
        match self.patch(kind, object, body, options.force).await {
            Ok((_, after)) => Ok(Applied::of(what_happened(before.as_ref(), &after), after)),
            Err(error) if error.code() == Code::ObjectImmutable && options.recreate => {
                self.recreate(kind, object, before.as_ref().and_then(uid), (body, options)).await
            }
            Err(error) => Err(error),
        }
    }

    /// Applies an object that is most likely not there: what the API server answers tells whether it was.
    async fn apply_unseen(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        body: &Value,
        options: Options<'_>,
    ) -> Result<Applied> {
        match self.patch(kind, object, body, options.force).await {
            Ok((CREATED, after)) => Ok(Applied::of(Action::Created, after)),
            Ok((_, after)) if is_leaving(&after) => {
                self.wait_gone(kind, object, uid(&after), options.gone_within).await?;
                let (_, after) = self.patch(kind, object, body, options.force).await?;
                Ok(Applied::of(Action::Created, after))
            }
            Ok((_, after)) => Ok(Applied::of(Action::Configured, after)),
            Err(error) if error.code() == Code::ObjectImmutable && options.recreate => {
                self.recreate(kind, object, None, (body, options)).await
            }
            Err(error) => Err(error),
        }
    }

    /// Marks an existing object as ours and changes nothing else: `marks` holds its name and our labels and
    /// annotations. `None` when there is no such object.
    pub async fn adopt(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        marks: &Value,
        options: Options<'_>,
    ) -> Result<Option<Applied>> {
        let Some(before) = self.get(kind, object).await? else { return Ok(None) };
        let owner = options.owner.and_then(|key| owner_of(&before, key));
        let own = options.owner.map(|key| &marks["metadata"]["annotations"][key]);
        if let (Some(own), false) = (own, options.force) {
            refuse_foreign(object, owner, own)?;
        }
        if owner.is_some_and(|owner| own.and_then(Value::as_str) == Some(owner)) {
            return Ok(Some(Applied::of(Action::Unchanged, before)));
        }
        let (_, after) = self.patch(kind, object, marks, true).await?;
        Ok(Some(Applied::of(Action::Adopted, after)))
    }

    /// Sends a server-side apply; the HTTP status (201 for what was created) and the object.
    async fn patch(&self, kind: &KindInfo, object: &ObjectRef, body: &Value, force: bool) -> Result<(u16, Value)> {
        let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER) };
        self.send(kind, object, body, params).await
    }

    /// Sends a patch of that kind.
    pub(super) async fn send(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        body: &Value,
        params: PatchParams,
    ) -> Result<(u16, Value)> {
        let collection = Self::collection_of(kind, object);
        let patch = Patch::Apply(body);
        retry(|| async { self.call(request(collection.patch(&object.name, &params, &patch))?).await })
            .await
            .map_err(|error| fault::of_object(self, object, &error))
    }

    async fn recreate(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        uid: Option<&str>,
        (body, options): (&Value, Options<'_>),
    ) -> Result<Applied> {
        self.delete(kind, object, uid).await?;
        self.wait_gone(kind, object, uid, options.gone_within).await?;
        let (_, after) = self.patch(kind, object, body, options.force).await?;
        Ok(Applied::of(Action::Recreated, after))
    }

    /// The object as it stands in the cluster.
    pub async fn get(&self, kind: &KindInfo, object: &ObjectRef) -> Result<Option<Value>> {
        let (collection, params) = (Self::collection_of(kind, object), GetParams::default());
        match retry(|| async { self.call(request(collection.get(&object.name, &params))?).await }).await {
            Ok((_, found)) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(fault::of_object(self, object, &error)),
        }
    }
}

/// HTTP status of an apply that made the object.
const CREATED: u16 = 201;

pub(super) fn request(
    built: Result<Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Request<Vec<u8>>, kube::Error> {
    built.map_err(kube::Error::BuildRequest)
}

impl Applied {
    fn of(action: Action, live: Value) -> Self {
        Self { action, uid: uid(&live).map(str::to_owned), live }
    }
}

fn uid(object: &Value) -> Option<&str> {
    object["metadata"]["uid"].as_str()
}

fn is_leaving(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

fn what_happened(before: Option<&Value>, after: &Value) -> Action {
    match before {
        Some(before) if uid(before) == uid(after) => {
            if is_same(before, after) {
                Action::Unchanged
            } else {
                Action::Configured
            }
        }
        _ => Action::Created,
    }
}

fn owner_of<'o>(object: &'o Value, key: &str) -> Option<&'o str> {
    object["metadata"]["annotations"][key].as_str()
}

/// Whether an apply wrote nothing of ours. The version alone does not tell: controllers write the status meanwhile.
fn is_same(before: &Value, after: &Value) -> bool {
    before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"] || essence(before) == essence(after)
}

/// What an apply can change: the object without its status and bookkeeping, and which fields are ours.
fn essence(object: &Value) -> (Value, Vec<Value>) {
    let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let own = entries.iter().filter(|entry| entry["manager"] == FIELD_MANAGER);
    let own = own.map(|entry| entry["fieldsV1"].clone()).collect();
    let mut rest = object.clone();
    if let Some(body) = rest.as_object_mut() {
        body.shift_remove("status");
    }
    if let Some(metadata) = rest["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
        metadata.shift_remove("resourceVersion");
    }
    (rest, own)
}

/// Two patterns that hold the same object would undo each other's work without a conflict, since one manager applies both.
fn refuse_foreign(object: &ObjectRef, owner: Option<&str>, own: &Value) -> Result<()> {
    match owner {
        Some(owner) if own.as_str().is_some_and(|own| own != owner) => {
            Err(Error::new(Code::ObjectConflict, format!("{object} belongs to pattern `{owner}`")).remedy(
                "Rename one of the two, delete the other pattern, or take the object over with --force-conflicts.",
            ))
        }
        _ => Ok(()),
    }
}

/// Makes a call again, a little later each time, while it fails in transit.
pub(super) async fn retry<T, F, R>(call: impl Fn() -> F) -> Result<T, kube::Error>
where
    F: Future<Output = R>,
    R: Into<Result<T, kube::Error>>,
{
    let mut attempt = 1;
    loop {
        match call().await.into() {
            Err(error) if attempt < ATTEMPTS && fault::is_transient(&error) => {
                tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(version: &str, body: &Value) -> Value {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "resourceVersion": version, "managedFields": [
            {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": body["spec"]}, "time": "2026-01-01T00:00:00Z"}
        ]}});
        value.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        value
    }

    #[test]
    fn a_status_written_meanwhile_is_no_change_of_ours() {
        let before = object("1", &json!({"spec": {"replicas": 1}}));
        assert!(is_same(&before, &object("2", &json!({"spec": {"replicas": 1}, "status": {"replicas": 1}}))));
        assert!(!is_same(&before, &object("2", &json!({"spec": {"replicas": 2}}))));
    }
}

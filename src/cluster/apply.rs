//! Server-side apply of one object.

use std::time::Duration;

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;

use crate::base::error::{Code, Error, Result};
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
}

impl Cluster {
    /// Applies `body` with field manager `meshery`.
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
        let before = match self.read(kind, object).await? {
            Some(leaving) if leaving.metadata.deletion_timestamp.is_some() => {
                let uid = leaving.metadata.uid.as_deref();
                self.wait_gone(kind, object, uid, options.gone_within).await?;
                None
            }
            before => before,
        };
        if let (Some(before), Some(key), false) = (&before, options.owner, options.force) {
            refuse_foreign(object, owner_of(before, key), &body["metadata"]["annotations"][key])?;
        }
        match self.patch(kind, object, body, options.force).await {
            Ok(after) => Ok(Applied::of(what_happened(before.as_ref(), &after), &after)),
            Err(error) if error.code() == Code::ObjectImmutable && options.recreate => {
                self.recreate(kind, object, before.as_ref(), (body, options)).await
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
        let Some(before) = self.read(kind, object).await? else { return Ok(None) };
        let owner = options.owner.and_then(|key| owner_of(&before, key));
        let own = options.owner.map(|key| &marks["metadata"]["annotations"][key]);
        if let (Some(own), false) = (own, options.force) {
            refuse_foreign(object, owner, own)?;
        }
        if owner.is_some_and(|owner| own.and_then(Value::as_str) == Some(owner)) {
            return Ok(Some(Applied::of(Action::Unchanged, &before)));
        }
        let after = self.patch(kind, object, marks, true).await?;
        Ok(Some(Applied::of(Action::Adopted, &after)))
    }

    async fn read(&self, kind: &KindInfo, object: &ObjectRef) -> Result<Option<DynamicObject>> {
        let api = self.api(kind, object);
        retry(|| api.get_opt(&object.name)).await.map_err(|error| fault::of_object(self, object, &error))
    }

    async fn patch(&self, kind: &KindInfo, object: &ObjectRef, body: &Value, force: bool) -> Result<DynamicObject> {
        let api = self.api(kind, object);
        let mut params = PatchParams::apply(FIELD_MANAGER);
        params.force = force;
        let patch = Patch::Apply(body);
        retry(|| api.patch(&object.name, &params, &patch)).await.map_err(|error| fault::of_object(self, object, &error))
    }

    async fn recreate(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        before: Option<&DynamicObject>,
        (body, options): (&Value, Options<'_>),
    ) -> Result<Applied> {
        let uid = before.and_then(|before| before.metadata.uid.as_deref());
        self.delete(kind, object, uid).await?;
        self.wait_gone(kind, object, uid, options.gone_within).await?;
        let after = self.patch(kind, object, body, options.force).await?;
        Ok(Applied::of(Action::Recreated, &after))
    }

    /// The object as it stands in the cluster.
    pub async fn get(&self, kind: &KindInfo, object: &ObjectRef) -> Result<Option<Value>> {
        Ok(self.read(kind, object).await?.and_then(|found| serde_json::to_value(found).ok()))
    }
}

impl Applied {
    fn of(action: Action, live: &DynamicObject) -> Self {
        Self { action, uid: live.metadata.uid.clone(), live: serde_json::to_value(live).unwrap_or_default() }
    }
}

fn what_happened(before: Option<&DynamicObject>, after: &DynamicObject) -> Action {
    match before {
        Some(before) if before.metadata.uid == after.metadata.uid => {
            if is_same(before, after) {
                Action::Unchanged
            } else {
                Action::Configured
            }
        }
        _ => Action::Created,
    }
}

fn owner_of<'o>(object: &'o DynamicObject, key: &str) -> Option<&'o str> {
    object.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// Whether an apply wrote nothing of ours. The version alone does not tell: controllers write the status meanwhile.
fn is_same(before: &DynamicObject, after: &DynamicObject) -> bool {
    before.metadata.resource_version == after.metadata.resource_version || essence(before) == essence(after)
}

/// What an apply can change: the object without its status and bookkeeping, and which fields are ours.
fn essence(object: &DynamicObject) -> (DynamicObject, Vec<Value>) {
    let entries = object.metadata.managed_fields.iter().flatten();
    let own = entries
        .filter(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER))
        .filter_map(|entry| serde_json::to_value(&entry.fields_v1).ok())
        .collect();
    let mut rest = object.clone();
    rest.metadata.managed_fields = None;
    rest.metadata.resource_version = None;
    if let Some(body) = rest.data.as_object_mut() {
        body.remove("status");
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

    fn object(version: &str, body: &Value) -> DynamicObject {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "resourceVersion": version, "managedFields": [
            {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": body["spec"]}, "time": "2026-01-01T00:00:00Z"}
        ]}});
        value.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_status_written_meanwhile_is_no_change_of_ours() {
        let before = object("1", &json!({"spec": {"replicas": 1}}));
        assert!(is_same(&before, &object("2", &json!({"spec": {"replicas": 1}, "status": {"replicas": 1}}))));
        assert!(!is_same(&before, &object("2", &json!({"spec": {"replicas": 2}}))));
    }
}

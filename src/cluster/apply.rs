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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Created, configured or unchanged.
    pub action: Action,
    /// Uid of the object in the cluster.
    pub uid: Option<String>,
}

/// How to apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Take over fields, and objects, that others own.
    pub force: bool,
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
        let api = self.api(kind, object);
        let mut params = PatchParams::apply(FIELD_MANAGER);
        params.force = options.force;
        let before =
            retry(|| api.get_opt(&object.name)).await.map_err(|error| fault::of_object(self, object, &error))?;
        let before = match before {
            Some(leaving) if leaving.metadata.deletion_timestamp.is_some() => {
                let uid = leaving.metadata.uid.as_deref();
                self.wait_gone(kind, object, uid, options.gone_within).await?;
                None
            }
            before => before,
        };
        if let (Some(before), Some(key), false) = (&before, options.owner, options.force) {
            refuse_foreign(
                object,
                before.metadata.annotations.as_ref().and_then(|all| all.get(key)),
                &body["metadata"]["annotations"][key],
            )?;
        }
        let patch = Patch::Apply(body);
        let after: DynamicObject = retry(|| api.patch(&object.name, &params, &patch))
            .await
            .map_err(|error| fault::of_object(self, object, &error))?;
        let action = match before {
            Some(before) if before.metadata.uid == after.metadata.uid => {
                if is_same(&before, &after) {
                    Action::Unchanged
                } else {
                    Action::Configured
                }
            }
            _ => Action::Created,
        };
        Ok(Applied { action, uid: after.metadata.uid })
    }

    /// The object as it stands in the cluster.
    pub async fn get(&self, kind: &KindInfo, object: &ObjectRef) -> Result<Option<Value>> {
        let api = self.api(kind, object);
        let found =
            retry(|| api.get_opt(&object.name)).await.map_err(|error| fault::of_object(self, object, &error))?;
        Ok(found.and_then(|found| serde_json::to_value(found).ok()))
    }
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
fn refuse_foreign(object: &ObjectRef, owner: Option<&String>, own: &Value) -> Result<()> {
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

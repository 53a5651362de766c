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
        let before = retry(|| api.get_metadata_opt(&object.name))
            .await
            .map_err(|error| fault::of_object(self, object, &error))?;
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
            None => Action::Created,
            Some(before) if before.metadata.uid != after.metadata.uid => Action::Created,
            Some(before) if before.metadata.resource_version == after.metadata.resource_version => Action::Unchanged,
            Some(_) => Action::Configured,
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

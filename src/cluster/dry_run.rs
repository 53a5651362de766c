//! What the API server would make of an object, without keeping it.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::apply::retry;
use crate::base::error::Result;
use crate::cluster::{Cluster, FIELD_MANAGER, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};

impl Cluster {
    /// The object as an apply with field manager `meshery` would leave it. Admission runs, nothing is kept.
    ///
    /// # Errors
    /// Those of a real apply: conflicts, refusals, immutable fields and missing permissions.
    pub async fn dry_run(&self, kind: &KindInfo, object: &ObjectRef, body: &Value, force: bool) -> Result<Value> {
        let api = self.api(kind, object);
        let mut params = PatchParams::apply(FIELD_MANAGER).dry_run();
        params.force = force;
        let patch = Patch::Apply(body);
        let after: DynamicObject = retry(|| api.patch(&object.name, &params, &patch))
            .await
            .map_err(|error| fault::of_object(self, object, &error))?;
        Ok(serde_json::to_value(after).unwrap_or_default())
    }
}

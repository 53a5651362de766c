//! What the API server would make of an object, without keeping it.

use kube::api::PatchParams;
use serde_json::Value;

use crate::base::error::Result;
use crate::cluster::{Cluster, FIELD_MANAGER};
use crate::model::kubernetes::{KindInfo, ObjectRef};

impl Cluster {
    /// The object as an apply with field manager `meshery` would leave it. Admission runs, nothing is kept.
    ///
    /// # Errors
    /// Those of a real apply: conflicts, refusals, immutable fields and missing permissions.
    pub async fn dry_run(&self, kind: &KindInfo, object: &ObjectRef, body: &Value, force: bool) -> Result<Value> {
        let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER).dry_run() };
        self.send(kind, object, body, params).await.map(|(_, after)| after)
    }
}

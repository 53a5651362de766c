//! What the API server would make of an object, without keeping it; and many live objects in few calls.

use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use serde_json::Value;

use super::apply::retry;
use crate::base::error::Result;
use crate::cluster::{Cluster, FIELD_MANAGER, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};

/// Objects in one page of a list.
const PAGE: u32 = 500;

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

    /// Every object of a kind that has this label, in the namespace of `object` where the kind has namespaces.
    pub async fn labelled(&self, kind: &KindInfo, object: &ObjectRef, label: &str) -> Result<Vec<Value>> {
        let api = self.api(kind, object);
        let mut params = ListParams::default().labels(label).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = retry(|| api.list(&params)).await.map_err(|error| fault::of_call(self, &error))?;
            for mut item in page.items {
                // Items of a list come without their kind.
                item.types.get_or_insert_with(|| kube::core::TypeMeta {
                    api_version: kind.gvk.api_version(),
                    kind: kind.gvk.kind.clone(),
                });
                found.extend(serde_json::to_value(item).ok());
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }
}

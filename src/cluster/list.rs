//! Every object of a kind in a namespace.

use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

use crate::base::error::Result;
use crate::cluster::{Cluster, apply, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};

/// Objects asked for at once.
const PAGE: u32 = 500;

impl Cluster {
    /// Every object of a kind in `namespace`, with its managed fields; `selector` chooses by label.
    ///
    /// A kind that cannot be listed, or that this user may not list, gives `None`.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn objects_in(
        &self,
        kind: &KindInfo,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Option<Vec<Value>>> {
        let object = ObjectRef {
            api_version: kind.gvk.api_version(),
            kind: kind.gvk.kind.clone(),
            namespace: kind.namespaced.then(|| namespace.to_owned()),
            name: String::new(),
        };
        let api = self.api(kind, &object);
        let mut params = ListParams::default().limit(PAGE);
        if let Some(selector) = selector {
            params = params.labels(selector);
        }
        let mut found = Vec::new();
        loop {
            let page = match apply::retry(|| api.list(&params)).await {
                Ok(page) => page,
                Err(kube::Error::Api(status))
                    if status.is_forbidden() || status.is_not_found() || status.code == 405 =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(fault::of_call(self, &error)),
            };
            let items = page.items.into_iter().filter_map(|item: DynamicObject| serde_json::to_value(item).ok());
            found.extend(items.map(|item| with_type(item, kind)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Some(found)),
            }
        }
    }
}

/// Items of a list do not say what they are.
fn with_type(mut item: Value, kind: &KindInfo) -> Value {
    item["apiVersion"] = kind.gvk.api_version().into();
    item["kind"] = kind.gvk.kind.clone().into();
    item
}

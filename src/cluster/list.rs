//! Every object of a kind, page by page.

use kube::api::ListParams;
use serde_json::{Value, json};

use crate::base::error::Result;
use crate::cluster::apply::{request, retry};
use crate::cluster::{Cluster, fault};
use crate::model::kubernetes::KindInfo;

/// Objects asked for at once.
const PAGE: u32 = 500;

/// What came of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// The objects.
    Found(Vec<Value>),
    /// This user may not list them, or nobody can.
    Refused,
    /// The kind is not served.
    Unserved,
}

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
        Ok(match self.listing(kind, namespace, selector).await? {
            Listing::Found(found) => Some(found),
            Listing::Refused | Listing::Unserved => None,
        })
    }

    /// As [`Cluster::objects_in`], and why there is no list where there is none.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn listing(&self, kind: &KindInfo, namespace: &str, selector: Option<&str>) -> Result<Listing> {
        match self.list(kind, kind.namespaced.then_some(namespace), selector).await {
            Ok(found) => Ok(Listing::Found(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Listing::Unserved),
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 405) => Ok(Listing::Refused),
            Err(error) => Err(fault::of_call(self, &error)),
        }
    }

    /// Every object of a kind in all namespaces.
    ///
    /// # Errors
    /// When the API server does not answer, or this user may not list them.
    pub async fn everything(&self, kind: &KindInfo) -> Result<Vec<Value>> {
        self.list(kind, None, None).await.map_err(|error| fault::of_call(self, &error))
    }

    /// Every object of a kind, in a namespace when one is named; `selector` chooses by label.
    pub(super) async fn list(
        &self,
        kind: &KindInfo,
        namespace: Option<&str>,
        selector: Option<&str>,
    ) -> Result<Vec<Value>, kube::Error> {
        let collection = Self::collection(kind, namespace);
        let mut params =
            ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() }.limit(PAGE);
        let mut items = Vec::new();
        loop {
            let (_, mut page) = retry(|| async { self.call(request(collection.list(&params))?).await }).await?;
            let found = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            // Items of a list do not repeat what all of them are.
            items.extend(found.into_iter().map(|mut item| {
                item["apiVersion"] = json!(kind.gvk.api_version());
                item["kind"] = json!(kind.gvk.kind);
                item
            }));
            match page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(token),
                None => return Ok(items),
            }
        }
    }
}

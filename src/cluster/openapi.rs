//! The cluster's own OpenAPI documents, one a group and version.

use serde_json::Value;

use super::apply::retry;
use crate::base::error::{Error, Result};
use crate::cluster::{Cluster, fault};

impl Cluster {
    /// The OpenAPI v3 document of `apps/v1`, `v1` and the like; `None` where the cluster serves none.
    pub async fn openapi(&self, api_version: &str) -> Result<Option<Value>> {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let path = format!("/openapi/v3/{root}/{api_version}");
        let request = || {
            http::Request::get(&path)
                .header(http::header::ACCEPT, "application/json")
                .body(Vec::new())
                .map_err(|error| Error::internal(format!("`{path}` is not a request path")).because(error))
        };
        request()?;
        let call = || async {
            let request = request().map_err(|error| kube::Error::Service(Box::new(error)))?;
            self.client.request::<Value>(request).await
        };
        match retry(call).await {
            Ok(document) => Ok(Some(document)),
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404 | 406) => Ok(None),
            Err(error) => Err(fault::of_call(self, &error)),
        }
    }
}

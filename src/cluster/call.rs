//! Calls in plain JSON, where the HTTP status tells more than the body does.

use kube::client::Body;
use kube::core::{Request, Status};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::model::kubernetes::{KindInfo, ObjectRef};

impl Cluster {
    /// The collection of a kind, in a namespace when it has one.
    pub(super) fn collection(kind: &KindInfo, namespace: Option<&str>) -> Request {
        let base = if kind.gvk.group.is_empty() { "/api" } else { "/apis" };
        let namespace = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        Request::new(format!("{base}/{}{namespace}/{}", kind.gvk.api_version(), kind.plural))
    }

    /// The collection that holds an object.
    pub(super) fn collection_of(kind: &KindInfo, object: &ObjectRef) -> Request {
        Self::collection(kind, object.namespace.as_deref())
    }

    /// Makes a call; the HTTP status and the body.
    ///
    /// # Errors
    /// An error status as [`kube::Error::Api`], with the API server's own words.
    pub(super) async fn call(&self, request: http::Request<Vec<u8>>) -> Result<(u16, Value), kube::Error> {
        let response = self.client.send(request.map(Body::from)).await?;
        let code = response.status();
        let bytes = response.into_body().collect_bytes().await?;
        if code.is_success() {
            let value = serde_json::from_slice(&bytes).map_err(kube::Error::SerdeError)?;
            return Ok((code.as_u16(), value));
        }
        let status = serde_json::from_slice::<Status>(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&bytes);
            let text = if text.trim().is_empty() { code.to_string() } else { text.trim().to_owned() };
            Status::failure(&text, "").with_code(code.as_u16())
        });
        Err(kube::Error::Api(status.boxed()))
    }
}

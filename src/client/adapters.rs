//! Calls about the adapters that the plane knows.

use http::Method;

use super::Client;
use super::call::with_query;
use crate::base::Result;
use crate::model::adapter::Adapter;
use crate::wire::rest::adapter::{AdapterAccepted, AdapterOperationRequest, ManageAdapterRequest};
use crate::wire::rest::paths;

impl Client {
    /// Every adapter the plane knows, each with its state. Takes a moment at most, also when some are dead.
    pub async fn adapters(&self) -> Result<Vec<Adapter>> {
        self.get(paths::ADAPTERS[0]).await
    }

    /// Asks an adapter now, by its address or its name (`istio`, `meshery-istio`, `ISTIO`).
    ///
    /// # Errors
    /// `adapter-not-found` for one the plane does not know, else why it does not answer.
    pub async fn ping_adapter(&self, name: &str) -> Result<Adapter> {
        self.get(&with_query(paths::ADAPTER_PING[0], &[("adapter", name)])).await
    }

    /// Adds an adapter; answers with all. One that does not answer is added only with `force`.
    pub async fn add_adapter(&self, location: &str, force: bool) -> Result<Vec<Adapter>> {
        let request = ManageAdapterRequest { location: location.to_owned(), force };
        self.send_json(Method::POST, paths::ADAPTER_MANAGE[0], &request).await
    }

    /// Removes an adapter; answers with the others.
    pub async fn remove_adapter(&self, name: &str) -> Result<Vec<Adapter>> {
        self.send_empty(Method::DELETE, &with_query(paths::ADAPTER_MANAGE[0], &[("adapter", name)])).await
    }

    /// Lets an adapter begin an operation. Its outcome arrives in the event log.
    pub async fn adapter_operation(&self, request: &AdapterOperationRequest) -> Result<AdapterAccepted> {
        self.send_json(Method::POST, paths::ADAPTER_OPERATION[0], request).await
    }
}

//! Bodies about adapters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::adapter::Adapter;

/// `GET /api/system/adapters`: all, or with `?adapter=` the one that was asked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AdapterReply {
    /// All that the plane knows.
    All(Vec<Adapter>),
    /// The one that answered.
    One(Box<Adapter>),
}

/// `POST /api/system/adapter/manage`, as JSON or as the form of 2021.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ManageAdapterRequest {
    /// Where it listens, `host:port`. In the form: `meshLocationURL`.
    #[serde(alias = "meshLocationURL", alias = "adapter_location", alias = "adapterLocation", alias = "adapter")]
    pub location: String,
    /// Add it though it does not answer.
    pub force: bool,
}

/// `POST /api/system/adapter/operation`, as JSON or as the form of 2021.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AdapterOperationRequest {
    /// Address or name of the adapter.
    pub adapter: String,
    /// Key of the operation. In the form: `query`.
    #[serde(alias = "query")]
    pub operation: String,
    /// Namespace to work in; `default` where it is empty.
    pub namespace: String,
    /// Manifest of the operation `custom`. In the form: `customBody`.
    #[serde(alias = "customBody")]
    pub custom_body: String,
    /// Take the operation back. In the form: `deleteOp`, any value but `false`, `off`, `no` and `0`.
    #[serde(alias = "deleteOp", alias = "delete_op")]
    pub delete: bool,
    /// Version of the mesh; the adapter's choice where it is empty.
    pub version: String,
    /// Kubernetes contexts to work on; empty means the preferred or current one.
    pub contexts: Vec<String>,
}

/// An operation that an adapter took on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdapterAccepted {
    /// Id that the adapter's events carry in the event log.
    #[serde(alias = "operationId")]
    pub operation_id: Uuid,
    /// Address of the adapter.
    pub adapter: String,
}

/// `GET /api/system/availableAdapters`: an adapter that there is, known to the plane or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AvailableAdapter {
    /// Name, such as `meshery-istio`.
    pub name: String,
    /// Its port, as text.
    pub adapter_location: String,
    /// Its port, as text.
    #[serde(rename = "adapterLocation")]
    pub location_2026: String,
}

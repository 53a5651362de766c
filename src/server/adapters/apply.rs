//! Operations of adapters. The reply tells the truth: an adapter that is not known, cannot do it or refuses is an error,
//! and what it takes on has an id under which its events are found.

use uuid::Uuid;

use super::{Known, find, relay};
use crate::base::{Code, Error, Result, clock, id, text};
use crate::client::adapter::{self, AdapterClient, Order};
use crate::cluster::kubeconfig::{self, Kubeconfig};
use crate::model::adapter::AdapterOperation;
use crate::model::event::{Event, Severity};
use crate::server::{Shared, clusters};
use crate::wire::rest::adapter::{AdapterAccepted, AdapterOperationRequest};

/// Namespace of operations that name none.
const NAMESPACE: &str = "default";

/// Lets an adapter begin an operation.
///
/// # Errors
/// [`Code::AdapterNotFound`], [`Code::AdapterCannot`] with what it can do, [`Code::AdapterRefused`], and why it does not
/// answer.
pub async fn apply(state: &Shared, request: AdapterOperationRequest) -> Result<AdapterAccepted> {
    if request.adapter.is_empty() || request.operation.is_empty() {
        let missing = if request.adapter.is_empty() { "adapter" } else { "operation (`query`)" };
        return Err(Error::new(Code::RequestInvalid, format!("the request names no {missing}")));
    }
    let known = find(state, &request.adapter).await?;
    let mut client = AdapterClient::connect(&known.location, adapter::LIMIT).await?;
    client.identity().await?;
    let can = client.operations().await?;
    let kube_configs = if can.iter().any(|operation| operation.key == request.operation) {
        kube_configs(state, &request.contexts).await?
    } else if can.is_empty() {
        // It says itself why it has none; credentials are not needed for that.
        Vec::new()
    } else {
        return Err(cannot(&known, &request.operation, &can));
    };
    let operation_id = id::new();
    relay::listen(state, &known.location);
    let taken = client.apply(order(&request, operation_id, kube_configs)).await?;
    let operation_id = Uuid::parse_str(&taken).unwrap_or(operation_id);
    state.operations.tell(begun(state, &known, &request, operation_id));
    Ok(AdapterAccepted { operation_id, adapter: known.location.to_string() })
}

fn order(request: &AdapterOperationRequest, operation_id: Uuid, kube_configs: Vec<String>) -> Order {
    let namespace = if request.namespace.is_empty() { NAMESPACE } else { &request.namespace };
    Order {
        operation: request.operation.clone(),
        namespace: namespace.to_owned(),
        custom_body: request.custom_body.clone(),
        delete: request.delete,
        operation_id: operation_id.to_string(),
        kube_configs,
        version: request.version.clone(),
    }
}

/// Kubeconfigs of the clusters to work on. None are sent where there are none to choose from: an adapter inside a cluster
/// needs none.
async fn kube_configs(state: &Shared, wanted: &[String]) -> Result<Vec<String>> {
    let merged = clusters::load(&state.settings, None)?;
    let preferred = state.store.preferences().get().await?.selected_contexts;
    match kubeconfig::choose(&merged, wanted, &preferred) {
        Ok(names) => names.iter().map(|name| one(&merged, name)).collect(),
        Err(error) if error.code() == Code::KubeContextMissing => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A kubeconfig of one context that needs no file of this machine.
fn one(merged: &Kubeconfig, context: &str) -> Result<String> {
    kubeconfig::to_text(&kubeconfig::flatten(&kubeconfig::only(merged, context)?)?)
}

fn cannot(known: &Known, operation: &str, can: &[AdapterOperation]) -> Error {
    let keys: Vec<&str> = can.iter().map(|operation| operation.key.as_str()).collect();
    Error::new(Code::AdapterCannot, format!("the adapter at {} cannot do `{operation}`", known.location))
        .details(text::did_you_mean(operation, keys.iter().copied()))
        .detail(format!("it can do {}", keys.join(", ")))
}

fn begun(state: &Shared, known: &Known, request: &AdapterOperationRequest, operation_id: Uuid) -> Event {
    let what = if request.delete { "the removal of " } else { "" };
    let name = state.adapters.name(&known.location);
    Event {
        id: 0,
        operation_id: Some(operation_id),
        created_at: clock::now(),
        severity: Severity::Informational,
        category: relay::CATEGORY.to_owned(),
        action: request.operation.clone(),
        summary: format!("{name} at {} took on {what}`{}`", known.location, request.operation),
        details: String::new(),
        payload: None,
    }
}

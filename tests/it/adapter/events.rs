//! Events of an adapter, heard over gRPC.

use futures_util::StreamExt;
use mesheryctl::client::adapter::{AdapterClient, LIMIT, Order};
use mesheryctl::wire::meshops::{EventType, EventsResponse};

use super::process::Process;

async fn refused(process: &Process, id: &str) {
    let mut client = AdapterClient::connect(&process.location, LIMIT).await.unwrap();
    let order = Order { operation: "istio".into(), operation_id: id.into(), ..Order::default() };
    client.apply(order).await.unwrap_err();
}

async fn listen(process: &Process) -> impl Future<Output = EventsResponse> {
    let client = AdapterClient::connect(&process.location, LIMIT).await.unwrap();
    let mut events = client.events().await.unwrap();
    async move { events.next().await.unwrap().unwrap() }
}

#[tokio::test]
async fn an_event_that_nobody_heard_waits_and_tells_everything() {
    let process = Process::start("istio");
    refused(&process, "one").await;
    let event = listen(&process).await.await;
    assert_eq!((event.event_type(), event.operation_id.as_str()), (EventType::Error, "one"));
    assert_eq!((event.error_code.as_str(), event.component_name.as_str()), ("adapter-cannot", "meshery-istio"));
    assert!(event.suggested_remediation.contains("mesheryctl pattern apply"), "{event:?}");
}

#[tokio::test]
async fn each_listener_hears_each_event() {
    let process = Process::start("istio");
    let (first, second) = (listen(&process).await, listen(&process).await);
    refused(&process, "two").await;
    assert_eq!((first.await.operation_id, second.await.operation_id), ("two".to_owned(), "two".to_owned()));
}

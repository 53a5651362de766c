//! Operations of adapters over REST: the reply tells the truth, and what the adapter tells is in the event log.

use mesheryctl::wire::meshops::EventsResponse;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::double::{self, Answer, Call, Old};
use super::registry::{add, ours};
use crate::server::plane::{Plane, error, json as body};

const PATHS: [&str; 2] = ["/api/system/adapter/operation", "/api/mesh/ops"];

/// As `mesh deploy` of 2021 sends it.
async fn send(plane: &Plane, path: &str, adapter: &str, operation: &str) -> Response {
    let form =
        [("adapter", adapter), ("query", operation), ("customBody", ""), ("namespace", "shop"), ("deleteOp", "")];
    plane.ask(Method::POST, path).form(&form).send().await.unwrap()
}

fn installed() -> EventsResponse {
    EventsResponse {
        summary: "Octarine installed successfully".into(),
        details: "The Octarine service mesh is now installed.".into(),
        ..EventsResponse::default()
    }
}

async fn known(plane: &Plane, location: &mesheryctl::model::adapter::Location) {
    body(add(plane, "/api/mesh/manage", location).await, 200).await;
}

/// The events of an operation, waited for until there are as many.
async fn events(plane: &Plane, operation: &Value, count: usize) -> Vec<Value> {
    loop {
        let log = plane.get("/api/system/events").await;
        let of = log["events"].as_array().unwrap().iter().filter(|event| event["operation_id"] == *operation);
        let found: Vec<Value> = of.cloned().collect();
        if found.len() >= count {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// Issue 11320 of the predecessor: success was said for adapters that did not exist.
#[tokio::test]
async fn an_unknown_adapter_is_an_error_with_those_that_are_known() {
    let plane = Plane::start().await;
    let location = ours("istio").await;
    known(&plane, &location).await;
    for path in PATHS {
        let reply = error(send(&plane, path, "meshery-nope:10000", "istio").await, 404).await;
        assert_eq!(reply["code"], "adapter-not-found");
        assert!(reply["details"].to_string().contains(&location.to_string()), "{reply}");
        error(send(&plane, path, "", "istio").await, 400).await;
        error(send(&plane, path, &location.to_string(), "").await, 400).await;
    }
}

#[tokio::test]
async fn what_our_adapters_cannot_do_is_never_called_done() {
    let plane = Plane::start().await;
    let location = ours("istio").await;
    known(&plane, &location).await;
    for path in PATHS {
        let reply = error(send(&plane, path, "istio", "istio").await, 501).await;
        assert_eq!(reply["code"], "adapter-cannot");
        assert!(reply["probable_cause"].as_str().unwrap().contains("mesheryctl pattern apply"), "{reply}");
    }
}

#[tokio::test]
async fn a_foreign_adapter_gets_the_operation_with_the_cluster_and_its_events_are_kept() {
    let plane = Plane::start().await;
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
                      clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
                      users: [{name: u, user: {token: t}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n";
    std::fs::write(plane.home().join("kubeconfig"), kubeconfig).unwrap();
    let (double, location) = Old::start(&["octarine_install"], Answer::Take(installed())).await;
    known(&plane, &location).await;
    double.listened_to().await;
    for (path, times) in PATHS.into_iter().zip(1..) {
        let reply = body(send(&plane, path, &location.to_string(), "octarine_install").await, 200).await;
        assert_eq!(reply["adapter"], location.to_string());
        let log = events(&plane, &reply["operation_id"], 2).await;
        let told: Vec<&str> = log.iter().map(|event| event["summary"].as_str().unwrap()).collect();
        assert!(told.contains(&"Octarine installed successfully"), "{told:?}");
        assert!(log.iter().any(|event| event["details"].as_str().unwrap().contains("mesh is now installed")));
        let calls = double.calls();
        assert_eq!(calls.len(), 2 * times, "{calls:?}");
        let [.., Call::Cluster(config), apply] = calls.as_slice() else { panic!("{calls:?}") };
        assert!(config.contains("https://127.0.0.1:1"), "{config}");
        let expected = Call::Apply {
            operation: "octarine_install".into(),
            namespace: "shop".into(),
            delete: false,
            kube_configs: 1,
        };
        assert_eq!(*apply, expected);
    }
    let request = json!({"adapter": "octarine", "operation": "octarine_install", "delete": true});
    let reply = plane.ask(Method::POST, PATHS[0]).json(&request).send().await.unwrap();
    body(reply, 202).await;
    let Some(Call::Apply { namespace, delete, .. }) = double.calls().pop() else { panic!("no call") };
    assert_eq!((namespace.as_str(), delete), ("default", true));
}

#[tokio::test]
async fn what_a_foreign_adapter_does_not_list_is_not_sent() {
    let plane = Plane::start().await;
    let (double, location) = Old::start(&["octarine_install", "custom"], Answer::Take(installed())).await;
    known(&plane, &location).await;
    let reply = error(send(&plane, PATHS[0], &location.to_string(), "octarine-install").await, 501).await;
    assert_eq!(reply["code"], "adapter-cannot");
    assert!(reply["details"].to_string().contains("did you mean octarine_install?"), "{reply}");
    assert_eq!(double.calls(), []);
}

#[tokio::test]
async fn refusals_and_silence_have_a_true_status() {
    let plane = Plane::start().await;
    for (answer, status, words) in [
        (Answer::Refuse(tonic::Status::invalid_argument("no such version")), 400, "no such version"),
        (Answer::Refuse(tonic::Status::failed_precondition("installed already")), 409, "installed already"),
        (Answer::Refuse(tonic::Status::internal("boom")), 502, "boom"),
        (Answer::Complain("kubeconfig is nil"), 502, "kubeconfig is nil"),
    ] {
        let (_double, location) = Old::start(&["x"], answer).await;
        known(&plane, &location).await;
        let reply = error(send(&plane, PATHS[0], &location.to_string(), "x").await, status).await;
        assert_eq!((&reply["code"], &reply["probable_cause"]), (&json!("adapter-refused"), &json!(words)));
    }
    let dead = double::dead().await;
    plane.post("/api/mesh/manage", &json!({"location": dead.to_string(), "force": true})).await;
    let reply = error(send(&plane, PATHS[1], &dead.to_string(), "x").await, 502).await;
    assert_eq!(reply["code"], "adapter-unreachable");
}

#[tokio::test]
async fn a_context_that_does_not_exist_is_told_before_anything_is_sent() {
    let plane = Plane::start().await;
    let (double, location) = Old::start(&["x"], Answer::Take(installed())).await;
    known(&plane, &location).await;
    let request = json!({"adapter": location.to_string(), "operation": "x", "contexts": ["nope"]});
    let reply = plane.ask(Method::POST, PATHS[0]).json(&request).send().await.unwrap();
    assert_eq!(error(reply, 404).await["code"], "kube-context-not-found");
    assert_eq!(double.calls(), []);
}

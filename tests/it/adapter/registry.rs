//! The adapters that a server knows, over REST in every spelling.

use mesheryctl::model::adapter::Location;
use mesheryctl::plane;
use mesheryctl::server::{Server, Settings};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::double::{self, Answer, Old};
use crate::server::plane::{Plane, error, json as body};

const MANAGE: [&str; 2] = ["/api/system/adapter/manage", "/api/mesh/manage"];

/// One of our adapters, in this process.
pub async fn ours(mesh: &str) -> Location {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = Location::new("127.0.0.1", listener.local_addr().unwrap().port());
    let adapter = plane::adapter::find(mesh).unwrap();
    tokio::spawn(mesheryctl::adapter::serve(listener, adapter, CancellationToken::new()));
    location
}

/// Adds by the form of 2021.
pub async fn add(plane: &Plane, path: &str, location: &Location) -> Response {
    plane.ask(Method::POST, path).form(&[("meshLocationURL", location.to_string())]).send().await.unwrap()
}

async fn remove(plane: &Plane, path: &str, adapter: &str) -> Response {
    plane.ask(Method::DELETE, path).query(&[("adapter", adapter)]).send().await.unwrap()
}

async fn ping(plane: &Plane, path: &str, adapter: &str) -> Response {
    plane.ask(Method::GET, path).query(&[("adapter", adapter)]).send().await.unwrap()
}

#[tokio::test]
async fn adapters_are_added_listed_asked_and_removed_in_every_spelling() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/api/system/adapters").await, json!([]));
    for (manage, list) in MANAGE.into_iter().zip(["/api/system/adapters", "/api/mesh/adapters"]) {
        let location = ours("istio").await;
        let all = body(add(&plane, manage, &location).await, 200).await;
        assert_eq!(all[0]["adapter_location"], location.to_string());
        let again = body(add(&plane, manage, &location).await, 200).await;
        assert_eq!(again.as_array().unwrap().len(), 1, "adding twice changes nothing");
        let listed = &plane.get(list).await[0];
        let expected = json!([location.to_string(), "ISTIO", env!("CARGO_PKG_VERSION"), "answers", "added", []]);
        let told = ["adapter_location", "name", "version", "state", "source", "ops"].map(|key| listed[key].clone());
        assert_eq!(json!(told), expected);
        assert_eq!(plane.get("/api/system/sync").await["meshAdapters"][0]["name"], "ISTIO");
        for path in [list, "/api/mesh/adapter/ping"] {
            for name in [location.to_string().as_str(), "istio", "meshery-istio", "ISTIO"] {
                assert_eq!(body(ping(&plane, path, name).await, 200).await["state"], "answers", "{path} {name}");
            }
        }
        assert_eq!(body(remove(&plane, manage, "istio").await, 200).await, json!([]));
        assert_eq!(error(remove(&plane, manage, "istio").await, 404).await["code"], "adapter-not-found");
    }
    let known = plane.get("/api/system/availableAdapters").await;
    assert!(known.as_array().unwrap().contains(&json!({
        "name": "meshery-kuma", "adapter_location": "10007", "adapterLocation": "10007"
    })));
}

#[tokio::test]
async fn an_adapter_of_the_oldest_era_is_one_too() {
    let plane = Plane::start().await;
    let event = mesheryctl::wire::meshops::EventsResponse::default();
    let (_double, location) = Old::start(&["octarine_install"], Answer::Take(event)).await;
    let all = body(add(&plane, MANAGE[0], &location).await, 200).await;
    let told = ["name", "version", "git_commit_sha", "state"].map(|key| all[0][key].clone());
    assert_eq!(json!(told), json!(["OCTARINE", "", "", "answers"]), "Unimplemented means older");
    assert_eq!(all[0]["ops"], json!([{"key": "octarine_install", "value": "x", "category": 0}]));
    assert_eq!(body(ping(&plane, "/api/mesh/adapter/ping", "octarine").await, 200).await["name"], "OCTARINE");
}

#[tokio::test]
async fn one_that_does_not_answer_is_added_only_by_force_and_holds_nobody_up() {
    let plane = Plane::start().await;
    let (dead, silent, living) = (double::dead().await, double::silent().await, ours("kuma").await);
    let refused = error(add(&plane, MANAGE[0], &dead).await, 502).await;
    assert_eq!(refused["code"], "adapter-unreachable");
    assert!(refused["message"].as_str().unwrap().contains(&dead.to_string()), "{refused}");
    assert_eq!(plane.get("/api/system/adapters").await, json!([]), "nothing was added");
    for location in [&dead, &silent, &living] {
        plane.post(MANAGE[0], &json!({"location": location.to_string(), "force": true})).await;
    }
    let list = plane.get("/api/system/adapters").await;
    let states: Vec<&str> = list.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["unreachable", "unreachable", "answers"]);
    assert!(list[0]["error"]["probable_cause"].as_str().unwrap().contains("refused"), "{list}");
    let gone = error(ping(&plane, "/api/system/adapters", &dead.to_string()).await, 502).await;
    assert_eq!(gone["code"], "adapter-unreachable");
}

#[tokio::test]
async fn what_is_no_adapter_is_said_to_be_none() {
    let plane = Plane::start().await;
    let itself = Location::new("127.0.0.1", plane.address.port());
    let refused = error(add(&plane, MANAGE[0], &itself).await, 502).await;
    assert_eq!(refused["code"], "adapter-foreign", "{refused}");
}

#[tokio::test]
async fn unknown_names_and_broken_requests_are_told_with_what_is_known() {
    let plane = Plane::start().await;
    let location = ours("istio").await;
    body(add(&plane, MANAGE[0], &location).await, 200).await;
    for path in ["/api/system/adapters", "/api/mesh/adapter/ping"] {
        let reply = error(ping(&plane, path, "meshery-linkerd:10001").await, 404).await;
        assert_eq!(reply["code"], "adapter-not-found");
        assert!(reply["details"].to_string().contains(&format!("ISTIO at {location}")), "{reply}");
    }
    error(plane.ask(Method::GET, "/api/mesh/adapter/ping").send().await.unwrap(), 400).await;
    for path in MANAGE {
        error(plane.ask(Method::POST, path).send().await.unwrap(), 400).await;
        error(plane.ask(Method::DELETE, path).send().await.unwrap(), 400).await;
        let wrong = plane.ask(Method::POST, path).form(&[("meshLocationURL", "localhost")]).send().await.unwrap();
        assert_eq!(error(wrong, 400).await["code"], "address-invalid");
        let media = plane.ask(Method::POST, path).header("content-type", "image/png").body("x").send().await.unwrap();
        error(media, 415).await;
    }
}

#[tokio::test]
async fn what_users_added_is_there_after_a_restart() {
    let plane = Plane::start().await;
    let location = ours("istio").await;
    body(add(&plane, MANAGE[0], &location).await, 200).await;
    let settings = Settings {
        home: plane.home().to_owned(),
        token: "t".into(),
        kubeconfig: None,
        allow_hosts: vec![],
        in_process: true,
        providers: mesheryctl::server::providers::ProviderSettings::default(),
    };
    let again = Server::open(settings).await.unwrap();
    let known: Vec<Value> = mesheryctl::server::adapters::list(again.state())
        .await
        .unwrap()
        .iter()
        .map(|adapter| json!([adapter.location, adapter.name]))
        .collect();
    assert_eq!(known, [json!([location.to_string(), "ISTIO"])]);
}

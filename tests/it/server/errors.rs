//! Requests that cannot be answered: a true status, a JSON body, a place.

use mesheryctl::server::rest::BODY_LIMIT;
use reqwest::Method;
use serde_json::json;

use super::plane::{Plane, error};

#[tokio::test]
async fn unknown_paths_are_json_and_near_ones_are_named() {
    let plane = Plane::start().await;
    let reply = error(plane.ask(Method::GET, "/api/patern").send().await.unwrap(), 404).await;
    assert_eq!(reply["code"], "route-not-found");
    assert!(reply["details"][0].as_str().unwrap().contains("/api/pattern"), "{reply}");
    let browser = plane.bare(Method::GET, "/api/nothing").header("accept", "text/html").send().await.unwrap();
    error(browser, 404).await;
}

#[tokio::test]
async fn a_browser_outside_the_api_gets_a_page_that_says_what_this_is() {
    let plane = Plane::start().await;
    let reply = plane.bare(Method::GET, "/").header("accept", "text/html,*/*").send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(reply.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(reply.text().await.unwrap().contains("mesheryctl system status"));
    error(plane.bare(Method::GET, "/").header("accept", "application/json").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let plane = Plane::start().await;
    let reply = plane.ask(Method::PUT, "/api/pattern").send().await.unwrap();
    let allow = reply.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    assert_eq!(error(reply, 405).await["code"], "method-not-allowed");
}

#[tokio::test]
async fn malformed_bodies_are_placed() {
    let plane = Plane::start().await;
    let send = async |media: &str, body: &'static str| {
        plane.ask(Method::POST, "/api/pattern").header("content-type", media).body(body).send().await.unwrap()
    };
    let reply = error(send("application/json", "{\"save\": true,\n  oops}").await, 400).await;
    assert_eq!(reply["place"], json!({"file": "request body", "line": 2, "column": 3}));
    let reply = error(send("application/json", r#"{"pattern_data": 7}"#).await, 400).await;
    assert_eq!(reply["code"], "request-invalid");
    let reply = error(send("application/yaml", "name: a\nservices:\n\t- b\n").await, 422).await;
    assert_eq!((&reply["code"], &reply["place"]["line"]), (&json!("pattern-syntax"), &json!(3)));
    assert_eq!(error(send("image/png", "x").await, 415).await["code"], "media-type");
    assert_eq!(plane.get("/api/pattern").await["total_count"], 0, "nothing is half saved");
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let plane = Plane::start().await;
    let large = vec![b'#'; BODY_LIMIT + 1];
    let reply = plane.ask(Method::POST, "/api/pattern").body(large).send().await.unwrap();
    assert_eq!(error(reply, 413).await["code"], "body-too-large");
}

#[tokio::test]
async fn a_draining_server_says_so() {
    let plane = Plane::start().await;
    plane.server.drain(std::time::Duration::ZERO).await;
    let ready = plane.bare(Method::GET, "/healthz/ready").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<serde_json::Value>().await.unwrap()["phase"], "draining");
    assert_eq!(plane.bare(Method::GET, "/healthz/live").send().await.unwrap().status(), 200);
    plane.get("/api/pattern").await;
}

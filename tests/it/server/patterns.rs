//! Stored patterns over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::plane::{self, Plane};

fn file(name: &str) -> String {
    format!("name: {name}\nservices:\n  space:\n    type: Namespace\n")
}

async fn store(plane: &Plane, name: &str) -> Value {
    let body = json!({"pattern_data": {"pattern_file": file(name)}, "save": true});
    plane.post("/api/pattern", &body).await[0].clone()
}

#[tokio::test]
async fn what_is_stored_comes_back_byte_for_byte() {
    let plane = Plane::start().await;
    let text = "# mine\r\nname: shop   # with blanks\nservices: {}\n";
    let reply = plane.ask(Method::POST, "/api/pattern").header("content-type", "text/yaml").body(text);
    let stored = plane::json(reply.send().await.unwrap(), 200).await[0].clone();
    assert_eq!((&stored["name"], &stored["pattern_file"]), (&json!("shop"), &json!(text)));
    let id = stored["id"].as_str().unwrap();
    assert_eq!(plane.get(&format!("/api/pattern/{id}")).await, stored);
    assert_eq!(plane.get("/api/pattern/shop").await, stored);
    let download = plane.ask(Method::GET, &format!("/api/pattern/download/{id}")).send().await.unwrap();
    assert_eq!(download.headers()["content-disposition"], "attachment; filename=\"shop.yaml\"");
    assert_eq!(download.text().await.unwrap(), text);
}

#[tokio::test]
async fn a_name_is_stored_once_and_camel_case_is_read() {
    let plane = Plane::start().await;
    let first = store(&plane, "shop").await;
    let camel = json!({"patternData": {"patternFile": file("shop"), "location": {"type": "local"}}, "save": true});
    let second = plane.post("/api/pattern", &camel).await[0].clone();
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["location"], json!({"type": "local"}));
    assert_eq!(plane.get("/api/pattern").await["total_count"], 1);
    let looked_at = json!({"pattern_data": {"pattern_file": file("other")}, "save": false});
    assert_eq!(plane.post("/api/pattern", &looked_at).await[0]["name"], "other");
    assert_eq!(plane.get("/api/pattern").await["total_count"], 1, "`save: false` only looks");
}

#[tokio::test]
async fn pages_speak_every_dialect() {
    let plane = Plane::start().await;
    for number in 0..12 {
        store(&plane, &format!("p{number:02}")).await;
    }
    let first = plane.get("/api/pattern").await;
    assert_eq!(first["patterns"].as_array().unwrap().len(), 10, "the default of a page");
    assert_eq!((&first["page_size"], &first["pageSize"]), (&json!(10), &json!(10)));
    assert_eq!((&first["total_count"], &first["totalCount"]), (&json!(12), &json!(12)));
    for spelling in ["page_size", "pageSize", "pagesize"] {
        let page = plane.get(&format!("/api/pattern?page=1&{spelling}=5&order=name%20asc")).await;
        let names: Vec<&str> =
            page["patterns"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["p05", "p06", "p07", "p08", "p09"], "{spelling}");
    }
    assert_eq!(plane.get("/api/pattern?page_size=all").await["patterns"].as_array().unwrap().len(), 12);
    assert_eq!(plane.get("/api/pattern?search=P1").await["total_count"], 2);
    assert_eq!(plane.get("/api/pattern?page=99").await["patterns"], json!([]));
    let bad = plane.ask(Method::GET, "/api/pattern?page=first").send().await.unwrap();
    assert!(plane::error(bad, 400).await["message"].as_str().unwrap().contains("`first`"));
    let odd = plane.get("/api/pattern?order=name%3Bdrop%20table%20patterns").await;
    assert_eq!(odd["total_count"], 12, "an unknown order is no order, and no SQL");
}

#[tokio::test]
async fn deleting_answers_with_what_it_was_and_then_404() {
    let plane = Plane::start().await;
    let stored = store(&plane, "shop").await;
    let path = format!("/api/pattern/{}", stored["id"].as_str().unwrap());
    assert_eq!(plane::json(plane.ask(Method::DELETE, &path).send().await.unwrap(), 200).await, stored);
    let gone = plane::error(plane.ask(Method::DELETE, &path).send().await.unwrap(), 404).await;
    assert_eq!(gone["code"], "pattern-not-found");
    store(&plane, "shop").await;
    let near = plane::error(plane.ask(Method::GET, "/api/pattern/shoop").send().await.unwrap(), 404).await;
    assert_eq!(near["details"], json!(["did you mean shop?"]));
}

#[tokio::test]
async fn a_pattern_needs_a_name_and_the_grammar() {
    let plane = Plane::start().await;
    for (body, code) in
        [("services: {}\n", "pattern-grammar"), ("- a\n", "pattern-grammar"), ("a: [", "pattern-syntax")]
    {
        let reply = plane.ask(Method::POST, "/api/pattern").header("content-type", "application/yaml").body(body);
        assert_eq!(plane::error(reply.send().await.unwrap(), 422).await["code"], code, "{body}");
    }
}

//! Imports, exports and applications over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use super::plane::{self, Plane};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

#[tokio::test]
async fn a_file_in_base64_becomes_a_stored_pattern() {
    let plane = Plane::start().await;
    let body = json!({"name": "mine", "file": STANDARD.encode(MAP), "file_name": "m.yaml"});
    let reply = plane.post("/api/pattern/import", &body).await;
    assert_eq!((&reply["format"], &reply["services"]), (&json!("manifests"), &json!(1)));
    let stored = plane.get("/api/pattern/mine").await;
    assert_eq!((&stored["id"], &stored["pattern_file"]), (&reply["id"], &reply["pattern_file"]));
    let unsaved =
        json!({"file": STANDARD.encode("services: {web: {image: a}}"), "fileName": "shop/compose.yaml", "save": false});
    let reply = plane.post("/api/pattern/import", &unsaved).await;
    assert_eq!((&reply["format"], reply.get("id")), (&json!("compose"), None));
    for (body, status, code) in [
        (json!({}), 400, "request-invalid"),
        (json!({"file": "%%"}), 400, "request-invalid"),
        (json!({"file": STANDARD.encode("a: 1")}), 400, "import-unknown"),
        (json!({"url": "http://127.0.0.1:1/m.yaml"}), 400, "url-refused"),
    ] {
        let reply = plane.ask(Method::POST, "/api/pattern/import").json(&body).send().await.unwrap();
        let (found, text) = (reply.status().as_u16(), reply.text().await.unwrap());
        assert!(found / 100 == status / 100 && text.contains(code), "{body}: {found} {text}");
    }
}

#[tokio::test]
async fn a_stored_pattern_is_downloaded_in_every_form() {
    let plane = Plane::start().await;
    let file = "name: shop\nvars: {size: 2}\nservices:\n  web: {type: ConfigMap, settings: {data: {a: b}}}\n";
    plane.post("/api/pattern", &json!({"pattern_data": {"pattern_file": file}, "save": true})).await;
    let download = async |form: &str| {
        let reply = plane.ask(Method::GET, &format!("/api/pattern/download/shop?export={form}")).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{form}");
        let name = reply.headers()["content-disposition"].to_str().unwrap().to_owned();
        (name, reply.bytes().await.unwrap())
    };
    assert_eq!(download("original").await.1, file.as_bytes());
    let (_, manifests) = download("k8s-manifest").await;
    assert_eq!(manifests, &b"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  a: b\n"[..]);
    let (name, chart) = download("helm").await;
    assert!(name.ends_with("shop.tgz\"") && chart.starts_with(&[0x1f, 0x8b]), "{name}");
    let (name, layout) = download("oci").await;
    assert!(name.ends_with("shop.tar\"") && mesheryctl::client::archive::is_archive(&layout), "{name}");
    let wrong = plane.ask(Method::GET, "/api/pattern/download/shop?export=zip").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn applications_are_kept_apart_under_both_spellings() {
    let plane = Plane::start().await;
    plane
        .post("/api/pattern", &json!({"pattern_data": {"pattern_file": "name: p\nservices: {}\n"}, "save": true}))
        .await;
    let body = json!({"application_data": {"name": "shop", "application_file": MAP}, "save": true});
    let saved = plane.post("/api/experimental/application", &body).await[0].clone();
    assert_eq!((&saved["name"], &saved["location"]["kind"]), (&json!("shop"), &json!("application")));
    assert!(saved["application_file"].as_str().unwrap().starts_with("name: shop\n"));
    let typed =
        json!({"application_data": {"name": "web", "application_file": "services: {web: {image: a}}"}, "save": true});
    plane.post("/api/application/Docker%20Compose", &typed).await;
    for path in ["/api/application", "/api/experimental/application"] {
        let page = plane.get(&format!("{path}?page_size=1&order=name%20asc")).await;
        assert_eq!((&page["total_count"], &page["applications"][0]["name"]), (&json!(2), &json!("shop")), "{path}");
    }
    assert_eq!(plane.get("/api/application/types").await.as_array().unwrap().len(), 3);
    assert_eq!(plane.get("/api/application/shop").await["id"], saved["id"]);
    let pattern = plane.ask(Method::GET, "/api/application/p").send().await.unwrap();
    assert_eq!(pattern.status(), 404, "a pattern is no application");
    let deleted = plane.ask(Method::DELETE, "/api/application/shop").send().await.unwrap();
    assert_eq!(plane::json(deleted, 200).await["name"], "shop");
    assert_eq!(plane.get("/api/application").await["total_count"], 1);
}

//! Version, providers, user, preferences, contexts.

use reqwest::Method;
use serde_json::json;

use super::plane::{self, Plane};

#[tokio::test]
async fn providers_are_known_by_both_names_and_in_both_spellings() {
    let plane = Plane::start().await;
    let list = plane.get("/api/providers").await;
    let local = &list["None"];
    assert_eq!((&local["provider_name"], &local["providerName"]), (&json!("None"), &json!("None")));
    assert_eq!((&local["provider_url"], &local["providerUrl"]), (&json!(""), &json!("")), "empty means local");
    for name in ["None", "Local", "none"] {
        let reply = plane.bare(Method::GET, &format!("/api/provider?provider={name}")).send().await.unwrap();
        let cookie = reply.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with(&format!("meshery-provider={name}; ")) && cookie.contains("HttpOnly"), "{cookie}");
        plane::json(reply, 200).await;
    }
    let unknown = plane.bare(Method::GET, "/api/provider?provider=Meshery").send().await.unwrap();
    assert_eq!(plane::error(unknown, 404).await["code"], "provider-not-found");
    let html = plane.bare(Method::GET, "/api/provider?provider=x").header("accept", "text/html").send().await.unwrap();
    assert_eq!(html.status(), 404, "never a redirect");
    assert_eq!(plane.get("/api/provider/capabilities").await["provider_type"], "local");
}

#[tokio::test]
async fn preferences_change_by_json_and_by_the_form_of_2021_and_stay() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/api/user/prefs").await["anonymousUsageStats"], false, "nothing is sent by default");
    let changed = plane.post("/api/user/prefs", &json!({"selectedContexts": ["kind"]})).await;
    assert_eq!(changed["selectedContexts"], json!(["kind"]));
    let form =
        plane.ask(Method::POST, "/api/user/prefs").form(&[("anonymousPerfResults", "true")]).send().await.unwrap();
    plane::json(form, 200).await;
    let now = plane.get("/api/user/stats").await;
    assert_eq!((&now["anonymousPerfResults"], &now["selectedContexts"]), (&json!(true), &json!(["kind"])));
    assert_eq!(plane.get("/api/system/sync").await["selectedContexts"], json!(["kind"]));
    let wrong =
        plane.ask(Method::POST, "/api/user/prefs").form(&[("anonymousPerfResults", "maybe")]).send().await.unwrap();
    assert!(plane::error(wrong, 400).await["message"].as_str().unwrap().contains("`maybe`"));
}

#[tokio::test]
async fn the_user_has_the_keys_of_both_eras() {
    let plane = Plane::start().await;
    let user = plane.get("/api/user").await;
    assert_eq!(
        (&user["user_id"], &user["first_name"], &user["firstName"]),
        (&json!("meshery"), &json!("Meshery"), &json!("Meshery"))
    );
}

#[tokio::test]
async fn contexts_are_those_of_the_kubeconfig_and_an_uploaded_one_is_only_read() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/api/system/kubernetes/contexts").await, json!([]));
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: one\ncontexts:\n- name: one\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:1'}\nusers:\n- name: u\n  user: {token: hidden}\n";
    let form = format!(
        "--x\r\ncontent-disposition: form-data; name=\"k8sfile\"; filename=\"config\"\r\n\r\n{kubeconfig}\r\n--x--\r\n"
    );
    let upload = plane
        .ask(Method::POST, "/api/k8sconfig/contexts")
        .header("content-type", "multipart/form-data; boundary=x")
        .body(form);
    let reply = plane::json(upload.send().await.unwrap(), 200).await;
    assert_eq!(
        (&reply[0]["contextName"], &reply[0]["clusterName"], &reply[0]["currentContext"]),
        (&json!("one"), &json!("c"), &json!(true))
    );
    assert!(!reply.to_string().contains("hidden"), "credentials do not come back");
    std::fs::write(plane.home().join("kubeconfig"), kubeconfig).unwrap();
    assert_eq!(plane.get("/api/system/kubernetes/contexts").await[0]["server"], "https://127.0.0.1:1");
    let ping = plane.ask(Method::GET, "/api/system/kubernetes/ping").send().await.unwrap();
    assert_eq!(plane::error(ping, 502).await["code"], "cluster-unreachable");
}

#[tokio::test]
async fn the_database_says_where_it_is_and_that_it_is_sound() {
    let plane = Plane::start().await;
    let report = plane.get("/api/system/database").await;
    assert_eq!(report["path"], plane.home().join("data/meshery.db").display().to_string());
    assert_eq!(report["faults"], json!([]));
}

//! Uploaded kubeconfigs: what is kept, and what may not be.

use http::Method;
use serde_json::Value;

use super::plane::Plane;

const PLAIN: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                     users: [{name: u, user: {token: t}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n";

fn form(kubeconfig: &str) -> String {
    format!(
        "--b\r\ncontent-disposition: form-data; name=\"k8sfile\"; filename=\"config\"\r\n\r\n{kubeconfig}\r\n--b--\r\n"
    )
}

async fn send(plane: &Plane, path: &str, kubeconfig: &str) -> (u16, Value) {
    let reply = plane.ask(Method::POST, path).header("content-type", "multipart/form-data; boundary=b");
    let reply = reply.body(form(kubeconfig)).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test]
async fn an_upload_is_kept_until_it_is_forgotten_in_each_era() {
    let plane = Plane::start().await;
    for path in ["/api/k8sconfig", "/api/system/kubernetes"] {
        let (status, kept) = send(&plane, path, PLAIN).await;
        assert_eq!((status, &kept["registered_contexts"][0]["name"]), (200, &"a".into()), "{kept}");
        assert_eq!(kept["registeredContexts"], kept["registered_contexts"]);
        let known: Value =
            plane.ask(Method::GET, "/api/system/kubernetes/contexts").send().await.unwrap().json().await.unwrap();
        assert!(known.as_array().unwrap().iter().any(|context| context["name"] == "a"), "{known}");
        let gone: Value = plane.ask(Method::DELETE, path).send().await.unwrap().json().await.unwrap();
        assert_eq!(gone["registered_contexts"][0]["name"], "a");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_refused_and_nothing_is_kept() {
    let plane = Plane::start().await;
    for (text, part) in [("contexts: [", "kubeconfig"), ("apiVersion: v1\nkind: Config\n", "no context")] {
        let (status, refused) = send(&plane, "/api/k8sconfig", text).await;
        assert!(status >= 400 && refused["message"].as_str().unwrap().contains(part), "{status} {refused}");
    }
    let program =
        PLAIN.replace("user: {token: t}", "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}");
    let (status, refused) = send(&plane, "/api/k8sconfig", &program).await;
    assert_eq!(status, 400, "programs of others are not run here: {refused}");
    assert!(refused["details"][0].as_str().unwrap().contains("aws"), "{refused}");
    let gone: Value = plane.ask(Method::DELETE, "/api/k8sconfig").send().await.unwrap().json().await.unwrap();
    assert_eq!(gone["registered_contexts"], serde_json::json!([]));
}

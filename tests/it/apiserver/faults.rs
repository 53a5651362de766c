//! What only the practice cluster can do: fail on demand, and refuse strangers.

use std::time::{Duration, Instant};

use http::Request;
use kube::client::Body;
use mesheryctl::sample::cluster::Cluster;
use mesheryctl::sample::faults::{Effect, Matcher, Times};
use serde_json::json;

use super::far::{Far, config_map, deployment};

async fn far() -> (Far, Cluster) {
    let mut far = Far::practice().await;
    "default".clone_into(&mut far.namespace);
    let cluster = far.cluster.clone().unwrap();
    (far, cluster)
}

/// Lists namespaces through the router alone: kube's client would try a throttled call again by itself.
async fn ask(cluster: &Cluster, host: &str, token: &str) -> axum::response::Response {
    use tower::ServiceExt;
    let request = Request::builder()
        .uri("/api/v1/namespaces")
        .header("host", host)
        .header("authorization", format!("Bearer {token}"))
        .body(axum::body::Body::empty())
        .unwrap();
    cluster.router().oneshot(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_refuses_what_the_rule_names() {
    let (far, cluster) = far().await;
    cluster.faults().refuse(Matcher::any().writes().resource("configmaps").name("bad"), 403, "no bad ones");
    let answer = far.post(&far.maps(""), &config_map("bad", &json!({}))).await;
    let text = "admission webhook \"validate.practice.meshery.io\" denied the request: no bad ones";
    assert_eq!(answer.status(), (403, "Forbidden", text));
    assert_eq!(far.apply(&far.maps("/bad"), "m", &config_map("bad", &json!({}))).await.code, 403);
    far.post(&far.maps(""), &config_map("good", &json!({}))).await.ok();
    cluster.faults().clear();
    far.post(&far.maps(""), &config_map("bad", &json!({}))).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_says_how_long_to_wait() {
    let (far, cluster) = far().await;
    cluster.faults().add(Matcher::any().verbs(&["list"]), Effect::Throttle { retry_after: 7 }, Times::Next(1));
    let response = ask(&cluster, "127.0.0.1:1", cluster.token()).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(far.get(&far.maps("")).await.code, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_failing_calls() {
    let (far, cluster) = far().await;
    cluster.faults().add(Matcher::any().name("slow"), Effect::Delay(Duration::from_millis(300)), Times::Always);
    cluster.faults().add(Matcher::any().name("odd"), Effect::Error, Times::Every(2));
    let start = Instant::now();
    assert_eq!(far.get(&far.maps("/slow")).await.code, 404);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(far.get(&far.maps("/odd")).await.code, 404);
    assert_eq!(far.get(&far.maps("/odd")).await.status().0, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_call_has_no_answer() {
    let (far, cluster) = far().await;
    cluster.faults().add(Matcher::any().name("broken"), Effect::Hangup, Times::Always);
    let request = Request::builder().uri(far.maps("/broken")).body(Body::empty()).unwrap();
    let result = far.client.send(request).await;
    assert!(result.is_err(), "{:?}", result.map(|response| response.status()));
    assert_eq!(far.get(&far.maps("/other")).await.code, 404, "the server goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_run_out_and_rights_are_missing() {
    let (far, cluster) = far().await;
    cluster.faults().forbid(Matcher::any().verbs(&["create"]).group("apps"));
    let answer = far.post(&far.deployments(""), &deployment("web", Some(0), "i")).await;
    let text = "deployments.apps \"web\" is forbidden: User \"practice\" cannot create resource \"deployments\" in API \
                group \"apps\" in the namespace \"default\"";
    assert_eq!(answer.status(), (403, "Forbidden", text));
    cluster.faults().expire_token();
    assert_eq!(far.get(&far.maps("")).await.status(), (401, "Unauthorized", "Unauthorized"));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    let (_, cluster) = far().await;
    let ask = async |host: &str, token: &str| ask(&cluster, host, token).await.status().as_u16();
    let token = cluster.token().to_owned();
    assert_eq!(ask("127.0.0.1:1", &token).await, 200);
    assert_eq!(ask("127.0.0.1:1", "wrong").await, 401);
    assert_eq!(ask("127.0.0.1:1", "").await, 401);
    assert_eq!(ask("attacker.example:1", &token).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_become_ready_and_some_never_do() {
    let (far, _) = far().await;
    let path = far.deployments("/web");
    far.apply(&path, "m", &deployment("web", Some(2), "i")).await.ok();
    far.until(&path, |answer| answer.body["status"]["availableReplicas"] == 2).await;
    let pods = far.get(&far.path("api/v1", "pods?labelSelector=app%3Dweb")).await.ok();
    assert_eq!(pods["items"].as_array().unwrap().len(), 2);
    far.apply(&path, "m", &deployment("web", Some(1), "i:2")).await.ok();
    far.until(&path, |answer| {
        answer.body["status"]["observedGeneration"] == 2 && answer.body["status"]["replicas"] == 1
    })
    .await;
    let mut never = deployment("never", Some(1), "i");
    never["metadata"]["annotations"] = json!({mesheryctl::sample::NEVER_READY: "true"});
    far.apply(&far.deployments("/never"), "m", &never).await.ok();
    far.until(&far.deployments("/never"), |answer| answer.body["status"]["unavailableReplicas"] == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let status = far.get(&far.deployments("/never")).await.ok()["status"].clone();
    assert!(status.get("availableReplicas").is_none(), "{status:#}");
    far.delete(&path).await.ok();
    far.until(&far.path("api/v1", "pods?labelSelector=app%3Dweb"), |answer| answer.body["items"] == json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_balancers_and_claims_come_to_their_end() {
    let (far, _) = far().await;
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}}});
    let path = far.path("apis/batch/v1", "jobs/j");
    far.apply(&path, "m", &job).await.ok();
    far.until(&path, |answer| answer.body["status"]["succeeded"] == 1).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    let path = far.path("api/v1", "services/s");
    far.apply(&path, "m", &service).await.ok();
    far.until(&path, |answer| answer.body["status"]["loadBalancer"]["ingress"][0]["ip"].is_string()).await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let path = far.path("api/v1", "persistentvolumeclaims/c");
    far.apply(&path, "m", &claim).await.ok();
    far.until(&path, |answer| answer.body["status"]["phase"] == "Bound").await;
}

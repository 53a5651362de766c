use std::time::Duration;

use futures_util::{Stream, StreamExt};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use super::both;
use super::far::{Far, MERGE, config_map, deployment};

both!(
    changes_are_seen,
    selectors_follow_labels,
    lists_are_streamed,
    streamed_lists_have_their_terms,
    a_forgotten_version_is_gone,
    a_watch_ends
);

async fn open(far: &Far, path: &str) -> std::pin::Pin<Box<dyn Stream<Item = Value> + Send>> {
    let request = Request::builder().uri(path).header("accept", "application/json").body(Body::empty()).unwrap();
    let response = far.client.send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let frames = response.into_body().into_data_stream();
    let lines = futures_util::stream::unfold((frames, Vec::<u8>::new()), |(mut frames, mut rest)| async move {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                return Some((serde_json::from_slice(&line).unwrap(), (frames, rest)));
            }
            rest.extend(frames.next().await?.ok()?);
        }
    });
    Box::pin(lines)
}

async fn next(stream: &mut (impl Stream<Item = Value> + Unpin)) -> (String, Value) {
    let event = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("an event in time");
    let event = event.expect("the watch goes on");
    (event["type"].as_str().unwrap().to_owned(), event["object"].clone())
}

fn labelled(name: &str, label: &str) -> Value {
    let mut map = config_map(name, &json!({"x": "1"}));
    map["metadata"]["labels"] = json!({"watch": label});
    map
}

async fn version(far: &Far) -> String {
    far.get(&far.maps("")).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

async fn changes_are_seen(far: Far) {
    let version = version(&far).await;
    let mut stream = open(&far, &far.maps(&format!("?watch=true&labelSelector=watch&resourceVersion={version}"))).await;
    let created = far.post(&far.maps(""), &labelled("a", "1")).await.ok();
    assert_eq!(next(&mut stream).await, ("ADDED".into(), created));
    let changed = far.patch(&far.maps("/a"), MERGE, &json!({"data": {"x": "2"}})).await.ok();
    assert_eq!(next(&mut stream).await, ("MODIFIED".into(), changed.clone()));
    far.delete(&far.maps("/a")).await.ok();
    let (what, last) = next(&mut stream).await;
    assert_eq!((what.as_str(), &last["data"]), ("DELETED", &changed["data"]));
    let number = |value: &Value| value["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(number(&last) > number(&changed));
}

async fn selectors_follow_labels(far: Far) {
    let version = version(&far).await;
    let mut stream =
        open(&far, &far.maps(&format!("?watch=1&labelSelector=watch%3D1&resourceVersion={version}"))).await;
    far.post(&far.maps(""), &labelled("a", "2")).await.ok();
    far.patch(&far.maps("/a"), MERGE, &json!({"metadata": {"labels": {"watch": "1"}}})).await.ok();
    assert_eq!(next(&mut stream).await.0, "ADDED");
    far.patch(&far.maps("/a"), MERGE, &json!({"metadata": {"labels": {"watch": "2"}}})).await.ok();
    assert_eq!(next(&mut stream).await.0, "DELETED");
}

async fn lists_are_streamed(far: Far) {
    far.post(&far.maps(""), &labelled("a", "1")).await.ok();
    let query = "?watch=true&labelSelector=watch&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut stream = open(&far, &far.maps(query)).await;
    let (what, object) = next(&mut stream).await;
    if far.cluster.is_none() && what == "ERROR" {
        // The real server needs a newer etcd than the kit's for this; clients then list and watch apart.
        assert!(object["message"].as_str().unwrap().contains("RequestWatchProgress"), "{object:#}");
        return;
    }
    assert_eq!((what.as_str(), &object["metadata"]["name"]), ("ADDED", &json!("a")));
    let (what, object) = next(&mut stream).await;
    assert_eq!(what, "BOOKMARK");
    assert_eq!(object["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    assert_eq!(object["kind"], "ConfigMap");
    far.post(&far.maps(""), &labelled("b", "1")).await.ok();
    assert_eq!(next(&mut stream).await.1["metadata"]["name"], "b");
}

async fn streamed_lists_have_their_terms(far: Far) {
    let answer = far.get(&far.maps("?watch=true&sendInitialEvents=true")).await;
    let text = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires \
                setting resourceVersionMatch to NotOlderThan";
    assert_eq!(answer.status(), (422, "Invalid", text));
}

async fn a_forgotten_version_is_gone(far: Far) {
    // The real server forgets by time: there, only its wording for a version that is no number is at hand.
    if far.cluster.is_some() {
        far.post(&far.deployments(""), &deployment("many", Some(1100), "i:1")).await.ok();
        far.until(&far.deployments("/many"), |answer| answer.body["status"]["readyReplicas"] == 1100).await;
        let mut stream = open(&far, &far.maps("?watch=true&resourceVersion=1")).await;
        let (what, status) = next(&mut stream).await;
        assert_eq!((what.as_str(), &status["code"], &status["reason"]), ("ERROR", &json!(410), &json!("Expired")));
        assert!(status["message"].as_str().unwrap().starts_with("too old resource version: 1 ("));
    }
    let answer = far.get(&far.maps("?watch=true&resourceVersion=x")).await;
    let text = "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax";
    assert_eq!(answer.status(), (500, "", text));
}

async fn a_watch_ends(far: Far) {
    let mut stream = open(&far, &far.maps("?watch=true&timeoutSeconds=1&labelSelector=none")).await;
    let end = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("the watch ends in time");
    assert_eq!(end, None);
}

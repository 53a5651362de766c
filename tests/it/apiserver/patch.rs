use serde_json::json;

use super::both;
use super::far::{Far, MERGE, config_map, deployment};

both!(merge_patches, json_patches, strategic_patches, unknown_patches);

async fn merge_patches(far: Far) {
    far.post(&far.maps(""), &config_map("a", &json!({"x": "1", "y": "1"}))).await.ok();
    let path = far.maps("/a");
    let value = far.patch(&path, MERGE, &json!({"data": {"x": null, "z": "1"}})).await.ok();
    assert_eq!(value["data"], json!({"y": "1", "z": "1"}));
    let answer = far.patch(&path, MERGE, &json!({"metadata": {"resourceVersion": "1"}, "data": {"x": "2"}})).await;
    assert_eq!(answer.status().1, "Conflict");
    let answer = far.patch(&far.maps("/none"), MERGE, &json!({})).await;
    assert_eq!(answer.status(), (404, "NotFound", "configmaps \"none\" not found"));
}

async fn json_patches(far: Far) {
    const JSON_PATCH: &str = "application/json-patch+json";
    far.post(&far.maps(""), &config_map("a", &json!({"x": "1"}))).await.ok();
    let path = far.maps("/a");
    let steps = json!([{"op": "test", "path": "/data/x", "value": "1"}, {"op": "add", "path": "/data/y", "value": "2"},
        {"op": "remove", "path": "/data/x"}]);
    assert_eq!(far.patch(&path, JSON_PATCH, &steps).await.ok()["data"], json!({"y": "2"}));
    let text = "the server rejected our request due to an error in our request";
    for bad in
        [json!([{"op": "test", "path": "/data/y", "value": "no"}]), json!([{"op": "remove", "path": "/data/none"}])]
    {
        assert_eq!(far.patch(&path, JSON_PATCH, &bad).await.status(), (422, "Invalid", text));
    }
}

async fn strategic_patches(far: Far) {
    const STRATEGIC: &str = "application/strategic-merge-patch+json";
    far.post(&far.deployments(""), &deployment("web", Some(0), "i:1")).await.ok();
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}, {"name": "main", "image": "i:2"}]}}}});
    let value = far.patch(&far.deployments("/web"), STRATEGIC, &change).await.ok();
    let containers = value["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let mut images: Vec<&str> = containers.iter().map(|one| one["image"].as_str().unwrap()).collect();
    images.sort_unstable();
    assert_eq!(images, ["i:2", "s:1"]);
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "$patch": "delete"}]}}}});
    let value = far.patch(&far.deployments("/web"), STRATEGIC, &change).await.ok();
    assert_eq!(value["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
}

async fn unknown_patches(far: Far) {
    far.post(&far.maps(""), &config_map("a", &json!({}))).await.ok();
    let answer = far.patch(&far.maps("/a"), "text/plain", &json!({})).await;
    assert_eq!(answer.status(), (415, "UnsupportedMediaType", "415: Unsupported Media Type"));
}

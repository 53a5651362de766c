use serde_json::{Value, json};

use super::both;
use super::far::{Far, config_map, deployment};

both!(a_namespace_ends, owners_take_their_own, a_deployment_has_its_set, orphans_stay);

async fn a_namespace_ends(far: Far) {
    let name = format!("{}-x", far.namespace);
    let path = format!("/api/v1/namespaces/{name}");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let created = far.post("/api/v1/namespaces", &namespace).await.ok();
    assert_eq!(created["status"]["phase"], "Active");
    assert_eq!(created["spec"]["finalizers"], json!(["kubernetes"]));
    assert_eq!(created["metadata"]["labels"], json!({"kubernetes.io/metadata.name": name}));
    far.until(&format!("{path}/serviceaccounts/default"), |answer| answer.code == 200).await;
    let mut held = config_map("held", &json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let maps = format!("{path}/configmaps");
    far.post(&maps, &held).await.ok();
    far.post(&maps, &config_map("a", &json!({}))).await.ok();
    let pending = far.delete(&path).await.ok();
    assert_eq!(pending["status"]["phase"], "Terminating");
    assert!(pending["metadata"]["deletionTimestamp"].is_string());
    let answer = far.post(&maps, &config_map("late", &json!({}))).await;
    let text = format!(
        "configmaps \"late\" is forbidden: unable to create new content in namespace {name} because it is being terminated"
    );
    assert_eq!(answer.status(), (403, "Forbidden", text.as_str()));
    assert_eq!(answer.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    far.until(&format!("{maps}/a"), |answer| answer.code == 404).await;
    assert_eq!(far.get(&path).await.code, 200, "a finalizer holds the namespace");
    far.patch(&format!("{maps}/held"), super::far::MERGE, &json!({"metadata": {"finalizers": null}})).await.ok();
    far.until(&path, |answer| answer.code == 404).await;
}

fn owned(name: &str, owner: &Value) -> Value {
    let mut map = config_map(name, &json!({}));
    map["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap",
        "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]);
    map
}

async fn owners_take_their_own(far: Far) {
    let owner = far.post(&far.maps(""), &config_map("owner", &json!({}))).await.ok();
    far.post(&far.maps(""), &owned("child", &owner)).await.ok();
    far.delete(&far.maps("/owner?propagationPolicy=Background")).await.ok();
    far.until(&far.maps("/child"), |answer| answer.code == 404).await;
    let owner = far.post(&far.maps(""), &config_map("owner", &json!({}))).await.ok();
    far.post(&far.maps(""), &owned("child", &owner)).await.ok();
    let pending = far.delete(&far.maps("/owner?propagationPolicy=Foreground")).await.ok();
    assert_eq!(pending["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    far.until(&far.maps("/owner"), |answer| answer.code == 404).await;
}

async fn orphans_stay(far: Far) {
    let owner = far.post(&far.maps(""), &config_map("owner", &json!({}))).await.ok();
    far.post(&far.maps(""), &owned("child", &owner)).await.ok();
    far.delete(&far.maps("/owner?propagationPolicy=Orphan")).await.ok();
    far.until(&far.maps("/owner"), |answer| answer.code == 404).await;
    let child = far.get(&far.maps("/child")).await.ok();
    assert!(child["metadata"].get("ownerReferences").is_none(), "{child:#}");
}

async fn a_deployment_has_its_set(far: Far) {
    let path = far.deployments("/web");
    let created = far.post(&far.deployments(""), &deployment("web", Some(0), "i:1")).await.ok();
    let value = far.until(&path, |answer| answer.body["status"]["observedGeneration"] == 1).await.ok();
    assert_eq!(value["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    let conditions = far
        .until(&path, |answer| answer.body["status"]["conditions"].as_array().is_some_and(|all| all.len() == 2))
        .await
        .ok()["status"]["conditions"]
        .clone();
    assert!(conditions.as_array().unwrap().iter().any(|one| one["type"] == "Available" && one["status"] == "True"));
    let sets = far.get(&far.path("apis/apps/v1", "replicasets")).await.ok();
    let owner = &sets["items"][0]["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["uid"], &owner["controller"]), (&created["metadata"]["uid"], &json!(true)));
    far.delete(&format!("{path}?propagationPolicy=Background")).await.ok();
    far.until(&far.path("apis/apps/v1", "replicasets"), |answer| answer.body["items"] == json!([])).await;
}

use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;

use super::both;
use super::far::Far;

both!(documents, aggregated, kube_finds_kinds, missing_paths, openapi_names_patch_parameters);

async fn documents(far: Far) {
    assert_eq!(far.get("/version").await.ok()["minor"], "36");
    assert_eq!(far.get("/api").await.ok()["versions"], serde_json::json!(["v1"]));
    let groups = far.get("/apis").await.ok();
    let apps = groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "apps").unwrap().clone();
    assert_eq!(apps["preferredVersion"], serde_json::json!({"groupVersion": "apps/v1", "version": "v1"}));
    let autoscaling = far.get("/apis/autoscaling").await.ok();
    assert_eq!(autoscaling["kind"], "APIGroup");
    let versions: Vec<&Value> = autoscaling["versions"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, ["v2", "v1"]);
    let core = far.get("/api/v1").await.ok();
    let find =
        |name: &str| core["resources"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned().unwrap();
    assert_eq!(find("configmaps")["shortNames"], serde_json::json!(["cm"]));
    assert_eq!(find("namespaces")["namespaced"], false);
    assert_eq!(find("pods")["categories"], serde_json::json!(["all"]));
    assert_eq!(find("namespaces/status")["verbs"], serde_json::json!(["get", "patch", "update"]));
    assert_eq!(find("replicationcontrollers/scale")["group"], "autoscaling");
}

async fn aggregated(far: Far) {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let request = Request::builder().method(Method::GET).uri("/apis").header("accept", accept);
    let response = far.client.send(request.body(Body::empty()).unwrap()).await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(content_type, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let list: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(list["apiVersion"], "apidiscovery.k8s.io/v2");
    let apps = list["items"].as_array().unwrap().iter().find(|group| group["metadata"]["name"] == "apps").unwrap();
    let resources = apps["versions"][0]["resources"].as_array().unwrap();
    let deployments = resources.iter().find(|one| one["resource"] == "deployments").unwrap();
    assert_eq!(deployments["scope"], "Namespaced");
    assert_eq!(deployments["responseKind"]["kind"], "Deployment");
    assert_eq!(deployments["singularResource"], "deployment");
}

async fn kube_finds_kinds(far: Far) {
    let discovery = kube::discovery::Discovery::new(far.client.clone()).run().await.unwrap();
    for (group, version, kind, plural) in [
        ("", "v1", "Service", "services"),
        ("apps", "v1", "Deployment", "deployments"),
        ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings"),
        ("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ] {
        let gvk = kube::core::GroupVersionKind::gvk(group, version, kind);
        let (resource, _) = discovery.resolve_gvk(&gvk).unwrap_or_else(|| panic!("{kind} is not discovered"));
        assert_eq!(resource.plural, plural);
    }
}

async fn missing_paths(far: Far) {
    let answer = far.get("/apis/apps/v1/nothing").await;
    assert_eq!(answer.status(), (404, "NotFound", "the server could not find the requested resource"));
    let answer = far.get("/apis/no.such.group/v1").await;
    assert_eq!(answer.code, 404);
    assert_eq!(answer.body, "404 page not found\n");
    let answer = far.post(&far.maps("/x"), &serde_json::json!({})).await;
    let text = "the server does not allow this method on the requested resource";
    assert_eq!(answer.status(), (405, "MethodNotAllowed", text));
}

async fn openapi_names_patch_parameters(far: Far) {
    let index = far.get("/openapi/v3").await.ok();
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap().to_owned();
    let document = far.get(&address).await.ok();
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    let names: Vec<&Value> = patch["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.iter().any(|name| *name == "fieldValidation"), "{names:?}");
    let schemas = &document["components"]["schemas"];
    let ports = &schemas["io.k8s.api.core.v1.Container"]["properties"]["ports"];
    assert_eq!(ports["x-kubernetes-list-map-keys"], serde_json::json!(["containerPort", "protocol"]));
}

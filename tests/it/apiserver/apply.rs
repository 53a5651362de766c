use serde_json::{Value, json};

use super::both;
use super::far::{APPLY, Far, config_map, deployment};

both!(
    created_then_unchanged,
    conflicts_name_their_owner,
    force_takes_over,
    a_dropped_field_goes,
    a_shared_field_stays,
    list_items_have_owners,
    the_manager_is_required,
    unfit_objects_are_refused,
    yaml_is_read,
    an_updater_is_a_manager_too,
    secrets_from_text,
);

fn managers(value: &Value) -> Vec<(String, String)> {
    let entries = value["metadata"]["managedFields"].as_array().unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries.iter().map(|entry| (text(entry, "manager"), text(entry, "operation"))).collect()
}

async fn created_then_unchanged(far: Far) {
    let path = far.deployments("/web");
    let first = far.apply(&path, "one", &deployment("web", Some(0), "i:1")).await;
    assert_eq!(first.code, 201, "{:#}", first.body);
    assert_eq!(managers(&first.body), [("one".into(), "Apply".into())]);
    assert_eq!(
        first.body["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {".": {}, "f:image": {}, "f:name": {}}}}}}})
    );
    let map = far.maps("/a");
    let first = far.apply(&map, "one", &config_map("a", &json!({"x": "1"}))).await;
    assert_eq!(first.code, 201);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let second = far.apply(&map, "one", &config_map("a", &json!({"x": "1"}))).await;
    assert_eq!((second.code, &second.body), (200, &first.body), "nothing changes, the times neither");
}

async fn conflicts_name_their_owner(far: Far) {
    let path = far.deployments("/web");
    far.apply(&path, "one", &deployment("web", Some(0), "i:1")).await.ok();
    let answer = far.apply(&path, "two", &deployment("web", Some(1), "i:1")).await;
    let text = "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas";
    assert_eq!(answer.status(), (409, "Conflict", text));
    assert_eq!(
        answer.body["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".spec.replicas"}])
    );
    let answer = far.apply(&path, "two", &deployment("web", Some(1), "i:2")).await;
    let text = "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.replicas\n- \
                .spec.template.spec.containers[name=\"main\"].image";
    assert_eq!(answer.status().2, text);
    let agreed = far.apply(&path, "two", &deployment("web", Some(0), "i:1")).await.ok();
    let two = &agreed["metadata"]["managedFields"][0];
    assert_eq!((&two["manager"], two.get("time")), (&json!("two"), None), "who changes nothing has no time");
    assert_eq!(managers(&agreed)[1], ("one".into(), "Apply".into()));
}

async fn force_takes_over(far: Far) {
    let path = far.maps("/a");
    far.apply(&path, "one", &config_map("a", &json!({"x": "1", "y": "1"}))).await.ok();
    let forced = format!("{path}?fieldManager=two&force=true");
    let value = far.patch(&forced, APPLY, &config_map("a", &json!({"x": "2"}))).await.ok();
    assert_eq!(value["data"], json!({"x": "2", "y": "1"}));
    let entries = value["metadata"]["managedFields"].as_array().unwrap();
    let of = |name: &str| entries.iter().find(|entry| entry["manager"] == name).unwrap()["fieldsV1"].clone();
    assert_eq!(of("one"), json!({"f:data": {"f:y": {}}}));
    assert_eq!(of("two"), json!({"f:data": {"f:x": {}}}));
}

async fn a_dropped_field_goes(far: Far) {
    let path = far.maps("/a");
    far.apply(&path, "one", &config_map("a", &json!({"x": "1", "y": "1"}))).await.ok();
    let value = far.apply(&path, "one", &config_map("a", &json!({"y": "1"}))).await.ok();
    assert_eq!(value["data"], json!({"y": "1"}));
    let value = far.apply(&path, "one", &json!({"apiVersion": "v1", "kind": "ConfigMap"})).await.ok();
    assert!(value.get("data").is_none(), "{value:#}");
    let path = far.deployments("/web");
    far.apply(&path, "one", &deployment("web", Some(0), "i:1")).await.ok();
    let value = far.apply(&path, "one", &deployment("web", None, "i:1")).await.ok();
    assert_eq!(value["spec"]["replicas"], 1, "the default comes back");
}

async fn a_shared_field_stays(far: Far) {
    let path = far.maps("/a");
    far.apply(&path, "one", &config_map("a", &json!({"x": "1"}))).await.ok();
    far.apply(&path, "two", &config_map("a", &json!({"x": "1"}))).await.ok();
    let value = far.apply(&path, "one", &config_map("a", &json!({"z": "1"}))).await.ok();
    assert_eq!(value["data"], json!({"x": "1", "z": "1"}));
    let value = far.apply(&path, "two", &config_map("a", &json!({"w": "1"}))).await.ok();
    assert_eq!(value["data"], json!({"w": "1", "z": "1"}));
}

async fn list_items_have_owners(far: Far) {
    let path = far.path("api/v1", "services/web");
    let service = |ports: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}});
    let (http, tls) = (json!({"name": "http", "port": 80}), json!({"name": "tls", "port": 443}));
    far.apply(&path, "one", &service(json!([http]))).await.ok();
    let both = far.apply(&path, "two", &service(json!([tls]))).await.ok();
    let ports = |value: &Value| -> Vec<i64> {
        value["spec"]["ports"].as_array().unwrap().iter().map(|port| port["port"].as_i64().unwrap()).collect()
    };
    assert_eq!(ports(&both), [80, 443]);
    let value = far.apply(&path, "one", &service(json!([{"name": "other", "port": 81}]))).await.ok();
    assert_eq!(ports(&value), [443, 81]);
}

async fn the_manager_is_required(far: Far) {
    let answer = far.patch(&far.maps("/a"), APPLY, &config_map("a", &json!({}))).await;
    let text = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
    assert_eq!(answer.status(), (422, "Invalid", text));
    let answer = far.apply(&far.maps("/a"), "m", &json!({"apiVersion": "v1", "kind": "Secret"})).await;
    assert_eq!(answer.status(), (400, "BadRequest", "invalid object type: /v1, Kind=Secret"));
    let answer = far.apply(&far.maps("/a"), "m", &json!({"apiVersion": "v1", "kind": "ConfigMap"})).await;
    let text = "the name of the object (a based on URL) was undeterminable: name must be provided";
    assert_eq!(answer.status(), (400, "BadRequest", text));
    let mut map = config_map("a", &json!({}));
    map["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    let answer = far.apply(&far.maps("/a"), "m", &map).await;
    assert_eq!(answer.status(), (400, "BadRequest", "metadata.managedFields must be nil"));
}

async fn unfit_objects_are_refused(far: Far) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "dat": {"x": "1"}});
    let answer = far.apply(&far.maps("/a"), "m", &map).await;
    let text = "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not declared in schema";
    assert_eq!(answer.status(), (500, "", text));
    let mut value = deployment("web", Some(0), "i:1");
    value["spec"]["replicas"] = json!("two");
    let answer = far.apply(&far.deployments("/web"), "m", &value).await;
    let text = "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric \
                (int or float), got string";
    assert_eq!(answer.status(), (500, "", text));
    let mut value = deployment("web", Some(0), "i:1");
    let container = value["spec"]["template"]["spec"]["containers"][0].clone();
    value["spec"]["template"]["spec"]["containers"] = json!([container, container]);
    let answer = far.apply(&far.deployments("/web"), "m", &value).await;
    let text = "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: \
                duplicate entries for key [name=\"main\"]";
    assert_eq!(answer.status(), (500, "", text));
}

async fn yaml_is_read(far: Far) {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: \"1\" # a comment\n";
    let path = far.maps("/a?fieldManager=m");
    let answer = far.call(http::Method::PATCH, &path, APPLY, text.into()).await;
    assert_eq!(answer.ok()["data"], json!({"x": "1"}));
    let answer = far.call(http::Method::PATCH, &path, APPLY, "a: [1".into()).await;
    assert_eq!(answer.status().0, 400);
    assert!(answer.status().2.starts_with("error decoding YAML"), "{}", answer.status().2);
}

async fn an_updater_is_a_manager_too(far: Far) {
    let path = far.maps("/a");
    far.post(&far.maps("?fieldManager=hand"), &config_map("a", &json!({"x": "1"}))).await.ok();
    let answer = far.apply(&path, "one", &config_map("a", &json!({"x": "2"}))).await;
    let text = "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.x";
    assert_eq!(answer.status(), (409, "Conflict", text));
    far.apply(&path, "one", &config_map("a", &json!({"y": "1"}))).await.ok();
    let changed = json!({"data": {"y": "2"}});
    let patch = format!("{path}?fieldManager=hand");
    let value = far.patch(&patch, super::far::MERGE, &changed).await.ok();
    assert_eq!(managers(&value), [("hand".into(), "Update".into())]);
}

async fn secrets_from_text(far: Far) {
    let path = far.path("api/v1", "secrets/s");
    let secret = |text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": text}});
    let first = far.apply(&path, "one", &secret("b")).await.ok();
    assert_eq!(first["data"], json!({"a": "Yg=="}));
    assert_eq!(first["type"], "Opaque");
    assert!(first.get("stringData").is_none());
    let second = far.apply(&path, "one", &secret("b")).await.ok();
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(far.apply(&path, "one", &secret("c")).await.ok()["data"], json!({"a": "Yw=="}));
}

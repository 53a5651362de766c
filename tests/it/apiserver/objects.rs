use serde_json::{Value, json};

use super::both;
use super::far::{Far, config_map, deployment};

both!(
    create_get_list,
    selectors,
    pages,
    refusals_have_their_status,
    a_stale_update_conflicts,
    a_dry_run_keeps_nothing,
    names_are_generated,
    generation_counts_the_spec,
    deletion_preconditions,
    finalizers_hold_an_object,
    a_collection_is_deleted,
    status_is_written_apart,
    tables_and_metadata,
);

async fn create_get_list(far: Far) {
    let created = far.post(&far.maps(""), &config_map("a", &json!({"x": "1"}))).await;
    assert_eq!(created.code, 201);
    let created = created.ok();
    let metadata = &created["metadata"];
    assert_eq!(metadata["namespace"], far.namespace);
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert!(metadata["creationTimestamp"].as_str().unwrap().ends_with('Z'));
    assert!(metadata.get("generation").is_none());
    let entry = &metadata["managedFields"][0];
    assert_eq!((entry["manager"].as_str(), entry["operation"].as_str()), (Some("suite"), Some("Update")));
    assert_eq!(entry["fieldsV1"], json!({"f:data": {".": {}, "f:x": {}}}));
    assert_eq!(far.get(&far.maps("/a")).await.ok(), created);
    let list = far.get(&far.maps("?fieldSelector=metadata.name=a")).await.ok();
    assert_eq!((list["kind"].as_str(), list["apiVersion"].as_str()), (Some("ConfigMapList"), Some("v1")));
    assert_eq!(list["items"][0]["metadata"]["uid"], created["metadata"]["uid"]);
    assert!(list["items"][0].get("kind").is_none());
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

async fn selectors(far: Far) {
    for (name, tier) in [("a", "front"), ("b", "back"), ("c", "")] {
        let mut map = config_map(name, &json!({}));
        map["metadata"]["labels"] =
            if tier.is_empty() { json!({"set": "1"}) } else { json!({"set": "1", "tier": tier}) };
        far.post(&far.maps(""), &map).await.ok();
    }
    for (selector, expected) in [
        ("set%3D1", vec!["a", "b", "c"]),
        ("tier%3Dfront", vec!["a"]),
        ("set%3D1,tier!%3Dfront", vec!["b", "c"]),
        ("tier%20in%20(front,back)", vec!["a", "b"]),
        ("set,tier%20notin%20(back)", vec!["a", "c"]),
        ("set,!tier", vec!["c"]),
    ] {
        let list = far.get(&far.maps(&format!("?labelSelector={selector}"))).await.ok();
        assert_eq!(names(&list), expected, "{selector}");
    }
    let list = far.get(&far.maps("?fieldSelector=metadata.name%3Db")).await.ok();
    assert_eq!(names(&list), ["b"]);
    let answer = far.get(&far.maps("?fieldSelector=spec.x%3Db")).await;
    let text = "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
    assert_eq!(answer.status(), (400, "BadRequest", text));
    let answer = far.get(&far.path("api/v1", "pods?fieldSelector=spec.x%3Db")).await;
    assert_eq!(answer.status(), (400, "BadRequest", "field label not supported: spec.x"));
}

async fn pages(far: Far) {
    for name in ["a", "b", "c", "d", "e"] {
        let mut map = config_map(name, &json!({}));
        map["metadata"]["labels"] = json!({"page": "1"});
        far.post(&far.maps(""), &map).await.ok();
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let list = far.get(&far.maps(&format!("?limit=2&labelSelector=page%3D1&continue={token}"))).await.ok();
        seen.extend(names(&list).into_iter().map(str::to_owned));
        list["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    assert_eq!(far.get(&far.maps("?limit=1&continue=zzz")).await.status().0, 400);
}

async fn refusals_have_their_status(far: Far) {
    let answer = far.get(&far.maps("/none")).await;
    assert_eq!(answer.status(), (404, "NotFound", "configmaps \"none\" not found"));
    assert_eq!(answer.body["details"], json!({"name": "none", "kind": "configmaps"}));
    let answer = far.get(&far.deployments("/none")).await;
    assert_eq!(answer.status(), (404, "NotFound", "deployments.apps \"none\" not found"));
    assert_eq!(answer.body["details"], json!({"name": "none", "group": "apps", "kind": "deployments"}));
    far.post(&far.maps(""), &config_map("a", &json!({}))).await.ok();
    let answer = far.post(&far.maps(""), &config_map("a", &json!({}))).await;
    assert_eq!(answer.status(), (409, "AlreadyExists", "configmaps \"a\" already exists"));
    let answer = far.put(&far.maps("/b"), &config_map("a", &json!({}))).await;
    let text = "the name of the object (a) does not match the name on the URL (b)";
    assert_eq!(answer.status(), (400, "BadRequest", text));
    let answer = far.put(&far.maps("/zz"), &config_map("zz", &json!({}))).await;
    assert_eq!(answer.status(), (404, "NotFound", "configmaps \"zz\" not found"));
    let answer = far.post("/api/v1/namespaces/no-such-namespace/configmaps", &config_map("a", &json!({}))).await;
    assert_eq!(answer.status(), (404, "NotFound", "namespaces \"no-such-namespace\" not found"));
    let mut elsewhere = config_map("c", &json!({}));
    elsewhere["metadata"]["namespace"] = json!("elsewhere");
    let text = "the namespace of the provided object does not match the namespace sent on the request";
    assert_eq!(far.post(&far.maps(""), &elsewhere).await.status(), (400, "BadRequest", text));
    let answer = far.delete("/api/v1/namespaces/default").await;
    let text = "namespaces \"default\" is forbidden: this namespace may not be deleted";
    assert_eq!(answer.status(), (403, "Forbidden", text));
}

async fn a_stale_update_conflicts(far: Far) {
    let mut map = far.post(&far.maps(""), &config_map("a", &json!({"x": "1"}))).await.ok();
    map["data"]["x"] = json!("2");
    let second = far.put(&far.maps("/a"), &map).await.ok();
    assert_ne!(second["metadata"]["resourceVersion"], map["metadata"]["resourceVersion"]);
    map["data"]["x"] = json!("3");
    let answer = far.put(&far.maps("/a"), &map).await;
    let text = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your \
                changes to the latest version and try again";
    assert_eq!(answer.status(), (409, "Conflict", text));
    let same = far.put(&far.maps("/a"), &second).await.ok();
    assert_eq!(same, second, "a write of the same content changes nothing");
    let mut foreign = second.clone();
    foreign["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    assert_eq!(far.put(&far.maps("/a"), &foreign).await.status().1, "Conflict");
}

async fn a_dry_run_keeps_nothing(far: Far) {
    let answer = far.post(&far.maps("?dryRun=All"), &config_map("a", &json!({}))).await;
    assert_eq!(answer.code, 201);
    assert!(answer.body["metadata"]["uid"].is_string());
    assert_eq!(far.get(&far.maps("/a")).await.code, 404);
    let kept = far.post(&far.maps(""), &config_map("a", &json!({"x": "1"}))).await.ok();
    let changed = far.put(&far.maps("/a?dryRun=All"), &config_map("a", &json!({"x": "2"}))).await.ok();
    assert_eq!(changed["data"]["x"], "2");
    let applied = config_map("a", &json!({"y": "2"}));
    let path = far.maps("/a?dryRun=All&fieldManager=m");
    assert_eq!(far.patch(&path, super::far::APPLY, &applied).await.ok()["data"], json!({"x": "1", "y": "2"}));
    far.delete(&far.maps("/a?dryRun=All")).await.ok();
    assert_eq!(far.get(&far.maps("/a")).await.ok(), kept);
    let answer = far.post(&far.maps("?dryRun=Some"), &config_map("b", &json!({}))).await;
    let text =
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"";
    assert_eq!(answer.status(), (422, "Invalid", text));
}

async fn names_are_generated(far: Far) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}});
    let name = far.post(&far.maps(""), &map).await.ok()["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("made-") && name.len() == 10, "{name}");
    assert_eq!(far.get(&far.maps(&format!("/{name}"))).await.code, 200);
}

async fn generation_counts_the_spec(far: Far) {
    let first = far.post(&far.deployments(""), &deployment("web", Some(0), "i:1")).await.ok();
    assert_eq!(first["metadata"]["generation"], 1);
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    let path = far.deployments("/web");
    assert_eq!(far.patch(&path, super::far::MERGE, &labelled).await.ok()["metadata"]["generation"], 1);
    let changed = json!({"spec": {"minReadySeconds": 1}});
    assert_eq!(far.patch(&path, super::far::MERGE, &changed).await.ok()["metadata"]["generation"], 2);
}

async fn deletion_preconditions(far: Far) {
    let map = far.post(&far.maps(""), &config_map("a", &json!({}))).await.ok();
    let options =
        |preconditions: Value| json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions});
    let answer = far.delete_with(&far.maps("/a"), &options(json!({"uid": "abc"}))).await;
    let uid = map["metadata"]["uid"].as_str().unwrap();
    let text = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (abc) does not match the UID in \
         record ({uid}). The object might have been deleted and then recreated"
    );
    assert_eq!(answer.status(), (409, "Conflict", text.as_str()));
    let answer = far.delete_with(&far.maps("/a"), &options(json!({"resourceVersion": "1"}))).await;
    assert_eq!(answer.status().1, "Conflict");
    let done = far.delete_with(&far.maps("/a"), &options(json!({"uid": uid}))).await.ok();
    assert_eq!(done["status"], "Success");
    assert_eq!(done["details"], json!({"name": "a", "kind": "configmaps", "uid": uid}));
    assert_eq!(far.delete(&far.maps("/a")).await.status().0, 404);
}

async fn finalizers_hold_an_object(far: Far) {
    let mut map = config_map("a", &json!({}));
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    far.post(&far.maps(""), &map).await.ok();
    let pending = far.delete(&far.maps("/a")).await.ok();
    assert!(pending["metadata"]["deletionTimestamp"].is_string());
    assert!(far.get(&far.maps("/a")).await.ok()["metadata"]["deletionTimestamp"].is_string());
    let freed = json!({"metadata": {"finalizers": null}});
    far.patch(&far.maps("/a"), super::far::MERGE, &freed).await.ok();
    assert_eq!(far.get(&far.maps("/a")).await.code, 404);
}

async fn a_collection_is_deleted(far: Far) {
    for (name, label) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut map = config_map(name, &json!({}));
        map["metadata"]["labels"] = json!({"of": label});
        far.post(&far.maps(""), &map).await.ok();
    }
    far.delete(&far.maps("?labelSelector=of%3Dx")).await.ok();
    assert_eq!(names(&far.get(&far.maps("?labelSelector=of")).await.ok()), ["c"]);
}

async fn status_is_written_apart(far: Far) {
    let path = far.path("api/v1", "services");
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    let created = far.post(&path, &service).await.ok();
    assert_eq!(created["status"], json!({"loadBalancer": {}}));
    service["spec"] = created["spec"].clone();
    service["spec"]["sessionAffinity"] = json!("ClientIP");
    service["status"]["conditions"] = json!([{"type": "X", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    service["status"]["loadBalancer"] = json!({});
    let written = far.put(&format!("{path}/web/status"), &service).await.ok();
    assert_eq!(written["spec"]["sessionAffinity"], "None");
    assert_eq!(written["status"]["conditions"][0]["type"], "X");
    let entries = written["metadata"]["managedFields"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["subresource"] == "status"), "{entries:#?}");
}

async fn tables_and_metadata(far: Far) {
    use http_body_util::BodyExt;
    far.post(&far.maps(""), &config_map("a", &json!({"x": "1", "y": "2"}))).await.ok();
    let show = |accept: &'static str| {
        let (client, path) = (far.client.clone(), far.maps("?fieldSelector=metadata.name%3Da"));
        async move {
            let request = http::Request::builder().uri(path).header("accept", accept);
            let response = client.send(request.body(kube::client::Body::empty()).unwrap()).await.unwrap();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice::<Value>(&bytes).unwrap()
        }
    };
    let table = show("application/json;as=Table;v=v1;g=meta.k8s.io,application/json").await;
    assert_eq!((table["kind"].as_str(), table["apiVersion"].as_str()), (Some("Table"), Some("meta.k8s.io/v1")));
    let columns: Vec<&Value> = table["columnDefinitions"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(columns, ["Name", "Data", "Age"]);
    assert_eq!(table["rows"][0]["cells"].as_array().unwrap()[..2], [json!("a"), json!(2)]);
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let partial = show("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").await;
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert_eq!(partial["items"][0]["metadata"]["name"], "a");
    assert!(partial["items"][0].get("data").is_none());
}

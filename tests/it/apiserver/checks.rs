use serde_json::{Value, json};

use super::both;
use super::far::{Far, MERGE, config_map, deployment};

both!(names, types, workloads, services, fixed_fields, unknown_fields, defaults, reviews);

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

#[track_caller]
fn invalid(answer: &super::far::Answer, message: &str) {
    assert_eq!(answer.status(), (422, "Invalid", message));
    assert!(!answer.body["details"]["causes"].as_array().unwrap().is_empty());
}

async fn names(far: Far) {
    let answer = far.post(&far.maps(""), &config_map("Bad_Name", &json!({}))).await;
    invalid(
        &answer,
        &format!("ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": {SUBDOMAIN}"),
    );
    assert_eq!(answer.body["details"]["kind"], "ConfigMap");
    assert_eq!(answer.body["details"]["causes"][0]["reason"], "FieldValueInvalid");
    assert_eq!(answer.body["details"]["causes"][0]["field"], "metadata.name");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}});
    let answer = far.post("/api/v1/namespaces", &namespace).await;
    invalid(&answer, "Namespace \"a.b\" is invalid: metadata.name: Invalid value: \"a.b\": must not contain dots");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Ab"}});
    let answer = far.post("/api/v1/namespaces", &namespace).await;
    invalid(&answer, &format!("Namespace \"Ab\" is invalid: metadata.name: Invalid value: \"Ab\": {LABEL}"));
    let answer = far.post(&far.maps(""), &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})).await;
    invalid(&answer, "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required");
    let answer = far.post(&far.maps(""), &config_map("a", &json!({"a b": "x"}))).await;
    invalid(
        &answer,
        "ConfigMap \"a\" is invalid: data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric \
         characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
         '[-._a-zA-Z0-9]+')",
    );
    let mut labelled = config_map("a", &json!({}));
    labelled["metadata"]["labels"] = json!({"a": "x y"});
    assert!(far.post(&far.maps(""), &labelled).await.status().2.contains("metadata.labels: Invalid value: \"x y\""));
}

async fn types(far: Far) {
    let answer = far.post(&far.maps(""), &config_map("a", &json!({"x": 1}))).await;
    let text = "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go \
                struct field ConfigMap.data of type string";
    assert_eq!(answer.status(), (400, "BadRequest", text));
    let mut value = deployment("web", None, "i:1");
    value["spec"]["replicas"] = json!("two");
    let text = "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go \
                struct field DeploymentSpec.spec.replicas of type int32";
    assert_eq!(far.post(&far.deployments(""), &value).await.status(), (400, "BadRequest", text));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "***"}});
    let text = "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 0";
    assert_eq!(far.post(&far.path("api/v1", "secrets"), &secret).await.status(), (400, "BadRequest", text));
}

async fn workloads(far: Far) {
    let path = far.deployments("");
    let empty = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {}});
    invalid(
        &far.post(&path, &empty).await,
        "Deployment.apps \"d\" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: \
         null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]",
    );
    let mut other = deployment("d", Some(0), "i:1");
    other["spec"]["template"]["metadata"]["labels"] = json!({"app": "z"});
    invalid(
        &far.post(&path, &other).await,
        "Deployment.apps \"d\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"z\"}: `selector` does \
         not match template `labels`",
    );
    let mut imageless = deployment("d", Some(-1), "");
    imageless["spec"]["template"]["spec"]["containers"][0] = json!({"name": "main"});
    invalid(
        &far.post(&path, &imageless).await,
        "Deployment.apps \"d\" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, \
         spec.template.spec.containers[0].image: Required value]",
    );
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}});
    invalid(
        &far.post(&far.path("apis/batch/v1", "jobs"), &job).await,
        "Job.batch \"j\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
    );
}

async fn services(far: Far) {
    let path = far.path("api/v1", "services");
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec});
    invalid(&far.post(&path, &service(json!({}))).await, "Service \"s\" is invalid: spec.ports: Required value");
    invalid(
        &far.post(&path, &service(json!({"ports": [{"port": 80}, {"port": 81}]}))).await,
        "Service \"s\" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]",
    );
    invalid(
        &far.post(&path, &service(json!({"ports": [{"port": 0}]}))).await,
        "Service \"s\" is invalid: [spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, \
         spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]",
    );
    let created = far.post(&path, &service(json!({"ports": [{"port": 80}]}))).await.ok();
    assert!(created["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96."));
    assert_eq!(created["spec"]["type"], "ClusterIP");
    assert_eq!(created["spec"]["ports"], json!([{"protocol": "TCP", "port": 80, "targetPort": 80}]));
    let moved = json!({"spec": {"clusterIP": "10.96.200.1", "clusterIPs": ["10.96.200.1"]}});
    invalid(
        &far.patch(&format!("{path}/s"), MERGE, &moved).await,
        "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.200.1\"]: may not change once set",
    );
}

async fn fixed_fields(far: Far) {
    far.post(&far.deployments(""), &deployment("web", Some(0), "i:1")).await.ok();
    let mut other = deployment("web", Some(0), "i:1");
    other["spec"]["selector"]["matchLabels"] = json!({"app": "z"});
    other["spec"]["template"]["metadata"]["labels"] = json!({"app": "z"});
    invalid(
        &far.put(&far.deployments("/web"), &other).await,
        "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"z\"}}: field is immutable",
    );
    let mut map = config_map("a", &json!({"x": "1"}));
    map["immutable"] = json!(true);
    far.post(&far.maps(""), &map).await.ok();
    invalid(
        &far.patch(&far.maps("/a"), MERGE, &json!({"data": {"x": "2"}})).await,
        "ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    );
    let path = far.path("apis/rbac.authorization.k8s.io/v1", "rolebindings");
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}});
    far.post(&path, &binding).await.ok();
    invalid(
        &far.patch(&format!("{path}/b"), MERGE, &json!({"roleRef": {"name": "edit"}})).await,
        "RoleBinding.rbac.authorization.k8s.io \"b\" is invalid: roleRef: Invalid value: \
         {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"ClusterRole\",\"Name\":\"edit\"}: cannot change roleRef",
    );
}

async fn unknown_fields(far: Far) {
    let mut value = deployment("web", Some(0), "i:1");
    value["spec"]["foo"] = json!(1);
    let answer = far.post(&far.deployments("?fieldValidation=Strict"), &value).await;
    let text = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.foo\"";
    assert_eq!(answer.status(), (400, "BadRequest", text));
    assert!(far.post(&far.deployments(""), &value).await.ok()["spec"].get("foo").is_none());
    let answer = far.patch(&far.deployments("/web?fieldValidation=Strict"), MERGE, &json!({"spec": {"foo": 1}})).await;
    let (code, reason, text) = answer.status();
    assert_eq!((code, reason), (422, "Invalid"));
    assert!(text.starts_with(" \"\" is invalid: patch: Invalid value: "), "{text}");
    assert!(text.ends_with(": strict decoding error: unknown field \"spec.foo\""), "{text}");
}

async fn defaults(far: Far) {
    let created = far.post(&far.deployments(""), &deployment("web", Some(0), "i:1")).await.ok();
    assert_eq!(
        created["spec"],
        json!({"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                "containers": [{"name": "main", "image": "i:1", "resources": {}, "imagePullPolicy": "IfNotPresent",
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "securityContext": {}, "schedulerName": "default-scheduler"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    );
    let mut set = deployment("set", Some(0), "i:1");
    set["kind"] = json!("StatefulSet");
    let created = far.post(&far.path("apis/apps/v1", "statefulsets"), &set).await.ok();
    let rest = |value: &Value| {
        let mut spec = value["spec"].as_object().unwrap().clone();
        spec.retain(|key, _| key != "template" && key != "selector");
        Value::Object(spec)
    };
    let mut expected = json!({"replicas": 0, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}});
    if created["spec"].get("serviceName").is_some() {
        expected["serviceName"] = json!("");
    }
    assert_eq!(rest(&created), expected);
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}});
    let created = far.post(&far.path("apis/networking.k8s.io/v1", "networkpolicies"), &policy).await.ok();
    assert_eq!(
        created["spec"],
        json!({"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP", "port": 80}]}], "policyTypes": ["Ingress"]})
    );
}

async fn reviews(far: Far) {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": far.namespace}}});
    let answer = far.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
    assert_eq!(answer.code, 201);
    assert_eq!(answer.ok()["status"]["allowed"], true);
}

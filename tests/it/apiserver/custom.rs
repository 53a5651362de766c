use serde_json::{Value, json};

use super::both;
use super::far::{Far, MERGE};

both!(
    a_definition_is_established,
    objects_follow_their_schema,
    versions_show_the_same_object,
    status_is_a_subresource,
    lists_merge_by_their_keys,
    a_deleted_definition_takes_its_objects,
);

/// A definition of this test's own group.
struct Definition<'a> {
    far: &'a Far,
    group: String,
}

impl<'a> Definition<'a> {
    async fn new(far: &'a Far) -> Definition<'a> {
        let group = format!("{}.example.com", far.namespace);
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "mode": {"type": "string", "enum": ["on", "off"], "default": "on"},
                "host": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
                "port": {"x-kubernetes-int-or-string": true},
                "at": {"type": "string", "format": "date-time"},
                "one": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "rules": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "to": {"type": "string"}}}},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
            }},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
        let version = |name: &str, storage: bool| {
            json!({"name": name, "served": true, "storage": storage,
            "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]})
        };
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("things.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing", "shortNames": ["th"]},
                "versions": [version("v1", true), version("v1beta1", false)]}});
        let created = far.post(CRDS, &definition).await.ok();
        assert_eq!(created["spec"]["names"]["singular"], "thing");
        assert_eq!(created["spec"]["names"]["listKind"], "ThingList");
        assert_eq!(created["spec"]["conversion"], json!({"strategy": "None"}));
        Definition { far, group }
    }

    fn path(&self) -> String {
        format!("{CRDS}/things.{}", self.group)
    }

    async fn established(self) -> Definition<'a> {
        let far = self.far;
        far.until(&self.path(), |answer| {
            let conditions = answer.body["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True")
        })
        .await;
        far.until(&self.things("v1", ""), |answer| answer.code == 200).await;
        self
    }

    fn things(&self, version: &str, rest: &str) -> String {
        self.far.path(&format!("apis/{}/{version}", self.group), &format!("things{rest}"))
    }

    fn thing(&self, name: &str, spec: &Value) -> Value {
        json!({"apiVersion": format!("{}/v1", self.group), "kind": "Thing", "metadata": {"name": name}, "spec": spec})
    }

    async fn gone(self) {
        self.far.delete(&self.path()).await.ok();
        self.far.until(&self.path(), |answer| answer.code == 404).await;
    }
}

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

async fn a_definition_is_established(far: Far) {
    let definition = Definition::new(&far).await;
    let group = definition.group.clone();
    let definition = definition.established().await;
    let value = far.get(&definition.path()).await.ok();
    assert_eq!(value["status"]["acceptedNames"]["kind"], "Thing");
    assert_eq!(value["status"]["storedVersions"], json!(["v1"]));
    let conditions: Vec<(&str, &str)> = value["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["type"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect();
    assert!(conditions.contains(&("NamesAccepted", "True")) && conditions.contains(&("Established", "True")));
    let found = far.until(&format!("/apis/{group}/v1"), |answer| answer.code == 200).await.ok();
    assert_eq!(found["resources"][0]["name"], "things");
    assert_eq!(found["resources"][0]["shortNames"], json!(["th"]));
    far.until(&format!("/apis/{group}"), |answer| {
        answer.body["versions"].as_array().is_some_and(|versions| versions.len() == 2)
    })
    .await;
    definition.gone().await;
}

async fn objects_follow_their_schema(far: Far) {
    let definition = Definition::new(&far).await.established().await;
    let path = definition.things("v1", "");
    let kind = format!("Thing.{}", definition.group);
    let created =
        far.post(&path, &definition.thing("a", &json!({"size": 1, "typo": 2, "free": {"any": 1}}))).await.ok();
    assert_eq!(created["spec"], json!({"size": 1, "free": {"any": 1}, "mode": "on"}));
    assert_eq!(created["metadata"]["generation"], 1);
    for (spec, fault) in [
        (json!({}), "spec.size: Required value".to_owned()),
        (json!({"size": "x"}), "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"".to_owned()),
        (json!({"size": 0}), "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1".to_owned()),
        (json!({"size": 10}), "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9".to_owned()),
        (json!({"size": 1, "mode": "x"}), "spec.mode: Unsupported value: \"x\": supported values: \"on\", \"off\"".to_owned()),
        (json!({"size": 1, "host": "A"}), "spec.host: Invalid value: \"A\": spec.host in body should match '^[a-z]+$'".to_owned()),
        (json!({"size": 1, "host": "abcdef"}), "spec.host: Too long: may not be more than 5 bytes".to_owned()),
        (json!({"size": 1, "rules": [{"to": "x"}]}), "spec.rules[0].name: Required value".to_owned()),
        (
            json!({"size": 1, "rules": [{"name": "a"}, {"name": "a"}]}),
            "spec.rules[1]: Duplicate value: {\"name\":\"a\"}".to_owned(),
        ),
        (json!({"size": 1, "at": "x"}), "spec.at: Invalid value: \"x\": spec.at in body must be of type date-time: \"x\"".to_owned()),
        (
            json!({"size": 1, "one": {}}),
            "[<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid, \
             spec.one.a: Required value]"
                .to_owned(),
        ),
        (json!({"size": 1, "tags": ["a", "a"]}), "spec.tags[1]: Duplicate value: \"a\"".to_owned()),
    ] {
        let answer = far.post(&path, &definition.thing("b", &spec)).await;
        assert_eq!(answer.status(), (422, "Invalid", format!("{kind} \"b\" is invalid: {fault}").as_str()), "{spec}");
    }
    let twice = far.post(&path, &definition.thing("b", &json!({"size": "x", "host": 1}))).await;
    let causes = twice.body["details"]["causes"].as_array().unwrap().clone();
    let mut fields: Vec<&str> = causes.iter().map(|cause| cause["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!((twice.code, fields), (422, vec!["spec.host", "spec.size"]), "the real server gives them in any order");
    let strict = far
        .post(&format!("{path}?fieldValidation=Strict"), &definition.thing("c", &json!({"size": 1, "typo": 1})))
        .await;
    let text =
        "Thing in version \"v1\" cannot be handled as a Thing: strict decoding error: unknown field \"spec.typo\"";
    assert_eq!(strict.status(), (400, "BadRequest", text));
    let mut stranger = definition.thing("e", &json!({"size": null}));
    stranger["apiVersion"] = json!("v1");
    let text =
        format!("the API version in the data (v1) does not match the expected API version ({}/v1)", definition.group);
    assert_eq!(far.post(&path, &stranger).await.status(), (400, "BadRequest", text.as_str()));
    let nulls = far.post(&path, &definition.thing("f", &json!({"size": 1, "host": null}))).await.ok();
    assert_eq!(nulls["spec"], json!({"size": 1, "mode": "on"}));
    let unfit = far.apply(&format!("{path}/d"), "m", &definition.thing("d", &json!({"size": 1, "typo": 1}))).await;
    let text = format!(
        "failed to create typed patch object ({}/d; {}/v1, Kind=Thing): .spec.typo: field not declared in schema",
        "", definition.group
    );
    assert_eq!(unfit.status(), (500, "", text.as_str()));
    definition.gone().await;
}

async fn versions_show_the_same_object(far: Far) {
    let definition = Definition::new(&far).await.established().await;
    let first = far.apply(&definition.things("v1", "/a"), "m", &definition.thing("a", &json!({"size": 1}))).await.ok();
    let other = far.get(&definition.things("v1beta1", "/a")).await.ok();
    assert_eq!(other["apiVersion"], format!("{}/v1beta1", definition.group));
    assert_eq!(other["metadata"]["uid"], first["metadata"]["uid"]);
    assert_eq!(other["spec"], first["spec"]);
    let again = far.apply(&definition.things("v1", "/a"), "m", &definition.thing("a", &json!({"size": 1}))).await;
    assert_eq!((again.code, &again.body), (200, &first));
    definition.gone().await;
}

async fn status_is_a_subresource(far: Far) {
    let definition = Definition::new(&far).await.established().await;
    let path = definition.things("v1", "/a");
    let mut thing = definition.thing("a", &json!({"size": 1}));
    thing["status"] = json!({"ready": true});
    let created = far.apply(&path, "m", &thing).await.ok();
    assert!(created.get("status").is_none(), "{created:#}");
    let value = far
        .patch(&format!("{path}/status"), MERGE, &json!({"status": {"ready": true}, "spec": {"size": 5}}))
        .await
        .ok();
    assert_eq!((&value["status"], &value["spec"]["size"]), (&json!({"ready": true}), &json!(1)));
    assert_eq!(value["metadata"]["generation"], 1);
    let value = far.patch(&path, MERGE, &json!({"status": null, "spec": {"size": 2}})).await.ok();
    assert_eq!((&value["status"], &value["metadata"]["generation"]), (&json!({"ready": true}), &json!(2)));
    definition.gone().await;
}

async fn lists_merge_by_their_keys(far: Far) {
    let definition = Definition::new(&far).await.established().await;
    let path = definition.things("v1", "/a");
    let one = json!({"size": 1, "rules": [{"name": "a", "to": "1"}], "tags": ["x"]});
    far.apply(&path, "one", &definition.thing("a", &one)).await.ok();
    let two = json!({"size": 1, "rules": [{"name": "b", "to": "2"}], "tags": ["y"]});
    let value = far.apply(&path, "two", &definition.thing("a", &two)).await.ok();
    assert_eq!(value["spec"]["rules"], json!([{"name": "a", "to": "1"}, {"name": "b", "to": "2"}]));
    assert_eq!(value["spec"]["tags"], json!(["x", "y"]));
    let answer =
        far.apply(&path, "two", &definition.thing("a", &json!({"size": 1, "rules": [{"name": "a", "to": "3"}]}))).await;
    let text = "Apply failed with 1 conflict: conflict with \"one\": .spec.rules[name=\"a\"].to";
    assert_eq!(answer.status(), (409, "Conflict", text));
    let value = far.apply(&path, "two", &definition.thing("a", &json!({"size": 1}))).await.ok();
    assert_eq!(value["spec"]["rules"], json!([{"name": "a", "to": "1"}]));
    assert_eq!(value["spec"]["tags"], json!(["x"]));
    definition.gone().await;
}

async fn a_deleted_definition_takes_its_objects(far: Far) {
    let definition = Definition::new(&far).await.established().await;
    let (path, group) = (definition.things("v1", ""), definition.group.clone());
    far.post(&path, &definition.thing("a", &json!({"size": 1}))).await.ok();
    definition.gone().await;
    far.until(&path, |answer| answer.code == 404).await;
    far.until(&format!("/apis/{group}/v1"), |answer| answer.code == 404).await;
}

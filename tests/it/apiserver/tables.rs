//! The practice cluster's tables of kinds and fields are those of the real API server.
//!
//! With `MESHERY_WRITE_DOCS=1` the table of fields is written anew from the real server's document instead.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::far::Far;

const PREFIXES: &[&str] = &[
    "io.k8s.api.",
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apimachinery.pkg.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
];

const SPECIAL: &[(&str, &str)] = &[
    ("util.intstr.IntOrString", "int-or-string"),
    ("api.resource.Quantity", "quantity"),
    ("meta.v1.Time", "time"),
    ("meta.v1.MicroTime", "time"),
    ("meta.v1.FieldsV1", "any"),
    ("runtime.RawExtension", "any"),
    ("apiextensions.v1.JSON", "any-atomic"),
    ("apiextensions.v1.JSONSchemaPropsOrBool", "any-atomic"),
    ("apiextensions.v1.JSONSchemaPropsOrArray", "any-atomic"),
    ("apiextensions.v1.JSONSchemaPropsOrStringArray", "any-atomic"),
];

fn short(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Reads the types that the named ones reach out of an OpenAPI document.
struct Reader<'a> {
    definitions: &'a Value,
    seen: BTreeSet<&'a str>,
    queue: VecDeque<&'a str>,
}

impl<'a> Reader<'a> {
    fn want(&mut self, name: &'a str) {
        if self.seen.insert(name) {
            self.queue.push_back(name);
        }
    }

    fn shape(&mut self, schema: &'a Value) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            if let Some((_, word)) = SPECIAL.iter().find(|(special, _)| *special == short(name)) {
                return (*word).to_owned();
            }
            if self.definitions[name].get("properties").is_none() {
                return self.shape(&self.definitions[name]);
            }
            self.want(name);
            return short(name).to_owned();
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("array"), _) => {
                let item = self.shape(&schema["items"]);
                match schema["x-kubernetes-list-type"].as_str() {
                    Some("set") => format!("[{item}]:set"),
                    Some("map") => {
                        let keys = schema["x-kubernetes-list-map-keys"].as_array().unwrap();
                        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
                        format!("[{item}]:map({})", keys.join(","))
                    }
                    _ => format!("[{item}]"),
                }
            }
            (Some("object"), _) if schema.get("additionalProperties").is_some() => {
                let value = self.shape(&schema["additionalProperties"]);
                format!("{{{value}}}")
            }
            (Some("string"), Some("byte")) => "bytes".to_owned(),
            (Some("string"), Some("date-time")) => "time".to_owned(),
            (Some("string"), _) => "string".to_owned(),
            (Some("integer"), format) => format.unwrap_or("int64").to_owned(),
            (Some("number"), _) => "number".to_owned(),
            (Some("boolean"), _) => "bool".to_owned(),
            _ => "any".to_owned(),
        }
    }

    fn field(&mut self, name: &str, schema: &'a Value, required: bool) -> String {
        let mut line = format!(" {name}{} {}", if required { "!" } else { "" }, self.shape(schema));
        if schema["x-kubernetes-map-type"] == "atomic" {
            line.push_str(":atomic");
        }
        let strategy = schema["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
        if let Some(key) = schema["x-kubernetes-patch-merge-key"].as_str() {
            line = format!("{line} merge={key}");
        } else if strategy.contains("merge") {
            line.push_str(" merge");
        }
        if strategy.contains("retainKeys") {
            line.push_str(" retain");
        }
        line
    }

    fn all(mut self) -> BTreeMap<String, String> {
        let mut types = BTreeMap::new();
        while let Some(name) = self.queue.pop_front() {
            let definition = &self.definitions[name];
            let atomic = definition["x-kubernetes-map-type"] == "atomic";
            let mut lines = vec![format!("{}{}", short(name), if atomic { " atomic" } else { "" })];
            let required: Vec<&Value> = definition["required"].as_array().into_iter().flatten().collect();
            let fields: BTreeMap<&String, &Value> = definition["properties"].as_object().unwrap().iter().collect();
            for (field, schema) in fields {
                lines.push(self.field(field, schema, required.iter().any(|one| *one == field)));
            }
            types.insert(short(name).to_owned(), lines.join("\n"));
        }
        types
    }
}

/// The table's text after its head.
fn body(table: &str) -> String {
    table.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
#[ignore = "needs the kit: tests/kit/up.sh api"]
async fn the_fields_are_those_of_the_real_server() {
    let far = Far::real().await;
    let document = far.get("/openapi/v2").await.ok();
    let kinds = include_str!("../../../src/pattern/schema/kinds.txt");
    let definitions = &document["definitions"];
    let mut reader = Reader { definitions, seen: BTreeSet::new(), queue: VecDeque::new() };
    let wanted: BTreeSet<&str> = body_lines(kinds).filter_map(|line| line.split(' ').nth(7)).collect();
    for name in definitions.as_object().unwrap().keys().filter(|name| wanted.contains(short(name))) {
        reader.want(name);
    }
    let real = reader.all().into_values().collect::<Vec<_>>().join("\n");
    let ours = body(include_str!("../../../src/pattern/schema/types.txt"));
    if mesheryctl::base::env::is_set("MESHERY_WRITE_DOCS") {
        let head = include_str!("../../../src/pattern/schema/types.txt").lines().filter(|line| line.starts_with('#'));
        let text = format!("{}\n{real}\n", head.collect::<Vec<_>>().join("\n"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pattern/schema/types.txt");
        std::fs::write(path, text).unwrap();
        return;
    }
    let difference: Vec<&str> = real.lines().filter(|line| !ours.contains(*line)).collect();
    assert!(real == ours, "types.txt differs from the real server's; lines it lacks: {difference:#?}");
}

fn body_lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

#[tokio::test]
#[ignore = "needs the kit: tests/kit/up.sh api"]
async fn the_kinds_are_those_of_the_real_server() {
    let far = Far::real().await;
    for line in body_lines(include_str!("../../../src/pattern/schema/kinds.txt")) {
        let words: Vec<&str> = line.split(' ').collect();
        let root =
            if words[0] == "-" { format!("/api/{}", words[1]) } else { format!("/apis/{}/{}", words[0], words[1]) };
        let resources = far.get(&root).await.ok()["resources"].clone();
        let find = |name: &str| resources.as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
        let real = find(words[3]).unwrap_or_else(|| panic!("the real server has no {line}"));
        assert_eq!(real["kind"], words[2], "{line}");
        assert_eq!(real["singularName"], words[4], "{line}");
        assert_eq!(real["namespaced"], words[5] == "namespaced", "{line}");
        let initial = |verb: &Value| match verb.as_str().unwrap() {
            "deletecollection" => 'D',
            other => other.chars().next().unwrap(),
        };
        let verbs: String = real["verbs"].as_array().unwrap().iter().map(initial).collect();
        let sorted = |letters: &str| letters.chars().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&verbs), sorted(words[6]), "{line}");
        for sub in words.iter().filter_map(|word| word.strip_prefix("sub=")) {
            let name = format!("{}/{}", words[3], sub.split(':').next().unwrap());
            assert!(find(&name).is_some(), "the real server has no {name}");
        }
    }
}

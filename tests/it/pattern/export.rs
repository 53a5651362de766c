//! Patterns become manifests, charts and artefacts, and come back.

use proptest::prelude::*;
use serde_json::{Value, json};

use mesheryctl::base::yaml;
use mesheryctl::pattern::convert::{self, Source, manifests};
use mesheryctl::pattern::export::objects::Options;
use mesheryctl::pattern::{export, parse};

use super::import::FIXTURES;
use crate::support::env::Env;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/shop.yaml");

#[test]
fn manifests_come_in_order_and_without_marks() {
    let env = Env::new();
    let output = env.ctl(["pattern", "export", "-f", SHOP]).ok();
    let objects = yaml::read_kubernetes_stream(&output.stdout).unwrap();
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.len(), kinds[0], kinds.contains(&"Campaign")), (17, "Namespace", true));
    assert!(!output.stdout.contains("pattern.meshery.io"), "{output}");
    let marked = env.ctl(["pattern", "export", "-f", SHOP, "--with-marks"]).ok();
    assert!(marked.stdout.contains("pattern.meshery.io/name: shop"), "{marked}");
    let folder = env.ctl(["pattern", "export", "-f", SHOP, "-d", "out"]).ok();
    assert_eq!(folder.stdout, "pattern shop written as manifests to out (17 files)\n");
    assert!(env.read("work/out/00-shop.yaml").contains("kind: Namespace"));
    let full = env.ctl(["pattern", "export", "-f", SHOP, "-d", "out"]).run();
    assert!(full.code == Some(2) && full.stderr.contains("out is not empty"), "{full}");
}

#[test]
fn exported_manifests_import_to_the_same_objects() {
    let env = Env::new();
    for source in [format!("{FIXTURES}/bookshop.yaml"), SHOP.to_owned()] {
        let pattern = env.ctl(["pattern", "import", "-f", &source, "-q"]).ok().stdout;
        env.write("work/pattern.yaml", pattern);
        let exported = env.ctl(["pattern", "export", "-f", "pattern.yaml"]).ok().stdout;
        env.write("work/manifests.yaml", &exported);
        let back = env.ctl(["pattern", "import", "-f", "manifests.yaml", "-q"]).ok().stdout;
        env.write("work/back.yaml", back);
        let again = env.ctl(["pattern", "export", "-f", "back.yaml"]).ok().stdout;
        let sorted = |text: &str| {
            let mut objects: Vec<String> =
                yaml::read_kubernetes_stream(text).unwrap().into_iter().map(|object| canonical(&object)).collect();
            objects.sort();
            objects
        };
        assert_eq!(sorted(&exported), sorted(&again), "{source}");
    }
}

/// JSON with sorted keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", canonical(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[test]
fn a_kind_that_nobody_knows_needs_its_api_version() {
    let env = Env::new();
    env.write("work/p.yaml", "name: p\nservices:\n  a:\n    type: Gadget\n");
    let output = env.ctl(["pattern", "export", "-f", "p.yaml"]).run();
    assert!(output.code == Some(65) && output.stderr.contains("p.yaml:4:5"), "{output}");
    assert!(output.stderr.contains("Write `apiVersion` beside the service's `type`."), "{output}");
    let nothing = env.ctl(["pattern", "export"]).run();
    assert!(nothing.code == Some(2) && nothing.stderr.contains("there is nothing to export"), "{nothing}");
    let binary = env.ctl(["pattern", "export", "-f", SHOP, "--format", "helm"]).run();
    assert!(binary.code == Some(2) && binary.stderr.contains("does not go to standard output"), "{binary}");
}

#[test]
fn a_layout_brings_the_file_back_byte_for_byte() {
    let env = Env::new();
    let text = std::fs::read_to_string(SHOP).unwrap();
    let tar =
        env.ctl(["pattern", "export", "-f", SHOP, "--format", "oci", "--output-file", "shop.tar", "-o", "json"]).ok();
    let folder = env.ctl(["pattern", "export", "-f", SHOP, "--format", "oci", "-d", "layout", "-o", "json"]).ok();
    assert_eq!(tar.json()["digest"], folder.json()["digest"]);
    assert!(env.path("work/layout/blobs/sha256").is_dir() && env.path("work/layout/index.json").is_file());
    for source in ["shop.tar", "layout"] {
        let back = env.ctl(["pattern", "import", "-f", source, "-q"]).ok();
        assert_eq!(back.stdout, text, "{source}");
        let json = env.ctl(["pattern", "import", "-f", source, "-o", "json"]).ok().json();
        assert_eq!(json["format"], "oci");
    }
    let blob = std::fs::read_dir(env.path("work/layout/blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    std::fs::write(&blob, "name: other\nservices: {}\n").unwrap();
    let damaged = env.ctl(["pattern", "import", "-f", "layout"]).run();
    assert!(damaged.code == Some(65) && damaged.stderr.contains("layout is damaged"), "{damaged}");
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)),
        "[ -~\n\t\u{e9}]{0,24}".prop_map(Value::from),
        proptest::sample::select(vec![
            "yes",
            "off",
            "1.10",
            "0x1f",
            "~",
            "null",
            "---",
            "a: b",
            "# c",
            "$(#ref.vars.a)",
            "$$(#ref",
            "{{ .X }}",
            " lead",
            "line\n",
            "a\n\nb\n\n",
            "2020-01-01",
            "!x",
            "&a",
            "*a",
            "|"
        ])
        .prop_map(Value::from),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        "[a-z][a-zA-Z0-9]{0,8}",
        proptest::sample::select(vec![
            "name",
            "labels",
            "namespace",
            "kind",
            "spec",
            "role Ref",
            "on",
            "metadata",
            "1",
            "a.b/c",
            "$(#ref.x)"
        ])
        .prop_map(str::to_owned),
    ];
    scalar().prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    let kind = proptest::sample::select(vec![
        ("v1", "ConfigMap", true),
        ("apps/v1", "Deployment", true),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", false),
        ("example.org/v1", "Thing", true),
        ("networking.istio.io/v1beta1", "VirtualService", true),
        ("v1", "Namespace", false),
    ]);
    let top = proptest::sample::select(vec!["spec", "data", "rules", "name", "labels", "extra", "status2"]);
    let rest = proptest::collection::btree_map(top, body(), 0..4);
    let strings = proptest::collection::btree_map("[a-z]{1,5}", "[ -~]{0,10}", 0..3);
    (kind, "[a-z][a-z0-9]{0,6}", proptest::option::of("[a-z][a-z0-9]{0,4}"), rest, strings).prop_map(
        |((api_version, kind, namespaced), name, namespace, rest, annotations)| {
            let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
            if let (true, Some(namespace)) = (namespaced, namespace) {
                object["metadata"]["namespace"] = json!(namespace);
            }
            if !annotations.is_empty() {
                object["metadata"]["annotations"] = json!(annotations);
            }
            for (key, value) in rest {
                object[key] = value;
            }
            object
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn any_objects_survive_import_and_export(objects in proptest::collection::vec(object(), 1..6)) {
        let mut text = String::new();
        for object in &objects {
            text.extend(["---\n", &yaml::write_kubernetes(object).unwrap()]);
        }
        let found = manifests::read(&Source { name: "m.yaml".into(), text: text.clone() }).unwrap();
        let mut wanted: Vec<String> = objects.iter().map(canonical).collect();
        let read: Vec<String> = found.iter().map(|found| canonical(&Value::Object(found.body.clone()))).collect();
        prop_assert_eq!(&wanted, &read, "{}", text);
        // The same object twice with other content is refused, which the unit tests show.
        let Ok(imported) = convert::assemble("p", found) else { return Ok(()) };
        let document = parse::parse("p.yaml", &imported.text).unwrap();
        let exported = export::objects(&document, Options::default());
        prop_assert!(exported.is_ok(), "{:?}\n{}", exported, imported.text);
        let mut got: Vec<String> = exported.unwrap().objects.iter().map(|object| canonical(&object.body)).collect();
        wanted.sort();
        wanted.dedup();
        got.sort();
        prop_assert_eq!(wanted, got, "{}", imported.text);
    }
}
